"""Which metrics move with the complaints, who leads and in which direction: fluctuations in, tested Links out.

Existence, order and direction after CoFlux (Su et al., IWQoS 2019), with p-values that autocorrelation cannot fool: what two
series show at small lags is compared with what the same two show when one is shifted far away in time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.stats import false_discovery_control

# Far shifts that a p-value needs at least: with fewer, even the best says too little.
FEWEST_SHIFTS = 20
# Exceedances from which the share of shifts is the p-value; below, the tail is a generalised Pareto fitted to the largest.
ENOUGH, TAIL_SHARE = 10, 0.25


class Link(NamedTuple):
    """How one series moves with the complaints.

    `r` in [-1, 1] at the lag where they agree best; `lead` in seconds, positive when the series moves before the complaints,
    with the interval that the data cannot tell from it; `p` of so strong a link at any lag by chance; `q` after all tests.
    """

    r: float
    lead: int
    low: int
    high: int
    p: float
    q: float


class TooShortError(ValueError):
    """Too little history for so long a lag."""


def links(complaints: NDArray[np.float64], series: NDArray[np.float64], step: int, longest: int) -> list[Link]:
    """One Link a row of `series` (rows, T) with `complaints` (T); both fluctuations, `step` seconds apart.

    Lags up to `longest` seconds either way. Raises TooShortError when fewer than 20 shifts of that length fit in T.
    """
    reach, length = max(1, longest // step), len(complaints)
    shifts = _far(length, reach)
    if len(shifts) < FEWEST_SHIFTS:
        raise TooShortError(f"{length} points of {step} s are too few for lags up to {longest} s; give {24 * reach} or more")
    across = _cross_correlation(complaints, series)
    near = np.concatenate([across[:, -reach:], across[:, : reach + 1]], axis=1)
    peaks = np.abs(near).argmax(axis=1)
    strongest = np.abs(near).max(axis=1)
    chance = maximum_filter1d(np.abs(across), 2 * reach + 1, axis=1, mode="wrap")[:, shifts]
    events = _events(complaints, series, peaks - reach, 4 * reach)
    p = np.array([_tail(*row) for row in zip(strongest, chance, events, strict=True)])
    q = false_discovery_control(p) if len(p) else p
    noise = 1.96 * across[:, 2 * reach : length - 2 * reach].std(axis=1)
    found = []
    for row, peak in enumerate(peaks):
        alike = np.flatnonzero(near[row] * np.sign(near[row, peak]) >= strongest[row] - noise[row])
        low, high = _around(alike, int(peak))
        bounds = ((low - reach) * step, (high - reach) * step)
        found.append(Link(float(near[row, peak]), int(peak - reach) * step, *bounds, float(p[row]), float(q[row])))
    return found


def _far(length: int, reach: int) -> NDArray[np.int64]:
    """Shifts whose windows of lags do not overlap each other nor the small lags in question."""
    return np.arange(3 * reach + 1, length - 3 * reach, 2 * reach + 1)


def _cross_correlation(complaints: NDArray[np.float64], series: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, T): column k says how the complaints k steps later agree with each series, circularly, in [-1, 1]."""
    one, many = complaints - complaints.mean(), series - series.mean(axis=1, keepdims=True)
    product = np.fft.rfft(one) * np.conj(np.fft.rfft(many, axis=1))
    norm = np.linalg.norm(one) * np.linalg.norm(many, axis=1, keepdims=True)
    across = np.fft.irfft(product, n=len(one), axis=1)
    return np.asarray(np.divide(across, norm, out=np.zeros_like(across), where=norm > 0))


def _events(
    complaints: NDArray[np.float64], series: NDArray[np.float64], lags: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    """Over how many stretches of `width` points the agreement at each row's lag is spread: (sum)² / sum of squares."""
    found = np.empty(len(series))
    starts = np.arange(0, len(complaints), width)
    for row, lag in enumerate(lags):
        parts = np.add.reduceat(np.roll(complaints, -lag) * series[row], starts)
        total = float((parts**2).sum())
        found[row] = float(parts.sum()) ** 2 / total if total > 0 else 1.0
    return np.maximum(found, 1.0)


def _tail(top: float, maxima: NDArray[np.float64], events: float) -> float:
    """The chance of `top` or more where `maxima` came by chance; never 0.

    Each event that coincides by chance does so in one of the shifts: `events` of them bound the chance from below, however
    light the tail looks. Above that bound: a share where there are enough; else the tail by a generalised Pareto, as for
    permutation tests (Knijnenburg et al. 2009), fitted by probability-weighted moments (Hosking & Wallis 1987, eq. 5).
    """
    if top <= 0:
        return 1.0
    exceeding = int((maxima >= top).sum())
    count = len(maxima)
    if exceeding >= ENOUGH:
        return (exceeding + 1) / (count + 1)
    tail = min(max(ENOUGH, int(TAIL_SHARE * count)), count - 1)
    ordered = np.sort(maxima)
    threshold = ordered[-tail - 1]
    beyond = ordered[-tail:] - threshold
    mean = float(beyond.mean())
    rank = (np.arange(1, tail + 1) - 0.35) / tail
    moment = float(((1 - rank) * beyond).mean())
    if mean <= 2 * moment or top <= threshold:
        return (exceeding + 1) / (count + 1)
    # A tail lighter than exponential would end somewhere, and promise more than so few shifts can know.
    bend = min(0.0, mean / (mean - 2 * moment) - 2)
    scale = 2 * mean * moment / (mean - 2 * moment) if bend else mean
    share = (1 - bend * (top - threshold) / scale) ** (1 / bend) if bend else math.exp(-(top - threshold) / scale)
    return max(float(tail / count * share), math.exp(-min(events, 100.0) * math.log(count + 1)))


def _around(alike: NDArray[np.int64], peak: int) -> tuple[int, int]:
    """The first and the last index of the unbroken stretch of `alike` that holds `peak`."""
    breaks = np.flatnonzero(np.diff(alike) > 1)
    position = int(np.searchsorted(alike, peak))
    low = alike[breaks[breaks < position][-1] + 1] if (breaks < position).any() else alike[0]
    high = alike[breaks[breaks >= position][0]] if (breaks >= position).any() else alike[-1]
    return int(low), int(high)
