"""Incidents as rows: incident events in, incidents out. `incidents` holds the newest version of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from models.judgement import Cause
from streams.incidents import version
from streams.records import Incident, IncidentEvent, Loss
from streams.store.client import Store

_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Incident))
_LISTS = ("services", "samples", "reasons", "emerging")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM incidents FINAL"  # noqa: S608 -- names of our own record's fields


def save(store: Store, events: Sequence[IncidentEvent]) -> None:
    """Stores the incidents of these events, each as its newest version; saving one again changes nothing."""
    newest = {event.incident.id: event.incident for event in sorted(events, key=lambda event: version(event.incident))}
    rows = [_row(incident) for incident in newest.values()]
    if rows:
        store.insert("incidents", {name: [row[name] for row in rows] for name in rows[0]})


def unsaved(store: Store, events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """The events that an earlier run, cut off before it noted its progress, has not saved already."""
    if not events:
        return []
    ids = sorted({event.incident.id for event in events})
    saved = dict(store.rows("SELECT id, max(version) FROM incidents WHERE id IN {ids:Array(String)} GROUP BY id", {"ids": ids}))
    return [event for event in events if version(event.incident) > saved.get(event.incident.id, 0)]


def known_at(store: Store, through: int, remembered: int) -> list[Incident]:
    """As of `through` (epoch seconds): the incidents then open, and those resolved in the `remembered` seconds before."""
    found = store.rows(
        f"{_SELECT} WHERE opened_at <= {{through:DateTime64(3, 'UTC')}}"
        " AND (status = 'open' OR resolved_at > {since:DateTime64(3, 'UTC')}) ORDER BY opened_at, id",
        {"through": moment(through), "since": moment(through - remembered)},
    )
    return [_as_of(_incident(row), through) for row in found]


def _as_of(incident: Incident, through: int) -> Incident:
    if incident.resolved_at is None or incident.resolved_at.timestamp() <= through:
        return incident
    return msgspec.structs.replace(incident, status="open", resolved_at=None)


def opened_after(store: Store, through: int) -> list[Incident]:
    """The incidents that were opened after `through` (epoch seconds): by a run that was cut off before it noted so."""
    found = store.rows(
        f"{_SELECT} WHERE opened_at > {{through:DateTime64(3, 'UTC')}} ORDER BY opened_at, id", {"through": moment(through)}
    )
    return [_incident(row) for row in found]


def read(store: Store, ids: Iterable[str]) -> dict[str, Incident]:
    """Incidents by id, as last stored."""
    found = store.rows(f"{_SELECT} WHERE id IN {{ids:Array(String)}}", {"ids": list(ids)})
    return {row[0]: _incident(row) for row in found}


def opened(store: Store, start: dt.datetime, end: dt.datetime) -> list[Incident]:
    """The incidents opened in [start, end), as last stored, oldest first."""
    found = store.rows(
        f"{_SELECT} WHERE opened_at >= {{start:DateTime64(3, 'UTC')}} AND opened_at < {{end:DateTime64(3, 'UTC')}}"
        " ORDER BY opened_at, id",
        {"start": moment(start.timestamp()), "end": moment(end.timestamp())},
    )
    return [_incident(row) for row in found]


def _row(incident: Incident) -> dict[str, Any]:
    values = {name: getattr(incident, name) for name in _COLUMNS}
    values |= {name: list(values[name]) for name in _LISTS}
    values["causes"] = msgspec.json.encode(incident.causes).decode()
    values["loss"] = msgspec.json.encode(incident.loss).decode()
    return {**values, "version": version(incident)}


def _incident(row: Sequence[Any]) -> Incident:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("onset", "opened_at", "updated_at", "resolved_at"):
        values[name] = values[name] and values[name].replace(tzinfo=dt.UTC)
    values |= {name: tuple(values[name]) for name in _LISTS}
    values["causes"] = msgspec.json.decode(values["causes"] or "[]", type=tuple[Cause, ...])
    values["loss"] = msgspec.json.decode(values["loss"] or "null", type=Loss | None)
    return Incident(**values)


def moment(seconds: float) -> str:
    """Epoch seconds as a DateTime64(3) parameter."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
