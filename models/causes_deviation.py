"""How far every series left its own past around a moment: a MetricWindow in, Deviations out. Whole-array numpy.

Unlike series become comparable by causes_scale, then a robust z against the baseline, less what earlier days do at the same
hours (robust scaler: Pham et al., BARO, FSE 2024; transform and floor: ours). The stretch in which a series is most wrong is
the maximum of the cumulated excess over 3 sigma (Page, Biometrika 1954): its start is the onset, so that the moment given
need not be exact. What creeps up over hours is added by causes_drift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.causes_drift import Drift, drift
from models.causes_scale import FLOOR, Normal, Unit, normal_of, quantile, unit_of
from models.causes_vocabulary import meaning
from models.window import MetricWindow, SeriesKey

LOOK_BACK = 900  # seconds before the given moment in which an onset is looked for: complaints are late
LOOK_AHEAD = 1800  # seconds after it that are read, if they are there
LEAST_STEPS = 3  # the same two ranges never hold fewer steps than this (back) and twice this (ahead)
BASELINE = 240  # points before the search that say what is normal
LEAST_BASELINE = 10  # points below which a series is not judged
BASELINE_SHARE = 3  # at least this fraction (1/n) of the window is baseline, in windows that begin shortly before the moment
THRESHOLD = 3.0  # sigma that count as normal
CEILING = 12.0  # sigma that one point may add to the cumulated excess
CAP = 100.0  # sigma reported at most
DAY = 86_400
DOWN = 0.4  # weight of a fall where the direction that hurts is unknown: faults rarely show as less of something
DAYS = 7  # earlier days compared with, as many as the window holds
RHYTHM_SLACK = 2  # steps to either side over which an earlier day is averaged


class Deviations(NamedTuple):
    """Rows as `keys`, columns as `times`. `bad` is robust sigma in the direction that hurts, never negative."""

    times: NDArray[np.int64]
    step: int
    keys: tuple[SeriesKey, ...]
    bad: NDArray[np.float64]
    level: NDArray[np.float64]  # mean of `bad` in the worst stretch, 0 where nothing is wrong
    excess: NDArray[np.float64]  # cumulated excess of the worst stretch
    start: NDArray[np.int64]  # column in which it starts
    stop: NDArray[np.int64]  # column after its last
    load: NDArray[np.bool_]  # counts calls or work
    telling: NDArray[np.bool_]  # judged, and of a kind that would show harm to users
    usual: NDArray[np.float64]  # mean of the baseline, as it was measured
    since: NDArray[np.int64]  # epoch second at which each went wrong, where it did

    def onset(self, row: int) -> int | None:
        """Epoch second at which this series went wrong, None when it did not."""
        return int(self.since[row]) if self.level[row] > 0 else None


def deviations(window: MetricWindow, at: int) -> Deviations:
    """Every series of `window` judged around `at` (epoch seconds)."""
    low, high, first = _ranges(window, at)
    meanings = [meaning(key) for key in window.keys]
    unit = unit_of(window.values[:, first:high], np.array([m.ratio for m in meanings], bool))
    values = unit.apply(window.values[:, first:high])
    normal = normal_of(values[:, : low - first])
    sigma = (values[:, low - first :] - normal.middle[:, None]) / normal.scale[:, None]
    sigma = _against_earlier_days(sigma, window, (low, high, first), unit, normal)
    sigma = np.where(np.isnan(sigma) | (normal.points < LEAST_BASELINE)[:, None], 0.0, sigma)
    hurts = np.where(unit.turned, 1, np.array([m.hurts for m in meanings]))[:, None]
    bad = np.where(hurts > 0, sigma, np.where(hurts < 0, -sigma, np.where(sigma < 0, -DOWN * sigma, sigma)))
    creep = drift(window, low, unit.size, FLOOR)
    load = np.array([m.load for m in meanings], bool) & ~unit.turned
    creeping = _creeping(creep, load, hurts[:, 0], window)
    bad = np.clip(np.maximum(bad, creeping[:, None]), 0.0, CAP)
    start, stop, excess = worst_stretch(bad)
    rows = np.arange(len(bad))
    total = _cumulated(bad)
    length = np.maximum(stop - start, 1)
    return Deviations(
        times=window.times[low:high],
        step=window.step,
        keys=window.keys,
        bad=bad,
        level=np.where(excess > 0, (total[rows, stop] - total[rows, start]) / length, 0.0),
        excess=excess,
        start=start,
        stop=stop,
        load=load,
        telling=((hurts[:, 0] != 0) & (normal.points >= LEAST_BASELINE)),
        usual=_mean(window.values[:, first:low]),
        since=_since(window.times[low:high], start, creep, creeping),
    )


def _creeping(
    creep: Drift | None, load: NDArray[np.bool_], hurts: NDArray[np.int64], window: MetricWindow
) -> NDArray[np.float64]:
    """Sigma of what creeps up, where more of it can hurt: neither counts of calls nor outcomes, which follow the days."""
    if creep is None:
        return np.zeros(len(load))
    inner = np.array([key.layer not in ("business", "experience") for key in window.keys], bool)
    return np.where(inner & ~load & (hurts >= 0) & (creep.sigma > THRESHOLD), creep.sigma, 0.0)


def _since(
    times: NDArray[np.int64], start: NDArray[np.int64], creep: Drift | None, creeping: NDArray[np.float64]
) -> NDArray[np.int64]:
    if not len(times):
        return np.zeros(len(start), np.int64)
    since = times[np.minimum(start, len(times) - 1)]
    return since if creep is None else np.where(creeping > 0, np.minimum(creep.since, since), since)


def worst_stretch(bad: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Per row: first column, column after the last, and excess over THRESHOLD of the stretch where it is largest."""
    total = _cumulated(np.minimum(bad, CEILING) - THRESHOLD)
    lowest = np.minimum.accumulate(total, axis=1)
    begins = np.maximum.accumulate(np.where(total <= lowest, np.arange(total.shape[1]), 0), axis=1)
    gain = total - lowest
    stop = np.argmax(gain, axis=1)
    rows = np.arange(len(bad))
    return begins[rows, stop], stop, gain[rows, stop]


