"""What people said of the judging: Feedback in, stored once, and out again as the bars of series (models.surge_bars).

"Not an incident" raises the bar of the series that opened it, "missed" lowers it. Each names its reason and never acts silently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from models.privacy import mask
from models.surge_bars import Bar
from streams.store.client import Store

Verdict = Literal["not_an_incident", "missed"]


class FeedbackError(ValueError):
    """Feedback that says too little, or too much; the message names the field."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One judgement by a person. About an incident, or (missed) about service, category ('' for all) and time."""

    id: str
    ts: dt.datetime
    verdict: Verdict
    incident: str = ""
    service: str = ""
    category: str = ""
    at: dt.datetime | None = None
    by: str = ""
    note: str = ""


def checked(feedback: Feedback) -> Feedback:
    """The same feedback, personal data in its note masked. Errors: FeedbackError naming the field."""
    if not feedback.id or len(feedback.id) > 200:
        raise FeedbackError("id: 1 to 200 characters")
    if any(moment is not None and moment.tzinfo is None for moment in (feedback.ts, feedback.at)):
        raise FeedbackError("ts, at: a time needs its offset")
    if feedback.verdict == "not_an_incident" and not feedback.incident:
        raise FeedbackError("incident: 'not_an_incident' needs the id of one")
    if feedback.verdict == "missed" and (not feedback.service or feedback.at is None):
        raise FeedbackError("service, at: 'missed' needs both")
    return msgspec.structs.replace(feedback, note=mask(feedback.note[:2000]))


def record(store: Store, feedback: Feedback) -> Feedback:
    """Stores it and gives what was stored; the same id again replaces what it said.

    Errors: FeedbackError, also for an incident that is not known; StoreUnavailable and StoreError as Store.
    """
    kept = checked(feedback)
    if kept.incident:
        found = store.rows("SELECT service, category FROM incidents FINAL WHERE id = {id:String}", {"id": kept.incident})
        if not found:
            raise FeedbackError(f"incident: none is called {kept.incident!r}")
        kept = msgspec.structs.replace(kept, service=found[0][0], category=found[0][1])
    store.insert("feedback", {name: [_stored(getattr(kept, name))] for name in _COLUMNS})
    return kept


def read(store: Store) -> list[Feedback]:
    """All feedback, oldest first. Errors as Store."""
    rows = store.rows(f"SELECT {', '.join(f'`{name}`' for name in _COLUMNS)} FROM feedback FINAL ORDER BY ts, id")  # noqa: S608 -- our own fields
    return [_feedback(row) for row in rows]


def in_force(store: Store, now: dt.datetime) -> list[dict[str, Any]]:
    """Each feedback with what it does to its series' bar at `now`, JSON-ready, oldest first. Errors as Store."""
    moved = {one.id: one for one in bars(store)}
    at = int(now.timestamp())
    return [
        {
            **msgspec.to_builtins(one),
            "in_force": one.id in moved and moved[one.id].in_force(at),
            "effect": moved[one.id].words(at, "en") if one.id in moved else "",
        }
        for one in read(store)
    ]


def bars(store: Store) -> list[Bar]:
    """What feedback makes of the bars of series, oldest first. Errors as Store."""
    said = read(store)
    ids = [one.incident for one in said if one.incident]
    rows = store.rows(_SIZES, {"ids": ids}) if ids else []
    sizes = {row[0]: (max(float(row[1]), 1.0), int(row[2])) for row in rows}
    found = []
    for one in said:
        beyond, since = sizes.get(one.incident, (0.0, 0)) if one.verdict == "not_an_incident" else (0.0, 0)
        if one.verdict == "missed" and one.at:
            since = int(one.at.timestamp())
        if since:
            found.append(Bar(one.id, one.service, one.category, since, f"{one.ts:%Y-%m-%d}", beyond))
    return found


# Complaints beyond the usual a service, and the event time (epoch seconds) to which the incident is known.
_SIZES = """
SELECT id, (complaints - expected) / length(services), toUnixTimestamp(updated_at)
FROM incidents FINAL WHERE id IN {ids:Array(String)}
"""
_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Feedback))


def _stored(value: Any) -> Any:
    return int(value.timestamp() * 1000) if isinstance(value, dt.datetime) else value


def _feedback(row: Sequence[Any]) -> Feedback:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("ts", "at"):
        values[name] = values[name] and values[name].replace(tzinfo=dt.UTC)
    return Feedback(**values)
