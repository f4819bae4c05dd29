"""For integration tests: hours of the demonstration's day in ClickHouse, through the worker's own tagger, sink and rollup."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from contextlib import closing

import msgspec

from models.tag import load_tagger
from streams import records
from streams.config import Settings
from streams.decode import Delivery
from streams.demo.scenario import Scenario
from streams.demo.shop import topology
from streams.records import Incident, IncidentEvent
from streams.sink import Sink
from streams.store import incidents, rollup
from streams.store import topology as stored_topology
from streams.store.client import Store
from streams.store.schema import migrate

ARRAY = 1000


def fill(settings: Settings, scenario: Scenario, start: int, end: int) -> None:
    """Migrates, and stores the scenario's records of epoch seconds [start, end) with all that is derived from them."""
    with closing(Store(settings.clickhouse_access("admin"))) as admin:
        migrate(admin, settings.retention_days)
    values: dict[str, list[bytes]] = defaultdict(list)
    for topic, _, record in scenario.records(start, end):
        values[topic].append(msgspec.json.encode(record))
    with closing(Store(settings.clickhouse_access("writer"))) as store:
        sink = Sink(store, load_tagger(topology()), 60, threading.Event())
        for topic, lines in values.items():
            size = 1 if topic == records.COMPLAINTS else ARRAY  # wrong ones travel alone
            arrays = [lines[at : at + size] for at in range(0, len(lines), size)]
            payloads = [part[0] if size == 1 else b"[" + b",".join(part) + b"]" for part in arrays]
            sink.process([Delivery(records.Origin(topic, 0, offset), payload) for offset, payload in enumerate(payloads)])
        stored_topology.save(store, topology())
        while rollup.refresh(store):
            pass


def incident(service: str, opened: int, **fields: object) -> Incident:
    """An incident of the shop, open unless `fields` say otherwise."""
    moment = dt.datetime.fromtimestamp(opened, dt.UTC)
    values: dict[str, object] = {
        "id": f"{service}-{opened}", "service": service, "services": (service,), "category": "payment", "level": 3,
        "status": "open", "onset": moment - dt.timedelta(minutes=4), "opened_at": moment, "updated_at": moment,
        "complaints": 77, "verdict": "unexplained", "title": f"{service} 投诉激增",
    }  # fmt: skip
    return Incident(**{**values, **fields})  # type: ignore[arg-type]


def save(settings: Settings, *saved: Incident) -> None:
    """Stores incidents."""
    with closing(Store(settings.clickhouse_access("writer"))) as store:
        incidents.save(store, [IncidentEvent("opened", one) for one in saved])
