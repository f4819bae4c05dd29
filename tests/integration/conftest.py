"""A fresh line for a module: empty topics, a migrated database of its own, and workers that end with it."""

from __future__ import annotations

import gc
import uuid
import warnings
from collections.abc import Iterator

import msgspec
import pytest
from workers import Line, until

from streams import records as r
from streams import topics
from streams.broker import client_options
from streams.config import Settings
from streams.local.parts import Parts
from streams.store.client import Store
from streams.store.schema import migrate


@pytest.fixture(scope="module", autouse=True)
def _leftovers() -> Iterator[None]:
    """Sockets of a broker that died, which kafka-python leaves to the garbage collector, must not fail a later test."""
    _collect()
    yield
    _collect()


@pytest.fixture(scope="module")
def line(parts: Parts, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line without data; its workers are ended with the module."""
    from kafka import KafkaAdminClient

    with KafkaAdminClient(**client_options(settings.kafka_access())) as admin:
        old = sorted({*r.SOURCES, *r.SINKS} & set(admin.list_topics()))
        if old:
            admin.delete_topics(old)
            until(lambda: not set(old) & set(admin.list_topics()), "old topics are gone")
    topics.create(settings.kafka_access(), partitions=4)
    admin_store = Store(settings.clickhouse_access("admin"))
    migrate(admin_store, settings.retention_days)
    fresh = msgspec.structs.replace(settings, group=f"test-{uuid.uuid4().hex[:8]}")
    made = Line(fresh, admin_store, tmp_path_factory.mktemp("workers"))
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()
    admin_store.close()


def _collect() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
