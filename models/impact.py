"""Did a change do harm? Metrics around it, topology and cohort in, an Impact out. Pure.

Every series of the changed service is tried (impact_placebo); the worst speaks for the change. Three checks are spelled out,
as a change review asks them: against which control group, was it the only thing that changed, and was the whole life of the
change watched. With a grey cohort the rest of the users are the control (difference in differences) and complaints count by
relative risk; without one, earlier days at the same hours or sister services, and the answer says which, or why none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.causes_changes import Risk, relative_risk
from models.causes_evidence import Fact, say
from models.causes_vocabulary import meaning
from models.impact_placebo import Floats, Shift, shift, span
from models.judgement import Impact
from models.topology import Topology
from models.window import ChangeMark, MetricWindow, SeriesKey

# Calibrated on the development cases (docs/judging.md): the ratio at which harm is as likely as not, the slope on its log.
EVEN_RATIO = 2.35
SLOPE = 2.6
MANY_SERIES = 0.2  # the worst of n series must be worse by this power of n
RISK_SLOPE = 3.0  # log odds of harm for each unit of log of the lower end of the relative risk
NEARBY = 3600  # seconds to either side within which another change spoils the comparison
LEAST_SISTERS = 2
LEAST_KNOWN = 0.8  # share of a sister's points that must be known
WATCHED = 60  # minutes after a change that count as having watched it


class ImpactError(ValueError):
    """The change cannot be judged; the message says why."""


class Grey(NamedTuple):
    """A grey release: series of its cohort and of all others on one grid, and complaints (after, before) per cohort."""

    treated: MetricWindow
    others: MetricWindow
    complaints: Mapping[str, tuple[int, int]]


class _Finding(NamedTuple):
    key: SeriesKey
    shift: Shift
    weighed: float  # its ratio, after having been picked from many


def impact(
    window: MetricWindow,
    topology: Topology,
    change: ChangeMark,
    changes: Sequence[ChangeMark] = (),
    grey: Grey | None = None,
    language: str = "zh",
) -> Impact:
    """Whether `change` harmed its service. `changes` are all that are known; `grey` where its cohort is told apart.

    Raises ImpactError when nothing of the service was measured around it.
    """
    findings = list(_findings(window, topology, change, grey))
    risk = relative_risk(change.cohort, grey.complaints) if grey else None
    if not findings and risk is None:
        raise ImpactError(f"change {change.id}: no metric of {change.service} with enough past before it and a point after it")
    worst = max(findings, key=lambda finding: finding.weighed, default=None)
    by_metric = _logistic(SLOPE * math.log(max(worst.weighed, 1e-6) / EVEN_RATIO)) if worst else 0.0
    by_complaints = _logistic(RISK_SLOPE * math.log(risk.low)) if risk else 0.0
    score = max(by_metric, by_complaints)
    effect, low, high = _relative(worst.shift) if worst and by_metric >= min(by_complaints, 0.5) else _risk_effect(risk)
    scene = _Scene(window, topology, change, changes, grey)
    said = [
        say(fact, language)
        for fact in (_control(worst, scene), *_single(scene), *_life(worst, scene), *_seen(worst, risk, change))
    ]
    return Impact(
        harmful=score >= 0.5,
        score=round(score, 4),
        effect=round(effect, 4),
        low=round(low, 4),
        high=round(high, 4),
        control=said[0],
        checks=tuple(said),
    )


class _Scene(NamedTuple):
    window: MetricWindow
    topology: Topology
    change: ChangeMark
    changes: Sequence[ChangeMark]
    grey: Grey | None


def _findings(window: MetricWindow, topology: Topology, change: ChangeMark, grey: Grey | None) -> Iterator[_Finding]:
    at = int(np.searchsorted(window.times, change.at))
    sizes = span(window.step, len(window.times) - at)
    rows = [row for row, key in enumerate(window.keys) if key.service == change.service]
    treated = {key: grey.treated.values[row] for row, key in enumerate(grey.treated.keys)} if grey else {}
    others = {key: grey.others.values[row] for row, key in enumerate(grey.others.keys)} if grey else {}
    for row in rows:
        key = window.keys[row]
        hurts = meaning(key._replace(layer="app")).hurts  # what a business metric counts may hurt in both directions
        found = None
        if key in treated and key in others:
            found = shift(treated[key], at, hurts, sizes, _known([others[key]], 1), only="sisters")
        if found is None:
            found = shift(window.values[row], at, hurts, sizes, _sisters(window, topology, key))
        if found is not None:
            yield _Finding(key, found, found.ratio / len(rows) ** MANY_SERIES)


def _sisters(window: MetricWindow, topology: Topology, key: SeriesKey) -> Floats | None:
    """The same metric of services that neither call nor are called, however far."""
    touched = set(topology.reach(key.service))
    touched |= {name for name in topology.services if key.service in topology.reach(name)}
    rows = [r for r, other in enumerate(window.keys) if other[::2] == key[::2] and other.service not in touched]
    return _known([window.values[row] for row in rows], LEAST_SISTERS)


def _known(series: Sequence[Floats], least: int) -> Floats | None:
    """Series with few gaps, the gaps bridged; None when fewer than `least` are left."""
    whole = []
    for values in series:
        known = np.isfinite(values)
        if known.mean() >= LEAST_KNOWN:
            places = np.arange(len(values))
            whole.append(np.interp(places, places[known], values[known]))
    return np.stack(whole) if len(whole) >= least else None


def _relative(found: Shift) -> tuple[float, float, float]:
    """Effect and interval as shares of the forecast; of the shift itself where the forecast is nothing."""
    unit = abs(found.level) if abs(found.level) > 1e-9 else max(abs(found.mean), 1e-9)
    return found.mean / unit, found.low / unit, found.high / unit


def _risk_effect(risk: Risk | None) -> tuple[float, float, float]:
    return (risk.ratio - 1.0, risk.low - 1.0, risk.high - 1.0) if risk else (0.0, 0.0, 0.0)


def _control(worst: _Finding | None, scene: _Scene) -> Fact:
    way = worst.shift.way if worst else "complaints"
    if way == "sisters" and scene.grey:
        return Fact("control_cohort", {"cohort": scene.change.cohort})
    if way in ("level", "trend") and scene.window.times[-1] - scene.window.times[0] >= 2 * 86_400:
        return Fact("control_unlike", {})
    return Fact(f"control_{way}", {"cohort": scene.change.cohort})


def _single(scene: _Scene) -> Iterator[Fact]:
    """Single variable: what else was changed nearby, in time and in the call graph."""
    service = scene.change.service
    near = {service, *scene.topology.reach(service), *scene.topology.callers.get(service, ()), *scene.topology.idcs_of(service)}
    also = {
        other.id
        for other in scene.changes
        if other.id != scene.change.id and other.service in near and abs(other.at - scene.change.at) <= NEARBY
    }
    if also:
        yield Fact("single_no", {"changes": "、".join(sorted(also)[:5])})
    else:
        yield Fact("single_yes", {})


def _life(worst: _Finding | None, scene: _Scene) -> Iterator[Fact]:
    """Whole life cycle: how long it was watched, through which stages, and whether the effect lasts."""
    minutes = (int(scene.window.times[-1]) + scene.window.step - scene.change.at) / 60 if len(scene.window.times) else 0.0
    yield Fact("life_watched" if minutes >= WATCHED else "life_short", {"minutes": minutes})
    stages = [other.stage for other in scene.changes if other.id == scene.change.id and other.stage]
    if stages:
        yield Fact("life_stages", {"stages": " → ".join(dict.fromkeys(stages))})
    if worst is not None:
        yield Fact("life_lasting" if worst.shift.lasting else "life_over", {"metric": worst.key.metric})


def _seen(worst: _Finding | None, risk: Risk | None, change: ChangeMark) -> Iterator[Fact]:
    if worst is not None:
        yield Fact("shift", {"metric": worst.key.metric, "ratio": worst.shift.ratio})
    if risk is not None:
        yield Fact("cohort", {"cohort": change.cohort, "ratio": risk.ratio, "low": risk.low, "high": risk.high})


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(min(odds, 50.0), -50.0)))
