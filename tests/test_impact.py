"""Whether a change did harm, through the door: shifts, rhythms, control groups, intervals and the three checks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.impact import Grey, ImpactError, impact
from models.judgement import Impact
from models.topology import parse_topology
from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.folder import Folder

DATA = Path(__file__).parents[2] / "shared" / "data" / "changes"
DAY, BEFORE, AFTER = 1440, 3 * 1440, 120
START = 1_700_000_040
CHANGE = ChangeMark("c1", START + 60 * BEFORE, "release", "pay", stage="full")
SHOP = parse_topology("services: [{name: pay, depends_on: [bank]}, {name: bank}, {name: s1}, {name: s2}, {name: s3}]")


def curve(seed: int, level: float = 100.0, noise: float = 0.03) -> NDArray[np.float64]:
    """Three days and two hours by the minute, with a daily rhythm."""
    random = np.random.default_rng(seed)
    minutes = np.arange(BEFORE + AFTER)
    return level * (1 + 0.4 * np.sin(2 * np.pi * minutes / DAY)) * random.normal(1, noise, len(minutes))


def window(**series: NDArray[np.float64]) -> MetricWindow:
    """Keyword service__metric."""
    keys = tuple(SeriesKey("app", *name.split("__")) for name in series)
    values = np.stack(list(series.values()))
    return MetricWindow(START + 60 * np.arange(values.shape[1]), 60, keys, values)


def judged(series: NDArray[np.float64], metric: str = "kpi", **more: ChangeMark) -> Impact:
    return impact(window(**{f"pay__{metric}": series}), SHOP, CHANGE, (CHANGE, *more.values()))


@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_a_lasting_shift_is_harm_and_the_interval_holds_it(factor: float) -> None:
    series = curve(1)
    series[BEFORE + 2 :] *= factor
    found = judged(series)
    assert found.harmful
    assert found.score > 0.9
    assert found.low <= factor - 1 <= found.high
    assert "持续" in " ".join(found.checks)


def test_a_short_spike_soon_after_is_harm_and_one_long_after_is_not_this_changes() -> None:
    soon, late = curve(2), curve(2)
    soon[BEFORE + 3 : BEFORE + 9] *= 3
    late[BEFORE + 80 : BEFORE + 86] *= 3
    assert judged(soon).harmful
    assert not judged(late).harmful


def test_without_a_shift_there_is_no_harm() -> None:
    assert sum(judged(curve(seed)).harmful for seed in range(40)) <= 2


def test_what_every_day_does_at_this_hour_is_no_harm_and_the_control_says_so() -> None:
    series = curve(3)
    for day in range(4):
        series[day * DAY : day * DAY + 60] *= 1.5
    found = judged(series)
    assert not found.harmful
    assert "此前几天的同一时段" in found.control


def test_without_earlier_days_the_answer_says_there_is_no_control() -> None:
    series = curve(4)
    series[BEFORE + 1 :] *= 1.5
    recent = window(pay__kpi=series)
    recent = recent._replace(times=recent.times[-500:], values=recent.values[:, -500:])
    found = impact(recent, SHOP, CHANGE)
    assert found.harmful
    assert found.control.startswith("无对照组")


def test_less_latency_is_no_harm_and_more_is() -> None:
    faster, slower = curve(5), curve(5)
    faster[BEFORE:] *= 0.5
    slower[BEFORE:] *= 1.5
    assert not judged(faster, "latency_ms").harmful
    assert judged(slower, "latency_ms").harmful


def grey(treated: NDArray[np.float64], others: NDArray[np.float64], **complaints: tuple[int, int]) -> Impact:
    change = CHANGE._replace(cohort="grey", stage="gray")
    whole = window(pay__errors=0.1 * treated + 0.9 * others)
    told = {name.strip("_"): pair for name, pair in complaints.items()}
    return impact(whole, SHOP, change, (change,), Grey(window(pay__errors=treated), window(pay__errors=others), told))


def test_with_a_cohort_what_hits_everyone_is_not_the_changes_doing() -> None:
    shock = np.ones(BEFORE + AFTER)
    shock[BEFORE + 2 :] = 2.0
    both = grey(curve(6) * shock, curve(7) * shock)
    alone = grey(curve(6) * shock, curve(7))
    assert not both.harmful
    assert alone.harmful
    assert alone.low <= 1.0 <= alone.high
    assert "双重差分" in alone.control


def test_complaints_of_the_cohort_alone_are_harm_by_relative_risk() -> None:
    calm = (curve(8), curve(9))
    assert grey(*calm, grey=(30, 3), _=(10, 60)).harmful
    told = grey(*calm, grey=(4, 3), _=(60, 60))
    assert not told.harmful
    assert any("相对风险" in line for line in told.checks)


def test_sister_services_are_a_control_where_days_are_not() -> None:
    random = np.random.default_rng(10)
    wander = np.exp(np.cumsum(random.normal(0, 0.01, BEFORE + AFTER)))  # market-wide, unlike any earlier day
    shock = np.where(np.arange(BEFORE + AFTER) >= BEFORE, 1.5, 1.0)
    sisters = {f"s{i}__kpi": curve(20 + i, noise=0.01) * wander * shock for i in (1, 2, 3)}
    found = impact(window(pay__kpi=curve(24, noise=0.01) * wander * shock, **sisters), SHOP, CHANGE)
    assert not found.harmful
    assert "同类服务" in found.control


def test_another_change_nearby_and_a_short_watch_are_told() -> None:
    other = ChangeMark("c2", CHANGE.at - 600, "config", "bank")
    assert any("c2" in line for line in judged(curve(11), other=other).checks)
    series = curve(11)
    short = window(pay__kpi=series)
    short = short._replace(times=short.times[: BEFORE + 15], values=short.values[:, : BEFORE + 15])
    assert any("仅观察 15 分钟" in line for line in impact(short, SHOP, CHANGE).checks)


def test_what_cannot_be_judged_is_an_error_that_names_the_change() -> None:
    for broken in (window(bank__kpi=curve(1)), window(pay__kpi=curve(1)[:BEFORE]), window(pay__kpi=curve(1) * np.nan)):
        with pytest.raises(ImpactError, match="c1"):
            impact(broken, SHOP, CHANGE)


@pytest.mark.skipif(not DATA.is_dir(), reason="the development data are not here")
def test_annotated_changes_are_told_apart() -> None:
    truth = json.loads((DATA / "truth.json").read_text())
    harm, scores = np.array(list(truth.values()), bool)[::2], []
    cases = list(truth)[::2]
    harm = np.array([bool(truth[case]) for case in cases])
    for case in cases:
        history = Folder(DATA / case)
        scores.append(impact(history.table.window, history.topology, history.marks[0], history.marks).score)
    said = np.array(scores) >= 0.5
    assert 2 * (said & harm).sum() / (said.sum() + harm.sum()) >= 0.9
