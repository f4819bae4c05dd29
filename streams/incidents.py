"""The life of an incident: surges in, incidents opened, joined, updated and resolved. Pure; times are epoch seconds.

One fault makes several services and categories surge, at slightly different times. A surge joins an open incident when what
it suffers from is the same: the same culprit, or a culprit within its reach, or the same time and nothing that tells them apart.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from models.judgement import Cause
from models.topology import Topology
from streams.heat import Heat
from streams.records import Incident

# Onsets this close (seconds) count as the same time; a surge seen in a wider window is as uncertain as that window is wide.
NEAR = 15 * 60
# An incident is over when nothing it touches has been hot for this long (seconds).
LINGER = 6 * 60
# A resolved incident is remembered for this long (seconds), in case a surge goes on with it.
REMEMBERED = 2 * 86_400
# A cause this probable is a culprit beside the first one.
CULPRIT = 0.3
# People hear of an incident this often (seconds) at most, unless it becomes critical.
PAUSE = 10 * 60
CRITICAL = 3
# A fault reaches its services within this long (seconds) after it was noticed: one that joins later is news.
SPREADING = 10 * 60
# Evidence is looked at again after this long (seconds), and then each time after twice as long: later data says more.
SECOND_LOOK = 5 * 60


@dataclass(frozen=True)
class Tracked:
    """An open incident with what its life cycle remembers: when it was last hot, its baseline (a second)."""

    incident: Incident
    last_hot: int
    rate: float = 0.0
    reviewed: int = 0
    told: Incident | None = None  # as people heard of it last
    wider: bool = False  # a service joined late, and people have not heard of it
    cooling: int = 0  # seconds for which a surge that ended still counts as hot
    base: int = 1  # the level that significance and size alone give
    weighed: int = 0  # the base when the level was last said
    least: int = 0  # the level reached so far: it never falls


def utc(seconds: int) -> dt.datetime:
    """Epoch seconds as an aware datetime."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def seconds(moment: dt.datetime) -> int:
    """An aware datetime as whole epoch seconds."""
    return int(moment.timestamp())


def incident_id(service: str, category: str, onset: int) -> str:
    """The same surge gives the same id whenever it is judged: UTC day and time of the onset, and a hash."""
    digest = hashlib.sha256(f"{service}|{category}|{onset}".encode()).hexdigest()
    return f"{utc(onset):%Y%m%d-%H%M}-{digest[:6]}"


def version(incident: Incident) -> int:
    """Grows with each event of an incident and is the same on a re-run: an incident has one event a minute at most."""
    return seconds(incident.updated_at)


def culprits(causes: Sequence[Cause]) -> tuple[str, ...]:
    """The services and IDCs that the causes blame: the first, and every other probable one."""
    names = [cause.service for place, cause in enumerate(causes) if place == 0 or cause.probability >= CULPRIT]
    return tuple(dict.fromkeys(names))


def belongs(heat: Heat, causes: Sequence[Cause], tracked: Tracked, topology: Topology) -> bool:
    """Whether a newly surging service, with the causes ranked for it ('explained' ones only), suffers from this incident."""
    incident = tracked.incident
    if heat.service in incident.services or not heat.service:
        return True  # what is said about no service in particular is about the fault at hand
    if not incident.service:
        return abs(heat.onset - seconds(incident.onset)) <= max(NEAR, heat.window)
    theirs = culprits(incident.causes) if incident.verdict == "explained" else ()
    ours = culprits(causes)
    if set(ours) & set(theirs):
        return True
    near = abs(heat.onset - seconds(incident.onset)) <= max(NEAR, heat.window)
    if not near:
        return not ours and bool(set(theirs[:1]) & _ground(heat.service, topology))
    if not ours or not theirs:
        return True
    return ours[0] in _ground(incident.service, topology) or theirs[0] in _ground(heat.service, topology)


def _ground(service: str, topology: Topology) -> set[str]:
    """What a service stands on: everything it calls, and the IDCs of all that."""
    reach = topology.reach(service)
    return set(reach) | {idc for name in reach for idc in topology.idcs_of(name)}


