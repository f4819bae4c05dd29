"""When people speak up: hourly counts of each service in, an hour-of-day × weekday factor (mean about 1) out.

Shapes are shrunk twice: a service towards all services together, all services towards a plain human day. So a quiet
service borrows the rhythm of the others, and a first day does not take the morning for a surge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# People sleep: relative volume by local hour, before anything is learned.
_HUMAN_DAY = np.array(
    [
        0.55,
        0.35,
        0.22,
        0.16,
        0.15,
        0.2,
        0.35,
        0.6,
        0.9,
        1.2,
        1.35,
        1.35,
        1.3,
        1.25,
        1.25,
        1.3,
        1.3,
        1.25,
        1.2,
        1.3,
        1.45,
        1.5,
        1.3,
        0.85,
    ]
)
_HUMAN_DAY /= _HUMAN_DAY.mean()
_HOUR_DAYS = 1.0  # how many days of one's own hours the borrowed shape is worth
_WEEKDAYS = 3.0  # how many Mondays the assumption "every weekday alike" is worth
_PSEUDO_COUNT = 20.0  # and how many records, for those who say little


class Rhythm:
    """Learns the factor by which each service is busier or quieter at an hour of the week. Rows are services."""

    def __init__(self, half_life_days: float) -> None:
        self._keep = 0.5 ** (1 / (24 * half_life_days))
        self._hour_count = np.zeros((0, 24))
        self._hour_live = np.zeros((0, 24))
        self._day_count = np.zeros((0, 7))
        self._day_live = np.zeros((0, 7))
        self._hour_shape = np.zeros((0, 24))
        self._day_shape = np.zeros((0, 7))

    def add_services(self, number: int) -> None:
        """Make room for `number` services in all; new ones start with the common shape."""
        extra = number - len(self._hour_count)
        if extra > 0:
            for name in ("_hour_count", "_hour_live", "_day_count", "_day_live"):
                table: Floats = getattr(self, name)
                setattr(self, name, np.vstack([table, np.zeros((extra, table.shape[1]))]))
            self._reshape()

    def factor(self, local_hour: int) -> Floats:
        """Factor of every service at an hour, counted in local hours since Thursday 1970-01-01 00:00."""
        return self._hour_shape[:, local_hour % 24] * self._day_shape[:, _weekday(local_hour)]

    def learn(self, local_hour: int, counts: Floats, live: Floats) -> None:
        """Take in one complete hour: records of each service, and the part of the hour in which anything could be heard."""
        hour, weekday = local_hour % 24, _weekday(local_hour)
        self._hour_count *= self._keep
        self._hour_live *= self._keep
        self._day_count *= self._keep
        self._day_live *= self._keep
        self._hour_count[:, hour] += counts / np.maximum(self._day_shape[:, weekday], 0.1)
        self._hour_live[:, hour] += live
        self._day_count[:, weekday] += counts
        self._day_live[:, weekday] += live * self._hour_shape[:, hour]
        self._reshape()

    def _reshape(self) -> None:
        everyone = (self._hour_count.sum(0, keepdims=True), self._hour_live.mean(0, keepdims=True))
        common = _shrunk(*everyone, _HUMAN_DAY, _HOUR_DAYS)
        self._hour_shape = _normal(_shrunk(self._hour_count, self._hour_live, common, _HOUR_DAYS))
        even = np.ones((1, 7))
        days = _shrunk(self._day_count.sum(0, keepdims=True), self._day_live.mean(0, keepdims=True), even, 24 * _WEEKDAYS)
        self._day_shape = _normal(_shrunk(self._day_count, self._day_live, days, 24 * _WEEKDAYS))


def _weekday(local_hour: int) -> int:
    return (local_hour // 24 + 3) % 7


def _shrunk(count: Floats, live: Floats, prior: Floats, worth: float) -> Floats:
    """Observed over expected, by slot, drawn towards `prior` with the weight of `worth` hours and _PSEUDO_COUNT records."""
    level = count.sum(1, keepdims=True) / np.maximum((live * prior).sum(1, keepdims=True), 1e-9)
    weight = worth * level + _PSEUDO_COUNT
    return np.asarray((count + weight * prior) / (live * level + weight))


def _normal(shape: Floats) -> Floats:
    return np.asarray(shape / shape.mean(1, keepdims=True))
