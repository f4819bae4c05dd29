"""What caused a service's trouble: the door. Metrics, topology, changes and cohort counts in, a Ranking out. Pure.

Each step is a file: causes_deviation (how far did every series leave its past, since when), causes_blame (whose anomaly is
not explained by what it depends on), causes_changes (did a change do it), causes_path (by which way it reached the users).
Here they become probabilities, and the verdict "unexplained" when nothing in the window earns the blame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from models.causes_blame import blame
from models.causes_changes import Scene, Verdict, judge
from models.causes_deviation import deviations
from models.causes_evidence import Fact, say
from models.causes_path import NORMAL, steps, way
from models.judgement import Cause, Ranking, Suspect
from models.topology import Topology
from models.window import ChangeMark, MetricWindow

BASELINE_SECONDS = 4 * 3600  # what `rank` reads before the moment at a minute's step; whole earlier days add their rhythm
MOST_CAUSES = 10
MOST_INNOCENT = 3  # changes that evidence acquits by name
LEAST_PROBABILITY = 0.01  # causes below are not listed
FAR_STRENGTH = 0.5  # weight of a sign on what the complaining service does not depend on
# Calibration (docs/judging.md): the strength of the best suspect at which an explanation is as likely as not, and its slope.
EVEN_STRENGTH = 1.9
SLOPE = 0.25
PERSISTENCE = 9.0  # excess, in sigma, that makes a deviation 63 % trustworthy: one point gives at most this much
PEAKEDNESS = 6.0  # power of suspicion by which suspects share the probability
SILENT_SYMPTOM = 0.6  # weight where the complaining service's own health metrics show nothing
COMPLAINTS_ONLY = 0.5  # suspicion of a change that only complaints followed


def rank(  # noqa: PLR0913, PLR0917 - the language of the evidence comes on top of what is judged
    window: MetricWindow,
    topology: Topology,
    service: str,
    at: int,
    changes: Sequence[ChangeMark] = (),
    cohorts: Mapping[str, tuple[int, int]] | None = None,
    language: str = "zh",
) -> Ranking:
    """Suspects and causes of what users of `service` complain about since `at` (epoch seconds), best first.

    `window` holds the metrics of at least the service and what it depends on, hours before `at` and what is known after it.
    `cohorts` maps a cohort to its negative complaints (in the surge, in an equal stretch before it).
    """
    found = deviations(window, at)
    blamed = blame(found, topology, service)
    scene = Scene(found, blamed, topology, service, at, cohorts or {})
    verdicts = judge(changes, scene)
    hypotheses = sorted(_hypotheses(scene, verdicts), key=lambda h: -h.suspicion)
    odds = _probabilities(hypotheses)
    causes: list[Cause] = []
    for hypothesis, probability in zip(hypotheses[:MOST_CAUSES], odds, strict=False):
        causes += _causes(hypothesis, probability, scene, language)
    causes.sort(key=lambda cause: -cause.probability)
    if causes and causes[0].kind == "metric":
        innocent = tuple(say(fact, language) for verdict in verdicts if not verdict.guilt for fact in verdict.facts)
        causes[0] = msgspec.structs.replace(causes[0], evidence=causes[0].evidence + innocent[:MOST_INNOCENT])
    scores: dict[str, float] = {}
    for hypothesis, probability in zip(hypotheses, odds, strict=True):
        scores[hypothesis.entity] = max(scores.get(hypothesis.entity, 0.0), round(probability, 6))
    explained = bool(causes) and causes[0].probability >= 0.5
    return Ranking(
        tuple(Suspect(name, score) for name, score in scores.items()),
        tuple(causes[:MOST_CAUSES]),
        "explained" if explained else "unexplained",
    )


class _Hypothesis(NamedTuple):
    """An entity that may have done it: by which series, or by which change, and how strong the sign is on its own."""

    entity: str
    suspicion: float
    strength: float
    row: int | None
    verdict: Verdict | None


def _hypotheses(scene: Scene, verdicts: Sequence[Verdict]) -> Iterator[_Hypothesis]:
    guilty: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda v: v.guilt):
        if verdict.guilt:
            guilty[verdict.change.service] = verdict
    silent = SILENT_SYMPTOM if _shows_nothing(scene) else 1.0
    for entity, suspicion in scene.blamed.suspicion.items():
        row = scene.blamed.best.get(entity)
        change = guilty.pop(entity, None)
        if row is None or not scene.found.level[row]:
            row, strength = None, 0.0
        else:
            strength = _strength(scene, row) * (1.0 if change else silent)
        if change is not None:
            told = math.log1p(change.risk.sigma) if change.risk and change.risk.sigma > 0 else COMPLAINTS_ONLY
            yield _Hypothesis(entity, max(suspicion, told), max(strength, told), row, change)
        else:
            yield _Hypothesis(entity, suspicion, strength, row, None)


def _strength(scene: Scene, row: int) -> float:
    """The sign in itself: log of its sigma; less when it did not last, is a symptom by kind, or stands far off."""
    found = scene.found
    key = found.keys[row]
    kind = float(scene.blamed.kind[row])
    lasting = 1.0 - math.exp(-float(found.excess[row]) / PERSISTENCE)
    near = 1.0 if key.service in scene.blamed.reached else FAR_STRENGTH
    return math.log1p(float(found.level[row])) * lasting * kind * near


def _shows_nothing(scene: Scene) -> bool:
    """The complaining service has metrics that would show harm to users, and none of them does."""
    rows = [row for row, key in enumerate(scene.found.keys) if key.service == scene.service and scene.found.telling[row]]
    return bool(rows) and not any(scene.found.level[row] for row in rows)


def _probabilities(hypotheses: Sequence[_Hypothesis]) -> list[float]:
    """Each suspect's share of the probability that the best of them explains the complaint; 0 for those without suspicion."""
    if not hypotheses or hypotheses[0].suspicion <= 0.0:
        return [0.0] * len(hypotheses)
    best = hypotheses[0]
    explained = 1.0 / (1.0 + math.exp(-(best.strength - EVEN_STRENGTH) / SLOPE))
    weights = [(hypothesis.suspicion / best.suspicion) ** PEAKEDNESS for hypothesis in hypotheses]
    return [explained * weight / sum(weights) for weight in weights]


