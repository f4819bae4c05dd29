"""What is comparable and what is normal: raw values of many series in, transformed values and their baseline out.

Values pass through asinh(x / 1 % of their largest), a logarithm for what is large and linear near zero. Shares that sit at
their ceiling (availability 100) are turned into what is missing. Normal is a median and the largest of MAD, the 2-98 %
spread and a floor, so that a series that never moved does not turn any flicker into a thousand sigma.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.1  # least scale, in units of the asinh transform: a tenth is about 10 % of the value
SMALL = 0.01  # where the transform turns from linear to logarithmic, as a share of the largest value


class Unit(NamedTuple):
    """How the values of each row are made comparable."""

    turned: NDArray[np.bool_]  # shares at their ceiling, read as what is missing
    ceiling: NDArray[np.float64]
    size: NDArray[np.float64]  # where the logarithm begins

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as they are judged."""
        read = np.where(self.turned[:, None], self.ceiling[:, None] - values, values)
        return np.asarray(np.arcsinh(read / self.size[:, None]), np.float64)


class Normal(NamedTuple):
    """What is normal for each row, in transformed units."""

    middle: NDArray[np.float64]
    scale: NDArray[np.float64]
    points: NDArray[np.int64]


def unit_of(values: NDArray[np.float64], may_turn: NDArray[np.bool_]) -> Unit:
    """The unit of each row; `may_turn` marks rows that may be shares of successes."""
    if not values.size:
        return Unit(np.zeros(len(values), bool), np.ones(len(values)), np.ones(len(values)))
    known = np.isfinite(values)
    top = np.max(np.where(known, values, -np.inf), axis=1)
    least = np.min(np.where(known, values, np.inf), axis=1)
    ceiling = np.where(top <= 1.0, 1.0, 100.0)
    middle = quantile(np.sort(values, axis=1), known.sum(axis=1), 0.5)
    turned = may_turn & (least >= 0.0) & (top <= ceiling) & (middle >= 0.9 * ceiling)
    largest = np.where(known.any(axis=1), np.maximum(np.abs(top), np.abs(least)), 1.0)
    size = np.where(turned, SMALL * ceiling, SMALL * largest)
    return Unit(turned, ceiling, np.where(size > 0.0, size, 1.0))


def normal_of(base: NDArray[np.float64]) -> Normal:
    """What is normal by a stretch of transformed values."""
    points = np.isfinite(base).sum(axis=1)
    if not base.size:
        return Normal(np.zeros(len(base)), np.ones(len(base)), points)
    ordered = np.sort(base, axis=1)
    middle = quantile(ordered, points, 0.5)
    mad = 1.4826 * quantile(np.sort(np.abs(base - middle[:, None]), axis=1), points, 0.5)
    # 4.1 standard deviations lie between the 2 % and 98 % quantiles of a normal distribution.
    spread = (quantile(ordered, points, 0.98) - quantile(ordered, points, 0.02)) / 4.1
    return Normal(middle, np.maximum(np.maximum(mad, spread), FLOOR), points)


def quantile(ordered: NDArray[np.float64], points: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """A quantile of each sorted row whose first `points` are known (NaN sorts last); 0 where none is."""
    place = share * np.maximum(points - 1, 0)
    below = np.floor(place).astype(np.int64)
    rows = np.arange(len(ordered))
    left = ordered[rows, below]
    right = ordered[rows, np.minimum(below + 1, np.maximum(points - 1, 0))]
    return np.where(points > 0, left + (place - below) * (right - left), 0.0)
