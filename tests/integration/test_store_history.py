"""What the store answers about the past equals a naive computation over the same records."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from models.topology import parse_topology
from models.window import ChangeMark, SeriesKey
from streams.config import Settings
from streams.history import History, Said
from streams.store import progress, rollup, topology
from streams.store.client import Store
from streams.store.history import StoredHistory
from streams.store.schema import migrate

pytestmark = pytest.mark.integration
START = 1_764_547_200 - 7200  # two hours before 2025-12-01T00:00Z
SPAN = 5 * 3600
SERVICES = """
services:
- {name: pay, idcs: [bj-1, sh-1], depends_on: [risk]}
- {name: risk, idcs: [sh-1]}
- {name: cart}
"""
RNG = random.Random(11)


def some_complaints() -> list[dict[str, Any]]:
    return [
        {
            "ts": START * 1000 + RNG.randrange(SPAN * 1000),
            "id": f"c{number}",
            "text": f"第 {number} 句",
            "service": RNG.choice(["pay", "risk", "cart"]),
            "category": RNG.choice(["", "故障", "体验"]),
            "polarity": RNG.choice([-1, 0, 1]),
            "rating": RNG.randrange(6),
            "channel": RNG.choice(["app", "hotline"]),
            "region": "北京",
            "app_version": "9.1",
            "cohort": RNG.choice(["", "gray"]),
        }
        for number in range(1500)
    ]


def some_points() -> list[dict[str, Any]]:
    places = [("app", "pay"), ("business", "pay"), ("experience", "pay"), ("app", "risk"), ("app", "cart")]
    places += [("idc", "bj-1"), ("idc", "sh-1")]
    return [
        {
            "ts": START * 1000 + RNG.randrange(SPAN * 1000),
            "layer": layer,
            "service": service,
            "metric": RNG.choice(["rt", "qps"]),
            "labels": f'{{"n":"{number}"}}',
            "cohort": RNG.choice(["", "gray"]),
            "value": RNG.random() * 100,
        }
        for number in range(4000)
        for layer, service in [RNG.choice(places)]
    ]


COMPLAINTS, POINTS = some_complaints(), some_points()
CHANGES = [
    {
        "ts": (START + 60 * n) * 1000 + 999,
        "id": f"r{n}",
        "kind": "release",
        "service": RNG.choice(["pay", "risk"]),
        "title": "新版",
        "stage": "gray",
        "cohort": "gray",
    }
    for n in range(0, 300, 7)
]


def put(store: Store, table: str, records: list[dict[str, Any]]) -> None:
    store.insert(table, {name: [record[name] for record in records] for name in records[0]})


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    admin = Store(settings.clickhouse_access("admin"))
    migrate(admin, 90)
    admin.close()
    writer = Store(settings.clickhouse_access("writer"))
    topology.save(writer, parse_topology(SERVICES))
    for _ in range(2):  # everything is delivered twice
        put(writer, "complaints", COMPLAINTS)
        put(writer, "metrics", POINTS)
        put(writer, "changes", CHANGES)
        rollup.mark(writer, "complaints", [record["ts"] // 1000 for record in COMPLAINTS])
        rollup.mark(writer, "metrics", [record["ts"] // 1000 for record in POINTS])
        rollup.refresh(writer)
    yield writer
    writer.close()


@pytest.fixture(scope="module")
def history(store: Store) -> History:
    return StoredHistory(store)


WINDOWS = [(START, START + SPAN), (START + 3600, START + 3600 + 90 * 60), (START + 61, START + 1739), (START - 86400, START)]


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_counts(history: History, start: int, end: int) -> None:
    wanted: defaultdict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for record in COMPLAINTS:
        minute = record["ts"] // 60_000 * 60
        if start <= minute < end:
            cell = wanted[minute, record["service"], record["category"]]
            cell[0] += 1
            cell[1] += record["polarity"] < 0
    got = history.counts(start, end)
    assert list(zip(got.minute.tolist(), got.service, got.category, got.total.tolist(), got.negative.tolist(), strict=True)) == [
        (*key, *cell) for key, cell in sorted(wanted.items())
    ]
    assert got.minute.dtype == got.total.dtype == got.negative.dtype == np.int64


@pytest.mark.parametrize(("start", "end"), [WINDOWS[0], WINDOWS[1], WINDOWS[3]])
def test_channels(history: History, start: int, end: int) -> None:
    said = [record for record in COMPLAINTS if start * 1000 <= record["ts"] < end * 1000]
    wanted = Counter((record["ts"] // 60_000 * 60, record["channel"]) for record in said)
    got = history.channels(start, end)
    assert list(zip(got.minute.tolist(), got.channel, got.total.tolist(), strict=True)) == [
        (*key, n) for key, n in sorted(wanted.items())
    ]


@pytest.mark.parametrize(("start", "end"), WINDOWS)
@pytest.mark.parametrize("services", [(), ("pay", "bj-1"), ("nobody",)])
def test_metrics(history: History, services: tuple[str, ...], start: int, end: int) -> None:
    wanted: defaultdict[SeriesKey, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in POINTS:
        minute = record["ts"] // 60_000 * 60
        if start <= minute < end and (not services or record["service"] in services):
            wanted[SeriesKey(record["layer"], record["service"], record["metric"])][minute].append(record["value"])
    window = history.metrics(services, start, end)
    assert window.keys == tuple(sorted(wanted))
    assert window.step == 60 and window.times.tolist() == list(range(-(-start // 60) * 60, end, 60))
    grid = [
        [math.fsum(points[at]) / len(points[at]) if at in points else math.nan for at in window.times.tolist()]
        for _, points in sorted(wanted.items())
    ]
    np.testing.assert_allclose(window.values, np.array(grid).reshape(window.values.shape), rtol=1e-12)


@pytest.mark.parametrize(("start", "end"), [*WINDOWS, (START + 60, START + 61), (START + 420, START + 421)])
def test_changes(history: History, start: int, end: int) -> None:
    for services in ((), ("pay",)):
        assert history.changes(services, start, end) == [
            ChangeMark(c["id"], c["ts"] // 1000, "release", c["service"], "新版", "gray", "gray")
            for c in CHANGES
            if start * 1000 <= c["ts"] < end * 1000 and (not services or c["service"] in services)
        ]


@pytest.mark.parametrize(("start", "end"), WINDOWS)
@pytest.mark.parametrize("category", ["", "故障"])
def test_said(history: History, category: str, start: int, end: int) -> None:
    chosen = sorted(
        (c for c in COMPLAINTS
         if c["service"] == "pay" and category in ("", c["category"]) and start * 1000 <= c["ts"] < end * 1000),
        key=lambda c: (c["ts"], c["id"]), reverse=True,
    )  # fmt: skip
    for limit in (3, 10_000):
        assert history.said("pay", category, start, end, limit) == [
            Said(c["id"], c["ts"] // 1000, c["text"], c["polarity"], c["service"], c["category"], c["channel"], c["region"],
                 c["app_version"], c["cohort"], c["rating"] or None)
            for c in chosen[:limit]
        ]  # fmt: skip


def test_correlated_is_one_line_a_service_and_minute(store: Store) -> None:
    hosted = {"pay": ("bj-1", "sh-1"), "risk": ("sh-1",)}
    means: defaultdict[tuple[int, str, str, str], list[float]] = defaultdict(list)
    for record in POINTS:
        means[record["ts"] // 60_000 * 60, record["layer"], record["service"], record["metric"]].append(record["value"])
    said = [(record["ts"] // 60_000 * 60, record["service"], record["polarity"]) for record in COMPLAINTS]
    for service in ("pay", "risk", "cart"):
        rows = store.rows(
            "SELECT toUnixTimestamp(minute), complaints, negative, negative_share, business, app, idc, changes, experience"
            " FROM correlated_1m WHERE service = {service:String} ORDER BY minute",
            {"service": service},
        )
        assert len(rows) == len({row[0] for row in rows})
        for at, complaints, negative, share, business, app, idc, changes, experience in rows:
            here = [polarity for minute, name, polarity in said if (minute, name) == (at, service)]
            assert (complaints, negative) == (len(here), here.count(-1))
            assert share == (here.count(-1) / len(here) if here else 0)
            for layer, found in (("business", business), ("app", app), ("experience", experience)):
                wanted = {key[3]: v for key, v in means.items() if key[:3] == (at, layer, service)}
                assert found == {name: pytest.approx(math.fsum(v) / len(v)) for name, v in wanted.items()}
            places = {
                f"{key[2]}.{key[3]}": v
                for key, v in means.items()
                if key[:2] == (at, "idc") and key[2] in hosted.get(service, ())
            }
            assert idc == {name: pytest.approx(math.fsum(v) / len(v)) for name, v in places.items()}
            made = [c["id"] for c in CHANGES if (c["ts"] // 60_000 * 60, c["service"]) == (at, service)]
            assert sorted(changes) == sorted(f"release gray {name} 新版" for name in made)
        minutes = {at for at, name, _ in said if name == service} | {
            key[0] for key in means if key[2] in (service, *hosted.get(service, ()))
        }
        assert minutes <= {row[0] for row in rows}


def test_a_filter_on_service_and_minute_reaches_every_table(store: Store) -> None:
    """Fifty more services over ten more days must not be read for an hour of one."""
    day = 86400
    minutes = np.repeat(START // day * day - day * 10 + np.arange(0, day * 10, 600), 50)
    columns = {"minute": minutes, "layer": ["app"] * len(minutes), "service": [f"s{n % 50}" for n in range(len(minutes))]}
    store.insert("metrics_1m", {**columns, "points": [1] * len(minutes), "version": [1] * len(minutes)})
    del columns["layer"]
    store.insert("complaints_1m", {**columns, "total": [1] * len(minutes), "version": [1] * len(minutes)})
    plan = store.rows(
        "EXPLAIN indexes = 1 SELECT * FROM correlated_1m"
        " WHERE service = 's3' AND minute >= {start:DateTime} AND minute < {end:DateTime}",
        {"start": START, "end": START + 3600},
    )
    lines = [line.strip() for (line,) in plan]
    assert len([line for line in lines if "Condition:" in line and "toDate(minute)" in line and "'s3'" in line]) == 1
    assert len([line for line in lines if "Condition:" in line and "toDate(minute)" in line and "'idc'" in line]) >= 1
    assert len([line for line in lines if "Condition:" in line and line.count("minute in") == 2 and "'s3'" in line]) == 1
    assert [line for line in lines if "Condition: and((toStartOfMinute(toDateTime(ts" in line]


def test_progress_never_goes_back(store: Store) -> None:
    assert progress.correlated_through(store) is None
    progress.record(store, "huiyin.metrics", 1, 500, 1000.25)
    progress.record(store, "huiyin.metrics", 1, 300, 2000.5)
    progress.record(store, "huiyin.complaints", 0, 7, 10.0)
    assert progress.read(store) == [("huiyin.complaints", 0, 7, 10.0), ("huiyin.metrics", 1, 500, 2000.5)]
    for minute in (START, START - 600):
        progress.set_correlated_through(store, minute)
        assert progress.correlated_through(store) == minute


def test_topology_says_what_the_file_says(store: Store) -> None:
    assert topology.save(store, parse_topology(SERVICES)) is False
    assert topology.save(store, parse_topology("services:\n- {name: pay, title: 支付}\n- {name: new}\n")) is True
    assert store.rows("SELECT service, title, idcs FROM topology FINAL ORDER BY service") == [
        ("new", "", []),
        ("pay", "支付", []),
    ]
    assert topology.save(store, parse_topology(SERVICES)) is True
    assert store.rows("SELECT count() FROM topology FINAL") == [(3,)]
    assert topology.save(store, parse_topology("")) is True
    assert store.rows("SELECT count() FROM topology FINAL") == [(0,)]
