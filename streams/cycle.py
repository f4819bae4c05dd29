"""One turn of the leader: rollups → watermark → correlate → store → publish → notify. Blocking; runs in a thread.

Everything before `correlated_through` is judged, stored and owed to the chat channels. What fails midway is judged again
from there: incidents keep their ids and versions, so that a second time changes nothing. Delivery has a queue of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from models.topology import Topology, discover, parse_topology
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
        self._history = StoredHistory(self._store)
        self._transport = transport
        self._channels = configured(settings)
        self._correlator: Correlator | None = None
        self._outboxes: list[Outbox] = []
        self._producer: Any = None
        self._stretch = SHORTEST

    def run(self, ends: Mapping[tuple[str, int], int]) -> list[IncidentEvent]:
        """One turn; `ends` are the end offsets by (topic, partition). The events of this turn.

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
        stored = progress.read(self._store)  # before the refresh: the rollups then hold at least this much
        rollup.refresh(self._store)
        through = progress.correlated_through(self._store)
        until = watermark(stored, ends, through, self._clock())
        start = through if through is not None else self._earliest()
        correlator = self._correlator or self._rebuilt(start, fresh=through is None)
        events: list[IncidentEvent] = []
        if start is not None and until is not None:
            for low, high in self._stretches(start, until):
                events += self._judge(correlator, low, high)
        for outbox in self._outboxes:
            outbox.deliver()
        return events

    def _stretches(self, start: int, until: int) -> Iterator[tuple[int, int]]:
        deadline = time.monotonic() + TURN
        while start < until and time.monotonic() < deadline:
            end = min(start + self._stretch, until)
            yield start, end
            start = end

    def _judge(self, correlator: Correlator, start: int, end: int) -> list[IncidentEvent]:
        rows = len(self._history.counts(start, end).minute)
        self._stretch = min(2 * self._stretch, LONGEST) if rows < FEW_ROWS else SHORTEST
        events = incidents.unsaved(self._store, list(correlator.advance(self._history, start, end)))
        if events:  # saved last: what is saved has been owed and published
            incidents.owe(self._store, events, [channel.name for channel in self._channels])
            self._publish(events)
            incidents.save(self._store, events)
        progress.set_correlated_through(self._store, end)
        for outbox in self._outboxes:
            outbox.add(events)
            outbox.deliver()
        return events

    def _rebuilt(self, through: int | None, *, fresh: bool) -> Correlator:
        topology = self._topology()
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
        self._correlator = correlator
        return correlator

    def _topology(self) -> Topology:
        path = self._settings.services_file
        if path:
            return parse_topology(path.read_text(encoding="utf-8"), str(path))
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
