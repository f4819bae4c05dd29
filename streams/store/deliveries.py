"""What is owed to chat channels, as rows: events in, pending deliveries out.

`deliveries` is the outbox: a row is pending until a channel took the message (sent) or never will (failed), so that a restart
sends what was not sent and nothing twice. Its column `incident` holds the id of an incident or of an alert.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.incidents import seconds
from streams.records import AlertEvent, IncidentEvent
from streams.store.client import Store
from streams.store.incidents import moment


class Delivery(NamedTuple):
    """One message owed: which event of which incident or alert."""

    incident: str
    event: str
    version: int


def delivery(event: IncidentEvent | AlertEvent) -> Delivery:
    """What an event is called in the outbox."""
    subject = event.incident if isinstance(event, IncidentEvent) else event.alert
    return Delivery(subject.id, event.kind, seconds(subject.updated_at))


def owe(store: Store, events: Sequence[IncidentEvent | AlertEvent], channels: Sequence[str]) -> None:
    """Puts each event into the outbox for each channel, unless it is there already, sent or not."""
    owed = [delivery(event) for event in events]
    ids = sorted({one.incident for one in owed})
    known = set(
        store.rows("SELECT incident, event, version, channel FROM deliveries WHERE incident IN {ids:Array(String)}", {"ids": ids})
        if ids and channels
        else ()
    )
    keys = [(*one, channel) for one in owed for channel in channels]
    _deliveries(store, [key for key in keys if key not in known], "pending", "")


def pending(store: Store, channel: str) -> list[Delivery]:
    """What `channel` has not been sent, oldest first."""
    rows = store.rows(
        "SELECT incident, event, version FROM deliveries FINAL WHERE channel = {channel:String} AND status = 'pending'"
        " ORDER BY version, incident",
        {"channel": channel},
    )
    return [Delivery(*row) for row in rows]


def sent_since(store: Store, channel: str, since: float) -> list[float]:
    """When `channel` was last sent to, for each delivery since `since`, in epoch seconds."""
    rows = store.rows(
        "SELECT sent_at FROM deliveries FINAL WHERE channel = {channel:String} AND status = 'sent'"
        " AND sent_at >= {since:DateTime64(3, 'UTC')} ORDER BY sent_at",
        {"channel": channel, "since": moment(since)},
    )
    return [row[0].replace(tzinfo=dt.UTC).timestamp() for row in rows]


def settle(store: Store, channel: str, deliveries: Iterable[Delivery], status: str, reason: str) -> None:
    """Notes that these were sent, or failed for `reason`."""
    _deliveries(store, [(*delivery, channel) for delivery in deliveries], status, reason)


def _deliveries(store: Store, keys: Sequence[tuple[str, str, int, str]], status: str, reason: str) -> None:
    if not keys:
        return
    incident, event, number, channel = zip(*keys, strict=True)
    store.insert(
        "deliveries",
        {
            "incident": incident,
            "event": event,
            "version": number,
            "channel": channel,
            "status": [status] * len(keys),
            "reason": [reason] * len(keys),
            "sent_at": [int(time.time() * 1000)] * len(keys),
        },
    )
