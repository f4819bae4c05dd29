"""The experience index on the real ClickHouse: every slot once, whatever is interrupted, and the same as over a folder."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from streams.config import Settings
from streams.digest_rows import fetch
from streams.experience import days, slots, usual
from streams.folder import Folder
from streams.folder_past import FolderPast
from streams.store import rollup
from streams.store.client import Store
from streams.store.experience import DAY, STEP, ExperienceIndex
from streams.store.schema import migrate

pytestmark = pytest.mark.integration
ZONE = ZoneInfo("Asia/Shanghai")
START = int(dt.datetime(2026, 3, 2, tzinfo=ZONE).timestamp())
MINUTES = 2 * 1440 + 180
BROKEN = range(1440 + 600, 1440 + 660)  # ten to eleven on the second day


@pytest.fixture(scope="module")
def data() -> dict[str, list[dict[str, object]]]:
    """Two days and three hours: negative and other words about two services, a latency and an error rate, marks given."""
    random = np.random.default_rng(3)
    said: list[dict[str, object]] = []
    for minute in range(MINUTES):
        ill = minute in BROKEN
        for service, rate in (("pay", 0.3 + 1.5 * ill), ("search", 0.2)):
            for polarity, count in ((-1, random.poisson(rate)), (1, random.poisson(0.3))):
                said += [{"at": START + 60 * minute + place, "service": service, "polarity": polarity} for place in range(count)]
    answers = [{"complaint": f"c{number}", "at": START + 50_000 + number, "mark": 1 + number % 5} for number in range(0, 400, 3)]
    noise = random.lognormal(0, 0.1, (2, MINUTES))
    points: list[dict[str, object]] = [
        {
            "at": START + 60 * minute,
            "service": "pay",
            "metric": metric,
            "value": float(base * (1 + 8 * (minute in BROKEN)) * more),
        }
        for minute in range(MINUTES)
        for metric, base, more in (("latency_ms", 80.0, noise[0, minute]), ("error_rate", 0.004, noise[1, minute]))
    ]
    return {"complaints": [{"id": f"c{number}", **one} for number, one in enumerate(said)], "answers": answers, "points": points}


@pytest.fixture(scope="module")
def store(settings: Settings, data: dict[str, list[dict[str, object]]]) -> Iterator[Store]:
    """All of it stored and rolled up."""

    def columns(kind: str, **names: str) -> dict[str, list[object]]:
        return {
            column: [int(str(row[name])) * 1000 if name == "at" else row[name] for row in data[kind]]
            for column, name in names.items()
        }

    with closing(Store(settings.clickhouse_access("admin"))) as admin:
        migrate(admin, 90)
    with closing(Store(settings.clickhouse_access("writer"))) as made:
        made.insert("complaints", columns("complaints", ts="at", id="id", service="service", polarity="polarity"))
        made.insert(
            "metrics",
            columns("points", ts="at", service="service", metric="metric", value="value")
            | {"layer": ["app"] * len(data["points"])},
        )
        made.insert(
            "followups",
            columns("answers", ts="at", complaint="complaint", satisfaction="mark")
            | {"status": ["closed"] * len(data["answers"])},
        )
        for source, kind in (("complaints", "complaints"), ("metrics", "points")):
            rollup.mark(made, source, [int(str(row["at"])) for row in data[kind]])  # type: ignore[arg-type]
        rollup.refresh(made)
        yield made


def test_every_slot_is_there_once_and_goes_on_where_it_stopped(store: Store) -> None:
    assert ExperienceIndex(store, ZONE).refresh(START + 20 * 3600) == 0  # nothing is usual on the first day
    index = ExperienceIndex(store, ZONE)
    made = index.refresh(START + DAY + 11 * 3600 + 130)
    assert made == 2 * 11 * 12
    assert index.refresh(START + DAY + 11 * 3600 + 240) == 0  # the slot has not ended
    fresh = ExperienceIndex(store, ZONE)  # as after a restart, or another leader
    made += fresh.refresh(START + 60 * MINUTES)
    assert store.rows("SELECT count(), uniqExact(at, service) FROM experience WHERE step = 300") == [(made - 2, made - 2)]
    assert store.rows("SELECT toUnixTimestamp(at), service FROM experience WHERE step = 86400 ORDER BY service") == [
        (START + DAY, "pay"),
        (START + DAY, "search"),
    ]
    second = dt.datetime.fromtimestamp(START + DAY, ZONE).date()
    worst, best = fetch(store, second, ZONE).felt
    assert (worst.service, best.service) == ("pay", "search") and 60 < worst.points < best.points < 90
    assert worst.before is best.before is None and fetch(store, second - dt.timedelta(days=1), ZONE).felt == []
    store.insert("experience", {"step": [DAY], "at": [START], "service": ["pay"], "points": [50.0]})
    assert [one.before for one in fetch(store, second, ZONE).felt] == [50.0, None]
    store.insert("experience", {"step": [DAY], "at": [START], "service": ["pay"], "points": [90.0]})  # counted anew
    assert fetch(store, second, ZONE).felt[0].before == 90.0
    hours = dict(
        store.rows("SELECT intDiv(toUnixTimestamp(at) - {start:Int64}, 3600), avg(points) FROM experience WHERE service = 'pay'"
                   " AND step = 300 GROUP BY 1", {"start": START + DAY})
    )  # fmt: skip
    assert hours[10] < 30
    assert 70 < hours[9] < 90
    assert store.rows("SELECT DISTINCT latency FROM experience WHERE service = 'search'") == [(None,)]


def test_the_store_says_what_the_folder_says(store: Store, data: dict[str, list[dict[str, object]]], tmp_path: Path) -> None:
    ExperienceIndex(store, ZONE).refresh(START + 60 * MINUTES)
    said = [{"id": one["id"], "ts": one["at"], "service": one["service"], "text": "x"} for one in data["complaints"]]
    tagged = [
        {"id": one["id"], "sentiment": 0, "polarity": one["polarity"], "service": one["service"], "text": "x"}
        for one in data["complaints"]
    ]
    answered = [
        {"complaint": a["complaint"], "ts": a["at"], "status": "closed", "satisfaction": a["mark"]} for a in data["answers"]
    ]
    for name, rows in (("complaints", said), ("tagged", tagged), ("followups", answered)):
        (tmp_path / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [f"{one['at']},app,{one['service']},{one['metric']},{one['value']}\n" for one in data["points"]]
    (tmp_path / "metrics.csv").write_text("ts,layer,service,metric,value\n" + "".join(lines))
    past = FolderPast(Folder(tmp_path))
    compared = 0
    for midnight, start, end in days(START + DAY, START + 60 * MINUTES, ZONE):
        known = usual(past, midnight, START)
        assert known is not None
        found = slots(past, known, start, end, STEP)
        stored = store.rows(
            "SELECT service, toUnixTimestamp(at), points FROM experience FINAL"
            " WHERE step = 300 AND at >= fromUnixTimestamp({a:Int64}) AND at < fromUnixTimestamp({b:Int64})",
            {"a": start, "b": end},
        )
        for service, at, points in stored:
            there = found.points[found.services.index(service), (at - start) // STEP]
            assert points == pytest.approx(there, abs=0.01)
            compared += 1
    assert compared > 600
