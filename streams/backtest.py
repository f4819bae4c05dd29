"""Detection, ranking, rules and incident life cycle over recorded history: a Folder in, finished incidents and alerts out.

The Correlator and the rules here are the live worker's; only the history is in memory and the clock is the data's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from streams.correlate import Correlator
from streams.folder import Folder
from streams.records import AlertEvent, Incident, IncidentEvent
from streams.rules.watch import RuleWatch

DAY = 86_400


def span_of(folder: Folder) -> tuple[int, int]:
    """Whole minutes [start, end) that hold everything in the folder, as epoch seconds."""
    start, end = folder.span
    return start // 60 * 60, end // 60 * 60 + 60


def backtest(folder: Folder, correlator: Correlator, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """The incidents of a folder in the order they opened, as JSON-ready rows. `progress(done, all)` in days."""
    start, end = span_of(folder)
    days = -(-(end - start) // DAY)
    events: list[IncidentEvent] = []
    for day in range(days):
        low = start + day * DAY
        events += correlator.advance(folder, low, min(low + DAY, end))
        progress(day + 1, days)
    return finished(events)


def alerted(folder: Folder, watch: RuleWatch, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """What the rules warn of besides surges, in the order it began, each as it was last. `progress(done, all)` in days."""
    start, end = span_of(folder)
    days = -(-(end - start) // DAY)
    latest: dict[str, AlertEvent] = {}
    watch.advance(folder, start)
    for day in range(days):
        for event in watch.advance(folder, min(start + (day + 1) * DAY, end)):
            latest[event.alert.id] = event
        progress(day + 1, days)
    return [msgspec.to_builtins(event.alert) for event in latest.values()]


def finished(events: Iterable[IncidentEvent]) -> list[dict[str, Any]]:
    """One row an incident, in the order they opened: verdict and causes as known when it opened, the rest as known last."""
    opened: dict[str, Incident] = {}
    latest: dict[str, Incident] = {}
    for event in events:
        opened.setdefault(event.incident.id, event.incident)
        latest[event.incident.id] = event.incident
    return [_row(first, latest[key]) for key, first in opened.items()]


def _row(first: Incident, last: Incident) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(last)
    names = ("id", "service", "services", "category", "level", "onset", "opened_at", "resolved_at", "complaints", "expected")
    return {
        **{name: row[name] for name in names},
        "samples": row["samples"],
        "slice": last.slice or first.slice,
        "verdict": first.verdict,
        "causes": msgspec.to_builtins(first.causes),
        "loss": row["loss"],
        "title": last.title,
        "reasons": row["reasons"],
        "emerging": row["emerging"],
    }
