"""Ways in which a value can be unlike its past: one value at a time in, a surprise (-ln of a tail probability) out.

Every expert turns the value into a non-negative strangeness of its own kind and lets Tail say how rare that much is among
all its past strangenesses. So experts of different kinds and units add up, and none needs a threshold of its own.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WARM = 100  # strangenesses before an expert says anything
_DAY = 86_400


class Tail:
    """How rare a strangeness is among the last 4,000: empirical in the body, a Pareto tail above the top 2 % (Hill 1975)."""

    _KEEP, _REFIT, _TOP, _FEWEST = 4000, 25, 0.02, 5
    _FLATTEST = 0.05  # smallest tail index: a bounded past does not make everything beyond it infinitely rare

    def __init__(self) -> None:
        self._past = deque[float](maxlen=self._KEEP)
        self._sorted: list[float] = []
        self._until_fit = 0
        self._rare, self._threshold, self._index = 0.0, 0.0, 1.0

    def surprise(self, strangeness: float) -> float:
        """-ln P(as strange as this), judged by the past alone; then remembers it. NaN is no surprise and is not kept."""
        if math.isnan(strangeness):
            return 0.0
        surprise = self._judge(strangeness) if len(self._sorted) >= _WARM else 0.0
        if len(self._past) == self._KEEP:
            del self._sorted[bisect_left(self._sorted, self._past[0])]
        self._past.append(strangeness)
        insort(self._sorted, strangeness)
        return surprise

    def _judge(self, strangeness: float) -> float:
        if not self._until_fit:
            self._fit()
        self._until_fit -= 1
        if strangeness > self._threshold:
            return self._rare + math.log(strangeness / self._threshold) / self._index
        rank = bisect_left(self._sorted, strangeness) / (len(self._sorted) + 1)
        return min(-math.log(1 - rank), self._rare)

    def _fit(self) -> None:
        size = len(self._sorted)
        top = max(self._FEWEST, int(size * self._TOP))
        self._rare = math.log(size / top)
        self._threshold = max(self._sorted[-top - 1], 1e-12)
        excess = sum(math.log(max(past, self._threshold) / self._threshold) for past in self._sorted[-top:])
        self._index = max(excess / top, self._FLATTEST)
        self._until_fit = self._REFIT


class Novelty:
    """The last `length` values unlike any stretch of that length among the last 4,000: distance to the nearest of them.

    A stretch is its mean, spread, highest and lowest value, so that a peak a little earlier or later is the same peak. The
    nearest in the past alone as in left matrix profiles (Yeh et al. 2016, Matrix Profile I); what was seen once is no news.
    """

    _PAST = 4000

    def __init__(self, length: int) -> None:
        self._length = length
        self._tail = Tail()
        self._recent = deque[float](maxlen=length)
        self._stretches = np.zeros((2 * (self._PAST + length), 4))
        self._end = 0

    def surprise(self, time: float, value: float) -> float:
        self._recent.append(value)
        if len(self._recent) < self._length:
            return 0.0
        self._keep(self._recent)
        end = self._end - self._length  # stretches that share a value with this one are no past
        past = self._stretches[max(end - self._PAST, 0) : max(end, 0)]
        if len(past) < _WARM:
            return 0.0
        apart = past - self._stretches[self._end - 1]
        return self._tail.surprise(math.sqrt(float(np.einsum("ij,ij->i", apart, apart).min())))

    def _keep(self, values: deque[float]) -> None:
        if self._end == len(self._stretches):
            half = self._end // 2
            self._stretches[:half] = self._stretches[half:]
            self._end = half
        stretch = np.array(values)
        mean = stretch.sum() / self._length
        spread = stretch - mean
        self._stretches[self._end] = (mean, math.sqrt(float(spread @ spread) / self._length), max(values), min(values))
        self._end += 1


class Daily:
    """Outside the band that the same time of day, give or take a slot, has kept to on the last seven days with data.

    Judged by this value and by the mean of the last 12, whichever is rarer: far for once, or a little for an hour.
    The band is the median over the days of their highest and their lowest value: it forgives a peak that comes early or late
    and a single odd day. A slot is half an hour, or the step of the series where that is longer.
    """

    _DAYS, _SLOT, _LASTING = 7, 1800.0, 12
    _GRAIN = 0.03  # of the mean deviation: what counts as inside after all
    _FIRST = 50  # values that show the step

    def __init__(self) -> None:
        self._tail, self._lasting = Tail(), Tail()
        self._outside = deque[float](maxlen=self._LASTING)
        self._early: list[tuple[float, float]] = []
        self._slot = 0.0
        self._days = deque[tuple[int, dict[int, tuple[float, float]]]](maxlen=self._DAYS + 1)
        self._at = (0, -1)
        self._band = (math.nan, math.nan)
        self._count, self._mean, self._deviations = 0, 0.0, 0.0

    @property
    def expected(self) -> float:
        """The middle of the band of the last value; NaN where no two earlier days know its time of day."""
        return (self._band[0] + self._band[1]) / 2

    def surprise(self, time: float, value: float) -> float:
        self._count += 1
        self._mean += (value - self._mean) / self._count
        self._deviations += abs(value - self._mean)
        if not self._slot:
            self._early.append((time, value))
            if len(self._early) == self._FIRST:
                steps = np.diff([at for at, _ in self._early])
                self._slot = max(self._SLOT, float(np.median(steps)))
                for at, early in self._early:
                    self._learn(at, early)
                self._early.clear()
            return 0.0
        self._learn(time, value)
        low, high = self._band
        if math.isnan(low):
            self._outside.clear()
            return 0.0
        self._outside.append(value - min(max(value, low), high))
        grain = self._GRAIN * self._deviations / self._count
        surprise = self._tail.surprise(abs(self._outside[-1]) + grain)
        if len(self._outside) < self._LASTING:
            return surprise
        return max(surprise, self._lasting.surprise(abs(sum(self._outside)) / self._LASTING + grain))

    def _learn(self, time: float, value: float) -> None:
        day, second = divmod(time, _DAY)
        at = (int(day), int(second // self._slot))
        if not self._days or at[0] > self._days[-1][0]:
            self._days.append((at[0], {}))
        if at != self._at:
            self._at, self._band = at, self._look(at[1])
        today = self._days[-1][1]
        low, high = today.get(at[1], (value, value))
        today[at[1]] = (min(low, value), max(high, value))

    def _look(self, slot: int) -> tuple[float, float]:
        """(low, high) that the days before kept to around a slot; the day before's end is near the first slot, and so on."""
        last = int((_DAY - 1) // self._slot)
        lows, highs = [], []
        for index in range(len(self._days) - 1):
            slots = self._days[index][1]
            near = [slots.get(slot), slots.get(slot - 1), slots.get(slot + 1)]
            if slot == 0 and index:
                near.append(self._days[index - 1][1].get(last))
            if slot == last and index + 2 < len(self._days):
                near.append(self._days[index + 1][1].get(0))
            known = [band for band in near if band]
            if near[0]:
                lows.append(min(low for low, _ in known))
                highs.append(max(high for _, high in known))
        if len(lows) < 2:
            return math.nan, math.nan
        return float(np.median(lows)), float(np.median(highs))
