"""From counts and expectations to significance, level and onset of a surge. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Level 1, 2, 3: log-significance in bars (level 1 begins at the bar), and complaints above the expected, in floors.
_LEVELS = ((1.0, 0.5), (1.35, 1.25), (1.8, 4.0))


class Looked(NamedTuple):
    """Rows through each window, [window, row]: counted, exposure, the rate before the window, the shape of its uncertainty.

    `known` says where the past before the window is long enough to judge by.
    """

    counted: Floats
    exposure: Floats
    rate: Floats
    shape: Floats
    known: NDArray[np.bool_]

    def part(self, rows: slice) -> Looked:
        """Some of the rows."""
        counted, exposure, rate, shape, known = self
        return Looked(counted[:, rows], exposure[:, rows], rate[:, rows], shape[:, rows], known[:, rows])


class Recent(NamedTuple):
    """One row lately, oldest first: start minutes, counts, expected counts."""

    starts: Ints
    counts: Floats
    expected: Floats


@dataclass(frozen=True)
class Seen:
    """One row through every window: counted, expected, baseline rate, significance in bars, enough for an incident."""

    counted: Floats
    expected: Floats
    rate: Floats
    strength: Floats
    enough: NDArray[np.bool_]

    @property
    def hit(self) -> NDArray[np.bool_]:
        """Windows through which this is a surge."""
        return self.enough & (self.strength >= 1.0)


def bars(windows: tuple[int, ...], series: int, false_alarms: float) -> Floats:
    """The tail probability that makes a surge, per window: `false_alarms` a week over all series, windows and looks.

    Windows overlap from minute to minute, which counts as three distinct looks a window length.
    """
    looks = 3 * 7 * 1440 / np.array(windows)
    return np.asarray(false_alarms / (len(windows) * max(series, 1) * looks))


def tail(counted: Floats, expected: Floats, shape: Floats) -> Floats:
    """P(N ≥ counted) of a negative binomial with this mean and shape (variance = mean + mean² / shape)."""
    part = expected / (expected + shape)
    return np.where(counted > 0, betainc(np.maximum(counted, 1), shape, part), 1.0)


def level(seen: Seen, windows: NDArray[np.bool_], floor: int) -> int:
    """The highest level that significance and size reach through any of these windows; 0 for none."""
    excess = seen.counted - seen.expected
    reached = [(windows & seen.enough & (seen.strength >= step) & (excess >= size * floor)).any() for step, size in _LEVELS]
    return max((number for number, yes in enumerate(reached, start=1) if yes), default=0)


def onset(minutes: Recent, hours: Recent) -> int:
    """The minute a surge began: start of the most unlikely stretch up to now (Poisson scan statistic, Kulldorff 1997, §2)."""
    starts = np.concatenate([hours.starts, minutes.starts])
    counted = np.concatenate([np.cumsum(part.counts[::-1])[::-1] for part in (hours, minutes)])
    expected = np.maximum(np.concatenate([np.cumsum(part.expected[::-1])[::-1] for part in (hours, minutes)]), 0.01)
    surprise = counted * np.log(np.maximum(counted, 1e-9) / expected) - (counted - expected)
    return int(starts[int(np.argmax(np.where(counted > expected, surprise, -np.inf)))])
