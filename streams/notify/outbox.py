"""Sends what is owed to one channel, at least once and within its rate: incident and alert events in, HTTP requests out.

Each event is a message of its own while the channel's rate has room. Where it has not, an incident's events shrink to the
newest, and what is still too much becomes one message with a line for each; nothing is dropped.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from streams import message
from streams.message import Wording
from streams.notify.channel import Accepted, Channel, Message, Outcome, Refused, Retry, Transport, TransportError
from streams.records import AlertEvent, IncidentEvent
from streams.store import alerts, incidents
from streams.store.client import Store
from streams.store.deliveries import Delivery, delivery, pending, sent_since, settle

log = logging.getLogger(__name__)

MINUTE = 60.0
# Backoff doubles from the first to the longest wait (seconds).
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
_ORDER = {"opened": 0, "firing": 0, "updated": 1, "resolved": 2}
# What is told first when several are owed: what users suffer, then what is wrong with the system, then what may harm the name.
_QUEUE = {"incident": 0, "silence": 1, "subhealth": 1, "indicator": 1, "mentions": 2}

Event = IncidentEvent | AlertEvent


class Parcel(NamedTuple):
    """One message and the deliveries it settles."""

    message: Message
    covers: tuple[Delivery, ...]


class Outbox:
    """The queue of one channel. Rows in the store are the truth; the queue in memory spares reading them every cycle."""

    def __init__(
        self, store: Store, channel: Channel, wording: Wording, *, transport: Transport, clock: Callable[[], float]
    ) -> None:
        self._store, self._channel, self._wording = store, channel, wording
        self._transport, self._clock = transport, clock
        self._attempts = deque(sent_since(store, channel.name, clock() - MINUTE)[-channel.per_minute :])
        self._queue = _restored(store, channel.name)
        self._not_before, self._failures = 0.0, 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, events: Iterable[Event]) -> None:
        """Takes events that the store already owes this channel."""
        self._queue.update({delivery(event): event for event in events})

    def deliver(self) -> None:
        """Sends as much as rate and backoff allow now. Raises StoreUnavailable; a robot that fails is tried again later."""
        if not self._queue or self._clock() < self._not_before:
            return
        for parcel in plan(self._queue, self._room(), self._wording):
            outcome = self._send(parcel.message)
            if isinstance(outcome, Retry):
                self._wait(outcome)
                return
            self._failures = 0
            self._settle(parcel, outcome)

    def _settle(self, parcel: Parcel, outcome: Accepted | Refused) -> None:
        if isinstance(outcome, Refused):
            log.error("%s refused a message: %s", self._channel.name, outcome.reason)
        status = "sent" if isinstance(outcome, Accepted) else "failed"
        settle(self._store, self._channel.name, parcel.covers, status, getattr(outcome, "reason", ""))
        for key in parcel.covers:
            del self._queue[key]

    def _send(self, told: Message) -> Outcome:
        now = self._clock()
        self._attempts.append(now)
        try:
            return self._channel.parse(self._transport(self._channel.build(told, now)))
        except TransportError as error:
            return Retry(str(error))

    def _wait(self, retry: Retry) -> None:
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2**self._failures)
        self._failures += 1
        self._not_before = self._clock() + (backoff if retry.after is None else retry.after)
        log.warning("%s: %s; %d messages wait", self._channel.name, retry.reason, len(self._queue))

    def _room(self) -> int:
        """Messages that fit into the 60 seconds ending now: a sliding window, since a bucket lets twice the rate through."""
        while self._attempts and self._attempts[0] <= self._clock() - MINUTE - 1:
            self._attempts.popleft()
        return max(0, self._channel.per_minute - len(self._attempts))


def plan(owed: Mapping[Delivery, Event], room: int, wording: Wording) -> list[Parcel]:
    """At most `room` messages which say all that is owed, complaints first: the gravest by themselves, the rest in one."""
    if room == 0 or not owed:
        return []
    ordered = sorted(owed.items(), key=lambda item: (_place(item[1]), item[0].version, item[0].incident, _ORDER[item[1].kind]))
    if len(ordered) <= room:
        return [Parcel(message.render(event, wording), (key,)) for key, event in ordered]
    by_subject: dict[str, list[tuple[Delivery, Event]]] = {}
    for key, event in ordered:
        by_subject.setdefault(key.incident, []).append((key, event))
    if len(by_subject) <= room:
        return [_newest(together, wording) for together in by_subject.values()]
    grave = sorted(by_subject.values(), key=lambda together: -_level(together[-1][1]))
    parcels = [_newest(together, wording) for together in grave]
    alone, rest = parcels[: room - 1], parcels[room - 1 :]
    covers = tuple(key for parcel in rest for key in parcel.covers)
    return [*alone, Parcel(message.merged([parcel.message for parcel in rest], wording), covers)]


def _place(event: Event) -> int:
    return _QUEUE["incident" if isinstance(event, IncidentEvent) else event.alert.kind]


def _level(event: Event) -> int:
    return event.incident.level if isinstance(event, IncidentEvent) else event.alert.level


def _newest(together: Sequence[tuple[Delivery, Event]], wording: Wording) -> Parcel:
    first = any(event.kind == "opened" for _, event in together)
    return Parcel(message.render(together[-1][1], wording, first=first), tuple(key for key, _ in together))


def _restored(store: Store, channel: str) -> dict[Delivery, Event]:
    owed = pending(store, channel)
    ids = {key.incident for key in owed}
    known, warned = (incidents.read(store, ids), alerts.read(store, ids)) if owed else ({}, {})
    events: dict[Delivery, Event] = {}
    for key in owed:
        if key.incident in known:
            events[key] = IncidentEvent(key.event, known[key.incident])  # type: ignore[arg-type]
        elif key.incident in warned:
            events[key] = AlertEvent(key.event, warned[key.incident])  # type: ignore[arg-type]
    return events
