"""What became of what was planted: truth and incidents in, a line an event out. Pure.

An incident belongs to the planted event that was going on when it opened and whose services it touches; what belongs to none
is false.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.judgement import Cause
from models.window import SeriesKey
from streams.demo.events import Planted
from streams.records import Alert, Incident

LATE = 30 * 60  # seconds after an event's end that an incident may still be its echo


class Finding(NamedTuple):
    """One planted event and what was found of it. `rank` and `innocent_rank` count from 1; None where not listed."""

    planted: Planted
    incident: Incident | None
    more: tuple[Incident, ...] = ()
    delay_minutes: float | None = None
    rank: int | None = None
    change: Cause | None = None
    change_rank: int | None = None
    warned: Alert | None = None  # the first warning of sub-health about one of its services


class Summary(NamedTuple):
    """Every planted event's finding, and the incidents that belong to none."""

    findings: tuple[Finding, ...]
    false: tuple[Incident, ...]


def summarize(truth: Sequence[Planted], incidents: Sequence[Incident], alerts: Sequence[Alert] = ()) -> Summary:
    """Matches incidents with what was planted, each incident to at most one event: the one felt last before it opened; and
    warnings of sub-health to the events that they were early for."""
    owned: dict[str, list[Incident]] = {}
    false: list[Incident] = []
    for incident in sorted(incidents, key=lambda one: one.opened_at):
        fitting = [planted for planted in truth if planted.incident and _belongs(incident, planted)]
        if fitting:
            owned.setdefault(max(fitting, key=lambda planted: planted.felt).name, []).append(incident)
        else:
            false.append(incident)
    findings = (_finding(planted, owned.get(planted.name, [])) for planted in truth)
    return Summary(tuple(finding._replace(warned=_warned(finding.planted, alerts)) for finding in findings), tuple(false))


def _warned(planted: Planted, alerts: Sequence[Alert]) -> Alert | None:
    """The first warning of sub-health about one of its services while it went on, before it was in the open."""
    early = [
        alert
        for alert in sorted(alerts, key=lambda alert: alert.starts_at)
        if alert.kind == "subhealth"
        and alert.service in planted.services
        and planted.begins <= alert.starts_at.timestamp() <= max(planted.felt, planted.crossed)
    ]
    return early[0] if planted.incident and early else None


def _belongs(incident: Incident, planted: Planted) -> bool:
    opened = incident.opened_at.timestamp()
    touches = {incident.service, *incident.services} & set(planted.services)
    return bool(touches) and planted.begins <= opened <= planted.ends + LATE


def _finding(planted: Planted, found: Sequence[Incident]) -> Finding:
    if not found:
        return Finding(planted, None)
    first = found[0]
    suspect = planted.change or planted.innocent
    listed = [(place, cause) for place, cause in enumerate(first.causes, start=1) if suspect and cause.change == suspect]
    return Finding(
        planted=planted,
        incident=first,
        more=tuple(found[1:]),
        delay_minutes=(first.opened_at.timestamp() - planted.felt) / 60,
        rank=next((place for place, cause in enumerate(first.causes, start=1) if is_true(cause, planted)), None),
        change=listed[0][1] if listed else None,
        change_rank=listed[0][0] if listed else None,
    )


def is_true(cause: Cause, planted: Planted) -> bool:
    """Whether this cause is what was planted: the very change where a change did it, else one of the root's own series."""
    if planted.change:
        return cause.change == planted.change
    return cause.kind == "metric" and SeriesKey(cause.layer, cause.service, cause.metric) in planted.roots
