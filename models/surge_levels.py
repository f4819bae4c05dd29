"""Surges in levels: a time and a value in, what was expected, a score and a level out. Strictly causal, constant memory.

Experts (models.surge_experts) each say how rare the value is by their own past; their surprises add up, as the
log-probabilities of independent views would (Fisher). An event is called when the sum passes the bar, once: a second
call within the following rows needs twice the evidence. Every call raises the bar a little for some thousand rows, so that
a series that is always restless is called less often.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from models.surge_experts import Daily, Novelty

_LENGTHS = (6, 24)  # values of the stretches looked at: what has just begun, and what has lasted
_BAR = 12.0  # nats of summed surprise that make level 1 while nothing was called of late
_RISE, _FADE = 0.25, 4000.0  # nats that a call adds to the bar; rows in which that falls to 1/e
_LEVELS = (1.0, 1.5, 2.5)  # bars that make level 1, 2, 3
_HOLD = 100  # rows after a call in which only _WORSE times its evidence calls again
_WORSE = 2.0
_LARGEST = 1e100  # of a value: its square is still a number


class Verdict(NamedTuple):
    """`expected` is NaN while nothing is; `score` in [0, 1] passes 0.5 at the bar; `level` 0 to 3."""

    expected: float
    score: float
    level: int


class LevelDetector:
    """Judges one series value by value."""

    def __init__(self) -> None:
        self._daily = Daily()
        self._experts: tuple[Novelty | Daily, ...] = (*map(Novelty, _LENGTHS), self._daily)
        self._row = 0
        self._called, self._evidence, self._risen = -_HOLD - 1, 0.0, 0.0

    def update(self, time: float, value: float) -> Verdict:
        """Judge the value at epoch second `time`, then learn it. NaN is passed over with score 0."""
        self._row += 1
        self._risen *= math.exp(-1 / _FADE)
        if math.isnan(value):
            return Verdict(math.nan, 0.0, 0)
        value = min(max(value, -_LARGEST), _LARGEST)
        surprise = sum(expert.surprise(time, value) for expert in self._experts)
        bars = surprise / (_BAR + self._risen)
        held = self._row - self._called <= _HOLD
        if bars >= 1.0 and held and surprise < _WORSE * self._evidence:
            bars = 0.0
        if bars >= 1.0:
            self._called, self._evidence = self._row, surprise
            self._risen += _RISE
        score = math.floor(1000 * (1 - 0.5**bars)) / 1000
        return Verdict(self._daily.expected, score, sum(bars >= step for step in _LEVELS))
