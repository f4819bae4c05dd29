"""The leader's cycle on the real ClickHouse and Kafka, with the robot that the inbox plays: once told, never told again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from streams import topics
from streams.broker import client_options
from streams.config import Settings
from streams.cycle import Cycle
from streams.local.parts import Parts
from streams.notify.inbox import Inbox, serving
from streams.records import COMPLAINTS, INCIDENTS, METRICS
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

    def feed(self, first: int, last: int) -> None:
        """Minutes [first, last): a complaint every few of them, four a minute from ONSET to ONSET + 20; metrics of both."""
        minutes = np.arange(first, last)
        usual = 0.15 * (1 + 0.7 * np.sin((minutes / 60 + 8 - 9) / 24 * 2 * np.pi))  # most in the afternoon of UTC+8
        rates = np.where((minutes >= ONSET) & (minutes < ONSET + 20), 4.0, usual)
        said = np.repeat(minutes, self.random.poisson(rates))
        stamps = [START + int(minute) * 60 + 7 for minute in said]
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
        hurt = (minutes >= ONSET - 2) & (minutes < ONSET + 20)
        series = [("app", "bank", "error_rate", 0.002 + 0.2 * hurt), ("business", "pay", "success_rate", 0.99 - 0.3 * hurt)]
        series.append(("business", "pay", "orders", 200 - 80.0 * hurt))
        for layer, service, metric, level in series:
            values = level * (1 + 0.02 * self.random.normal(size=len(minutes)))
            names = {"layer": layer, "service": service, "metric": metric}
            columns = {name: [value] * len(minutes) for name, value in names.items()}
            self.store.insert("metrics", {**columns, "ts": (START + minutes * 60) * 1000, "value": values})
        rollup.mark(self.store, "complaints", [stamp // 60 * 60 for stamp in stamps])
        rollup.mark(self.store, "metrics", (START + minutes * 60).tolist())
        latest = START + (last - 1) * 60 + 59
        for topic in (COMPLAINTS, METRICS):
            progress.record(self.store, topic, 0, last, latest)

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
    own = msgspec.structs.replace(settings, clickhouse=accesses, services_file=tmp_path / "services.yaml")
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
        return [f"{event.kind} {event.incident.service}" for event in cycle.run({})]


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
