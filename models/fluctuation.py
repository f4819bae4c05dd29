"""How far series are from what is usual at that time: a grid of values in, robust deviations from the expected curve out.

For looking back, not for alarms: the expected curve of a moment uses what came before and after it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d

DAY = 86_400
# Days from which a daily profile is learnt; with fewer, the usual is what came in the hours around.
PROFILE_DAYS = 3
PROFILE_SMOOTH = 31 * 60  # seconds of neighbouring times that share a profile value
AROUND = 2 * 3600  # seconds around, where there is no profile
# Robust deviations beyond this count as this: one huge spike shall not be the whole series.
LIMIT = 8.0
# Neighbouring times within this (seconds, a Gaussian's sigma) speak of the same: single minutes of few complaints are noise.
SMOOTH = 120


def fluctuations(values: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Deviations (rows, T) of `values` (rows, T; `step` seconds apart) from their expected curves, squared with their sign.

    The expected curve is the median over days of the same time of day plus the level of the day (a running median of what
    is left over it); NaN, and series that never move, give 0. What correlates then is what was unusual, not the daily
    rhythm that all series share; squares let what stood out weigh more than noise (after CoFlux: Su et al., IWQoS 2019,
    section III, which amplifies by an exponential). A square is of robust sigmas.
    """
    filled = np.where(np.isfinite(values), values, np.nan)
    per_day = DAY // step
    if values.shape[1] >= PROFILE_DAYS * per_day:
        filled = filled - _profile(filled, per_day, max(1, PROFILE_SMOOTH // step))
    rest = filled - _level(filled, max(3, AROUND // step if values.shape[1] < PROFILE_DAYS * per_day else per_day))
    centred = np.nan_to_num(rest)
    known = np.isfinite(values)
    spread = 1.4826 * _median(np.abs(rest), known)
    # Counts of seldom things are mostly 0: their median deviation is 0 too, and the standard deviation takes its place.
    spread = np.where(spread > 0, spread, centred.std(axis=1))
    scaled = np.divide(centred, spread[:, None], out=np.zeros_like(centred), where=spread[:, None] > 0)
    smoothed = gaussian_filter1d(np.clip(scaled, -LIMIT, LIMIT), SMOOTH / step, axis=1)
    return np.asarray(np.sign(smoothed) * smoothed**2)


def _profile(values: NDArray[np.float64], per_day: int, smooth: int) -> NDArray[np.float64]:
    """The median over days by time of day, smoothed around the clock, laid over the whole stretch."""
    rows, length = values.shape
    days = -(-length // per_day)
    padded = np.full((rows, days * per_day), np.nan)
    padded[:, :length] = _tamed(values)
    by_day = padded.reshape(rows, days, per_day)
    profile = _median(np.moveaxis(by_day, 1, 2), np.isfinite(np.moveaxis(by_day, 1, 2)))
    smoothed = uniform_filter1d(profile, smooth, axis=1, mode="wrap")
    return np.asarray(np.tile(smoothed, (1, days))[:, :length])


def _tamed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`values` cut at LIMIT robust sigmas from the middle: of few days, two with trouble at one hour make no profile."""
    known = np.isfinite(values)
    middle = _median(values, known)[:, None]
    reach = LIMIT * 1.4826 * _median(np.abs(values - middle), known)[:, None]
    return np.where(reach > 0, np.clip(values, middle - reach, middle + reach), values)


def _level(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The running median over `window` points, from coarse means (a sixteenth of it) since levels move slowly."""
    rows, length = values.shape
    coarse = max(1, window // 16)
    blocks = -(-length // coarse)
    padded = np.full((rows, blocks * coarse), np.nan)
    padded[:, :length] = values
    cells = padded.reshape(rows, blocks, coarse)
    means = _median(cells, np.isfinite(cells))
    smooth = median_filter(means, size=(1, min(2 * (window // coarse // 2) + 1, 2 * blocks - 1)), mode="nearest")
    centres = (np.arange(blocks) + 0.5) * coarse
    return np.stack([np.interp(np.arange(length), centres, row) for row in smooth])


def _median(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The median over the last axis of what is known; 0 where nothing is."""
    ordered = np.sort(np.where(known, values, np.inf), axis=-1)
    count = known.sum(axis=-1)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., None], -1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1)[..., None], -1)[..., 0]
    return np.where(count > 0, (np.where(count > 0, low, 0) + np.where(count > 0, high, 0)) / 2, 0.0)
