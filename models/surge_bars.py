"""Series whose bar people moved: what they said in; how many complaints beyond the usual they need, and how surely, out.

"Not an incident" raises the bar to 1.5 times what that incident had beyond the usual, so that the same again opens nothing and
three times as much does. "Missed" lowers floor and significance to two thirds. Either fades with a half-life of 30 days, and is
forgotten when little is left of it. Bounds: no floor above 500 complaints or below 5; no significance below half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Key = tuple[str, str]  # (service, category)
Floats = NDArray[np.float64]

HALF_LIFE = 30 * 86_400
RAISED, LOWERED = 1.5, 2 / 3
MOST, LEAST, SUREST = 500.0, 5.0, 0.5
# What moves a bar by less than this share has no force.
FAINT = 0.1


@dataclass(frozen=True)
class Bar:
    """One thing said on `day`, in force from event time `since` (epoch seconds) on. `beyond`: what was no incident had
    so many complaints beyond the usual; 0: one was missed.

    Category '' speaks of the whole service, and of each of its categories.
    """

    id: str
    service: str
    category: str
    since: int
    day: str
    beyond: float = 0.0

    def touches(self, service: str, category: str) -> bool:
        """Whether it speaks of this series. Of a category it also moves the service's own."""
        return service == self.service and category in ("", self.category, *([category] if not self.category else []))

    def in_force(self, at: int) -> bool:
        """Whether it still moves a bar at `at`; what was said later does not."""
        return at >= self.since and self._left(at) >= FAINT

    def words(self, at: int, language: str) -> str:
        """What it did, for people."""
        if self.beyond:
            least = round(min(RAISED * self.beyond * self._left(at), MOST))
            return (
                f"此序列门槛因反馈 {self.id}（{self.day}）提高：至少比平时多 {least} 条"
                if language == "zh"
                else f"bar raised by feedback {self.id} of {self.day}: at least {least} beyond the usual"
            )
        share = round(100 * self._eased(at))
        return (
            f"此序列门槛因反馈 {self.id}（{self.day}）降低到 {share}%"
            if language == "zh"
            else f"bar lowered to {share} % by feedback {self.id} of {self.day}"
        )

    def _left(self, at: int) -> float:
        return float(0.5 ** ((at - self.since) / HALF_LIFE))

    def _eased(self, at: int) -> float:
        return 1 - (1 - LOWERED) * self._left(at)


def bar(bars: Iterable[Bar], key: tuple[str, str], at: int) -> tuple[float, float]:
    """For a series at epoch second `at`: the excess it needs at least, and the factor on floor and significance."""
    here = [one for one in bars if one.touches(*key) and one.in_force(at)]
    excess = max((RAISED * one.beyond * one._left(at) for one in here if one.beyond), default=0.0)
    factor = 1.0
    for one in here:
        factor *= 1.0 if one.beyond else one._eased(at)
    return min(excess, MOST), max(factor, SUREST)


class Bars:
    """All that people said, by series; and which surges it held back, since nothing is held back silently."""

    def __init__(self, said: Iterable[Bar]) -> None:
        newest = {one.id: one for one in sorted(said, key=lambda one: one.since)}  # said twice is said once
        self._by_service: dict[str, list[Bar]] = {}
        for one in newest.values():
            self._by_service.setdefault(one.service, []).append(one)
        self.held: dict[Key, int] = {}  # series → the first minute (epoch seconds) it was held back, until `released`

    def __bool__(self) -> bool:
        return bool(self._by_service)

    def moved(self, keys: Sequence[Key], at: int) -> tuple[Floats, Floats]:
        """For each series at epoch second `at`: the excess it needs, the factor on floor and significance."""
        moved = np.array([bar(self._by_service.get(key[0], ()), key, at) for key in keys]).reshape(-1, 2)
        return moved[:, 0], moved[:, 1]

    def hold(self, key: Key, at: int) -> None:
        """Notes that a series would surge at `at` but for what people said."""
        self.held.setdefault(key, at)

    def released(self) -> dict[Key, int]:
        """What was held back since the last call."""
        held, self.held = self.held, {}
        return held
