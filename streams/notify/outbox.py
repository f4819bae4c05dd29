"""Sends what is owed to one channel, at least once and within its rate: incident events in, HTTP requests out.

Each event is a message of its own while the channel's rate has room. Where it has not, an incident's events shrink to the
newest, and what is still too much becomes one message with a line for each; nothing is dropped.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from streams import message
from streams.incidents import version
from streams.message import Wording
from streams.notify.channel import Accepted, Channel, Message, Outcome, Refused, Retry, Transport, TransportError
from streams.records import IncidentEvent
from streams.store.client import Store
from streams.store.incidents import Delivery, pending, read, sent_since, settle

log = logging.getLogger(__name__)

MINUTE = 60.0
# Backoff doubles from the first to the longest wait (seconds).
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
_ORDER = {"opened": 0, "updated": 1, "resolved": 2}


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

    def add(self, events: Iterable[IncidentEvent]) -> None:
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


def plan(owed: Mapping[Delivery, IncidentEvent], room: int, wording: Wording) -> list[Parcel]:
    """At most `room` messages which say all that is owed: the gravest incidents by themselves, the rest in one."""
    if room == 0 or not owed:
        return []
    ordered = sorted(owed.items(), key=lambda item: (item[0].version, item[0].incident, _ORDER[item[1].kind]))
    if len(ordered) <= room:
        return [Parcel(message.render(event, wording), (key,)) for key, event in ordered]
    by_incident: dict[str, list[tuple[Delivery, IncidentEvent]]] = {}
    for key, event in ordered:
        by_incident.setdefault(key.incident, []).append((key, event))
    if len(by_incident) <= room:
        return [_newest(together, wording) for together in by_incident.values()]
    grave = sorted(by_incident.values(), key=lambda together: -together[-1][1].incident.level)
    parcels = [_newest(together, wording) for together in grave]
    alone, rest = parcels[: room - 1], parcels[room - 1 :]
    covers = tuple(key for parcel in rest for key in parcel.covers)
    return [*alone, Parcel(message.merged([parcel.message for parcel in rest], wording), covers)]


def delivery(event: IncidentEvent) -> Delivery:
    """What an event is called in the outbox."""
    return Delivery(event.incident.id, event.kind, version(event.incident))


def _newest(together: Sequence[tuple[Delivery, IncidentEvent]], wording: Wording) -> Parcel:
    first = any(event.kind == "opened" for _, event in together)
    return Parcel(message.render(together[-1][1], wording, first=first), tuple(key for key, _ in together))


def _restored(store: Store, channel: str) -> dict[Delivery, IncidentEvent]:
    owed = pending(store, channel)
    incidents = read(store, {key.incident for key in owed}) if owed else {}
    return {
        key: IncidentEvent(key.event, incidents[key.incident])  # type: ignore[arg-type]
        for key in owed
        if key.incident in incidents
    }
