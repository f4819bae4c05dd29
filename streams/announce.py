"""What a minute brought goes out: events in; rows, records in Kafka and chat messages out.

Saved last: what is saved has been owed and published, so that doing it again changes and tells nothing. Incidents go to Kafka
(huiyin.incidents) and chat; alerts to their table and chat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from streams.broker import client_options
from streams.config import Settings
from streams.judge import Told
from streams.message import Wording
from streams.notify import configured
from streams.notify.channel import Transport
from streams.notify.outbox import Event, Outbox
from streams.records import INCIDENTS, AlertEvent, IncidentEvent
from streams.rules import UNTOLD_ENDS
from streams.store import alerts, deliveries, incidents
from streams.store.client import Store, StoreUnavailable


class Announcer:
    """Holds the connection to Kafka and each channel's queue. Raises StoreUnavailable for a store or a Kafka that is away."""

    def __init__(self, settings: Settings, store: Store, transport: Transport, clock: Callable[[], float]) -> None:
        self._settings, self._store, self._transport, self._clock = settings, store, transport, clock
        self._channels = configured(settings)
        self._outboxes: list[Outbox] = []
        self._producer: Any = None

    def begin(self, wording: Wording) -> None:
        """Takes up what is owed, to be worded like this."""
        self._outboxes = [
            Outbox(self._store, channel, wording, transport=self._transport, clock=self._clock) for channel in self._channels
        ]

    def announce(self, found: Told) -> list[Event]:
        """Stores, publishes and sends what is not stored yet; what of it people hear of."""
        events = incidents.unsaved(self._store, found.incidents)
        warnings = alerts.unsaved(self._store, found.alerts)
        told: list[Event] = [event for event in events if event.told]
        told += [event for event in warnings if event.kind == "firing" or event.alert.kind not in UNTOLD_ENDS]
        if events or warnings:
            deliveries.owe(self._store, told, [channel.name for channel in self._channels])
            self._publish(events)
            self._save(events, warnings)
        for outbox in self._outboxes:
            outbox.add(told)
            outbox.deliver()
        return told

    def deliver(self) -> None:
        """Sends what is owed still."""
        for outbox in self._outboxes:
            outbox.deliver()

    def close(self) -> None:
        """Lets go of Kafka."""
        if self._producer is not None:
            self._producer.close(timeout=5)

    def _save(self, events: Sequence[IncidentEvent], warnings: Sequence[AlertEvent]) -> None:
        incidents.save(self._store, events)
        alerts.save(self._store, warnings)

    def _publish(self, events: Sequence[IncidentEvent]) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        if not events:
            return
        try:
            if self._producer is None:
                self._producer = KafkaProducer(**client_options(self._settings.kafka_access()), acks="all")
            for event in events:
                self._producer.send(INCIDENTS, key=event.incident.id.encode(), value=msgspec.json.encode(event))
            self._producer.flush(timeout=30)
        except (KafkaError, OSError) as error:
            raise StoreUnavailable(f"Kafka at {self._settings.kafka_access().broker}: {error}") from error
