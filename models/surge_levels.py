"""Surges in levels: a time and a value in, what was expected, a score and a level out. Strictly causal, constant memory.

Experts (models.surge_experts) each say how rare the value is by their own past; their surprises add up, as the
log-probabilities of independent views would (Fisher). An event is called when the sum passes one bar, once: a second
call within the following rows needs twice the evidence.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from models.surge_experts import Daily, Distance, Jump, Shape, Stillness

_BAR = 18.0  # nats of summed surprise that make level 1
_LEVELS = (1.0, 1.5, 2.5)  # bars that make level 1, 2, 3
_HOLD = 100  # rows after a call in which only _WORSE times its evidence calls again
_WORSE = 2.0


class Verdict(NamedTuple):
    """`expected` is NaN while nothing is; `score` in [0, 1] passes 0.5 at the bar; `level` 0 to 3."""

    expected: float
    score: float
    level: int


class LevelDetector:
    """Judges one series value by value."""

    def __init__(self) -> None:
        self._daily, self._distance = Daily(), Distance()
        self._experts = (Jump(), self._distance, self._daily, Shape(), Stillness())
        self._row = 0
        self._called, self._evidence = -_HOLD - 1, 0.0

    def update(self, time: float, value: float) -> Verdict:
        """Judge the value at epoch second `time`, then learn it. NaN is passed over with score 0."""
        self._row += 1
        if math.isnan(value):
            return Verdict(math.nan, 0.0, 0)
        surprise = sum(expert.surprise(time, value) for expert in self._experts)
        expected = self._distance.median if math.isnan(self._daily.expected) else self._daily.expected
        bars = surprise / _BAR
        held = self._row - self._called <= _HOLD
        if bars >= 1.0 and held and surprise < _WORSE * self._evidence:
            bars = 0.0
        if bars >= 1.0:
            self._called, self._evidence = self._row, surprise
        score = math.floor(1000 * (1 - 0.5**bars)) / 1000
        return Verdict(expected, score, sum(bars >= step for step in _LEVELS))
