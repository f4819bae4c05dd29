"""When people speak up: hourly counts of each service in, an hour-of-day × kind-of-day factor (mean about 1) out.

A kind of day is a weekday (0 is Monday) or HOLIDAY, which is taken for a weekend until it was seen. Shapes are
shrunk twice: a service towards all services together, all services towards a plain human day. So a quiet service borrows the
rhythm of the others, and a first day does not take the morning for a surge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.calendar import Calendar

Floats = NDArray[np.float64]

HOLIDAY = 7
_WEEKEND = slice(5, 7)
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


class Clock:
    """Hours since 1970 in, the kind of their local day and the local hour out."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._day: tuple[int, int] = (-1, 0)  # the last local day asked for, and its kind

    def local(self, hour: int) -> tuple[int, int]:
        """Kind of day and hour of the day. A day of the weekend that is worked is like a Wednesday."""
        local = self._calendar.local(hour * 3600)
        if local.toordinal() != self._day[0]:
            kind = self._calendar.kind(local.date())
            weekday = 2 if kind == "work" and local.weekday() >= 5 else local.weekday()
            self._day = (local.toordinal(), HOLIDAY if kind == "holiday" else weekday)
        return self._day[1], local.hour


class Rhythm:
    """Learns the factor by which each service is busier or quieter at an hour of the week. Rows are services."""

    def __init__(self, half_life_days: float) -> None:
        self._keep = 0.5 ** (1 / (24 * half_life_days))
        self._hour_count = np.zeros((0, 24))
        self._hour_live = np.zeros((0, 24))
        self._day_count = np.zeros((0, 8))
        self._day_live = np.zeros((0, 8))
        self._hour_shape = np.zeros((0, 24))
        self._day_shape = np.zeros((0, 8))

    def add_services(self, number: int) -> None:
        """Make room for `number` services in all; new ones start with the common shape."""
        extra = number - len(self._hour_count)
        if extra > 0:
            for name in ("_hour_count", "_hour_live", "_day_count", "_day_live"):
                table: Floats = getattr(self, name)
                setattr(self, name, np.vstack([table, np.zeros((extra, table.shape[1]))]))
            self._reshape()

    def factor(self, day: int, hour: int) -> Floats:
        """Factor of every service on a kind of day at a local hour."""
        return self._hour_shape[:, hour] * self._day_shape[:, day]

    def learn(self, day: int, hour: int, counts: Floats, live: Floats) -> None:
        """Take in one complete hour: records of each service, and the part of the hour in which anything could be heard."""
        self._hour_count *= self._keep
        self._hour_live *= self._keep
        self._day_count *= self._keep
        self._day_live *= self._keep
        self._hour_count[:, hour] += counts / np.maximum(self._day_shape[:, day], 0.1)
        self._hour_live[:, hour] += live
        self._day_count[:, day] += counts
        self._day_live[:, day] += live * self._hour_shape[:, hour]
        self._reshape()

    def _reshape(self) -> None:
        everyone = (self._hour_count.sum(0, keepdims=True), self._hour_live.mean(0, keepdims=True))
        common = _shrunk(*everyone, _HUMAN_DAY, _HOUR_DAYS)
        self._hour_shape = _normal(_shrunk(self._hour_count, self._hour_live, common, _HOUR_DAYS))
        days = self._days(self._day_count.sum(0, keepdims=True), self._day_live.mean(0, keepdims=True), np.ones((1, 8)))
        self._day_shape = self._days(self._day_count, self._day_live, days)

    @staticmethod
    def _days(count: Floats, live: Floats, prior: Floats) -> Floats:
        """Shape of the week, mean 1, and beside it that of holidays, drawn towards the weekend's own."""
        week = _shrunk(count[:, :HOLIDAY], live[:, :HOLIDAY], prior[:, :HOLIDAY], 24 * _WEEKDAYS)
        level = count[:, :HOLIDAY].sum(1) / np.maximum((live[:, :HOLIDAY] * week).sum(1), 1e-9)
        weight = 24 * _WEEKDAYS * level + _PSEUDO_COUNT
        weekend = week[:, _WEEKEND].mean(1) * prior[:, HOLIDAY] / np.maximum(prior[:, _WEEKEND].mean(1), 1e-9)
        holiday = (count[:, HOLIDAY] + weight * weekend) / (live[:, HOLIDAY] * level + weight)
        return np.asarray(np.column_stack([week, holiday]) / week.mean(1, keepdims=True))


def _shrunk(count: Floats, live: Floats, prior: Floats, worth: float) -> Floats:
    """Observed over expected, by slot, drawn towards `prior` with the weight of `worth` hours and _PSEUDO_COUNT records."""
    level = count.sum(1, keepdims=True) / np.maximum((live * prior).sum(1, keepdims=True), 1e-9)
    weight = worth * level + _PSEUDO_COUNT
    return np.asarray((count + weight * prior) / (live * level + weight))


def _normal(shape: Floats) -> Floats:
    return np.asarray(shape / shape.mean(1, keepdims=True))
