"""Surges in complaint counts, through SurgeDetector.advance, on a made-up shop and on real reviews."""

from __future__ import annotations

import collections
import datetime as dt
import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surge_generator import START, Event, Key, Shop, minutes

from models.calendar import Calendar
from models.judgement import Surge
from models.surge import SurgeDetector
from models.surge_rhythm import HOLIDAY, Clock, Rhythm

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
SMALL = Shop(days=2.9, services=3, categories=2, per_day=4_000)


def opened(shop: Shop | Iterable[tuple[int, dict[Key, int], dict[Key, int]]]) -> list[tuple[int, int, Surge]]:
    """(first minute, last minute, surge when it opened) of each surge, minutes since START."""
    detector = SurgeDetector()
    live: dict[Key, list] = {}
    found: list[list] = []
    for second, negative, total in minutes(shop) if isinstance(shop, Shop) else shop:
        at = (second - START) // 60
        now = {(surge.service, surge.category): surge for surge in detector.advance(second, negative, total)}
        live = {key: kept for key, kept in live.items() if key in now}
        for key, surge in now.items():
            if key not in live:
                live[key] = [at, at, surge]
                found.append(live[key])
            live[key][1] = at
    return [(first, last, surge) for first, last, surge in found]


def with_events(*events: Event, **changes: object) -> Shop:
    return Shop(**{**{name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__}, "events": events, **changes})


def test_a_sudden_surge_is_seen_in_minutes_dated_and_over_when_it_is_over() -> None:
    start = 2 * 1440 + 11 * 60
    surges = opened(with_events(Event(start, 40, 10.0)))
    assert {surge.service for _, _, surge in surges} == {"s0"}
    whole = [(first, last, surge) for first, last, surge in surges if surge.category == ""]
    assert len(whole) == 1
    first, last, surge = whole[0]
    assert start <= first <= start + 5
    assert abs((surge.onset - START) // 60 - start) <= 3
    assert start + 35 <= last <= start + 40 + 75
    assert surge.observed > 1.8 * surge.expected


def test_a_creeping_rise_is_seen_before_it_is_complete() -> None:
    start = 2 * 1440 + 9 * 60
    surges = opened(with_events(Event(start, 360, 5.0, ramp=True)))
    assert surges
    assert start < surges[0][0] < start + 240


@pytest.mark.parametrize(
    "event",
    [
        Event(2 * 1440 + 15 * 60, 120, 20.0, (0, 1), negative=False, rest=True),
        Event(2 * 1440 + 8 * 60, 900, 2.5, (0, 3), rest=True),
    ],
    ids=["praise", "campaign"],
)
def test_neither_praise_nor_more_of_everything_is_a_surge(event: Event) -> None:
    first, last = event.services
    surges = [surge for _, _, surge in opened(with_events(event))]
    assert not [surge for surge in surges if first <= int(surge.service[1:]) < last or surge.level > 1]


@pytest.mark.parametrize("seed", range(2))
def test_calm_days_from_a_cold_start_raise_nothing(seed: int) -> None:
    assert opened(with_events(seed=seed)) == []


def test_a_dead_collector_neither_ends_a_surge_nor_bends_the_baseline() -> None:
    start = 2 * 1440 + 11 * 60
    dead = with_events(Event(start, 180, 8.0), dead=((1440 + 600, 300), (start + 20, 60)))
    surges = [surge for surge in opened(dead) if surge[2].category == ""]
    assert len(surges) == 1
    first, last, _ = surges[0]
    assert start <= first <= start + 8
    assert last >= start + 175


def test_a_lasting_level_becomes_normal() -> None:
    start = 1440 + 600
    surges = opened(with_events(Event(start, 99_999, 4.0), days=6, per_day=1_000))
    whole = [(first, last) for first, last, surge in surges if surge.category == ""]
    assert whole[0][0] < start + 60
    assert whole[-1][1] <= start + 73 * 60


def test_a_gross_burst_is_called_even_early_but_not_in_the_first_minutes() -> None:
    surges = opened(with_events(Event(90, 20, 60.0, (0, 3)), days=0.1, per_day=20_000))
    assert surges
    assert 90 <= min(first for first, _, _ in surges) <= 100


def test_a_holiday_is_like_a_weekend_until_it_was_seen() -> None:
    clock, rhythm = Clock(Calendar(extra=frozenset({dt.date(2026, 4, 2)}), worked=frozenset({dt.date(2026, 4, 4)}))), Rhythm(20.0)
    rhythm.add_services(1)
    hours = int(dt.datetime(2026, 3, 2, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()) // 3600 + np.arange(34 * 24)
    days = {0: "monday", 5: "weekend", HOLIDAY: "holiday"}
    seen = {}
    for hour in hours.tolist():
        day, of_day = clock.local(hour)
        if day == HOLIDAY and of_day == 0:
            seen["before"] = {name: float(rhythm.factor(kind, 12)[0]) for kind, name in days.items()}
        rhythm.learn(day, of_day, np.array([{5: 30.0, 6: 30.0, HOLIDAY: 5.0}.get(day, 10.0)]), np.ones(1))
    seen["after"] = {name: float(rhythm.factor(kind, 12)[0]) for kind, name in days.items()}
    assert seen["before"]["holiday"] == pytest.approx(seen["before"]["weekend"], rel=0.1) and seen["before"]["holiday"] > 1.3
    assert seen["after"]["holiday"] < 0.9 * seen["before"]["holiday"]
    assert clock.local(hours[-24]) == (2, 0)  # a Saturday that is worked


def test_quiet_minutes_may_be_left_out() -> None:
    shop = Shop(days=9, services=2, categories=2, per_day=40, events=(Event(8 * 1440 + 600, 600, 30.0),))
    said = {second for second, _, total in minutes(shop) if total}
    every, sparse = SurgeDetector(), SurgeDetector()
    active: list[Surge] = []
    seen = []
    for second, negative, total in minutes(shop):
        surges = every.advance(second, negative, total)
        if second in said or active:
            active = sparse.advance(second, negative, total)
            assert active == surges
        seen += surges
    assert seen


def test_minutes_must_ascend() -> None:
    detector = SurgeDetector()
    detector.advance(600, {}, {("pay", ""): 1})
    with pytest.raises(ValueError, match="not after"):
        detector.advance(600, {}, {("pay", ""): 1})


counts = st.dictionaries(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "x"])), st.integers(0, 200), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5_000), counts, counts), min_size=1, max_size=30))
def test_any_counts_fold_to_the_same_surges_twice(steps: list[tuple[int, dict[Key, int], dict[Key, int]]]) -> None:
    runs = []
    for _ in range(2):
        detector, minute, surges = SurgeDetector(), 28_000_000, []
        for skip, negative, rest in steps:
            minute += skip
            total = {key: negative.get(key, 0) + rest.get(key, 0) for key in {*negative, *rest}}
            surges.append(detector.advance(minute * 60, negative, total))
            assert all(s.onset <= s.at <= minute * 60 and 1 <= s.level <= 3 and 0 <= s.score <= 1 for s in surges[-1])
        runs.append(surges)
    assert runs[0] == runs[1]


