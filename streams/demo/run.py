"""The demonstration from curtain to curtain: a seed and a speed in, a Result out, everything else in the out folder.

Main thread: parts, worker and what is shown. One more thread sends the scenario into Kafka.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streams import records
from streams.config import Settings
from streams.demo.scenario import Scenario, Sent
from streams.demo.stage import Stage
from streams.demo.summary import Summary, summarize
from streams.demo.watch import Watch
from streams.records import Incident
from streams.replay import send
from streams.store import alerts, incidents, progress
from streams.store.client import Store

BATCH = 1000  # records in a Kafka value, at most
SETTLE = 300.0  # seconds to wait, after the last record, for everything to be stored and judged
# Minutes behind the last record up to which judging must have come: a watermark never reaches the last minute itself.
UNJUDGED = 10


class Options(NamedTuple):
    """How to play."""

    speed: float
    out: Path


class Stored(NamedTuple):
    """One kind of record: how many were sent (bad ones apart) and how many are stored."""

    kind: str
    sent: int
    stored: int


@dataclass
class Result:
    """What is left to tell."""

    summary: Summary
    incidents: list[Incident]
    before: list[Incident]
    stored: list[Stored]
    seconds: dict[str, float] = field(default_factory=dict)
    waits: Mapping[str, float] = field(default_factory=dict)  # incident → seconds from its opening minute to the message
    settled: bool = True


class Sending(threading.Thread):
    """Sends the scenario: the quiet days as fast as it goes, the shown day at `speed`.

    `at` is how far it has come (epoch seconds), `count` how many records have gone.
    """

    def __init__(self, scenario: Scenario, settings: Settings, speed: float) -> None:
        super().__init__(name="sending", daemon=True)
        self.scenario, self._settings, self._speed = scenario, settings, speed
        self.at = float(scenario.clock.first)
        self.count = 0
        self.passed: dict[int, float] = {}  # minute (epoch seconds) → when it was left behind, by the clock on the wall
        self.rehearsed = 0.0  # when the quiet days were sent (monotonic seconds)
        self.failure: Exception | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Ends when all is sent, when told to stop, or with `failure` set."""
        clock, access = self.scenario.clock, self._settings.kafka_access()
        try:
            send(self._told(self.scenario.records(clock.first, clock.day)), access, batch=BATCH)
            self.rehearsed = time.monotonic()
            send(self._told(self.scenario.records(clock.day, clock.day + 86400)), access, speed=self._speed, batch=BATCH)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the main thread raises it
            self.failure = error

    def stop(self) -> None:
        """Ends the sending soon."""
        self._stopping.set()
        self.join(timeout=30)

    def _told(self, sent: Iterator[Sent]) -> Iterator[Sent]:
        for one in sent:
            if self._stopping.is_set():
                return
            if one[1] // 60 > self.at // 60:
                self.passed[int(one[1] // 60 * 60)] = time.time()
            self.at = one[1]
            self.count += 1
            yield one


def yesterday(zone: dt.tzinfo) -> dt.date:
    """The last whole local day: what dashboards and digests of now can show."""
    return dt.datetime.now(zone).date() - dt.timedelta(days=1)


def play(stage: Stage, scenario: Scenario, options: Options, watch: Watch) -> Result:
    """Plays the scenario and waits until all of it is stored and judged. Raises PartFailed and what sending raises."""
    began = time.monotonic()
    sending = Sending(scenario, stage.settings, options.speed)
    reader = Store(stage.settings.clickhouse_access("reader"))
    with closing(reader), watch:
        sending.start()
        try:
            while sending.is_alive():
                stage.check()
                watch.show(sending.at, sending.count, _incidents(reader, scenario))
                sending.join(0.5)
            if sending.failure:
                raise sending.failure
            sent = time.monotonic()
            settled = _settle(stage, reader, scenario, watch)
        finally:
            sending.stop()
        found = _incidents(reader, scenario)
        day = [one for one in found if one.opened_at.timestamp() >= scenario.clock.day]
        seconds = {
            "quiet": sending.rehearsed - began,
            "day": sent - sending.rehearsed,
            "settling": time.monotonic() - sent,
        }
        before = [one for one in found if one not in day]
        return Result(
            summarize(scenario.truth, day, alerts.begun(reader, scenario.clock.day, scenario.clock.day + 86400)),
            day,
            before,
            counts(reader, scenario),
            seconds,
            _waits(reader, sending),
            settled,
        )


def _incidents(reader: Store, scenario: Scenario) -> list[Incident]:
    clock = scenario.clock
    return incidents.opened(reader, *(dt.datetime.fromtimestamp(at, dt.UTC) for at in (clock.first, clock.day + 2 * 86400)))


def _waits(reader: Store, sending: Sending) -> dict[str, float]:
    """Incident → seconds between the moment in which the minute that opened it was over, and its first message."""
    told = reader.rows(
        "SELECT d.incident, toUnixTimestamp(i.opened_at), toUnixTimestamp64Milli(min(d.sent_at)) / 1000"
        " FROM deliveries AS d FINAL INNER JOIN incidents AS i FINAL ON i.id = d.incident"
        " WHERE d.event = 'opened' AND d.status = 'sent'"
        " GROUP BY d.incident, i.opened_at"
    )
    return {name: sent - sending.passed[opened] for name, opened, sent in told if opened in sending.passed}


def _settle(stage: Stage, reader: Store, scenario: Scenario, watch: Watch) -> bool:
    """Waits until everything sent is stored and judged; False when it takes longer than SETTLE."""
    end = scenario.clock.day + 86400 - UNJUDGED * 60
    deadline = time.monotonic() + SETTLE
    while time.monotonic() < deadline:
        stage.check()
        watch.show(end, sum(scenario.sent.values()), _incidents(reader, scenario))
        done = all(one.sent == one.stored for one in counts(reader, scenario))
        if done and (progress.correlated_through(reader) or 0) >= end:
            time.sleep(1)  # the last messages leave after the cycle
            watch.show(end, sum(scenario.sent.values()), _incidents(reader, scenario))
            return True
        time.sleep(0.5)
    return False


def counts(reader: Store, scenario: Scenario) -> list[Stored]:
    """Sent against stored, by table."""
    sent: Mapping[str, int] = scenario.sent
    metrics = sum(sent[topic] for topic in (records.METRICS, records.MONITORS_APP, records.MONITORS_IDC))
    expected = {
        "complaints": sent[records.COMPLAINTS] - scenario.malformed,
        "metrics": metrics,
        "changes": sent[records.CHANGES],
        "followups": sent[records.FOLLOWUPS],
        "dead_letters": scenario.malformed,
    }
    queries = {table: f"SELECT count() FROM {table} FINAL" for table in expected}  # noqa: S608 -- our own tables
    return [Stored(table, number, int(reader.rows(queries[table])[0][0])) for table, number in expected.items()]
