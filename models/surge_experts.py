"""Ways in which a value can be unlike its past: one value at a time in, a surprise (-ln of a tail probability) out.

Every expert turns the value into a non-negative strangeness of its own kind and lets Tail say how rare that much is among
all its past strangenesses. So experts of different kinds and units add up, and none needs a threshold of its own.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_REFRESH = 25  # values between two looks at the whole past
_WARM = 100  # values before an expert says anything


class Window:
    """The last `size` values as one contiguous array."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = np.zeros(4 * size)
        self._end = 0
        self.count = 0

    def append(self, value: float) -> None:
        if self._end == len(self._room):
            self._room[: self._size] = self._room[-self._size :]
            self._end = self._size
        self._room[self._end] = value
        self._end += 1
        self.count += 1

    def values(self) -> Floats:
        return self._room[max(self._end - self._size, 0) : self._end]


class Tail:
    """How rare a strangeness is: empirical in the body, a Pareto tail above the top 2 % (Hill 1975)."""

    def __init__(self, keep: int = 4000) -> None:
        self._past = Window(keep)
        self._sorted = np.zeros(0)
        self._top, self._threshold, self._index = 1.0, 0.0, 1.0

    def surprise(self, strangeness: float) -> float:
        """-ln P(as strange as this), judged by the past alone; then remembers it. NaN is no surprise and is not kept."""
        if math.isnan(strangeness):
            return 0.0
        if self._past.count >= _WARM and (self._past.count - _WARM) % _REFRESH == 0:
            self._refresh()
        self._past.append(strangeness)
        if not len(self._sorted):
            return 0.0
        rare = -math.log(self._top)
        if strangeness > self._threshold:
            return rare + math.log(strangeness / self._threshold) / self._index
        rank = float(np.searchsorted(self._sorted, strangeness)) / (len(self._sorted) + 1)
        return min(-math.log(1 - rank), rare)

    def _refresh(self) -> None:
        self._sorted = np.sort(self._past.values())
        size = len(self._sorted)
        top = max(10, size // 50)
        self._top = top / size
        self._threshold = max(float(self._sorted[-top - 1]), 1e-12)
        excess = np.log(np.maximum(self._sorted[-top:], 1e-12) / self._threshold)
        self._index = max(float(excess.mean()), 0.05)


class Jump:
    """The step from the value before."""

    def __init__(self) -> None:
        self._tail, self._last = Tail(), math.nan

    def surprise(self, time: float, value: float) -> float:
        step, self._last = abs(value - self._last), value
        return self._tail.surprise(step)


class Distance:
    """Far from the median of the long past."""

    def __init__(self) -> None:
        self._tail, self._past, self.median = Tail(), Window(4000), math.nan

    def surprise(self, time: float, value: float) -> float:
        if self._past.count >= _WARM and self._past.count % _REFRESH == 0:
            self.median = float(np.median(self._past.values()))
        self._past.append(value)
        return self._tail.surprise(abs(value - self.median))


class Stillness:
    """Steps of the last 24 values much smaller than usual: something that moved stands still."""

    def __init__(self) -> None:
        self._tail, self._squares, self._last = Tail(), deque[float](maxlen=24), math.nan
        self._start: list[float] = []
        self._grain = math.nan

    def surprise(self, time: float, value: float) -> float:
        if math.isnan(self._grain):
            self._start.append(value)
            if len(self._start) == _WARM:
                self._grain = 1e-3 * float(np.std(self._start)) + 1e-9
        if not math.isnan(self._last):
            self._squares.append((value - self._last) ** 2)
        self._last = value
        if len(self._squares) < 24 or math.isnan(self._grain):
            return 0.0
        return self._tail.surprise(1 / (math.sqrt(sum(self._squares) / 24) + self._grain))


class Shape:
    """The last 24 values unlike any stretch of the past 2,000 (mean distance to the 5 nearest; left discord)."""

    _LENGTH, _PAST, _NEAREST = 24, 2000, 5

    def __init__(self) -> None:
        self._tail, self._past = Tail(), Window(self._PAST + 2 * self._LENGTH)

    def surprise(self, time: float, value: float) -> float:
        self._past.append(value)
        if self._past.count < _WARM + self._LENGTH:
            return 0.0
        values = self._past.values()
        values = values - values[-1]  # keeps the products below small
        query, past = values[-self._LENGTH :], values[: -self._LENGTH]
        total = np.concatenate([[0.0], np.cumsum(past**2)])
        squares = total[self._LENGTH :] - total[: -self._LENGTH]
        distance = squares + query @ query - 2 * np.correlate(past, query, "valid")
        nearest = np.partition(distance, self._NEAREST)[: self._NEAREST]
        return self._tail.surprise(math.sqrt(max(float(nearest.mean()), 0.0)))


class Daily:
    """Far, for 12 values on average, from what the same time of day has been on the last days."""

    _DAYS, _AVERAGED = 14, 12

    def __init__(self) -> None:
        self._tail = Tail()
        self._slots: defaultdict[int, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=self._DAYS))
        self._early: list[tuple[float, float]] = []
        self._width = 0.0
        self._recent = deque[float](maxlen=self._AVERAGED)
        self.expected = math.nan

    def surprise(self, time: float, value: float) -> float:
        if not self._width:
            self._early.append((time, value))
            if len(self._early) == 50:
                step = float(np.median(np.diff([at for at, _ in self._early])))
                self._width = min(max(step, 300.0), 3600.0)
                for at, early in self._early:
                    self._remember(at, early)
            return 0.0
        slot = int(time % 86_400 // self._width)
        own, before = self._slots[slot], self._slots[slot - 1]
        self.expected = math.nan
        if len(own) >= 2:
            self.expected = float(np.median([past for _, past in own] + [past for _, past in before]))
        self._remember(time, value)
        self._recent.append(0.0 if math.isnan(self.expected) else value - self.expected)
        if math.isnan(self.expected) or len(self._recent) < self._AVERAGED:
            return 0.0
        return self._tail.surprise(abs(sum(self._recent)) / self._AVERAGED)

    def _remember(self, time: float, value: float) -> None:
        day, slot = divmod(int(time // self._width), int(86_400 // self._width))
        past = self._slots[slot]
        if past and past[-1][0] == day:
            past[-1] = (day, (past[-1][1] + value) / 2)
        else:
            past.append((day, value))
