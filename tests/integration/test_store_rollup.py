"""Rollups on the real ClickHouse equal what the distinct records say, whatever is sent twice, late, tagged anew or killed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from streams.config import Settings
from streams.local.parts import Parts
from streams.store import rollup
from streams.store.client import Store, StoreUnavailable
from streams.store.schema import keep_for, migrate

pytestmark = pytest.mark.integration
DAY = 1_767_225_600  # 2026-01-01T00:00Z, epoch seconds


class Said(NamedTuple):
    """A complaint as far as its rollup goes."""

    ts: int  # ms
    id: str
    service: str
    category: str
    polarity: int


class Point(NamedTuple):
    """A metric point; `labels` tell its series, `cohort` is one of them."""

    ts: int  # ms
    service: str
    metric: str
    cohort: str
    labels: str
    value: float


@pytest.fixture(scope="module")
def migrated(settings: Settings) -> Settings:
    admin = Store(settings.clickhouse_access("admin"))
    migrate(admin, 90)
    admin.close()
    return settings


@pytest.fixture
def store(migrated: Settings) -> Iterator[Store]:
    admin = Store(migrated.clickhouse_access("admin"))
    for table in ("complaints", "metrics", "complaints_1m", "metrics_1m", "dirty_minutes"):
        admin.execute(f"TRUNCATE TABLE {table}")
    admin.close()
    writer = Store(migrated.clickhouse_access("writer"))
    yield writer
    writer.close()


def put_complaints(store: Store, said: Sequence[Said]) -> None:
    columns = dict(zip(Said._fields, map(list, zip(*said, strict=True)), strict=True))
    store.insert("complaints", {**columns, "sentiment": [0.5 * one.polarity for one in said]})


def put_points(store: Store, points: Sequence[Point]) -> None:
    columns = dict(zip(Point._fields, map(list, zip(*points, strict=True)), strict=True))
    store.insert("metrics", {**columns, "layer": ["app"] * len(points)})


def sink(store: Store, records: Sequence[Said | Point]) -> None:
    """As the sink does: raw rows, then marks."""
    said = [record for record in records if isinstance(record, Said)]
    points = [record for record in records if isinstance(record, Point)]
    if said:
        put_complaints(store, said)
        rollup.mark(store, "complaints", [one.ts // 1000 for one in said])
    if points:
        put_points(store, points)
        rollup.mark(store, "metrics", [one.ts // 1000 for one in points])


def expected_complaints(records: Iterable[Said | Point]) -> list[tuple[int, str, str, int, int, int, float]]:
    last = {(one.ts, one.id): one for one in records if isinstance(one, Said)}
    rows: defaultdict[tuple[int, str, str], Counter[int]] = defaultdict(Counter)
    for one in last.values():
        rows[one.ts // 60_000 * 60, one.service, one.category][one.polarity] += 1
    return sorted((*key, sum(found.values()), found[-1], found[1], 0.5 * (found[1] - found[-1])) for key, found in rows.items())


def expected_metrics(records: Iterable[Said | Point]) -> list[tuple[int, str, str, str, int, float, float, float]]:
    last = {(one.ts, one.service, one.metric, one.labels): one for one in records if isinstance(one, Point)}
    rows: defaultdict[tuple[int, str, str, str], list[float]] = defaultdict(list)
    for one in last.values():
        rows[one.ts // 60_000 * 60, one.service, one.metric, one.cohort].append(one.value)
    return sorted((*key, len(found), sum(found), min(found), max(found)) for key, found in rows.items())


def stored_complaints(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT toUnixTimestamp(minute), service, category, total, negative, positive, sentiment_sum FROM complaints_per_minute"
        " ORDER BY ALL"
    )


def stored_metrics(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT toUnixTimestamp(minute), service, metric, cohort, points, sum, min, max FROM metrics_per_minute ORDER BY ALL"
    )


def agree(store: Store, records: Sequence[Said | Point]) -> None:
    """Raw rows and rollups are those of the distinct records. Values are eighths: their sums are exact in any order."""
    complaints, metrics = expected_complaints(records), expected_metrics(records)
    assert store.rows("SELECT count() FROM complaints FINAL")[0][0] == sum(row[3] for row in complaints)
    assert store.rows("SELECT count() FROM metrics FINAL")[0][0] == sum(row[4] for row in metrics)
    assert stored_complaints(store) == complaints
    assert stored_metrics(store) == metrics


def some_records(rng: random.Random, count: int, minutes: int = 90) -> list[Said | Point]:
    made: list[Said | Point] = []
    for number in range(count):
        ts = (DAY - 1800) * 1000 + rng.randrange(minutes * 60_000)  # across a day, a month and a year
        service = rng.choice(["pay", "risk", "退款"])
        if rng.random() < 0.5:
            made.append(Said(ts, f"c{number}", service, rng.choice(["", "故障"]), rng.choice([-1, -1, 0, 1])))
        else:
            cohort = rng.choice(["", "gray"])
            zone = rng.randrange(3)
            labels = f'{{"cohort":"{cohort}","zone":"{zone}"}}'
            made.append(Point(ts, service, rng.choice(["rt", "qps"]), cohort, labels, rng.randrange(8000) / 8))
    return made


def batches(rng: random.Random, records: Sequence[Said | Point]) -> Iterator[Sequence[Said | Point]]:
    start = 0
    while start < len(records):
        size = rng.randint(1, 400)
        yield records[start : start + size]
        start += size


def test_the_same_records_again_in_other_batches_change_nothing(store: Store) -> None:
    rng = random.Random(1)
    records = some_records(rng, 3000)
    for batch in batches(rng, records):
        sink(store, batch)
    marked = rollup.marked(store)
    assert rollup.refresh(store) == marked > 0
    agree(store, records)
    assert rollup.refresh(store) == rollup.marked(store) == 0
    again = records[:]
    rng.shuffle(again)
    for batch in batches(rng, again):
        sink(store, batch)
        if rng.random() < 0.3:
            rollup.refresh(store)
    rollup.refresh(store)
    agree(store, records)
    assert rollup.refresh(store) == 0


def test_a_late_record_opens_its_minute_again(store: Store) -> None:
    early = [Said(DAY * 1000 + 5, "a", "pay", "", -1), Point(DAY * 1000, "pay", "rt", "", "", 1.0)]
    sink(store, early)
    assert rollup.refresh(store) == 2
    late = [Said(DAY * 1000 + 59_999, "b", "pay", "", 1), Point(DAY * 1000 + 59_999, "pay", "rt", "", "", 3.0)]
    sink(store, late)
    assert rollup.refresh(store) == 2
    agree(store, early + late)
    assert stored_metrics(store) == [(DAY, "pay", "rt", "", 2, 4.0, 1.0, 3.0)]


def test_a_corrected_value_replaces_the_old_one(store: Store) -> None:
    point = Point(DAY * 1000, "pay", "rt", "", "", 1.0)
    sink(store, [point])
    rollup.refresh(store)
    sink(store, [point._replace(value=5.0)])
    rollup.refresh(store)
    assert stored_metrics(store) == [(DAY, "pay", "rt", "", 1, 5.0, 5.0, 5.0)]


def test_a_complaint_tagged_anew_moves(store: Store) -> None:
    said = [Said(DAY * 1000 + n, f"c{n}", "pay", "故障", -1) for n in range(3)]
    sink(store, said)
    rollup.refresh(store)
    moved = [one._replace(service="risk", category="", polarity=0) for one in said[:2]]
    sink(store, moved)
    rollup.refresh(store)
    assert stored_complaints(store) == [(DAY, "pay", "故障", 1, 1, 0, -0.5), (DAY, "risk", "", 2, 0, 0, 0.0)]
    sink(store, [said[2]._replace(service="risk", category="")])
    rollup.refresh(store)
    assert stored_complaints(store) == [(DAY, "risk", "", 3, 1, 0, -0.5)]
    sink(store, said)
    rollup.refresh(store)
    agree(store, said)


def test_a_late_record_does_not_undo_a_minute_whose_raw_rows_expired(store: Store, migrated: Settings) -> None:
    long_ago = int(time.time() * 1000) - 50 * 86_400_000
    said = {"ts": [DAY * 1000 + n for n in range(5)], "service": ["pay"] * 5, "inserted_at": [long_ago] * 5}
    store.insert("complaints", {**said, "id": list("abcde")})
    store.insert("metrics", {**said, "layer": ["app"] * 5, "metric": ["rt"] * 5, "value": [1.0] * 5})
    for source in ("complaints", "metrics"):
        rollup.mark(store, source, [DAY])
    rollup.refresh(store)
    before = stored_complaints(store), stored_metrics(store)
    admin = Store(migrated.clickhouse_access("admin"))
    keep_for(admin, 30)
    for table in ("complaints", "metrics"):
        admin.execute(f"OPTIMIZE TABLE {table} FINAL")
        assert admin.rows(f"SELECT count() FROM {table}") == [(0,)]
    admin.close()
    sink(store, [Said(DAY * 1000 + 900, "late", "risk", "", -1), Point(DAY * 1000 + 900, "pay", "rt", "", "", 9.0)])
    assert rollup.refresh(store) == 2
    assert before[0][0][3:4] == (5,) and before[1][0][4:5] == (5,)
    assert (stored_complaints(store), stored_metrics(store)) == before


def test_minutes_of_years_are_refreshed_in_chunks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "CHUNK_MINUTES", 7)
    rng = random.Random(2)
    records = [record._replace(ts=record.ts - rng.randrange(4 * 365) * 86_400_000 // 8 * 8) for record in some_records(rng, 300)]
    for batch in batches(rng, records):
        sink(store, batch)
    minutes = {(type(record), record.ts // 60_000) for record in records}
    assert rollup.refresh(store) == len(minutes)
    agree(store, records)


def test_a_refresher_that_lands_late_is_put_right(store: Store, migrated: Settings) -> None:
    """It read a complaint where it was, another refresher worked off the same mark and the move, then its stale row lands."""
    said = Said(DAY * 1000, "a", "pay", "", -1)
    moved = said._replace(service="risk")

    class Late(Store):
        def execute(self, sql: str, parameters: Mapping[str, Any] = {}) -> None:
            target, _, select = sql.partition(")\nSELECT ")
            rows = self.columns(f"SELECT {select}", parameters)
            sink(store, [moved])
            rollup.refresh(store)
            self.insert("complaints_1m", dict(zip(target.split("(")[1].split(", "), rows, strict=True)))

    sink(store, [said])
    late = Late(migrated.clickhouse_access("writer"))
    rollup.refresh(late)
    late.close()
    assert [row[1] for row in stored_complaints(store)] == ["pay", "risk"]  # twice, for a moment
    assert rollup.refresh(store) == 1
    agree(store, [moved])
    assert rollup.refresh(store) == 0


def test_two_refreshers_at_once_end_right(store: Store, migrated: Settings) -> None:
    """Complaints keep moving between services while two refresh and one stores."""
    rng = random.Random(3)
    said = [Said(DAY * 1000 + rng.randrange(300_000), f"c{n}", "pay", "", -1) for n in range(200)]
    stop = threading.Event()
    failures: list[Exception] = []

    def keep_refreshing() -> None:
        own = Store(migrated.clickhouse_access("writer"))
        try:
            while not stop.is_set():
                rollup.refresh(own)
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=keep_refreshing) for _ in range(2)]
    for thread in threads:
        thread.start()
    latest = {one.id: one for one in said}
    for _ in range(60):
        moved = [one._replace(service=rng.choice(["pay", "risk", "cart"])) for one in rng.sample(said, 30)]
        latest |= {one.id: one for one in moved}
        sink(store, moved)
    sink(store, [one for one in said if latest[one.id] == one])
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    while rollup.refresh(store):
        pass
    agree(store, list(latest.values()))


def test_killed_between_insert_and_mark_and_between_mark_and_refresh(store: Store, parts: Parts) -> None:
    rng = random.Random(4)
    records = some_records(rng, 800)
    sink(store, records[:400])
    rollup.refresh(store)
    said = [record for record in records[400:] if isinstance(record, Said)]
    put_complaints(store, said)
    parts.kill_clickhouse()  # inserted, not marked: the sink has not acknowledged, Kafka delivers again
    parts.start_clickhouse()
    assert rollup.refresh(store) == 0
    sink(store, records[350:])
    parts.kill_clickhouse()  # marked, not refreshed
    parts.start_clickhouse()
    assert rollup.refresh(store) > 0
    agree(store, records)


def test_killed_again_and_again_under_load(store: Store, migrated: Settings, parts: Parts) -> None:
    """A sink that repeats what was not acknowledged, a refresher, and a server that dies at random moments."""
    rng = random.Random(5)
    records = some_records(rng, 15_000)
    stop = threading.Event()
    refreshed: list[int] = []

    def patiently(attempt: Callable[[], object]) -> None:
        while True:
            try:
                attempt()
                return
            except StoreUnavailable:
                time.sleep(0.05)

    def keep_refreshing() -> None:
        own = Store(migrated.clickhouse_access("writer"))
        while not stop.is_set():
            patiently(lambda: refreshed.append(rollup.refresh(own)))
        own.close()

    def keep_sinking() -> None:
        own = Store(migrated.clickhouse_access("writer"))
        for batch in batches(rng, records):
            patiently(lambda batch=batch: sink(own, batch))  # type: ignore[misc]
        own.close()

    refresher, sinker = threading.Thread(target=keep_refreshing), threading.Thread(target=keep_sinking)
    refresher.start()
    sinker.start()
    chance = random.Random(6)
    kills = 0
    while sinker.is_alive() and kills < 4:
        time.sleep(chance.uniform(0.2, 1.0))
        parts.kill_clickhouse()
        parts.start_clickhouse()
        kills += 1
    sinker.join()
    stop.set()
    refresher.join()
    assert kills > 1
    while rollup.refresh(store):
        pass
    agree(store, records)
