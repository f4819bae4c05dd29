"""Revenue held against the experience index over weeks: a Folder in, JSON-ready rows out (models.revenue says how)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.revenue import HOUR, Slope, slope
from models.window import MetricWindow, SeriesKey
from streams.experience import Past, days, slots, usual
from streams.folder import Folder
from streams.folder_past import FolderPast
from streams.loss import countable, money_first

Floats = NDArray[np.float64]


def against_experience(folder: Folder, zone: dt.tzinfo) -> list[dict[str, Any]]:
    """One row a service that counts money or orders: the slope, or why there is none. p is held to all rows together (Holm)."""
    first, last = folder.span
    times, points = hourly_index(FolderPast(folder), first // 60 * 60, last // 60 * 60 + 60, zone)
    offset = dt.datetime.fromtimestamp(last, zone).utcoffset() or dt.timedelta()
    rows: list[dict[str, Any]] = []
    for key in _money(folder.table.window):
        row: dict[str, Any] = {"service": key.service, "metric": key.metric}
        index = points.get(key.service)
        found: Slope | str = "not enough data: no experience index"
        if index is not None:
            revenue = _hourly(folder.table.window, key, times)
            found = slope(times, revenue, index, int(offset.total_seconds()))
        rows.append(row | ({"reason": found} if isinstance(found, str) else _told(found)))
    return _together(rows)


def hourly_index(past: Past, first: int, end: int, zone: dt.tzinfo) -> tuple[NDArray[np.int64], Mapping[str, Floats]]:
    """Whole hours from the second day on, and each service's index in them."""
    found = []
    for midnight, start, stop in days(-(-first // HOUR) * HOUR, end // HOUR * HOUR, zone):
        known = usual(past, midnight, first)
        if known is not None:
            found.append(slots(past, known, start, stop, HOUR))
    times = np.concatenate([np.zeros(0, np.int64), *(one.times for one in found)])
    points: dict[str, Floats] = {}
    at = 0
    for one in found:
        for service, row in zip(one.services, one.points, strict=True):
            points.setdefault(service, np.full(len(times), np.nan))[at : at + len(one.times)] = row
        at += len(one.times)
    return times, points


def _money(window: MetricWindow) -> Sequence[SeriesKey]:
    """The series of each service that people count, money before orders before everything else."""
    chosen: dict[str, SeriesKey] = {}
    for key in sorted(countable(window), key=money_first):
        chosen.setdefault(key.service, key)
    return [chosen[name] for name in sorted(chosen)]


def _hourly(window: MetricWindow, key: SeriesKey, times: NDArray[np.int64]) -> Floats:
    """Sums over each hour; NaN where less than nine tenths of it are known, filled up in proportion where more are."""
    values = window.values[window.keys.index(key)]
    low, high = np.searchsorted(window.times, times), np.searchsorted(window.times, times + HOUR)
    known = np.isfinite(values)
    total, count = (np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(known, values, 0.0), known))
    due = max(HOUR / window.step, 1)
    seen = count[high] - count[low]
    return np.where(seen >= 0.9 * due, (total[high] - total[low]) * due / np.maximum(seen, 1), np.nan)


def _told(found: Slope) -> dict[str, Any]:
    return {
        "percent_per_point": round(found.percent, 4),
        "interval": [round(found.low, 4), round(found.high, 4)],
        "p": found.p,
        "weeks": round(found.weeks, 1),
        "hours": found.hours,
    }


def _together(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds Holm's p over all rows that have one, and the verdict at one in twenty."""
    tested = sorted((row for row in rows if "p" in row), key=lambda row: float(row["p"]))
    highest = 0.0
    for number, row in enumerate(tested):
        highest = max(highest, min(1.0, float(row["p"]) * (len(tested) - number)))
        row["p_all"] = highest
        falls = row["percent_per_point"] > 0
        row["verdict"] = (
            "no association" if highest >= 0.05 else ("falls with experience" if falls else "rises as experience falls")
        )
    for row in rows:
        row.setdefault("verdict", "not enough data")
    return rows
