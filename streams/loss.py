"""What an incident costs: business metrics of earlier days and of today in, a Loss out. Pure over History.

The forecast is the median over earlier days of the same minutes, each day scaled to today's level before the onset; the
interval comes from how far those days lie apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from models.topology import Topology
from models.window import MetricWindow, SeriesKey
from streams.history import History
from streams.records import Loss

DAY = 86_400
DAYS = 7
# Today's level is read off this long before the onset (seconds), but not off the last minutes, which may be hurt already.
LEAD = 2 * 3600
GUARD = 10 * 60
CONFIDENCE = 0.95
# With fewer days than this their spread says little, and days are taken to differ by a tenth.
FEW, USUAL_SPREAD = 3, 0.1

# Only what adds up over minutes can be lost; the first pattern that matches is what people count.
_ADDITIVE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"gmv|revenue|turnover|amount|金额|交易额|营收",
        r"order|订单",
        r"pay|transaction|success_count|checkout|支付|交易|笔",
        r"volume|count|requests|sales|qps|tps|visits|量|数",
    )
)
# Neither a ratio nor a time adds up.
_RATIO = re.compile(r"rate|ratio|share|percent|latency|duration|seconds|_ms$|p\d\d|score|率|时延|耗时|占比", re.IGNORECASE)


def lost(history: History, topology: Topology, services: Sequence[str], start: int, end: int) -> Loss | None:
    """The business lost in [start, end) by the first of `services`, or of their callers, that has a metric which adds up."""
    callers = [caller for service in services for caller in topology.callers.get(service, ())]
    names = tuple(dict.fromkeys([*(name for name in services if name), *callers]))
    if not names:
        return None
    today = history.metrics(names, start - LEAD, end)
    key = _countable(today, names)
    if key is None or not len(today.times):
        return None
    lead = int(np.searchsorted(today.times, start))
    guard = GUARD // today.step
    rows = [_as_of(history, key, today.times - DAY * day) for day in range(1, DAYS + 1)]
    return estimate(key, today.values[today.keys.index(key)], [row for row in rows if row is not None], lead, guard)


def _countable(window: MetricWindow, names: Sequence[str]) -> SeriesKey | None:
    keys = [key for key in window.keys if key.layer == "business" and not _RATIO.search(key.metric)]
    ranked = [
        (names.index(key.service), place, key)
        for key in keys
        for place, pattern in enumerate(_ADDITIVE)
        if pattern.search(key.metric)
    ]
    return min(ranked)[2] if ranked else None


def _as_of(history: History, key: SeriesKey, times: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The series at these times of an earlier day, NaN where nothing came; None when it was not there at all."""
    window = history.metrics((key.service,), int(times[0]), int(times[-1]) + 1)
    if key not in window.keys:
        return None
    row = np.full(len(times), np.nan)
    places = np.searchsorted(times, window.times)
    known = (places < len(times)) & (times[np.minimum(places, len(times) - 1)] == window.times)
    row[places[known]] = window.values[window.keys.index(key)][known]
    return row


def estimate(
    key: SeriesKey, today: NDArray[np.float64], past: Sequence[NDArray[np.float64]], lead: int, guard: int
) -> Loss | None:
    """Loss from rows of equal length: `lead` points before the onset, of which the last `guard` may be hurt already, then
    the incident. None when today says nothing before or since, or no earlier day does."""
    before, during = today[: max(0, lead - guard)], today[lead:]
    seen = np.isfinite(during)
    if not np.isfinite(before).any() or not seen.any():
        return None
    level, points = float(np.nanmean(before)), int(seen.sum())
    forecasts = [f for row in past if (f := _scaled(row, level, seen, lead, guard)) is not None]
    if not forecasts:
        return None
    expected = float(np.median(forecasts))
    days = len(forecasts)
    spread = float(np.std(forecasts, ddof=1)) if days >= FEW else USUAL_SPREAD * expected
    scatter = float(np.nanstd(before)) * points**0.5  # of a sum, when points are independent
    margin = float(student.ppf((1 + CONFIDENCE) / 2, max(days, FEW) - 1)) * float(np.hypot(spread, scatter))
    actual = float(during[seen].sum())
    gap = expected - actual
    return Loss(
        service=key.service, metric=key.metric, expected=expected, actual=actual, lost=gap, low=gap - margin, high=gap + margin
    )


def _scaled(row: NDArray[np.float64], level: float, seen: NDArray[np.bool_], lead: int, guard: int) -> float | None:
    """What an earlier day forecasts for the points seen today: its sum there, scaled to today's level before the onset."""
    before, during = row[: lead - guard], row[lead:][seen]
    if np.isfinite(before).mean() < 0.5 or np.isfinite(during).mean() < 0.5:
        return None
    usual = float(np.nanmean(before))
    return float(np.nanmean(during)) * len(during) * level / usual if usual > 0 and level > 0 else None