def _causes(hypothesis: _Hypothesis, probability: float, scene: Scene, language: str) -> Iterator[Cause]:
    """The change that did it and the metric that shows it, each with its part of the probability."""
    row, verdict = hypothesis.row, hypothesis.verdict
    guilt = verdict.guilt if verdict else 0.0
    entities = way(scene.topology, scene.blamed, scene.service, hypothesis.entity)
    path = steps(scene.found, scene.blamed, entities, row, scene.at)
    facts = _facts(scene, row, entities) if row is not None else ()
    layer = scene.found.keys[row].layer if row is not None else "app"
    if verdict is not None and probability * guilt >= LEAST_PROBABILITY:
        yield Cause(
            kind="change",
            layer=layer,
            service=hypothesis.entity,
            change=verdict.change.id,
            score=round(hypothesis.suspicion * guilt, 3),
            probability=round(probability * guilt, 4),
            lead_seconds=scene.at - verdict.change.at,
            path=path,
            evidence=tuple(say(fact, language) for fact in (*verdict.facts, *facts)),
        )
    if row is not None and probability * (1.0 - guilt) >= LEAST_PROBABILITY:
        onset = scene.found.onset(row)
        yield Cause(
            kind="metric",
            layer=layer,
            service=hypothesis.entity,
            metric=scene.found.keys[row].metric,
            score=round(hypothesis.suspicion * (1.0 - guilt), 3),
            probability=round(probability * (1.0 - guilt), 4),
            lead_seconds=scene.at - onset if onset is not None else None,
            path=path,
            evidence=tuple(say(fact, language) for fact in facts),
        )


def _facts(scene: Scene, row: int, entities: tuple[str, ...]) -> tuple[Fact, ...]:
    found, entity = scene.found, entities[0]
    minutes = float(found.stop[row] - found.start[row]) * found.step / 60
    facts = [Fact("deviation", {"metric": found.keys[row].metric, "sigma": float(found.level[row]), "minutes": minutes})]
    onset = found.onset(row)
    if onset is not None:
        early = (scene.at - onset) / 60
        facts.append(Fact("lead" if early >= 0 else "follow", {"minutes": abs(early)}))
    if scene.blamed.suspicion[entity] > 0.5 * scene.blamed.anomaly[entity]:
        facts.append(Fact("callees_fine", {}))
    suffering = [name for name in scene.blamed.callers.get(entity, ()) if scene.blamed.anomaly.get(name, 0.0) >= NORMAL]
    if suffering:
        facts.append(Fact("callers_suffer", {"callers": "、".join(scene.topology.title(name) for name in suffering[:4])}))
    if entity not in scene.blamed.reached:
        facts.append(Fact("unreached", {"service": scene.topology.title(scene.service)}))
    return tuple(facts)
