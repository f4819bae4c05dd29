"""One turn of the leader: rollups → watermark → correlate → store → publish → notify. Blocking; runs in a thread.

Everything before `correlated_through` is judged, stored and owed to the chat channels. It moves on with every minute that
brought an event, once that is stored, published and sent. What fails midway is judged again from there: incidents keep their
ids and versions, so that a second time changes nothing. Delivery has a queue of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from models.topology import Topology, discover, read_topology
from streams.broker import client_options
from streams.config import Settings
from streams.correlate import Correlator
from streams.incidents import REMEMBERED
from streams.message import Wording
from streams.notify import configured
from streams.notify.channel import Transport, post
from streams.notify.outbox import Outbox
from streams.records import INCIDENTS, IncidentEvent
from streams.store import incidents, progress, rollup
from streams.store.client import Store, StoreUnavailable
from streams.store.history import StoredHistory
from streams.store.recent import RecentHistory
from streams.watermark import watermark

log = logging.getLogger(__name__)

# The detector's state follows from this much history (seconds); it is folded again after a start, a day at a time.
MEMORY = 35 * 86_400
DAY = 86_400
# Stretches judged at once (seconds): short where much is said, so that memory is bounded; longer through silent years.
SHORTEST, LONGEST = 6 * 3600, 32 * 86_400
FEW_ROWS = 5_000
# A turn ends after this long (seconds) and goes on with the next, so that stops and elections are not held up.
TURN = 20.0


class Cycle:
    """Holds the correlator between turns. `transport` and `clock` are injected by tests."""

    def __init__(self, settings: Settings, *, transport: Transport = post, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        self._store = Store(settings.clickhouse_access("writer"))
        self._history = RecentHistory(StoredHistory(self._store))
        self._transport = transport
        self._channels = configured(settings)
        self._correlator: Correlator | None = None
        self._outboxes: list[Outbox] = []
        self._producer: Any = None
        self._stretch = SHORTEST
        self._through: int | None = None

    def run(self, ends: Mapping[tuple[str, int], int]) -> list[IncidentEvent]:
        """One turn; `ends` are the end offsets by (topic, partition). The events of this turn that people hear of.

        Raises StoreUnavailable (call again later: it goes on where it stopped) and StoreError.
        """
        try:
            return self._turn(ends)
        except Exception:
            self._correlator = None  # it is ahead of what was saved: rebuild it from there
            raise

    def close(self) -> None:
        """Lets go of ClickHouse and Kafka."""
        self._store.close()
        if self._producer is not None:
            self._producer.close(timeout=5)

    def _turn(self, ends: Mapping[tuple[str, int], int]) -> list[IncidentEvent]:
        clock = [time.perf_counter()]
        stored = progress.read(self._store)  # before the refresh: the rollups then hold at least this much
        clock.append(time.perf_counter())
        minutes = rollup.refresh(self._store)
        clock.append(time.perf_counter())
        through = progress.correlated_through(self._store)
        until = watermark(stored, ends, through, self._clock())
        clock.append(time.perf_counter())
        start = through if through is not None else self._earliest()
        if through != self._through:
            self._correlator = None  # another leader has gone on from where this one stopped
        correlator = self._correlator or self._rebuilt(start, fresh=through is None)
        events: list[IncidentEvent] = []
        if start is not None and until is not None:
            for low, high in self._stretches(start, until):
                events += self._judge(correlator, low, high)
        for outbox in self._outboxes:
            outbox.deliver()
        clock.append(time.perf_counter())
        took = [round(1000 * (after - before)) for before, after in pairwise(clock)]
        log.debug(
            "a turn to %s: progress %d ms, %d minutes rolled up %d, watermark %d, judging %d", until, took[0], minutes, *took[1:]
        )
        return events

    def _stretches(self, start: int, until: int) -> Iterator[tuple[int, int]]:
        deadline = time.monotonic() + TURN
        while start < until and time.monotonic() < deadline:
            end = min(start + self._stretch, until)
            yield start, end
            start = end

    def _judge(self, correlator: Correlator, start: int, end: int) -> list[IncidentEvent]:
        if self._stretch > SHORTEST or end - start == self._stretch:  # there is much to catch up with
            rows = len(self._history.counts(start, end).minute)
            self._stretch = min(2 * self._stretch, LONGEST) if rows < FEW_ROWS else SHORTEST
        told: list[IncidentEvent] = []
        for at, events in correlator.judged(self._history, start, end):
            if events:
                told += self._settle(incidents.unsaved(self._store, events), at)
        self._note(end)
        return told

    def _settle(self, events: list[IncidentEvent], at: int) -> list[IncidentEvent]:
        """Stores, publishes and sends what the minute before `at` brought: what people hear of it. Saved last: what is saved has
        been owed and published."""
        told = [event for event in events if event.told]
        if events:
            incidents.owe(self._store, told, [channel.name for channel in self._channels])
            self._publish(events)
            incidents.save(self._store, events)
        self._note(at)
        for outbox in self._outboxes:
            outbox.add(told)
            outbox.deliver()
        return told

    def _note(self, through: int) -> None:
        progress.set_correlated_through(self._store, through)
        self._through = through

    def _rebuilt(self, through: int | None, *, fresh: bool) -> Correlator:
        topology = self._topology()
        self._history = RecentHistory(StoredHistory(self._store))
        wording = Wording(topology, self._settings.language, self._settings.timezone)
        self._outboxes = [
            Outbox(self._store, channel, wording, transport=self._transport, clock=self._clock) for channel in self._channels
        ]
        correlator = Correlator(topology, language=self._settings.language, timezone=self._settings.timezone)
        if through is not None and not fresh:
            log.info("rebuilding the detector from %d days of history", MEMORY // DAY)
            for day in range(through - MEMORY, through, DAY):
                correlator.fold(self._history, day, day + DAY)
            known = incidents.known_at(self._store, through, REMEMBERED)
            correlator.resume(through, known, incidents.opened_after(self._store, through))
        self._correlator, self._through = correlator, None if fresh else through
        return correlator

    def _topology(self) -> Topology:
        path = self._settings.services_file
        if path:
            return read_topology(path)
        return discover((layer, service) for layer, service in self._store.rows("SELECT DISTINCT layer, service FROM metrics_1m"))

    def _earliest(self) -> int | None:
        rows = self._store.rows("SELECT count(), toUnixTimestamp(min(minute)) FROM complaints_1m")
        return int(rows[0][1]) if rows[0][0] else None

    def _publish(self, events: Sequence[IncidentEvent]) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        try:
            if self._producer is None:
                self._producer = KafkaProducer(**client_options(self._settings.kafka_access()), acks="all")
            for event in events:
                self._producer.send(INCIDENTS, key=event.incident.id.encode(), value=msgspec.json.encode(event))
            self._producer.flush(timeout=30)
        except (KafkaError, OSError) as error:
            raise StoreUnavailable(f"Kafka at {self._settings.kafka_access().broker}: {error}") from error
