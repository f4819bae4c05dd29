"""What creeps up over hours: leaks, filling disks, growing pauses. A MetricWindow in, a Drift a series out.

A short baseline drifts along and sees nothing. Held against the same hours of earlier days, a creeping series is far above
them now, was not half a day ago, and is still growing; a series that merely moved to another level some day is not.
Judged on ten-minute means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.window import MetricWindow

BLOCK = 600  # seconds averaged
DAY = 86_400
DAYS = 3  # earlier days compared with, as many as the window holds
LEAST_SHARE = 0.5  # of the present distance, grown within the last half day
LEAST_BEFORE = 6  # blocks that must be known before the last half day
STILL = 0.05  # of it grown within the last tenth of the time looked at


class Drift(NamedTuple):
    """`sigma` above earlier days at the end, 0 for what does not creep; `since` (epoch seconds) it left them."""

    sigma: NDArray[np.float64]
    since: NDArray[np.int64]


def drift(window: MetricWindow, end: int, size: NDArray[np.float64], floor: float) -> Drift | None:
    """Creep of every series up to column `end`; `size` and `floor` as in causes_deviation. None where a day is not known."""
    width = max(1, BLOCK // window.step)
    day = DAY // (width * window.step)
    blocks = end // width
    if DAY % (width * window.step) or blocks < day + day // 2 + LEAST_BEFORE:
        return None
    blocks = min(blocks, (DAYS + 1) * day)
    means = np.arcsinh(_means(window.values[:, end - blocks * width : end], width) / size[:, None])
    half = day // 2
    # Distances of the last blocks, of a day at most, from the same hours of the earlier days.
    length = min(day, means.shape[1] - day)
    earlier = [
        means[:, -length - back * day : means.shape[1] - back * day]
        for back in range(1, DAYS + 1)
        if length + back * day <= means.shape[1]
    ]
    distance = means[:, -length:] - _usual(np.stack(earlier))
    before, after = distance[:, :-half], distance[:, -half:]
    middle = np.median(before, axis=1)
    scale = np.maximum(1.4826 * np.median(np.abs(before - middle[:, None]), axis=1), floor)
    now, lately = after[:, -3:].mean(axis=1), after[:, -half // 5 - 3 : -half // 5].mean(axis=1)
    grown = now - np.maximum(middle, 0.0)
    creeps = (grown > LEAST_SHARE * now) & (now - lately > STILL * now)
    sigma = np.where(creeps & np.isfinite(now), np.maximum(grown / scale, 0.0), 0.0)
    return Drift(sigma, _since(distance - middle[:, None], scale, window, end, width))


def _usual(earlier: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median over the earlier days that are known, NaN where none is: a series may be younger than the window."""
    usual = np.median(earlier, axis=0)
    broken = np.isnan(usual) & np.isfinite(earlier).any(axis=0)  # few, if any
    usual[broken] = np.nanmedian(earlier[:, broken], axis=0)
    return np.asarray(usual, np.float64)


def _means(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    blocks = values.reshape(len(values), values.shape[1] // width, width)
    means = blocks.mean(axis=2)
    broken = np.isnan(means)  # only blocks with a gap are looked at again, since most have none
    known = np.isfinite(blocks[broken])
    total = np.where(known, blocks[broken], 0.0).sum(axis=1)
    means[broken] = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    return np.asarray(means, np.float64)


def _since(
    distance: NDArray[np.float64], scale: NDArray[np.float64], window: MetricWindow, end: int, width: int
) -> NDArray[np.int64]:
    """The start of the block after the last one that was within one sigma of earlier days."""
    within = distance <= scale[:, None]
    blocks = distance.shape[1]
    last = np.where(within.any(axis=1), blocks - 1 - np.argmax(within[:, ::-1], axis=1), -1)
    column = np.minimum(end - (blocks - 1 - last) * width, end - 1)
    return np.asarray(window.times[column], np.int64)
