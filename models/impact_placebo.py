"""Did one series move at a moment more than it does without cause? A series and a column in, a Shift out. Whole-array numpy.

The course after the moment is forecast in several ways (the level before it, its trend, earlier days at the same hours,
sister series) and the forecast is kept that errs least. How far the truth is off, over stretches of several lengths that
begin soon after the moment, is then held against the same measurement at hundreds of earlier moments without a change:
placebo tests in time (Abadie, Diamond & Hainmueller, JASA 2010), which need no assumption on noise, rhythm or trend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BEFORE = 30  # minutes whose median is the level before
SOON = 10  # minutes within which harm must begin to be the change's
HORIZON = 60  # minutes looked at
LENGTHS = (2, 5, 10, 20, 40)  # minutes of the stretches
PLACEBOS = 720  # minutes before the moment from which placebos are drawn
APART = 3  # minutes between placebos
LEAST_PLACEBOS = 20
RARE = 0.9  # quantile of the placebos that counts as one
QUIET = 0.02  # share of the past range that placebos are taken to reach at least: for a silent counter anything is endless
DAYS = 3  # earlier days whose rhythm is compared
SMOOTH = 11  # minutes of the running median of an earlier day
PREFERENCE = 0.9  # an error must be smaller by this factor to prefer a later way of forecasting


class Shift(NamedTuple):
    """How a series moved: `ratio` in units of what one placebo in ten reaches; `mean` of the truth less the forecast over the
    worst stretch with its 95 % interval; `level` the forecast there; `way` of forecasting; `lasting`: still off at the end."""

    ratio: float
    mean: float
    low: float
    high: float
    level: float
    way: str
    lasting: bool


class Span(NamedTuple):
    """The lengths above in steps of the series at hand, cut to what there is after the moment."""

    before: int
    soon: int
    horizon: int
    lengths: tuple[int, ...]
    day: int
    apart: int
    placebos: int
    smooth: int


def span(step: int, after: int) -> Span:
    """Lengths for series `step` seconds apart of which `after` steps are known from the moment on."""

    def steps(minutes: int, least: int = 1) -> int:
        return max(least, round(minutes * 60 / step))

    horizon = min(steps(HORIZON, 6), after)
    lengths = tuple(sorted({min(steps(length), horizon) for length in LENGTHS}))
    day = 86_400 // step if 86_400 % step == 0 else 0
    return Span(steps(BEFORE, 6), steps(SOON, 2), horizon, lengths, day, steps(APART), steps(PLACEBOS, 60), steps(SMOOTH))


def shift(series: Floats, at: int, hurts: int, sizes: Span, sisters: Floats | None = None, only: str = "") -> Shift | None:
    """How `series` moved from column `at` on; None where its past is too short to say. `hurts` +1, -1, or 0 for both ways.

    `sisters` (rows × columns): series that the change cannot have touched and that share the rhythm; `only` this way is used.
    """
    if not np.isfinite(series).sum() or not sizes.horizon:
        return None
    series = _filled(series)
    best: tuple[float, str, Floats] | None = None
    for way, reach in _ways(sizes, sisters).items():
        if only and way != only:
            continue
        first = max(reach, at - sizes.placebos)
        moments = np.append(np.arange(first, at - sizes.horizon, sizes.apart), at)
        if len(moments) <= LEAST_PLACEBOS:
            continue
        rest = _FORECASTS[way](series, moments, sizes, sisters)
        error = _error(rest[:-1], sizes)
        if best is None or error < PREFERENCE * best[0]:
            best = (error, way, rest)
    if best is None:
        return None
    return _measured(best[2], series[: at + sizes.horizon], best[1], hurts, sizes)


def _error(rest: Floats, sizes: Span) -> float:
    """How far forecasts are off where nothing happened: the placebos' median of the worst mean of middle length."""
    length = sizes.lengths[len(sizes.lengths) // 2]
    total = np.concatenate([np.zeros((len(rest), 1)), np.cumsum(rest, axis=1)], axis=1)
    means = np.abs(total[:, length:] - total[:, :-length])[:, : sizes.soon] / length
    return float(np.median(means.max(axis=1)))


def _measured(rest: Floats, series: Floats, way: str, hurts: int, sizes: Span) -> Shift:
    """The last row of `rest` (truth less forecast) against the placebos above it. `series` ends with what that row covers."""
    past, after = series[: -sizes.horizon], series[-sizes.horizon :]
    least = max(QUIET * float(past.max() - past.min()), 1e-6 * abs(float(np.median(past[-sizes.before :]))), 1e-12)
    total = np.concatenate([np.zeros((len(rest), 1)), np.cumsum(rest, axis=1)], axis=1)
    rows = np.arange(len(rest))
    found: list[tuple[float, int, int, Floats]] = []  # ratio, first column, length, signed worst means of all rows
    for length in sizes.lengths:
        mean = (total[:, length:] - total[:, :-length])[:, : sizes.soon] / length
        harm = mean * hurts if hurts else np.abs(mean)
        worst = np.argmax(harm, axis=1)
        size = np.maximum(harm[rows, worst], 0.0)
        usual = max(float(np.quantile(size[:-1], RARE)), least)
        found.append((float(size[-1]) / usual, int(worst[-1]), length, mean[rows, worst]))
    ratio, first, length, means = max(found, key=lambda one: one[0])
    mean = float(means[-1])
    error_low, error_high = (float(edge) for edge in np.quantile(means[:-1], [0.025, 0.975]))
    # A series that moved may scatter more than its placebos did; neighbours in time count as one point of three.
    scatter = 1.96 * float(rest[-1, first : first + length].std()) / max(length / 3, 1.0) ** 0.5
    at_end = np.abs(np.median(rest[:, -max(2, sizes.soon // 2) :], axis=1))
    return Shift(
        ratio=ratio,
        mean=mean,
        low=mean - float(np.hypot(max(error_high, 0.0), scatter)),
        high=mean + float(np.hypot(min(error_low, 0.0), scatter)),
        level=float(after[first : first + length].mean()) - mean,
        way=way,
        lasting=bool(at_end[-1] > np.quantile(at_end[:-1], RARE)),
    )


def _ways(sizes: Span, sisters: Floats | None) -> Mapping[str, int]:
    """Ways of forecasting in order of preference → columns of the past that each needs."""
    ways = {} if sisters is None else {"sisters": sizes.before}
    if sizes.day:
        ways["days"] = sizes.day + sizes.before + sizes.smooth
    return ways | {"level": sizes.before, "trend": sizes.before}


def _level(series: Floats, moments: NDArray[np.int64], sizes: Span, _sisters: Floats | None) -> Floats:
    before = np.median(series[moments[:, None] - sizes.before + np.arange(sizes.before)], axis=1)
    return np.asarray(series[moments[:, None] + np.arange(sizes.horizon)] - before[:, None], np.float64)


def _trend(series: Floats, moments: NDArray[np.int64], sizes: Span, _sisters: Floats | None) -> Floats:
    past = series[moments[:, None] - sizes.before + np.arange(sizes.before)]
    place = np.arange(sizes.before) - (sizes.before - 1) / 2
    slope = (past * place).sum(axis=1) / (place**2).sum()
    ahead = np.arange(sizes.horizon) + (sizes.before + 1) / 2
    forecast = past.mean(axis=1)[:, None] + slope[:, None] * ahead
    return np.asarray(series[moments[:, None] + np.arange(sizes.horizon)] - forecast, np.float64)


def _days(series: Floats, moments: NDArray[np.int64], sizes: Span, sisters: Floats | None) -> Floats:
    side = sizes.smooth // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(series, side, mode="edge"), 2 * side + 1)
    smooth = np.median(around, axis=1)  # a median keeps the edges of what happens every day
    rises = []
    for day in range(1, DAYS + 1):
        earlier = moments - day * sizes.day
        if earlier[0] < sizes.before:
            break
        before = np.median(series[earlier[:, None] - sizes.before + np.arange(sizes.before)], axis=1)
        rises.append(smooth[earlier[:, None] + np.arange(sizes.horizon)] - before[:, None])
    return np.asarray(_level(series, moments, sizes, sisters) - np.median(np.stack(rises), axis=0), np.float64)


def _sisters(series: Floats, moments: NDArray[np.int64], sizes: Span, sisters: Floats | None) -> Floats:
    """Difference in differences: the sisters' median relative move is what would have come without the change."""
    assert sisters is not None
    moves = []
    for sister in sisters:
        before = np.median(sister[moments[:, None] - sizes.before + np.arange(sizes.before)], axis=1)
        scale = np.where(np.abs(before) > 0, before, 1.0)
        moves.append((sister[moments[:, None] + np.arange(sizes.horizon)] - before[:, None]) / scale[:, None])
    before = np.median(series[moments[:, None] - sizes.before + np.arange(sizes.before)], axis=1)
    return np.asarray(_level(series, moments, sizes, sisters) - before[:, None] * np.median(np.stack(moves), axis=0), np.float64)


_FORECASTS = {"level": _level, "trend": _trend, "days": _days, "sisters": _sisters}


def _filled(series: Floats) -> Floats:
    """Gaps bridged by straight lines."""
    places = np.arange(len(series))
    known = np.isfinite(series)
    return np.asarray(np.interp(places, places[known], series[known]), np.float64)