def _ranges(window: MetricWindow, at: int) -> tuple[int, int, int]:
    """Columns: first of the search, one after its last, first of the baseline."""
    times = window.times
    back = max(LOOK_BACK, LEAST_STEPS * window.step)
    ahead = max(LOOK_AHEAD, 2 * LEAST_STEPS * window.step)
    low = max(int(np.searchsorted(times, at - back)), len(times) // BASELINE_SHARE)
    high = max(int(np.searchsorted(times, at + ahead, side="right")), low)
    return low, high, max(0, low - BASELINE)


def _against_earlier_days(
    sigma: NDArray[np.float64], window: MetricWindow, columns: tuple[int, int, int], unit: Unit, normal: Normal
) -> NDArray[np.float64]:
    """What is usual at this time of day does not count: of the two deviations, from before and from earlier days, the lesser."""
    low, high, first = columns
    if DAY % window.step or not low - first:
        return sigma
    rises = []
    for day in range(1, DAYS + 1):
        shift = day * DAY // window.step
        if first - shift - RHYTHM_SLACK < 0:
            break
        earlier = unit.apply(window.values[:, first - shift - RHYTHM_SLACK : high - shift + RHYTHM_SLACK])
        usual = quantile(np.sort(earlier[:, : low - first], axis=1), np.isfinite(earlier[:, : low - first]).sum(axis=1), 0.5)
        around = np.lib.stride_tricks.sliding_window_view(earlier, 2 * RHYTHM_SLACK + 1, axis=1)[:, low - first :]
        rises.append(around.mean(axis=2) - usual[:, None])
    if not rises:
        return sigma
    rhythm = np.nan_to_num(np.median(np.stack(rises), axis=0), nan=0.0)
    rest = sigma - rhythm / normal.scale[:, None]
    return np.where(np.sign(rest) == np.sign(sigma), np.sign(sigma) * np.minimum(np.abs(sigma), np.abs(rest)), 0.0)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of what is known over all columns: what did not come counts as 0, since counters are silent when nothing happens."""
    return np.asarray(np.nan_to_num(values, nan=0.0).sum(axis=1) / max(values.shape[1], 1), np.float64)


def _cumulated(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
