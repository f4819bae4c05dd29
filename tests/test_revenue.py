"""Revenue on the experience index: found where it is, with its interval; not where it is not; and never from too little."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.revenue import Slope, slope

FIRST = 1_772_380_800


def weeks(seed: int, count: int, percent: float) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Hours of revenue (a rhythm, a trend, days that differ, errors that remember) and of an index that falls in incidents."""
    random = np.random.default_rng(seed)
    size = count * 168
    hour = np.arange(size) % 24
    points = 80 + lfilter([1], [1, -0.6], random.normal(0, 1.2, size))
    for at in random.integers(0, size - 6, 2 * count):
        points[at : at + random.integers(1, 5)] -= random.uniform(15, 60)
    points = np.clip(points, 2, 98)
    errors = lfilter([1], [1, -0.8], random.normal(0, 0.036, size)) + np.repeat(random.normal(0, 0.05, count * 7), 24)
    rhythm = (1 + 0.7 * np.sin((hour - 9) / 24 * 2 * np.pi)) * np.exp(0.01 * np.arange(size) / 168)
    revenue = 5000 * rhythm * np.exp(errors + np.log1p(percent / 100) * (points - 80))
    return np.arange(size, dtype=np.int64) * 3600 + FIRST, revenue, points


def test_a_slope_is_found_and_none_is_not_made_up() -> None:
    found = [slope(*weeks(seed, 6, 0.4), offset=28_800) for seed in range(6)]
    none = [slope(*weeks(seed, 6, 0.0), offset=28_800) for seed in range(12, 27)]
    assert all(isinstance(one, Slope) and one.p < 0.01 and 0.2 < one.percent < 0.6 for one in found)
    assert sum(isinstance(one, Slope) and one.low <= 0.4 <= one.high for one in found) >= 5
    assert sum(isinstance(one, Slope) and one.p < 0.05 for one in none) <= 3


def test_gaps_and_a_collectors_spike_do_not_make_the_slope() -> None:
    times, revenue, points = weeks(3, 6, 0.4)
    before = slope(times, revenue, points)
    revenue[100:160] = np.nan
    revenue[500] *= 1000
    after = slope(times, revenue, points)
    assert isinstance(before, Slope)
    assert isinstance(after, Slope)
    assert after.percent == pytest.approx(before.percent, abs=0.1)


def test_too_little_says_so() -> None:
    times, revenue, points = weeks(1, 2, 0.4)
    assert slope(times, revenue, points) == "not enough data: 2.0 weeks, needs 3"
    times, revenue, points = weeks(1, 4, 0.4)
    assert slope(times, revenue, np.full(len(points), 80.0)) == "not enough data: the index hardly moved"
    points[: len(points) // 2] = np.nan
    assert "50% of the hours" in str(slope(times, revenue, points))
