"""The leader's cycle on the real ClickHouse and Kafka, with the robot that the inbox plays: once told, never told again."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from streams import feedback, topics
from streams.broker import client_options
from streams.config import Settings
from streams.cycle import Cycle
from streams.feedback import Feedback
from streams.local.parts import Parts
from streams.notify.inbox import Inbox, serving
from streams.records import COMPLAINTS, INCIDENTS, METRICS, AlertEvent, IncidentEvent
from streams.store import progress, rollup
from streams.store.client import Store, StoreUnavailable
from streams.store.schema import migrate

pytestmark = pytest.mark.integration

START = 1_772_409_600  # 2026-03-02 00:00 UTC
ONSET = 26 * 60  # minutes from START
SECRET = "SEC-of-the-test"
SERVICES = """
services:
- {name: pay, title: 支付, owner: pay-oncall, depends_on: [bank]}
- {name: bank, title: 银行通道, owner: bank-oncall}
"""


class Line:
    """A fresh database, a robot, and data fed by the minute as the sink would have stored it."""

    def __init__(self, settings: Settings, webhook: str, inbox: Path) -> None:
        self.settings = msgspec.structs.replace(settings, dingtalk_webhook=webhook, dingtalk_secret=SECRET)
        self.store = Store(settings.clickhouse_access("writer"))
        self.inbox = inbox
        self.random = np.random.default_rng(11)

    def feed(self, first: int, last: int, *, late: bool = False) -> None:
        """Minutes [first, last): a complaint every few of them, four a minute from ONSET to ONSET + 20 (not if `late`: see
        `release`); metrics of both."""
        minutes = np.arange(first, last)
        usual = 0.15 * (1 + 0.7 * np.sin((minutes / 60 + 8 - 9) / 24 * 2 * np.pi))  # most in the afternoon of UTC+8
        rates = np.where((minutes >= ONSET) & (minutes < ONSET + 20), 4.0, usual)
        said = np.repeat(minutes, self.random.poisson(rates if not late else usual))
        self._say([START + int(minute) * 60 + 7 for minute in said])
        hurt = (minutes >= ONSET - 2) & (minutes < ONSET + 20)
        series = [("app", "bank", "error_rate", 0.002 + 0.2 * hurt), ("business", "pay", "success_rate", 0.99 - 0.3 * hurt)]
        series.append(("business", "pay", "orders", 200 - 80.0 * hurt))
        for layer, service, metric, level in series:
            values = level * (1 + 0.02 * self.random.normal(size=len(minutes)))
            names = {"layer": layer, "service": service, "metric": metric}
            columns = {name: [value] * len(minutes) for name, value in names.items()}
            self.store.insert("metrics", {**columns, "ts": (START + minutes * 60) * 1000, "value": values})
        rollup.mark(self.store, "metrics", (START + minutes * 60).tolist())
        latest = START + (last - 1) * 60 + 59
        for topic in (COMPLAINTS, METRICS):
            progress.record(self.store, topic, 0, last, latest)

    def release(self, first: int, last: int, a_minute: int = 4) -> None:
        """The complaints of a surge in minutes [first, last), whenever they arrive."""
        self._say([START + minute * 60 + place * 60 // a_minute for minute in range(first, last) for place in range(a_minute)])

    def _say(self, stamps: list[int]) -> None:
        rows = len(stamps)
        self.store.insert(
            "complaints",
            {
                "ts": [stamp * 1000 for stamp in stamps],
                "id": [f"c{stamp}-{place}" for place, stamp in enumerate(stamps)],
                "text": ["付款一直失败"] * rows,
                "service": ["pay"] * rows,
                "polarity": [-1] * rows,
            },
        )
        rollup.mark(self.store, "complaints", [stamp // 60 * 60 for stamp in stamps])

    def messages(self) -> list[str]:
        """Titles of what the robot took."""
        kept = self.inbox / "messages.ndjson"
        return (
            [msgspec.json.decode(line)["markdown"]["title"] for line in kept.read_bytes().splitlines()] if kept.exists() else []
        )


@pytest.fixture
def line(settings: Settings, tmp_path: Path) -> Iterator[Line]:
    """A line of its own: database, services and robot."""
    database = f"huiyin_test_{uuid.uuid4().hex[:12]}"
    accesses = {role: msgspec.structs.replace(access, database=database) for role, access in settings.clickhouse.items()}
    (tmp_path / "services.yaml").write_text(SERVICES, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text("mentions: {enabled: false}\n", encoding="utf-8")
    own = msgspec.structs.replace(
        settings, clickhouse=accesses, services_file=tmp_path / "services.yaml", rules_file=tmp_path / "rules.yaml"
    )
    with ExitStack() as stack:
        migrate(stack.enter_context(closing(Store(own.clickhouse_access("admin")))), 90)
        topics.create(own.kafka_access())
        webhook = stack.enter_context(serving(Inbox(tmp_path / "inbox", SECRET)))
        made = Line(own, webhook, tmp_path / "inbox")
        stack.callback(made.store.close)
        yield made


def _turn(line: Line, *, settings: Settings | None = None, clock: Callable[[], float] = time.time) -> list[str]:
    """One turn of a leader that has just started: what happened, as 'kind service'."""
    with closing(Cycle(settings or line.settings, clock=clock)) as cycle:
        return _run(line, cycle)


def _run(line: Line, cycle: Cycle) -> list[str]:
    """Turns until there is no more to judge (a turn ends early on a slow machine): what happened, as 'kind service'."""
    happened, before = [], -1
    while (now := progress.correlated_through(line.store)) != before:
        happened, before = happened + [_said(event) for event in cycle.run({})], now
    return happened


def _said(event: IncidentEvent | AlertEvent) -> str:
    return f"{event.kind} {event.incident.service if isinstance(event, IncidentEvent) else event.alert.about}"


def _published(settings: Settings, ids: set[str]) -> list[str]:
    from kafka import KafkaConsumer

    options = client_options(settings.kafka_access())
    with KafkaConsumer(INCIDENTS, **options, auto_offset_reset="earliest", consumer_timeout_ms=3000) as consumer:
        values = [msgspec.json.decode(record.value) for record in consumer if record.key.decode() in ids]
    return [value["kind"] for value in values]


def test_an_incident_is_stored_published_and_told_once_over_restarts(line: Line) -> None:
    line.feed(0, ONSET + 12)
    assert "opened pay" in _turn(line)
    [(identity, status, verdict, complaints, causes)] = line.store.rows(
        "SELECT id, status, verdict, complaints, causes FROM incidents FINAL"
    )
    assert (status, verdict) == ("open", "explained") and complaints > 8 and '"service":"bank"' in causes
    told = line.messages()
    assert len(told) >= 1 and "支付" in told[0]

    assert _turn(line) == [] and line.messages() == told  # nothing new: nothing is said again

    line.feed(ONSET + 12, ONSET + 90)
    assert _turn(line)[-1] == "resolved pay"
    [(last, resolved, count, loss)] = line.store.rows("SELECT id, status, complaints, loss FROM incidents FINAL")
    assert (last, resolved) == (identity, "resolved") and count >= complaints and '"metric":"orders"' in loss
    assert len(line.messages()) > len(told) and "恢复" in line.messages()[-1]
    kinds = _published(line.settings, {identity})
    assert kinds[0] == "opened" and kinds[-1] == "resolved" and kinds.count("opened") == 1


def test_judging_a_stretch_again_changes_and_tells_nothing(line: Line) -> None:
    line.feed(0, ONSET + 90)
    first = _turn(line)
    assert first[0] == "opened pay" and first[-1] == "resolved pay"
    rows = line.store.rows("SELECT id, version, status, complaints FROM incidents FINAL")
    told = line.messages()
    progress.set_correlated_through(line.store, START + (ONSET - 5) * 60)  # as if killed before the progress was noted
    assert _turn(line) == []
    assert line.store.rows("SELECT id, version, status, complaints FROM incidents FINAL") == rows
    assert line.messages() == told


def test_a_robot_that_is_away_gets_the_message_later_and_once(line: Line) -> None:
    line.feed(0, ONSET + 12)
    deaf = msgspec.structs.replace(line.settings, dingtalk_webhook="http://127.0.0.1:9/robot/send?access_token=t")
    assert "opened pay" in _turn(line, settings=deaf)
    owed = line.store.rows("SELECT count() FROM deliveries FINAL WHERE status = 'pending'")[0][0]
    assert owed >= 1 and line.messages() == []
    assert _turn(line) == []
    assert len(line.messages()) == owed
    assert line.store.rows("SELECT DISTINCT status FROM deliveries FINAL") == [("sent",)]
    assert _turn(line) == [] and len(line.messages()) == owed


def test_at_night_the_wall_clock_resolves(line: Line) -> None:
    line.feed(0, ONSET + 25)
    latest = START + (ONSET + 25) * 60
    assert "opened pay" in _turn(line, clock=lambda: latest + 120.0)
    assert _turn(line, clock=lambda: latest + 3 * 3600.0) == ["resolved pay"]


def test_a_store_that_is_away_is_said_and_the_turn_done_later(line: Line, parts: Parts) -> None:
    line.feed(0, ONSET + 12)
    with closing(Cycle(line.settings)) as cycle:
        parts.kill_clickhouse()
        try:
            with pytest.raises(StoreUnavailable):
                cycle.run({})
        finally:
            parts.start_clickhouse()
        assert next(event.kind for event in cycle.run({})) == "opened"
    assert len(line.messages()) >= 1


def test_a_surge_whose_records_come_late_is_found_with_its_own_time_and_told_once(line: Line) -> None:
    line.feed(0, ONSET + 5, late=True)
    with closing(Cycle(line.settings)) as cycle:
        assert _run(line, cycle) == []
        line.feed(ONSET + 5, ONSET + 45, late=True)
        assert _run(line, cycle) == []
        line.release(ONSET, ONSET + 20)  # 25 minutes after the last of them
        happened = _run(line, cycle)
        assert happened[0] == "opened pay" and happened[-1] == "resolved pay"
        told = line.messages()
        [(onset, opened, complaints)] = line.store.rows(
            "SELECT toUnixTimestamp(onset), toUnixTimestamp(opened_at), complaints FROM incidents FINAL"
        )
        assert abs(onset - START - ONSET * 60) <= 180 and opened <= START + (ONSET + 15) * 60 and complaints >= 80
        line.feed(ONSET + 45, ONSET + 90, late=True)
        assert _run(line, cycle) == []
    assert _turn(line) == [] and line.messages() == told
    assert line.store.rows("SELECT uniqExact(id) FROM incidents") == [(1,)]
    kinds = [row[0] for row in line.store.rows("SELECT event FROM deliveries FINAL ORDER BY version")]
    assert kinds.count("opened") == kinds.count("resolved") == 1
    assert progress.correlated_through(line.store) == START + (ONSET + 88) * 60


def test_late_records_of_a_known_surge_neither_open_nor_tell_it_again(line: Line) -> None:
    line.feed(0, ONSET + 12, late=True)
    line.release(ONSET, ONSET + 8)
    with closing(Cycle(line.settings)) as cycle:
        assert "opened pay" in _run(line, cycle)
        [(identity, before)] = line.store.rows("SELECT id, complaints FROM incidents FINAL")
        line.release(ONSET - 3, ONSET)
        line.feed(ONSET + 12, ONSET + 14, late=True)
        assert "opened pay" not in _run(line, cycle)
        line.feed(ONSET + 14, ONSET + 80, late=True)
        _run(line, cycle)
    [(after, status, complaints)] = line.store.rows("SELECT id, status, complaints FROM incidents FINAL")
    assert (after, status) == (identity, "resolved") and complaints > before
    kinds = [row[0] for row in line.store.rows("SELECT event FROM deliveries FINAL ORDER BY version")]
    assert kinds.count("opened") == kinds.count("resolved") == 1


def test_a_daily_limit_is_told_once_with_what_to_do_over_restarts(line: Line) -> None:
    path = line.settings.rules_file
    assert path is not None
    path.write_text("mentions: {limit: 60, by: service}\n", encoding="utf-8")
    line.feed(0, 15 * 60)  # START is eight in the morning there
    assert _turn(line) == ["firing pay:2026-03-02"]
    line.feed(15 * 60, 23 * 60)
    assert _turn(line) == []  # until midnight, and its end is no news
    [title] = line.messages()
    assert "负面提及超过每日上限" in title
    [(kind, status, reasons)] = line.store.rows("SELECT kind, status, reasons FROM alerts FINAL")
    assert (kind, status) == ("mentions", "resolved") and any("pay-oncall" in reason for reason in reasons)


def test_a_running_cycle_heeds_feedback_and_says_so(line: Line) -> None:
    day = 1440
    with closing(Cycle(line.settings)) as cycle:
        line.feed(0, ONSET + 90, late=True)
        line.release(ONSET, ONSET + 20)
        assert "opened pay" in _run(line, cycle)
        [(identity,)] = line.store.rows("SELECT id FROM incidents FINAL")
        denied = Feedback(id=f"not-{identity}", ts=dt.datetime.now(dt.UTC), verdict="not_an_incident", incident=identity)
        for _ in range(2):
            feedback.record(line.store, denied)
        assert [one.incident for one in feedback.read(line.store)] == [identity]
        line.feed(ONSET + 90, ONSET + day + 90, late=True)
        line.release(ONSET + day, ONSET + day + 20)
        assert _run(line, cycle) == []  # the same again
        line.feed(ONSET + day + 90, ONSET + 2 * day + 90, late=True)
        line.release(ONSET + 2 * day, ONSET + 2 * day + 20, a_minute=12)
        assert "opened pay" in _run(line, cycle)  # three times as much
    [(reasons,)] = line.store.rows("SELECT reasons FROM incidents FINAL ORDER BY opened_at DESC LIMIT 1")
    assert any(denied.id in reason for reason in reasons)
    with pytest.raises(feedback.FeedbackError, match="none is called"):
        feedback.record(line.store, msgspec.structs.replace(denied, incident="unheard-of"))
