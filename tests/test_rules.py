"""Rules besides surges, through RuleWatch: silence, mentions and indicators fire once, at the right time, and are resolved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from models.calendar import Calendar, CalendarError
from models.topology import parse_topology
from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.history import ChannelCounts, MinuteCounts, Said
from streams.records import AlertEvent
from streams.rules.config import Rules, RulesError, parse_rules
from streams.rules.watch import RuleWatch

ZONE = dt.timezone(dt.timedelta(hours=8))
START = int(dt.datetime(2026, 3, 2, tzinfo=ZONE).timestamp())  # a Monday
DAY, HOUR = 86_400, 3600
TOPOLOGY = parse_topology(
    """
services:
- {name: pay, title: 支付, product: 收银台, owner: pay-oncall}
- {name: risk, title: 风控, product: 收银台, owner: risk-oncall}
- {name: ship, title: 配送, owner: ship-oncall}
"""
)


@dataclass
class Memory:
    """A History of minutes: records by (service, channel) and minute, the negative share of them, and metrics."""

    said_by: dict[tuple[str, str], np.ndarray]
    negative: float = 0.5
    values: dict[SeriesKey, np.ndarray] = field(default_factory=dict)

    def counts(self, start: int, end: int) -> MinuteCounts:
        rows: dict[tuple[int, str], int] = {}
        for (service, _), series in self.said_by.items():
            for minute in range((start - START) // 60, min((end - START) // 60, len(series))):
                if series[minute]:
                    rows[minute, service] = rows.get((minute, service), 0) + int(series[minute])
        keys = sorted(rows)
        total = np.array([rows[key] for key in keys], np.int64)
        at = np.array([START + minute * 60 for minute, _ in keys], np.int64)
        return MinuteCounts(
            at, [key[1] for key in keys], [""] * len(keys), total, np.round(total * self.negative).astype(np.int64)
        )

    def channels(self, start: int, end: int) -> ChannelCounts:
        rows = [
            (START + minute * 60, channel, int(series[minute]))
            for (_, channel), series in self.said_by.items()
            for minute in range((start - START) // 60, min((end - START) // 60, len(series)))
            if series[minute]
        ]
        rows.sort()
        return ChannelCounts(
            np.array([row[0] for row in rows], np.int64), [row[1] for row in rows], np.array([row[2] for row in rows], np.int64)
        )

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        first, last = (start - START) // 60, (end - START) // 60
        keys = tuple(sorted(key for key in self.values if key.service in services))
        values = np.array([self.values[key][first:last] for key in keys]).reshape(len(keys), last - first)
        return MetricWindow(np.arange(start, end, 60), 60, keys, values)

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        return ()

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        return ()


def talk(days: int, per_hour: float, seed: int) -> np.ndarray:
    """Poisson counts with a human day: loud at 15:00, a seventh of that at 03:00."""
    minutes = np.arange(days * 1440)
    rhythm = 1 + 0.75 * np.sin((minutes / 60 - 9) / 24 * 2 * np.pi)
    return np.random.default_rng(seed).poisson(per_hour / 60 * rhythm)


def watched(history: Memory, first: int, last: int, rules: Rules, calendar: Calendar | None = None) -> list[AlertEvent]:
    """Folds up to minute `first`, then judges up to minute `last`, as unevenly as a live cycle does."""
    watch = RuleWatch(TOPOLOGY, rules, calendar or Calendar())
    watch.fold(history, START, START + first * 60)
    events, at = [], first
    while at < last:
        at = min(last, at + 1 + at % 17)
        events += watch.advance(history, START + at * 60)
    return events


QUIET_ONLY = parse_rules("mentions: {enabled: false}")


def shop(days: int = 16) -> dict[tuple[str, str], np.ndarray]:
    """Three sources that talk."""
    return {("pay", "app"): talk(days, 90, 1), ("pay", "weibo"): talk(days, 60, 2), ("ship", "app"): talk(days, 50, 3)}


def test_a_channel_that_falls_silent_is_told_once_and_resolved_when_it_talks_again() -> None:
    said, noon = shop(), 14 * 1440 + 12 * 60
    said["pay", "weibo"][noon : noon + 180] = 0
    fired, resolved = watched(Memory(said), 13 * 1440, 16 * 1440, QUIET_ONLY)
    assert (fired.kind, fired.alert.about, resolved.kind, resolved.alert.id) == (
        "firing",
        "channel:weibo",
        "resolved",
        fired.alert.id,
    )
    at = (fired.alert.updated_at.timestamp() - START) / 60 - noon
    assert 5 <= at <= 60
    assert (resolved.alert.updated_at.timestamp() - START) / 60 - noon - 180 <= 20
    assert abs(fired.alert.starts_at.timestamp() - START - noon * 60) <= 300 and "weibo" in fired.alert.title


def test_when_nobody_says_anything_that_is_one_alert() -> None:
    said, noon = shop(), 14 * 1440 + 12 * 60
    for series in said.values():
        series[noon : noon + 120] = 0
    events = watched(Memory(said), 13 * 1440, 15 * 1440, QUIET_ONLY)
    assert [(event.kind, event.alert.about) for event in events] == [("firing", "all:"), ("resolved", "all:")]


def test_nights_quiet_sources_and_a_holiday_are_not_silence() -> None:
    said = {**shop(), ("ship", "hotline"): talk(16, 1.5, 4)}
    random = np.random.default_rng(5)
    for series in said.values():  # a holiday nobody announced: a sixth of the usual
        series[14 * 1440 :] = random.binomial(series[14 * 1440 :], 1 / 6)
    assert watched(Memory(said), 7 * 1440, 16 * 1440, QUIET_ONLY) == []


def test_negative_mentions_beyond_the_limit_start_the_crisis_plan_once_a_day_and_product() -> None:
    said = {("pay", "app"): talk(3, 6, 1), ("risk", "app"): talk(3, 6, 2), ("ship", "app"): talk(3, 6, 3)}
    history = Memory(said, negative=1.0)
    events = watched(history, 0, 3 * 1440, parse_rules("mentions: {limit: 200}"))
    fired = [event.alert for event in events if event.kind == "firing"]
    assert [alert.about for alert in fired] == [f"收银台:2026-03-0{day}" for day in (2, 3, 4)]
    assert all(alert.level == 3 and alert.value >= alert.threshold == 200 for alert in fired)
    assert any("pay-oncall" in reason for reason in fired[0].reasons)
    by_service = watched(history, 0, 3 * 1440, parse_rules("mentions: {limit: 100, by: service}"))
    assert {event.alert.service for event in by_service} == {"pay", "risk", "ship"}


INDICATOR = """
mentions: {enabled: false}
silence: {enabled: false}
indicators:
- {name: 活跃比, metric: dau_mau, below: 0.15, for: 30m, hours: "09:00-22:00", days: [mon, tue, wed, thu, fri]%s}
"""


def ratio(*low: tuple[int, int], every: int = 10) -> Memory:
    """DAU/MAU of ship, a value every ten minutes, low in these minutes."""
    values = np.full(5 * 1440, 0.2)
    for first, last in low:
        values[first:last] = 0.1
    values[np.arange(len(values)) % every != 0] = np.nan
    return Memory({}, values={SeriesKey("business", "ship", "dau_mau"): values, SeriesKey("business", "pay", "dau"): values / 9})


@pytest.mark.parametrize(
    ("low", "expected"),
    [
        ([(1440 + 600, 1440 + 700)], [("firing", 630), ("resolved", 710)]),
        ([(1440 + 600, 1440 + 620), (1440 + 640, 1440 + 660)], []),
        ([(1440 + 180, 1440 + 400)], []),  # at night
        ([(1440 + 400, 1440 + 600)], [("firing", 570), ("resolved", 610)]),  # counts from nine
    ],
    ids=["lasting", "short", "night", "from-nine"],
)
def test_an_indicator_must_be_beyond_its_bound_for_its_duration_in_its_hours(low: list, expected: list) -> None:
    events = watched(ratio(*low), 0, 3 * 1440, parse_rules(INDICATOR % ""))
    found = [(event.kind, (event.alert.updated_at.timestamp() - START) / 60 - 1440) for event in events]
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    assert all(0 <= at - when <= 15 for (_, at), (_, when) in zip(found, expected, strict=True)), found
    assert all(event.alert.service == "ship" and event.alert.threshold == 0.15 for event in events)


def test_holidays_are_skipped_or_alone_looked_at_and_own_days_count() -> None:
    history = ratio((1440 + 600, 1440 + 700))
    usual, off = Calendar(country="CN"), Calendar(country="CN", extra=frozenset({dt.date(2026, 3, 3)}))
    told = ["firing", "resolved"]
    for word, on_usual, on_off in (("skip", told, []), ("only", [], told), ("count", told, told)):
        rules = parse_rules(INDICATOR % f", holidays: {word}")
        assert [event.kind for event in watched(history, 0, 3 * 1440, rules, usual)] == on_usual
        assert [event.kind for event in watched(history, 0, 3 * 1440, rules, off)] == on_off


def test_a_restart_goes_on_with_the_same_alert() -> None:
    said, noon = shop(), 14 * 1440 + 12 * 60
    said["pay", "weibo"][noon : noon + 180] = 0
    history = Memory(said)
    whole = watched(history, 13 * 1440, 16 * 1440, QUIET_ONLY)
    again = RuleWatch(TOPOLOGY, QUIET_ONLY, Calendar())
    cut = START + (noon + 120) * 60
    again.fold(history, START, cut)
    again.resume([whole[0].alert], cut)
    assert again.advance(history, START + 16 * DAY) == whole[1:]


def test_days_off_follow_the_country_and_its_working_weekends() -> None:
    china = Calendar(country="CN", worked=frozenset({dt.date(2026, 10, 1)}))
    kinds = {
        day: china.kind(dt.date.fromisoformat(day))
        for day in ("2026-02-14", "2026-02-17", "2026-02-21", "2026-10-01", "2026-10-02")
    }
    assert list(kinds.values()) == ["work", "holiday", "weekend", "work", "holiday"]
    assert Calendar().kind(dt.date(2026, 2, 14)) == "weekend"
    with pytest.raises(CalendarError):
        Calendar(country="Narnia").kind(dt.date(2026, 2, 14))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mentions: {limit: 0}", "rules.yaml:1: mentions.limit: Expected `int` >= 1"),
        ("\nsilnce: {}", "rules.yaml:2: Object contains unknown field `silnce`"),
        ("indicators:\n- {name: a, metric: b, below: 1}\n- {name: c, metric: d}", "rules.yaml:3: indicators[1]: needs one of"),
        ("indicators:\n- name: a\n  metric: b\n  below: 1\n  for: 30", "rules.yaml:5: indicators[0].for: Expected"),
        ("calendar:\n  holidays: [2026-02-30]", "rules.yaml:2: "),
        ("indicators: [{name: a, metric: b, below: 1}, {name: a, metric: b, above: 1}]", "'a' is given twice"),
        ("a: [", "rules.yaml:1: "),
    ],
)
def test_a_wrong_rule_is_named_by_line_and_field(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(text)
    assert message in str(caught.value)


def test_the_documented_file_is_right_and_says_the_defaults() -> None:
    text = (Path(__file__).parents[1] / "docs" / "connecting.md").read_text(encoding="utf-8")
    rules = parse_rules(text.split("## rules.yaml")[1].split("```yaml\n")[1].split("```")[0])
    assert (rules.mentions, rules.silence, rules.subhealth) == (Rules().mentions, Rules().silence, Rules().subhealth)
    assert [indicator.seconds for indicator in rules.indicators] == [1800]