@pytest.mark.skipif(not (DATA / "text").exists(), reason="the development data is not beside the repository")
def test_real_reviews_show_their_episodes_on_the_first_day_and_little_else() -> None:
    by_minute: dict[int, tuple[collections.Counter, collections.Counter]] = {}
    with gzip.open(DATA / "text" / "appstore_reviews.ndjson.gz", "rt", encoding="utf-8") as lines:
        for review in map(json.loads, lines):
            minute = int(dt.datetime.fromisoformat(review["ts"]).timestamp()) // 60 * 60
            negative, total = by_minute.setdefault(minute, (collections.Counter(), collections.Counter()))
            total[review["service"], ""] += 1
            negative[review["service"], ""] += review["rating"] <= 2
    surges = [surge for _, _, surge in opened((minute, *by_minute[minute]) for minute in sorted(by_minute))]
    local = dt.timezone(dt.timedelta(hours=8))
    days = [(surge.service, dt.datetime.fromtimestamp(surge.at, local).date().isoformat()) for surge in surges]
    events = json.loads((DATA / "surges" / "appstore_events.json").read_text())["events"]
    assert all((event["service"], event["from"]) in days for event in events)
    outside = [day for day in days if not any(e["service"] == day[0] and e["from"] <= day[1] <= e["to"] for e in events)]
    assert len(outside) <= 4


def test_a_copy_goes_on_by_itself_as_the_first_would_have() -> None:
    steps = list(minutes(with_events(Event(1440 + 660, 40, 10.0), days=1.6)))
    detector, middle = SurgeDetector(), 1440 + 670
    for step in steps[:middle]:
        detector.advance(*step)
    twin = detector.copy()
    first = [detector.advance(*step) for step in steps[middle:]]
    assert any(first) and [twin.advance(*step) for step in steps[middle:]] == first
