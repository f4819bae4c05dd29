"""Alerts as rows: alert events in, alerts out. `alerts` holds the newest version of each; the same protocol as incidents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.incidents import seconds
from streams.records import Alert, AlertEvent
from streams.store.client import Store
from streams.store.incidents import moment

_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Alert))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM alerts FINAL"  # noqa: S608 -- names of our own record's fields


def save(store: Store, events: Sequence[AlertEvent]) -> None:
    """Stores the alerts of these events, each as its newest version; saving one again changes nothing."""
    newest = {event.alert.id: event.alert for event in sorted(events, key=lambda event: event.alert.updated_at)}
    rows = [_row(alert) for alert in newest.values()]
    if rows:
        store.insert("alerts", {name: [row[name] for row in rows] for name in rows[0]})


def unsaved(store: Store, events: Sequence[AlertEvent]) -> list[AlertEvent]:
    """The events that an earlier run, cut off before it noted its progress, has not saved already."""
    if not events:
        return []
    ids = sorted({event.alert.id for event in events})
    saved = dict(store.rows("SELECT id, max(version) FROM alerts WHERE id IN {ids:Array(String)} GROUP BY id", {"ids": ids}))
    return [event for event in events if seconds(event.alert.updated_at) > saved.get(event.alert.id, 0)]


def firing_at(store: Store, through: int) -> list[Alert]:
    """The alerts that fired as of `through` (epoch seconds), oldest first."""
    found = store.rows(
        f"{_SELECT} WHERE starts_at <= {{through:DateTime64(3, 'UTC')}}"
        " AND (status = 'firing' OR ends_at > {through:DateTime64(3, 'UTC')}) ORDER BY starts_at, id",
        {"through": moment(through)},
    )
    alerts = [_alert(row) for row in found]
    return [msgspec.structs.replace(alert, status="firing", ends_at=None) for alert in alerts]


def begun(store: Store, start: int, end: int) -> list[Alert]:
    """The alerts that started in [start, end) (epoch seconds), oldest first."""
    found = store.rows(
        f"{_SELECT} WHERE starts_at >= {{start:DateTime64(3, 'UTC')}} AND starts_at < {{end:DateTime64(3, 'UTC')}}"
        " ORDER BY starts_at, id",
        {"start": moment(start), "end": moment(end)},
    )
    return [_alert(row) for row in found]


def read(store: Store, ids: Iterable[str]) -> dict[str, Alert]:
    """Alerts by id, as last stored."""
    found = store.rows(f"{_SELECT} WHERE id IN {{ids:Array(String)}}", {"ids": list(ids)})
    return {row[0]: _alert(row) for row in found}


def _row(alert: Alert) -> dict[str, Any]:
    values = {name: getattr(alert, name) for name in _COLUMNS}
    return {**values, "reasons": list(alert.reasons), "version": seconds(alert.updated_at)}


def _alert(row: Sequence[Any]) -> Alert:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("starts_at", "updated_at", "ends_at"):
        values[name] = values[name] and values[name].replace(tzinfo=dt.UTC)
    return Alert(**{**values, "reasons": tuple(values["reasons"])})
