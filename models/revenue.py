"""How revenue moves with the experience index over weeks: two series in, a slope with its uncertainty out. Pure.

What the hour of the day, the day of the week and each week's own level explain is taken out of both, the logarithm of revenue
and the index (Frisch & Waugh 1933); the slope is what is left of one on what is left of the other. Hours follow each other, so
its error is the equal-weighted cosine estimate of the long-run variance with Student's t (Lazarus, Lewis, Stock & Watson 2018:
HAR inference), which keeps its size where Newey & West with few lags does not. It says how they move together, not why.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
LEAST_WEEKS = 3
LEAST_SHARE = 0.6  # of the hours that must be known
LEAST_SPREAD = 0.5  # points of the index, standard deviation: below this there is nothing to hold revenue against
CONFIDENCE = 0.95
TAIL = 8.0  # robust standard deviations beyond which revenue is bent in: a collector's spike must not make the slope


class Slope(NamedTuple):
    """Revenue per point of the index: `percent` with its interval, `p` of none, from `weeks` weeks of `hours` hours."""

    percent: float
    low: float
    high: float
    p: float
    weeks: float
    hours: int


def slope(times: NDArray[np.int64], revenue: Floats, points: Floats, offset: int = 0) -> Slope | str:
    """The slope over hours `times` (epoch seconds, ascending); `offset` is local time's from UTC (seconds). A reason in words
    where there is not enough to say."""
    known = np.isfinite(revenue) & np.isfinite(points) & (revenue > 0)
    weeks = (int(times[-1]) + HOUR - int(times[0])) / WEEK if len(times) else 0.0
    if weeks < LEAST_WEEKS:
        return f"not enough data: {weeks:.1f} weeks, needs {LEAST_WEEKS}"
    if known.mean() < LEAST_SHARE:
        return f"not enough data: {known.mean():.0%} of the hours are known, needs {LEAST_SHARE:.0%}"
    if float(np.std(points[known])) < LEAST_SPREAD:
        return "not enough data: the index hardly moved"
    basis = _basis(_calendar(times[known] + offset))
    y, x = (_left(column, basis) for column in (np.log(revenue[known]), points[known]))
    middle = 1.4826 * float(np.median(np.abs(y))) + 1e-12
    y = _left(np.clip(y, -TAIL * middle, TAIL * middle), basis)
    found = float(x @ y / (x @ x))
    # How far each hour draws the fit to itself: residuals are too small by that (HC3, MacKinnon & White 1985).
    leverage = np.minimum((basis**2).sum(axis=1) + x**2 / (x @ x), 0.9)
    error, freedom = _error(x, (y - found * x) / (1 - leverage))
    margin = float(student.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    p = 2 * float(student.sf(abs(found) / error, freedom)) if error > 0 else 0.0
    percent, low, high = (100 * float(np.expm1(value)) for value in (found, found - margin, found + margin))
    return Slope(percent, low, high, p, weeks, int(known.sum()))


def _calendar(local: NDArray[np.int64]) -> Floats:
    """Columns of ones for each hour of the day (working days and weekends apart), each day of the week, each week."""
    hour, day = local // HOUR % 24, local // DAY
    weekend = ((day + 3) % 7 >= 5).astype(np.int64)  # epoch day 0 was a Thursday
    labels = (hour + 24 * weekend, day % 7, (day - day.min()) // 7)
    columns = [label[:, None] == np.unique(label)[None, :] for label in labels]
    return np.concatenate(columns, axis=1).astype(np.float64)


def _basis(effects: Floats) -> Floats:
    """Orthonormal columns that span the effects, which overlap."""
    sizes, turned = np.linalg.eigh(effects.T @ effects)
    kept = sizes > 1e-9 * sizes[-1]
    return np.asarray(effects @ turned[:, kept] / np.sqrt(sizes[kept]), np.float64)


def _left(values: Floats, basis: Floats) -> Floats:
    """What the effects do not explain."""
    return np.asarray(values - basis @ (basis.T @ values), np.float64)


def _error(x: Floats, residual: Floats) -> tuple[float, float]:
    """The slope's standard error and its degrees of freedom: ν = 0.4 T^⅔ cosine terms of the scores, but no more than there are
    days that the index's movement is spread over: an index that moves in three incidents has seen three things."""
    size = len(x)
    terms = max(4, int(0.4 * size ** (2 / 3)))
    days = np.add.reduceat(x**2, np.arange(0, size, 24))
    freedom = max(2.0, min(float(terms), float(days.sum() ** 2 / (days**2).sum()) - 1))
    waves = np.cos(np.pi * np.arange(1, terms + 1)[:, None] * (np.arange(size) + 0.5) / size)
    variance = float(np.mean((np.sqrt(2 / size) * (waves @ (x * residual))) ** 2))
    return float(np.sqrt(size * variance)) / float(x @ x), freedom
