"""The ranking's own bench: made-up incidents are judged as they were planted, and probabilities keep their word."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from models.causes import rank
from models.judgement import Cause, Ranking, Step, Suspect
from streams.bench.incident_metrics import Planted, planted
from streams.bench.incidents import CONDITIONS, KINDS, SHOP, routes
from streams.bench.rank_baselines import Absent, baselines
from streams.bench.rank_quality import Answer, judged
from streams.bench.reliability import plot, reliability

SEED = 3


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, str], Answer]:
    """Every kind under two or three conditions: 25 incidents."""
    chosen = [
        (kind, condition)
        for row, kind in enumerate(KINDS)
        for column, condition in enumerate(CONDITIONS)
        if (row + column) % 2 == 0
    ]
    found = {}
    for kind, condition in chosen:
        incident = planted(SEED, kind, condition)
        found[kind, condition] = judged(incident, rank(incident.window, SHOP, incident.question))
    return found


def test_planted_faults_are_found_with_their_path_and_nothing_is_made_up(answers: dict[tuple[str, str], Answer]) -> None:
    faults = [answer for (kind, _), answer in answers.items() if kind != "nothing"]
    calm = [answer for (kind, _), answer in answers.items() if kind == "nothing"]
    assert len(answers) == 25
    assert np.mean([answer.top1 for answer in faults]) >= 0.85
    assert np.mean([answer.path for answer in faults]) >= 0.8
    assert sum(answer.innocent for answer in answers.values()) <= 1
    assert all(answer.verdict for answer in calm)


def test_the_same_seed_plants_the_same() -> None:
    one, other = (planted(1, "idc", "missing") for _ in range(2))
    assert one.question == other.question
    assert np.array_equal(one.window.values, other.window.values, equal_nan=True)


def _answer(incident: Planted, *path: tuple[str, str], verdict: str = "explained") -> Answer:
    steps = tuple(Step(layer=layer, service=name, metric="m", onset=None, deviation=1.0) for layer, name in path)
    name = path[0][1]
    cause = Cause(kind="metric", layer=path[0][0], service=name, metric="m", score=1.0, probability=0.9, path=steps)
    return judged(incident, Ranking((Suspect(name, 0.9),), (cause,), "explained" if verdict == "explained" else "unexplained"))


def test_a_wrong_path_a_wrong_cause_and_a_wrong_verdict_count_as_wrong() -> None:
    incident = next(
        drawn
        for seed in range(40)
        if (drawn := planted(seed, "app", "plain"))
        and all(len(route) >= 3 for route in routes(drawn.drawn, drawn.question.service))
    )
    service = incident.question.service
    end = ("complaints", service)
    route = next(iter(routes(incident.drawn, service)))
    right = _answer(incident, *route, end)
    assert (right.top1, right.path, right.verdict) == (True, True, True)
    assert not _answer(incident, route[0], route[-1], end).path
    assert not _answer(incident, *route, end, verdict="unexplained").top1
    assert not _answer(incident, ("app", service), end).top1


def test_reliability_says_how_far_words_and_facts_are_apart(tmp_path: Path) -> None:
    honest = reliability([(0.8, place < 8) for place in range(10)])
    boasting = reliability([(0.99, place < 5) for place in range(10)])
    assert honest.calibration_error == pytest.approx(0.0)
    assert boasting.calibration_error == pytest.approx(0.49)
    assert [(each.n, each.true) for each in boasting.bins] == [(10, 0.5)]
    plot(honest, tmp_path / "r.svg")
    assert "<svg" in (tmp_path / "r.svg").read_text()


def test_without_the_package_the_baselines_say_so_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "baro.root_cause_analysis", None)
    with pytest.raises(Absent, match="fse-baro"):
        baselines()


@pytest.mark.loopback  # the package's downloads look for IPv6 when it is imported
def test_the_baselines_rank_services() -> None:
    pytest.importorskip("baro", reason="fse-baro is not installed")
    incident = planted(0, "app", "plain")
    for ranker in baselines().values():
        assert set(ranker(incident.window, incident.question)) <= set(SHOP.services) | set(SHOP.idcs)
