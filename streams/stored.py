"""How far the store lags behind Kafka: end offsets against recorded progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from streams.broker import client_options
from streams.config import KafkaAccess, Settings
from streams.records import SOURCES
from streams.store import progress, rollup
from streams.store.client import Store


class EndOffsets:
    """Asks Kafka for the end of every source partition, over one connection. For one thread."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._consumer: Any = None

    def read(self) -> dict[tuple[str, int], int]:
        """(topic, partition) → the offset after its last record. Raises KafkaError, after which the next call connects anew."""
        from kafka import KafkaConsumer, TopicPartition
        from kafka.errors import KafkaError

        try:
            self._consumer = self._consumer or KafkaConsumer(**client_options(self._access), bootstrap_timeout_ms=5_000)
            numbers = {topic: self._consumer.partitions_for_topic(topic) or () for topic in SOURCES}
            places = [TopicPartition(topic, number) for topic in SOURCES for number in numbers[topic]]
            return {(place.topic, place.partition): end for place, end in self._consumer.end_offsets(places).items()}
        except KafkaError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the connection."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def end_offsets(access: KafkaAccess) -> dict[tuple[str, int], int]:
    """(topic, partition) → the offset after its last record, for all source topics. Raises KafkaError."""
    with closing(EndOffsets(access)) as ends:
        return ends.read()


def lag(ends: dict[tuple[str, int], int], store: Store) -> int:
    """Kafka values that are not stored yet."""
    stored = {(one.topic, one.partition): one.offset for one in progress.read(store)}
    return sum(max(0, end - stored.get(place, 0)) for place, end in ends.items())


def wait_until_stored(settings: Settings, told: Callable[[str], None], every: float = 1.0) -> None:
    """Returns when all that is in Kafka now is stored and in the rollups; `told` hears what is left. Raises as Kafka and the
    store do."""
    ends = end_offsets(settings.kafka_access())
    with closing(Store(settings.clickhouse_access("reader"))) as store:
        heard = time.monotonic()
        while left := _left(ends, store):
            if time.monotonic() - heard > every:
                heard = time.monotonic()
                told(left)
            time.sleep(0.1)


def _left(ends: dict[tuple[str, int], int], store: Store) -> str:
    if values := lag(ends, store):
        return f"{values:,} Kafka values to be stored"
    minutes = rollup.marked(store)
    return f"{minutes:,} minutes to be rolled up" if minutes else ""
