"""Sub-health: a leak is told hours before its threshold; nothing is on a calm week, a busy day, a step or a fault."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calendar import Calendar
from models.subhealth import BLOCK, DAY, creeping
from models.window import MetricWindow, SeriesKey
from streams.demo.scenario import Scenario
from streams.folder import Folder
from streams.rules.asked import Asked
from streams.rules.config import Rules, parse_rules
from streams.rules.subhealth import firing

ZONE = ZoneInfo("Asia/Shanghai")
MEMORY, CPU, QPS = (SeriesKey("app", "search", name) for name in ("memory", "cpu", "qps"))
SUCCESS = SeriesKey("business", "pay", "success_rate")
Array = NDArray[np.float64]


def _days(seed: int, days: float = 3.0) -> dict[SeriesKey, Array]:
    """Ten-minute means of calm days: a load with its rhythm, a CPU that follows it, memory and success that wander."""
    random = np.random.default_rng(seed)
    size = int(days * DAY)
    load = 1 + 0.7 * np.sin(np.arange(size) / DAY * 2 * np.pi)
    slow = np.convolve(random.standard_normal(size + 11), np.ones(12) / 12**0.5, "valid")[:size]
    return {
        MEMORY: 0.55 + 0.02 * load + 0.006 * slow,
        CPU: (0.1 + 0.25 * load) * (1 + 0.03 * random.standard_normal(size)),
        QPS: 900 * load + 100,
        SUCCESS: 0.985 - 0.002 * np.abs(slow),
    }


def _fired(series: dict[SeriesKey, Array]) -> dict[SeriesKey, int]:
    """Series → the first hour (from the start) in which it creeps."""
    keys, values = tuple(series), np.stack(list(series.values()))
    found: dict[SeriesKey, int] = {}
    for end in range(DAY, values.shape[1] + 1, 6):
        for creep in creeping(MetricWindow(BLOCK * np.arange(end), BLOCK, keys, values[:, :end])):
            found.setdefault(creep.key, end // 6)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_leak_is_told_hours_before_90_per_cent_and_nothing_else_is(seed: int) -> None:
    series = _days(seed)
    leak = np.clip(np.arange(3 * DAY) / 6 - 52, 0, None) * 0.02  # from hour 52 on, two points an hour
    series[MEMORY] = series[MEMORY] + leak
    threshold = int(np.argmax(series[MEMORY] >= 0.9)) // 6
    fired = _fired(series)
    assert set(fired) == {MEMORY}
    assert 53 <= fired[MEMORY] <= threshold - 4
    assert _fired(_days(seed)) == {}


@pytest.mark.parametrize("seed", range(2))
def test_a_busier_day_a_jump_and_a_fault_are_no_leak(seed: int) -> None:
    busy = _days(seed)
    today = np.arange(3 * DAY) >= 2 * DAY
    growing = np.where(today, 1 + 0.6 * (np.arange(3 * DAY) - 2 * DAY) / DAY, 1.0)  # a load that grows all day
    busy[QPS] = busy[QPS] * growing
    busy[CPU] = busy[CPU] * growing
    jump = _days(seed)
    jump[MEMORY] = jump[MEMORY] + 0.15 * (np.arange(3 * DAY) >= 2 * DAY + 50)
    fault = _days(seed)
    fault[SUCCESS] = fault[SUCCESS] - 0.2 * ((np.arange(3 * DAY) - 2 * DAY - 40) // 4 == 0)
    assert _fired(busy) == _fired(jump) == _fired(fault) == {}


def test_too_little_and_broken_data_say_nothing() -> None:
    series = {key: values[: DAY + 30] for key, values in _days(1).items()}
    assert _fired(series) == {}
    holes = _days(2)
    holes[MEMORY][2 * DAY :] = np.nan
    holes[CPU][::2] = np.nan
    assert _fired(holes) == {}


def test_the_rule_tells_the_demos_leak_half_an_hour_before_any_threshold(tmp_path: Path) -> None:
    scenario = Scenario(dt.date(2026, 3, 10), ZONE, seed=7, quiet_days=1)
    wanted = {
        key: values for (key, cohort), values in scenario.series.items() if key.service in ("search", "cart") and not cohort
    }
    with (tmp_path / "metrics.csv").open("w", encoding="utf-8") as file:
        file.write("ts,layer,service,metric,value\n")
        for key, values in wanted.items():
            file.writelines(
                f"{scenario.clock.first + 60 * minute},{','.join(key)},{value:.6g}\n"
                for minute, value in enumerate(values.tolist())
            )
    history, rules = Folder(tmp_path), parse_rules("subhealth: {level: 1}")
    asked = Asked(history, history.topology, rules, 0, "en", Calendar(ZONE))
    told: dict[str, int] = {}
    for at in range(scenario.clock.day, scenario.clock.day + 86_400, 1800):
        for alert in firing(_at(asked, at)):
            assert (alert.level, alert.threshold > alert.value > 0) == (1, True)
            told.setdefault(alert.id, at)
    limits = {"memory": 0.9, "cpu": 0.9, "latency_p99_ms": 1000.0, "error_rate": 0.05}
    crossed = [
        int(np.argmax(values >= limits[key.metric]))
        for key, values in wanted.items()
        if key.service == "search" and key.metric in limits and (values >= limits[key.metric]).any()
    ]
    assert told["app:search:memory"] <= scenario.clock.first + 60 * min(crossed) - 1800
    assert all(name.split(":")[1] == "search" for name in told)
    off = Asked(history, history.topology, parse_rules("subhealth: {enabled: false}"), asked.at, "en")
    assert firing(_at(off, min(told.values()))) == []
    assert Rules().subhealth.enabled


def _at(asked: Asked, at: int) -> Asked:
    return Asked(asked.history, asked.topology, asked.config, at, asked.language, asked.calendar, asked.heard)
