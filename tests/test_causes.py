"""Ranking of causes through its door: who is blamed, by which path, which change, and when nobody is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.causes import rank
from models.causes_changes import relative_risk
from models.judgement import Ranking
from models.topology import Topology, parse_topology
from models.window import ChangeMark, MetricWindow, Question, SeriesKey
from streams.folder import Folder

DATA = Path(__file__).parents[2] / "shared" / "data" / "causes"
START, STEP, LENGTH, FAULT = 1_700_000_040, 60, 300, 270
AT = START + STEP * (FAULT + 2)  # complaints come two minutes after the fault
SHOP = parse_topology("""
services:
- {name: app, depends_on: [pay, search], idcs: [north]}
- {name: pay, depends_on: [bank, risk], idcs: [north]}
- {name: search, depends_on: [index], idcs: [south]}
- {name: bank, idcs: [south]}
- {name: risk, idcs: [north]}
- {name: index, idcs: [south]}
idcs:
- {name: north}
- {name: south}
""")
METRICS = {"latency_ms": 40.0, "error_rate": 0.004, "cpu": 0.3, "requests": 900.0, "availability": 99.9}


class Shop:
    """Five hours of a small shop with noise; what goes wrong is added by the test."""

    def __init__(self, seed: int = 1, length: int = LENGTH) -> None:
        random = np.random.default_rng(seed)
        self.series = {
            SeriesKey("app", name, metric): level * random.lognormal(0, 0.08, length)
            for name in SHOP.services
            for metric, level in METRICS.items()
        }
        for name in SHOP.services:
            self.series["app", name, "availability"] = 100 - random.exponential(0.05, length)
        self.series |= {SeriesKey("idc", name, "packet_loss"): 0.001 * random.lognormal(0, 0.2, length) for name in SHOP.idcs}
        self.series[SeriesKey("business", "pay", "success_rate")] = 0.985 - random.exponential(0.002, length)

    def hurt(self, service: str, metric: str, factor: float, start: int = FAULT, layer: str = "app") -> Shop:
        self.series[layer, service, metric][start:] *= factor
        return self

    def window(self) -> MetricWindow:
        values = np.stack(list(self.series.values()))
        times = START + STEP * np.arange(values.shape[1])
        return MetricWindow(times, STEP, tuple(SeriesKey(*key) for key in self.series), values)

    def rank(
        self, service: str = "app", at: int = AT, changes: tuple[ChangeMark, ...] = (), **cohorts: tuple[int, int]
    ) -> Ranking:
        return rank(
            self.window(), SHOP, Question(service, at, changes, {name.strip("_"): pair for name, pair in cohorts.items()})
        )


def bank_fault(seed: int = 1) -> Shop:
    """The bank fails; pay and app feel it, later and in some metrics more strongly."""
    shop = Shop(seed).hurt("bank", "error_rate", 12).hurt("bank", "latency_ms", 3)
    shop.hurt("pay", "error_rate", 15, FAULT + 1).hurt("app", "error_rate", 10, FAULT + 2)
    return shop.hurt("pay", "success_rate", 0.8, FAULT + 1, "business")


def release(service: str, minute: int, name: str = "r1", **more: str) -> ChangeMark:
    return ChangeMark(name, START + STEP * minute, "release", service, **more)


def test_the_deepest_anomalous_dependency_is_blamed_and_the_path_leads_to_the_complaint() -> None:
    ranking = bank_fault().rank()
    cause = ranking.causes[0]
    assert (ranking.verdict, ranking.suspects[0].service, cause.service, cause.kind) == ("explained", "bank", "bank", "metric")
    assert cause.metric in ("error_rate", "latency_ms")
    assert cause.probability > 0.8
    assert cause.lead_seconds == 120
    assert [(step.layer, step.service) for step in cause.path] == [
        ("app", "bank"),
        ("app", "pay"),
        ("app", "app"),
        ("complaints", "app"),
    ]
    assert [step.lag_seconds for step in cause.path] == [0, 60, 120, 120]
    assert cause.path[0].onset == START + STEP * FAULT
    assert any("σ" in line for line in cause.evidence)


def test_the_business_metric_of_the_complaining_service_is_on_the_path() -> None:
    path = bank_fault().rank("pay").causes[0].path
    assert [(step.layer, step.service) for step in path] == [
        ("app", "bank"),
        ("app", "pay"),
        ("business", "pay"),
        ("complaints", "pay"),
    ]


def test_an_idc_is_blamed_rather_than_the_services_that_run_there() -> None:
    shop = Shop().hurt("south", "packet_loss", 30, FAULT, "idc").hurt("app", "latency_ms", 3, FAULT + 1)
    for name in ("bank", "index", "search"):
        shop.hurt(name, "latency_ms", 4)
    ranking = shop.rank()
    assert (ranking.causes[0].layer, ranking.causes[0].service) == ("idc", "south")
    assert ranking.causes[0].path[0].metric == "packet_loss"


@pytest.mark.parametrize("late", [-120, 180, 480])
def test_the_moment_need_not_be_exact(late: int) -> None:
    assert bank_fault().rank(at=AT + late).suspects[0].service == "bank"


def test_when_nothing_is_wrong_nobody_is_blamed() -> None:
    rankings = [Shop(seed).rank() for seed in range(30)]
    assert all(ranking.verdict == "unexplained" for ranking in rankings)
    assert all(suspect.score <= 0.5 for ranking in rankings for suspect in ranking.suspects)


def test_a_small_loss_of_availability_counts_and_a_gain_does_not() -> None:
    shop = Shop()
    shop.series["app", "search", "availability"][FAULT:] -= 4
    shop.series["app", "app", "availability"][FAULT:] -= 3
    assert shop.rank().suspects[0].service == "search"
    better = Shop().hurt("bank", "error_rate", 0.05).hurt("bank", "latency_ms", 0.2)
    assert better.rank().verdict == "unexplained"


def test_names_that_say_nothing_are_judged_all_the_same() -> None:
    names = dict(zip(METRICS, "abcde", strict=True))
    window = bank_fault().window()
    plain = window._replace(keys=tuple(key._replace(metric=names.get(key.metric, key.metric)) for key in window.keys))
    assert rank(plain, SHOP, Question("app", AT)).suspects[0].service == "bank"


def test_what_happens_every_day_at_this_hour_is_not_blamed() -> None:
    shop = Shop(length=3 * 1440)
    now = 2 * 1440 + 700
    for day in range(3):
        shop.series["app", "bank", "cpu"][day * 1440 + 690 : day * 1440 + 730] *= 3
    window = shop.window()
    at = int(window.times[now])
    seen = rank(window._replace(times=window.times[:now], values=window.values[:, :now]), SHOP, Question("app", at))
    assert seen.verdict == "unexplained"
    today = rank(
        window._replace(times=window.times[2 * 1440 : now], values=window.values[:, 2 * 1440 : now]), SHOP, Question("bank", at)
    )
    assert today.suspects[0].service == "bank"
    assert today.suspects[0].score > 10 * seen.suspects[0].score


def test_what_creeps_up_for_hours_is_found_and_dated() -> None:
    shop = Shop(length=2 * 1440)
    begins = 2 * 1440 - 480
    shop.series["app", "pay", "cpu"][begins:] += np.linspace(0, 0.9, 480)
    shop.series["app", "pay", "latency_ms"][-20:] *= 2
    window = shop.window()
    cause = rank(window, SHOP, Question("pay", int(window.times[-10]))).causes[0]
    assert (cause.service, cause.metric) == ("pay", "cpu")
    assert cause.lead_seconds is not None
    assert 4 * 3600 < cause.lead_seconds < 8 * 3600
    assert [step.metric for step in cause.path] == ["cpu", "latency_ms", "complaints"]


def test_the_guilty_release_comes_first_and_the_innocent_one_is_acquitted() -> None:
    changes = (release("risk", FAULT - 1, "decoy"), release("bank", FAULT - 2, "guilty"))
    ranking = bank_fault().rank(changes=changes)
    assert (ranking.causes[0].kind, ranking.causes[0].change, ranking.causes[0].path[0].service) == ("change", "guilty", "bank")
    assert all(cause.change != "decoy" for cause in ranking.causes)
    acquitted = bank_fault().rank(changes=changes[:1]).causes[0]
    assert (acquitted.kind, acquitted.service) == ("metric", "bank")
    assert any("decoy" in line and "无责" in line for line in acquitted.evidence)


def test_a_release_of_a_service_that_merely_feels_it_or_was_wrong_before_is_not_guilty() -> None:
    for change in (release("pay", FAULT - 1), release("app", FAULT), release("bank", FAULT + 4)):
        ranking = bank_fault().rank(changes=(change,))
        assert (ranking.causes[0].kind, ranking.causes[0].service) == ("metric", "bank"), change
        assert all(cause.probability < 0.1 for cause in ranking.causes if cause.kind == "change")


def test_a_grey_release_that_only_its_cohort_suffers_from_is_guilty() -> None:
    change = release("app", FAULT - 5, cohort="grey", stage="gray")
    blamed = Shop().rank(changes=(change,), grey=(24, 2), _=(4, 40))
    assert (blamed.verdict, blamed.causes[0].change) == ("explained", "r1")
    assert any("相对风险" in line for line in blamed.causes[0].evidence)
    spared = Shop().rank(changes=(change,), grey=(2, 2), _=(40, 40))
    assert spared.verdict == "unexplained"


def test_relative_risk_is_the_ratio_of_rate_ratios_and_its_interval_holds_it() -> None:
    risk = relative_risk("grey", {"grey": (40, 10), "": (50, 100)})
    assert risk is not None
    assert risk.ratio == pytest.approx((40.5 / 10.5) / (50.5 / 100.5))
    assert risk.low < risk.ratio < risk.high
    assert relative_risk("grey", {"": (1, 1)}) is None


def test_two_faults_at_once_both_stand_at_the_top() -> None:
    ranking = bank_fault().hurt("index", "error_rate", 12).hurt("index", "latency_ms", 3).hurt("search", "error_rate", 12).rank()
    assert {suspect.service for suspect in ranking.suspects[:2]} == {"bank", "index"}
    assert ranking.verdict == "explained"


def test_gaps_missing_series_and_empty_windows_are_survived() -> None:
    window = bank_fault().window()
    gaps = np.where(np.random.default_rng(0).random(window.values.shape) < 0.3, np.nan, window.values)
    assert rank(window._replace(values=gaps), SHOP, Question("app", AT)).suspects[0].service == "bank"
    for columns in (0, 1, 5):
        short = window._replace(times=window.times[:columns], values=window.values[:, :columns])
        assert rank(short, SHOP, Question("app", AT)).verdict == "unexplained"
    nothing = MetricWindow(window.times, STEP, (), np.empty((0, len(window.times))))
    assert rank(nothing, SHOP, Question("app", AT)).causes == ()
    assert rank(nothing, Topology(), Question("nobody", AT)).causes == ()


@pytest.mark.skipif(not DATA.is_dir(), reason="the development data are not here")
def test_fault_injections_are_found_and_quiet_stretches_left_alone() -> None:
    ranks: dict[str, list[int]] = {"sockshop": [], "petshop": []}
    quiet = []
    for case in sorted(DATA.iterdir())[::3]:
        question, truth = (json.loads((case / name).read_text()) for name in ("question.json", "truth.json"))
        history = Folder(case)
        window, topology = history.table.window, history.topology
        order = [s.service for s in rank(window, topology, Question(question["service"], question["at"] + 60)).suspects]
        ranks[case.name.split("_")[0]].append(order.index(truth["service"]) + 1)
        before = int(np.searchsorted(window.times, question["at"]))
        calm = window._replace(times=window.times[:before], values=window.values[:, :before])
        ranking = rank(calm, topology, Question(question["service"], int(window.times[before * 4 // 5])))
        quiet.append(ranking.verdict == "unexplained" and ranking.suspects[0].score <= 0.5)
    assert np.mean([[rank <= k for k in range(1, 6)] for rank in ranks["sockshop"]]) >= 0.99
    assert np.mean([rank == 1 for rank in ranks["petshop"]]) >= 0.8
    assert np.mean(quiet) >= 0.9
