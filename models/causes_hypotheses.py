"""From signs to probabilities: Blame and the verdicts on changes in, one Hypothesis an entity out, and what each is worth.

The probability that anything at all is explained is a logistic function of three signs of the foremost suspect: how strong
its own deviation is, how well a second series corroborates it (another of its own, a caller's, the complaining service's),
and whether the business of the complaining service suffers. Suspects share it by their suspicion. Fitted on faults and quiet
stretches together (docs/judging.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from models.causes_blame import LOAD
from models.causes_changes import Scene, Verdict

# Log odds that the foremost suspect explains the complaint: without any sign, per unit of its own, of a second one, and of
# what shows that the business suffers.
NO_SIGN = -6.4
OWN_SIGN = 3.0
SECOND_SIGN = 2.3
HARM_SIGN = 1.5
PERSISTENCE = 9.0  # excess, in sigma, that makes a deviation 63 % trustworthy: one point gives at most this much
PEAKEDNESS = 6.0  # power of suspicion by which suspects share the probability
SILENT = 0.8  # weight where the complaining service is measured and nothing of it deviates, ...
SILENT_HEALTH = 0.6  # ... and health metrics are among what is measured
FAR = 0.5  # weight of a sign on what the complaining service does not depend on
CHANGED = 0.5  # gain in suspicion of what was changed just before, where no call is known to tell cause from victim
OUTCOMES = ("business", "experience")  # layers that show harm to users
COMPLAINTS_ONLY = 0.5  # suspicion of a change that only complaints followed


class Guilty(NamedTuple):
    """A change that may have done it, and the probability that it did, given that its service is to blame."""

    verdict: Verdict
    guilt: float


class Hypothesis(NamedTuple):
    """An entity that may have done it: by which series, through which changes, and how strong the signs are."""

    entity: str
    suspicion: float
    own: float
    second: float
    harm: float
    row: int | None
    changes: tuple[Guilty, ...]

    @property
    def odds(self) -> float:
        """Log odds that this explains the complaint, were there no other suspect."""
        corroborated = SECOND_SIGN * min(self.own, self.second) + HARM_SIGN * min(self.own, self.harm)
        return NO_SIGN + OWN_SIGN * self.own + corroborated


def hypotheses(scene: Scene, verdicts: Sequence[Verdict]) -> list[Hypothesis]:
    """Every entity, the most suspicious first."""
    accused: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.guilt:
            accused.setdefault(verdict.change.service, []).append(verdict)
    silent = _silence(scene)
    found = [_hypothesis(scene, entity, accused.get(entity, []), silent) for entity in scene.blamed.suspicion]
    return sorted(found, key=lambda hypothesis: -hypothesis.suspicion)


def probabilities(ordered: Sequence[Hypothesis]) -> tuple[float, list[float]]:
    """The probability that the foremost explains the complaint, and each one's share of it."""
    if not ordered or ordered[0].suspicion <= 0.0:
        return 0.0, [0.0] * len(ordered)
    explained = 1.0 / (1.0 + math.exp(-ordered[0].odds))
    weights = [(hypothesis.suspicion / ordered[0].suspicion) ** PEAKEDNESS for hypothesis in ordered]
    return explained, [explained * weight / sum(weights) for weight in weights]


def _hypothesis(scene: Scene, entity: str, accused: Sequence[Verdict], silent: float) -> Hypothesis:
    suspicion = scene.blamed.suspicion[entity]
    row = scene.blamed.best.get(entity)
    if row is not None and not scene.found.level[row]:
        row = None
    own = _sign(scene, row) * (1.0 if accused else silent) if row is not None else 0.0
    second = max((_sign(scene, other) for other in _witnesses(scene, entity, row)), default=0.0) if row is not None else 0.0
    if accused:
        told = max(COMPLAINTS_ONLY if verdict.risk is None else math.log1p(verdict.risk.low) for verdict in accused)
        by_cohort = told if any(verdict.risk is not None for verdict in accused) else 0.0
        if scene.topology.assumed:
            suspicion *= 1.0 + CHANGED * max(verdict.guilt for verdict in accused)
        suspicion, own, second = max(suspicion, told), max(own, told), max(second, by_cohort)
    harm = max((_sign(scene, other) for other in _outcomes(scene, row)), default=0.0)
    return Hypothesis(entity, suspicion, own, second, harm, row, _rivals(accused))


def _rivals(accused: Sequence[Verdict]) -> tuple[Guilty, ...]:
    """Several changes to one service share the guilt by their odds."""
    odds = [verdict.guilt / (1.0 - verdict.guilt) for verdict in accused]
    shared = [Guilty(verdict, part / (1.0 + sum(odds))) for verdict, part in zip(accused, odds, strict=True)]
    return tuple(sorted(shared, key=lambda guilty: -guilty.guilt))


def _sign(scene: Scene, row: int) -> float:
    """A sign in itself: log of its sigma; less when it did not last, is a symptom by kind, or stands far off."""
    found = scene.found
    lasting = 1.0 - math.exp(-float(found.excess[row]) / PERSISTENCE)
    near = 1.0 if found.keys[row].service in scene.blamed.reached else FAR
    kind = LOAD if found.load[row] else 1.0  # that the business suffers is no cause, but a sure sign of harm
    return math.log1p(float(found.level[row])) * lasting * kind * near


def _witnesses(scene: Scene, entity: str, row: int | None) -> Iterator[int]:
    """Other series that would show it too: of the entity itself, of its callers, of the complaining service."""
    told = {entity, scene.service, *scene.blamed.callers.get(entity, ())}
    for name in told:
        yield from (other for other in scene.blamed.rows.get(name, ()) if other != row and scene.found.level[other] > 0)


def _outcomes(scene: Scene, row: int | None) -> Iterator[int]:
    """What shows that the business of the complaining service suffers, beside the sign itself."""
    for other in scene.blamed.rows.get(scene.service, ()):
        if other != row and scene.found.keys[other].layer in OUTCOMES and scene.found.level[other] > 0:
            yield other


def _silence(scene: Scene) -> float:
    """Weight of every sign where the complaining service is measured and shows nothing, more so if it would show harm."""
    rows = scene.blamed.rows.get(scene.service, ())
    if not rows or any(scene.found.level[row] for row in rows):
        return 1.0
    return SILENT_HEALTH if any(scene.found.telling[row] for row in rows) else SILENT
