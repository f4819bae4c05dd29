"""What caused a service's trouble: the door. Metrics, topology, changes and cohort counts in, a Ranking out. Pure.

Each step is a file: causes_deviation (how far did every series leave its past, since when), causes_blame (whose anomaly is
not explained by what it depends on), causes_changes (did a change do it), causes_hypotheses (how probable is each),
causes_path (by which way it reached the users). The verdict is "unexplained" when nothing in the window earns the blame.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from models.causes_blame import blame
from models.causes_changes import Scene, judge
from models.causes_deviation import deviations
from models.causes_evidence import Fact, say
from models.causes_hypotheses import Hypothesis, hypotheses, probabilities
from models.causes_path import NORMAL, steps, way
from models.judgement import Cause, Ranking, Suspect
from models.topology import Topology, completed
from models.window import MetricWindow, Question

MOST_CAUSES = 10
MOST_INNOCENT = 3  # changes that evidence acquits by name
LEAST_PROBABILITY = 0.01  # causes below are not listed


def rank(window: MetricWindow, topology: Topology, asked: Question) -> Ranking:
    """Suspects and causes of what users of `asked.service` complain about since `asked.at`, best first.

    `window` holds the metrics of at least the service and what it depends on, hours before the moment and what is known after.
    """
    topology = completed(topology, {(key.layer, key.service) for key in window.keys}, asked.service)
    found = deviations(window, asked.at)
    blamed = blame(found, topology, asked.service)
    scene = Scene(found, blamed, topology, asked.service, asked.at, asked.cohorts)
    verdicts = judge(asked.changes, scene)
    ordered = hypotheses(scene, verdicts)
    explained, shares = probabilities(ordered)
    causes = [cause for each, share in zip(ordered, shares, strict=True) for cause in _causes(each, share, scene, asked.language)]
    causes.sort(key=lambda cause: -cause.probability)
    if causes and causes[0].kind == "metric":
        innocent = tuple(say(fact, asked.language) for verdict in verdicts if not verdict.guilt for fact in verdict.facts)
        causes[0] = msgspec.structs.replace(causes[0], evidence=causes[0].evidence + innocent[:MOST_INNOCENT])
    return Ranking(
        tuple(Suspect(each.entity, round(share, 6)) for each, share in zip(ordered, shares, strict=True)),
        tuple(causes[:MOST_CAUSES]),
        "explained" if explained >= 0.5 else "unexplained",
    )


def _causes(each: Hypothesis, share: float, scene: Scene, language: str) -> Iterator[Cause]:
    """The changes that may have done it and the metric that shows it, each with its part of the probability."""
    rest = 1.0 - sum(guilty.guilt for guilty in each.changes)
    if share * max(rest, *(guilty.guilt for guilty in each.changes), 0.0) < LEAST_PROBABILITY:
        return
    row = each.row
    path = steps(scene.found, scene.blamed, way(scene.topology, scene.blamed, scene.service, each.entity), row, scene.at)
    facts = _facts(scene, row, each.entity) if row is not None else ()
    layer = scene.found.keys[row].layer if row is not None else "app"
    for verdict, guilt in each.changes:
        yield Cause(
            kind="change",
            layer=layer,
            service=each.entity,
            change=verdict.change.id,
            score=round(each.suspicion * guilt, 3),
            probability=round(share * guilt, 4),
            lead_seconds=scene.at - verdict.change.at,
            path=path,
            evidence=tuple(say(fact, language) for fact in (*verdict.facts, *facts)),
        )
    if row is not None:
        onset = scene.found.onset(row)
        yield Cause(
            kind="metric",
            layer=layer,
            service=each.entity,
            metric=scene.found.keys[row].metric,
            score=round(each.suspicion * rest, 3),
            probability=round(share * rest, 4),
            lead_seconds=scene.at - onset if onset is not None else None,
            path=path,
            evidence=tuple(say(fact, language) for fact in facts),
        )


def _facts(scene: Scene, row: int, entity: str) -> tuple[Fact, ...]:
    found = scene.found
    last = int(found.times[max(int(found.stop[row]) - 1, 0)])
    minutes = (last + found.step - int(found.since[row])) / 60
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
