"""What an incident costs: business metrics of today and of earlier days in, a Loss out. Pure over History.

The forecast is what earlier days had at the same minutes, scaled to today's level before the onset. How far off such a
forecast is, is measured: the same forecast is made for stretches before the onset, where nothing was lost, and its relative
errors there, taken robustly, give the interval (placebo tests in time: Abadie et al., AJPS 2015). So one earlier day is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from models.topology import Topology
from models.window import MetricWindow, SeriesKey
from streams.history import History
from streams.records import Loss

DAY = 86_400
DAYS = 3
# So long before the onset forecasts are tested (seconds). Today's level is read off the last part of it, but not off the last
# minutes, which may be hurt already.
LEAD = 6 * 3600
LEVEL = 90 * 60
GUARD = 10 * 60
CONFIDENCE = 0.95
# Stretches tested are as long as the incident, but no longer than this (seconds); beyond, errors grow with the root of time.
LONGEST_TEST = 90 * 60
FEWEST_TESTS = 4
LEAST_ERROR = 0.005  # no forecast is better than this, as a share

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

Row = NDArray[np.float64]


def lost(history: History, topology: Topology, services: Sequence[str], start: int, end: int) -> Loss | None:
    """The business lost in [start, end): by the metric of `services`, else of their callers, that shows it most clearly."""
    callers = [caller for service in services for caller in topology.callers.get(service, ())]
    names = tuple(dict.fromkeys([*(name for name in services if name), *callers]))
    if not names or end <= start:
        return None
    window = history.metrics(names, start - LEAD - DAYS * DAY, end)
    keys = countable(window)
    losses = [loss for key in keys if (loss := _of(window, key, start, len(keys))) is not None]
    return min(losses, key=lambda loss: _order(loss, services), default=None)


def money_first(key: SeriesKey) -> int:
    """The place of a countable series in the order in which people count: money, orders, payments, then the rest."""
    return next(number for number, pattern in enumerate(_ADDITIVE) if pattern.search(key.metric))


def _order(loss: Loss, services: Sequence[str]) -> tuple[bool, bool, int, float]:
    """Clear losses first, those of the touched services before their callers', money before numbers, the surest first."""
    place = money_first(SeriesKey("business", loss.service, loss.metric))
    return loss.low <= 0, loss.service not in services, place, -loss.lost / (loss.high - loss.low)


def countable(window: MetricWindow) -> list[SeriesKey]:
    """Business series that add up over minutes."""
    keys = [key for key in window.keys if key.layer == "business" and not _RATIO.search(key.metric)]
    return [key for key in keys if any(pattern.search(key.metric) for pattern in _ADDITIVE)]


def _of(window: MetricWindow, key: SeriesKey, start: int, looked_at: int) -> Loss | None:
    row, step = window.values[window.keys.index(key)], window.step
    day, lead = DAY // step, LEAD // step
    onset = int(np.searchsorted(window.times, start))
    if DAY % step or onset >= len(row):
        return None
    days = [row[max(0, onset - lead - back * day) : len(row) - back * day] for back in range(DAYS + 1) if onset - back * day > 0]
    width = len(row) - max(0, onset - lead)
    return estimate(key, days[0], [past for past in days[1:] if len(past) == width], min(lead, onset), step, looked_at)


def estimate(key: SeriesKey, today: Row, past: Sequence[Row], lead: int, step: int = 60, looked_at: int = 1) -> Loss | None:
    """Loss from rows of equal length, `step` seconds a point: `lead` points before the onset, then the incident.

    The interval holds for all of `looked_at` metrics together (Bonferroni). None when today says nothing before or since, no
    earlier day does, or forecasts could not be tested.
    """
    known = [row for row in past if np.isfinite(row[lead:]).mean() >= 0.5 and np.isfinite(row[:lead]).mean() >= 0.25]
    if not known or len(today) <= lead:
        return None
    expected = _forecast(today, _usual(known), lead, len(today) - lead, step)
    if expected is None:
        return None
    length = min(len(today) - lead, LONGEST_TEST // step)
    errors = np.array(list(_errors(today, known, lead, length, step)))
    if len(errors) < FEWEST_TESTS:
        return None
    growth = ((len(today) - lead) / length) ** 0.5
    error = max(1.4826 * float(np.median(np.abs(errors))), LEAST_ERROR) * growth
    freedom = max(2, int((lead - LEVEL // step) / length))  # tests overlap: so many are apart from each other
    margin = float(student.ppf(1 - (1 - CONFIDENCE) / 2 / looked_at, freedom)) * error * expected
    actual = float(np.nansum(today[lead:]))
    gap = expected - actual
    return Loss(
        service=key.service, metric=key.metric, expected=expected, actual=actual, lost=gap, low=gap - margin, high=gap + margin
    )


def _usual(days: Sequence[Row]) -> Row:
    stacked = np.stack(days)
    known = np.isfinite(stacked).any(axis=0)
    usual = np.full(stacked.shape[1], np.nan)
    usual[known] = np.nanmedian(stacked[:, known], axis=0)
    return usual


def _forecast(row: Row, usual: Row, onset: int, length: int, step: int) -> float | None:
    """What `row` should sum up to over `length` points from `onset`, where it says anything; None where too little is known."""
    level = slice(max(0, onset - LEVEL // step), onset - GUARD // step)
    before = np.isfinite(row[level]) & np.isfinite(usual[level])
    then = float(usual[level][before].sum())
    during = slice(onset, onset + length)
    seen, both = np.isfinite(row[during]), np.isfinite(row[during]) & np.isfinite(usual[during])
    if before.mean() < 0.5 or then <= 0 or not seen.any() or both.sum() < 0.5 * seen.sum():
        return None
    forecast = float(row[level][before].sum()) / then * float(usual[during][both].mean()) * float(seen.sum())
    return forecast if forecast > 0 else None


def _errors(today: Row, past: Sequence[Row], lead: int, length: int, step: int) -> Iterator[float]:
    """Relative errors of the same forecast for stretches in which nothing is known to be lost."""
    tests = [(today, _usual(past), lead - GUARD // step)]
    tests += [(day, _usual([*past[:place], *past[place + 1 :]]), len(day)) for place, day in enumerate(past) if len(past) > 1]
    for row, usual, end in tests:
        for onset in range(LEVEL // step, end - length + 1, max(1, length // 4)):
            expected = _forecast(row, usual, onset, length, step)
            if expected is not None:
                yield float(np.nansum(row[onset : onset + length])) / expected - 1.0
