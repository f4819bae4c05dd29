"""Which services are hot: counts of a minute in, one Heat a service out. Folds minutes in ascending order.

models.surge says what surges; its wide windows remember a burst long after the end, which is right for a level and wrong for
a life cycle. So a surge that a narrow window showed is over when that window is back to what is usual. Where so little is said
that it took hours to show, the detector decides.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.judgement import Surge
from models.surge import SurgeDetector
from streams.history import MinuteCounts

MINUTE = 60
# A service is hot while more is said than usual within twice the window (seconds) that showed the surge: what was enough to
# see it come is, twice, enough to see it go. Once the narrowest window held so many complaints beyond the usual that their
# absence cannot be luck, that window does. A wider one than the widest is left to the detector.
NARROWEST, WIDEST = 10 * 60, 60 * 60
PLAIN = 12
# Usual is what its past rate brings, but for one time in twenty (normal approximation, one sided).
LUCK = 1.645

Key = tuple[str, str]  # (service, category)


class Heat(NamedTuple):
    """One service at one minute: its strongest surge, and the category that carries it ('' when none does)."""

    service: str
    category: str
    level: int
    score: float
    onset: int
    rate: float  # complaints a second, of the whole service, that its past explains
    excess: float  # complaints beyond that, within the surge's window
    window: int  # seconds; the one that showed the surge first
    row: str  # the category that was counted: '' for the whole service


class Minute(NamedTuple):
    """Negative and total complaints of the minute that starts at `at`, by (service, category)."""

    at: int
    negative: Mapping[Key, int]
    total: Mapping[Key, int]


class HeatWatch:
    """The detector, what was said in the last hour, and through which window each surge was first seen."""

    def __init__(self, detector: SurgeDetector) -> None:
        self.detector = detector
        self._said: dict[Key, deque[tuple[int, int]]] = {}
        self._windows: dict[str, int] = {}

    def copy(self) -> HeatWatch:
        """As it is now; what either takes in from here on is its own."""
        twin = HeatWatch(self.detector.copy())
        twin._said = {key: said.copy() for key, said in self._said.items()}
        twin._windows = dict(self._windows)
        return twin

    @property
    def active(self) -> bool:
        """Whether anything surges: then every minute counts, also a silent one."""
        return bool(self._windows)

    def advance(self, minute: int, negative: Mapping[Key, int], total: Mapping[Key, int]) -> list[Heat]:
        """The services that are hot in the minute that starts at epoch second `minute`, strongest first, '' last."""
        self._hear(minute, negative)
        hot = []
        for heat in _by_service(self.detector.advance(minute, negative, total)):
            window = self._windows.get(heat.service, max(min(2 * heat.window, WIDEST), heat.window))
            if self._count(heat, minute + MINUTE - NARROWEST) >= heat.rate * NARROWEST + PLAIN:
                window = min(window, NARROWEST)
            if heat.service in self._windows and self._cool(heat, window, minute + MINUTE):
                self.detector.end(heat.service)
            else:
                rate = self.detector.usual(heat.service) if heat.row else heat.rate
                hot.append(heat._replace(window=window, rate=rate))
        self._windows = {heat.service: heat.window for heat in hot}
        return sorted(hot, key=lambda heat: (not heat.service, -heat.level, -heat.excess, heat.service))

    def _cool(self, heat: Heat, window: int, at: int) -> bool:
        if window > WIDEST:
            return False
        expected = heat.rate * window
        return self._count(heat, at - window) <= expected + LUCK * math.sqrt(expected) + 1

    def _hear(self, minute: int, negative: Mapping[Key, int]) -> None:
        whole: dict[Key, int] = {}
        for (service, _), count in negative.items():
            whole[service, ""] = whole.get((service, ""), 0) + count
        for key, count in {**negative, **whole}.items():
            said = self._said.setdefault(key, deque())
            said.append((minute, count))
            while said[0][0] <= minute - WIDEST:
                said.popleft()

    def _count(self, heat: Heat, since: int) -> int:
        total = 0
        for minute, count in reversed(self._said.get((heat.service, heat.row), ())):
            if minute < since:
                break
            total += count
        return total


def minutes(counts: MinuteCounts, start: int, end: int, busy: Callable[[], bool]) -> Iterator[Minute]:
    """The minutes of [start, end) that have complaints, and while `busy()` every one in between."""
    rows = list(zip(counts.service, counts.category, counts.total.tolist(), counts.negative.tolist(), strict=True))
    starts, places = np.unique(counts.minute, return_index=True)
    ends = [*places[1:].tolist(), len(rows)][: len(starts)]
    at = start // MINUTE * MINUTE
    for minute, low, high in zip(starts.tolist(), places.tolist(), ends, strict=True):
        while busy() and at < minute:
            yield Minute(at, {}, {})
            at += MINUTE
        here = rows[low:high]
        yield Minute(minute, {row[:2]: row[3] for row in here if row[3]}, {row[:2]: row[2] for row in here})
        at = minute + MINUTE
    while busy() and at < end:
        yield Minute(at, {}, {})
        at += MINUTE


def _by_service(surges: Iterable[Surge]) -> list[Heat]:
    by_service: dict[str, list[Surge]] = {}
    for surge in surges:
        by_service.setdefault(surge.service, []).append(surge)
    return [_heat(service, together) for service, together in by_service.items()]


def _heat(service: str, surges: Sequence[Surge]) -> Heat:
    whole = [surge for surge in surges if not surge.category] or surges
    strongest = max(whole, key=lambda surge: (surge.level, surge.score))
    excess = strongest.observed - strongest.expected
    named = [surge for surge in surges if surge.category and surge.observed - surge.expected >= excess / 2]
    return Heat(
        service,
        max(named, key=lambda surge: surge.observed - surge.expected).category if named else "",
        max(surge.level for surge in surges),
        strongest.score,
        strongest.onset,
        strongest.expected / strongest.window,
        excess,
        strongest.window,
        strongest.category,
    )
