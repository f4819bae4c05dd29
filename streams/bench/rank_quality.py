"""How good a ranking is: planted incidents and development cases in, rows of a table and (probability, came true) pairs out.

An answer to a planted incident is right when its first cause is a culprit and the verdict is "explained"; its path is right
when it leads, layer by layer, one of the ways the fault took. Where nothing is planted, "unexplained" is right.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from models.causes import rank
from models.judgement import Cause, Ranking
from models.topology import Topology
from models.window import MetricWindow, Question
from streams.bench.incident_metrics import Planted, planted
from streams.bench.incidents import CONDITIONS, KINDS, SHOP, routes
from streams.bench.rank_baselines import Ranker
from streams.folder import Folder

QUIET_SHARES = (0.55, 0.75, 0.95)  # where in the calm part of a case it is asked about nothing


class Row(msgspec.Struct, frozen=True):
    """Shares of n answers that are right; `innocent` counts changes blamed that did nothing."""

    group: str
    n: int
    top1: float
    top3: float
    path: float
    verdict: float
    innocent: int


class Answer(NamedTuple):
    """One answer, judged."""

    top1: bool
    top3: bool
    path: bool
    verdict: bool
    innocent: bool
    probability: float  # of the first cause
    came_true: bool


class Case(NamedTuple):
    """A development case."""

    name: str
    window: MetricWindow
    topology: Topology
    question: Question
    culprit: str


def generated(seeds: Iterable[int]) -> tuple[list[Row], list[Answer]]:
    """Every kind under every condition, for each seed: a row a kind, a row a condition, and one over all."""
    groups: dict[str, list[Answer]] = defaultdict(list)
    for seed in seeds:
        for kind in KINDS:
            for condition in CONDITIONS:
                incident = planted(seed, kind, condition)
                answer = judged(incident, rank(incident.window, SHOP, incident.question))
                for group in (kind, f"condition {condition}", "all faults" if incident.drawn.culprits else "nothing wrong"):
                    groups[group].append(answer)
    order = [*KINDS[:-1], *(f"condition {condition}" for condition in CONDITIONS), "all faults", "nothing wrong"]
    answers = groups["all faults"] + groups["nothing wrong"]
    return [_row(group, groups[group]) for group in order if groups[group]], answers


def judged(incident: Planted, ranking: Ranking) -> Answer:
    """What of an answer is right."""
    culprits = incident.drawn.culprits
    explained = ranking.verdict == "explained"
    first = ranking.causes[0] if ranking.causes else None
    probability = first.probability if first else 0.0
    if not culprits:
        blamed = explained and first is not None and first.kind == "change"
        return Answer(not explained, not explained, not explained, not explained, blamed, probability, False)
    names = [_name(cause) for cause in ranking.causes]
    found = first is not None and names[0] in culprits
    innocent = explained and first is not None and first.kind == "change" and not found
    path = found and first is not None and _leads(incident, first)
    return Answer(found and explained, all(name in names[:3] for name in culprits), path, explained, innocent, probability, found)


def _name(cause: Cause) -> str:
    return cause.change if cause.kind == "change" else cause.service


def _leads(incident: Planted, cause: Cause) -> bool:
    """Whether the path is one of those the fault took; what was not measured cannot be on it, and the business may be."""
    service = incident.question.service
    measured = {(key.layer, key.service) for key in incident.window.keys}
    taken = list(dict.fromkeys((step.layer, step.service) for step in cause.path))
    for route in routes(incident.drawn, service):
        known = [step for step in route if step in measured]
        ends = ([("complaints", service)], [("business", service), ("complaints", service)])
        if any(taken == list(dict.fromkeys([*known, *end])) for end in ends):
            return True
    return False


def _row(group: str, answers: Sequence[Answer]) -> Row:
    top1, top3, path, verdict = (round(float(np.mean(column)), 3) for column in list(zip(*answers, strict=True))[:4])
    return Row(group, len(answers), top1, top3, path, verdict, sum(answer.innocent for answer in answers))


def development(folder: Path) -> Iterator[Case]:
    """The cases of a folder of case folders (metrics.csv.gz, services.yaml, question.json, truth.json)."""
    for truth in sorted(folder.glob("*/truth.json")):
        case = truth.parent
        history = Folder(case)
        question = json.loads((case / "question.json").read_text(encoding="utf-8"))
        culprit = json.loads(truth.read_text(encoding="utf-8"))["service"]
        yield Case(case.name, history.table.window, history.topology, Question(question["service"], question["at"]), culprit)


def orders(cases: Sequence[Case], rankers: Mapping[str, Ranker]) -> dict[str, dict[str, float]]:
    """Ranker → AC@1, AC@3 and Avg@5 of the culprit's place among services; `huiyin` is ours."""
    places: dict[str, list[int]] = defaultdict(list)
    for case in cases:
        ours = [suspect.service for suspect in rank(case.window, case.topology, case.question).suspects]
        for name, order in {"huiyin": ours, **{n: r(case.window, case.question) for n, r in rankers.items()}}.items():
            places[name].append(order.index(case.culprit) + 1 if case.culprit in order else len(order) + 99)
    return {name: _hits(found) for name, found in places.items()}


def _hits(places: Sequence[int]) -> dict[str, float]:
    within = [float(np.mean([place <= k for place in places])) for k in range(1, 6)]
    return {"AC@1": round(within[0], 3), "AC@3": round(within[2], 3), "Avg@5": round(float(np.mean(within)), 3)}


def calm(cases: Sequence[Case]) -> list[Answer]:
    """Answers about moments in the calm part of the cases, where nothing is to be blamed."""
    answers = []
    for case in cases:
        until = int(np.searchsorted(case.window.times, case.question.at))
        before = case.window._replace(times=case.window.times[:until], values=case.window.values[:, :until])
        for share in QUIET_SHARES:
            asked = case.question._replace(at=int(before.times[int(until * share)]))
            ranking = rank(before, case.topology, asked)
            right = ranking.verdict == "unexplained" and ranking.suspects[0].score <= 0.5
            answers.append(Answer(right, right, right, right, False, ranking.suspects[0].score, False))
    return answers


def faults(cases: Sequence[Case]) -> list[Answer]:
    """Answers to the cases themselves, for their probabilities."""
    answers = []
    for case in cases:
        ranking = rank(case.window, case.topology, case.question)
        first = ranking.suspects[0]
        right = first.service == case.culprit
        answers.append(Answer(right, right, right, ranking.verdict == "explained", False, first.score, right))
    return answers
