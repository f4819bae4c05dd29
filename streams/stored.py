"""How far the store lags behind Kafka: end offsets against recorded progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from streams.broker import client_options
from streams.config import KafkaAccess, Settings
from streams.records import SOURCES
from streams.store import progress
from streams.store.client import Store


def end_offsets(access: KafkaAccess) -> dict[tuple[str, int], int]:
    """(topic, partition) → the offset after its last record, for all source topics. Raises KafkaError."""
    from kafka import KafkaConsumer, TopicPartition

    with closing(KafkaConsumer(**client_options(access))) as consumer:
        places = [TopicPartition(topic, number) for topic in SOURCES for number in consumer.partitions_for_topic(topic) or ()]
        return {(place.topic, place.partition): end for place, end in consumer.end_offsets(places).items()}


def lag(ends: dict[tuple[str, int], int], store: Store) -> int:
    """Kafka values that are not stored yet."""
    stored = {(one.topic, one.partition): one.offset for one in progress.read(store)}
    return sum(max(0, end - stored.get(place, 0)) for place, end in ends.items())


def wait_until_stored(settings: Settings, told: Callable[[int], None], every: float = 1.0) -> None:
    """Returns when all that is in Kafka now is stored; `told` hears what is left. Raises as Kafka and the store do."""
    ends = end_offsets(settings.kafka_access())
    with closing(Store(settings.clickhouse_access("reader"))) as store:
        heard = time.monotonic()
        while left := lag(ends, store):
            if time.monotonic() - heard > every:
                heard = time.monotonic()
                told(left)
            time.sleep(0.1)