def opened(heat: Heat, at: int, title: str) -> Tracked:
    """A new incident, known at `at`, its evidence still to be filled in."""
    incident = Incident(
        id=incident_id(heat.service, heat.category, heat.onset),
        service=heat.service,
        services=(heat.service,),
        category=heat.category,
        level=heat.level,
        status="open",
        onset=utc(heat.onset),
        opened_at=utc(at),
        updated_at=utc(at),
        complaints=0,
        verdict="unexplained",
        title=title,
    )
    return Tracked(incident, at, heat.rate, cooling=heat.window, base=heat.level)


def same_surge(heat: Heat, recorded: Iterable[Incident]) -> Heat | None:
    """The surge as an earlier run recorded it, None when none did: a rebuilt detector may date an onset a little otherwise."""
    for incident in recorded:
        onset = seconds(incident.onset)
        if heat.service == incident.service and abs(heat.onset - onset) <= max(NEAR, heat.window):
            return heat._replace(onset=onset, category=incident.category)
    return None


def touched(tracked: Tracked, heat: Heat, at: int) -> Tracked:
    """The incident with one more minute of a service that is hot."""
    incident = tracked.incident
    known = heat.service in incident.services
    late = not known and bool(heat.service) and at - seconds(incident.opened_at) >= SPREADING
    if not known:
        incident = msgspec.structs.replace(incident, services=(*incident.services, heat.service))
    rate = tracked.rate if known else tracked.rate + heat.rate
    base, wider = max(tracked.base, heat.level), tracked.wider or late
    return replace(tracked, incident=incident, last_hot=at, rate=rate, wider=wider, cooling=heat.window, base=base)


def restored(incident: Incident, at: int) -> Tracked:
    """An incident taken up again at `at`; its baseline rate follows from what was expected of its duration."""
    duration = max(60, version(incident) - seconds(incident.onset))
    rate, level = incident.expected / duration, incident.level
    return Tracked(incident, at, rate, version(incident), incident, weighed=CRITICAL, least=level)


def resumed(heat: Heat, closed: Iterable[Incident]) -> Incident | None:
    """The resolved incident that this surge goes on with, opened again: it set in before that was over for its window."""
    for incident in closed:
        ended = incident.resolved_at and seconds(incident.resolved_at) + heat.window
        if heat.service in incident.services and ended and heat.onset <= ended:
            return msgspec.structs.replace(incident, status="open", resolved_at=None)
    return None


def remembered(closed: Incident, at: int) -> bool:
    """Whether a resolved incident may still be gone on with."""
    return closed.resolved_at is not None and at - seconds(closed.resolved_at) <= REMEMBERED


def due(tracked: Tracked, at: int) -> bool:
    """Whether to look at the evidence again: there is news to tell, or it is time for the next look."""
    opened_at = seconds(tracked.incident.opened_at)
    graver = tracked.weighed < tracked.base and tracked.least < CRITICAL
    if graver or worth_telling(tracked, at):
        return True
    return at - opened_at >= max(SECOND_LOOK, 2 * (tracked.reviewed - opened_at))


def worth_telling(tracked: Tracked, at: int) -> bool:
    """Whether people should hear of it now: of a higher level, another first cause or a late service, not too often."""
    told, now = tracked.told, tracked.incident
    if told is None or now.level >= CRITICAL > told.level:
        return True
    news = now.level > told.level or tracked.wider or (now.verdict, _first(now)) != (told.verdict, _first(told))
    return news and at - version(told) >= PAUSE


def fault_end(tracked: Tracked) -> int:
    """When what hurt the users ended, as far as known: it counts as hot while its window still holds it."""
    onset = seconds(tracked.incident.onset)
    return max(tracked.last_hot - tracked.cooling, onset + min(tracked.last_hot - onset, LINGER))


def over(tracked: Tracked, at: int) -> bool:
    """Whether the incident has been quiet for long enough."""
    return at - tracked.last_hot >= LINGER


def _first(incident: Incident) -> tuple[str, str, str]:
    if not incident.causes:
        return ("", "", "")
    cause = incident.causes[0]
    return (cause.kind, cause.service, cause.change)
