"""Is a change to blame? Blame, onsets and cohort counts in, one Verdict a change out.

A change answers for its service when that service is to blame itself (what its callees and IDCs explain is not its doing),
went wrong after the change and not before, and the change is recent; with a grey cohort, when the cohort complains more than
the others. The relative risk and its interval are the ratio of two Poisson rate ratios on the log scale (Rothman, Greenland
& Lash, Modern Epidemiology, ch. 14), with half a complaint added to each count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.causes_blame import Blame
from models.causes_deviation import Deviations
from models.causes_evidence import Fact
from models.topology import Topology
from models.window import ChangeMark

HORIZON = 7200  # seconds before an onset in which a change is looked at
SLACK = 60  # seconds, beside a step, by which clocks and minutes may disagree
CERTAIN = 2.5  # log odds that a change to a service that fails at once is the reason
FADING = 900.0  # seconds of delay that cost one unit of log odds
UNDONE = 1.5  # log odds that a rollback has less of being the reason
COHORT_WEIGHT = 2.5  # log odds that a clear relative risk adds, or its clear absence takes away
HIGHER_RISK = 1.5  # relative risk that counts as clear when even the lower end of its interval is above it
LEAST_BLAME = 0.35  # share of the largest suspicion below which a service is not to blame itself


class Risk(NamedTuple):
    """Relative risk of complaints in a cohort against all others, with its 95 % interval; `sigma` is its distance from 1."""

    ratio: float
    low: float
    high: float
    sigma: float


class Verdict(NamedTuple):
    """What is to be said of one change. `guilt` is the probability that it is the reason, given that its service is to blame."""

    change: ChangeMark
    guilt: float
    lag: int | None  # seconds from the change to what it would have caused
    risk: Risk | None
    facts: tuple[Fact, ...]


def relative_risk(cohort: str, cohorts: Mapping[str, tuple[int, int]]) -> Risk | None:
    """How much more the complaints of `cohort` rose than everyone else's; None where it or the others are not counted."""
    if not cohort or cohort not in cohorts or len(cohorts) < 2:
        return None
    during, before = (count + 0.5 for count in cohorts[cohort])
    others_during = sum(pair[0] for name, pair in cohorts.items() if name != cohort) + 0.5
    others_before = sum(pair[1] for name, pair in cohorts.items() if name != cohort) + 0.5
    log_ratio = math.log(during / before) - math.log(others_during / others_before)
    error = math.sqrt(1 / during + 1 / before + 1 / others_during + 1 / others_before)
    low, high = (math.exp(log_ratio + side * 1.96 * error) for side in (-1, 1))
    return Risk(math.exp(log_ratio), low, high, log_ratio / error)


class Scene(NamedTuple):
    """What the judging of changes looks at."""

    found: Deviations
    blamed: Blame
    topology: Topology
    service: str
    at: int
    cohorts: Mapping[str, tuple[int, int]]


def judge(changes: Sequence[ChangeMark], scene: Scene) -> list[Verdict]:
    """A verdict for every change recent enough to matter, to anything the complaining service stands on."""
    near = {scene.service, *scene.topology.reach(scene.service)}
    near |= {idc for name in list(near) for idc in scene.topology.idcs_of(name)}
    latest = scene.at + scene.found.step + SLACK
    recent = [change for change in changes if _wrong_since(change.service, scene) - HORIZON <= change.at <= latest]
    return [_verdict(change, scene) for change in recent if change.service in near or scene.blamed.anomaly.get(change.service)]


def _wrong_since(service: str, scene: Scene) -> int:
    """When the complaints began, or when the service went wrong if that was earlier."""
    row = scene.blamed.best.get(service)
    onset = scene.found.onset(row) if row is not None else None
    return scene.at if onset is None else min(onset, scene.at)


def _verdict(change: ChangeMark, scene: Scene) -> Verdict:
    risk = relative_risk(change.cohort, scene.cohorts)
    about = {"change": change.id, "service": change.service, "cohort": change.cohort}
    if risk and risk.high < HIGHER_RISK:
        return Verdict(change, 0.0, None, risk, (Fact("innocent_cohort", about),))
    risky = risk is not None and risk.low > HIGHER_RISK
    row = scene.blamed.best.get(change.service)
    onset = scene.found.onset(row) if row is not None else None
    largest = max(scene.blamed.suspicion.values(), default=0.0)
    to_blame = onset is not None and scene.blamed.suspicion.get(change.service, 0.0) >= LEAST_BLAME * largest
    if onset is None or not to_blame:
        own = change.service == scene.service
        if risky or (own and onset is None):
            return _by_complaints(change, scene, risk)
        return Verdict(change, 0.0, None, risk, (Fact("innocent_explained" if onset is not None else "innocent_quiet", about),))
    lag = onset - change.at
    if lag < -(scene.found.step + SLACK) and not risky:
        return Verdict(change, 0.0, lag, risk, (Fact("innocent_before", about),))
    facts = [Fact("after_change", {"service": change.service, "minutes": max(lag, 0) / 60})]
    return Verdict(change, _guilt(change, lag, risk), lag, risk, (*facts, *_cohort_facts(change, risk)))


def _by_complaints(change: ChangeMark, scene: Scene, risk: Risk | None) -> Verdict:
    """No metric of the service speaks against the change; the complaints that followed it may."""
    lag = scene.at - change.at
    guilt = _guilt(change, lag, risk) if lag >= -SLACK else 0.0
    return Verdict(change, guilt, lag, risk, (Fact("only_complaints", {}), *_cohort_facts(change, risk)))


def _guilt(change: ChangeMark, lag: int, risk: Risk | None) -> float:
    odds = CERTAIN - max(lag, 0) / FADING - (UNDONE if change.stage == "rollback" else 0.0)
    if risk is not None and risk.low > HIGHER_RISK:
        odds += COHORT_WEIGHT
    return 1.0 / (1.0 + math.exp(-odds))


def _cohort_facts(change: ChangeMark, risk: Risk | None) -> tuple[Fact, ...]:
    if risk is None:
        return ()
    return (Fact("cohort", {"cohort": change.cohort, "ratio": risk.ratio, "low": risk.low, "high": risk.high}),)
