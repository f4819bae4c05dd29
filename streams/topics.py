"""Creates the Kafka topics that are missing, and leaves those that exist as they are."""

from __future__ import annotations

from typing import Any

from streams import records as r
from streams.broker import client_options
from streams.config import KafkaAccess

MAX_MESSAGE = 10_000_000  # bytes; an array of 1,000 complaints with long texts fits
# What comes in masses is spread over partitions, so that workers can share it; the rest is rare and keeps its order.
SPREAD = (r.COMPLAINTS, r.METRICS, r.MONITORS_APP, r.MONITORS_IDC, r.TAGGED)


class TopicsError(RuntimeError):
    """The broker did not create the topics, or cannot be reached."""


def create(access: KafkaAccess, partitions: int = 4, replication: int = 1) -> list[str]:
    """Creates what is missing of the sources and sinks; gives the names created. Raises TopicsError."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    try:
        with KafkaAdminClient(**client_options(access), bootstrap_timeout_ms=10_000) as admin:
            missing = sorted({*r.SOURCES, *r.SINKS} - set(admin.list_topics()))
            if missing:
                wanted = {name: _shape(name, partitions, replication) for name in missing}
                try:
                    admin.create_topics(wanted, wait_for_metadata=True)
                except TopicAlreadyExistsError:  # another worker was quicker with some of them
                    return create(access, partitions, replication)
            return missing
    except (KafkaError, OSError) as error:
        raise TopicsError(f"Kafka at {access.broker}: {error}") from error


def _shape(name: str, partitions: int, replication: int) -> dict[str, Any]:
    return {
        "num_partitions": partitions if name in SPREAD else 1,
        "replication_factor": replication,
        "configs": {"max.message.bytes": str(MAX_MESSAGE), "compression.type": "producer"},
    }
