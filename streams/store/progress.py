"""How far storing and judging have come: offsets and event times per Kafka partition, and the minute correlated through."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from streams.store.client import Store


class PartitionProgress(NamedTuple):
    """All of a partition up to `offset` is stored; `latest` is the newest event time in it (epoch seconds)."""

    topic: str
    partition: int
    offset: int
    latest: float


def record(store: Store, topic: str, partition: int, offset: int, latest: float) -> None:
    """Note that a partition is stored up to `offset`, events up to `latest` (epoch seconds). An older note changes nothing."""
    record_all(store, [PartitionProgress(topic, partition, offset, latest)])


def record_all(store: Store, reached: Sequence[PartitionProgress]) -> None:
    """As `record`, for many partitions in one insert."""
    store.insert(
        "ingest_progress",
        {
            "topic": [one.topic for one in reached],
            "partition": [one.partition for one in reached],
            "offset": [one.offset for one in reached],
            "latest": [int(one.latest * 1000) for one in reached],
        },
    )


def read(store: Store) -> list[PartitionProgress]:
    """What each partition has been stored up to."""
    rows = store.rows(
        "SELECT topic, partition, max(offset), toUnixTimestamp64Milli(max(latest)) / 1000 FROM ingest_progress"
        " GROUP BY topic, partition ORDER BY topic, partition"
    )
    return [PartitionProgress(*row) for row in rows]


def correlated_through(store: Store) -> int | None:
    """The minute (epoch seconds, exclusive) up to which correlation has judged, or None when it never has."""
    rows = store.rows("SELECT toUnixTimestamp(through) FROM correlation_progress FINAL WHERE name = 'correlator'")
    return int(rows[0][0]) if rows else None


def set_correlated_through(store: Store, minute: int) -> None:
    """Note that correlation has judged everything before `minute` (epoch seconds)."""
    store.insert("correlation_progress", {"name": ["correlator"], "through": [minute], "version": [time.time_ns()]})
