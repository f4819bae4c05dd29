"""What other settings would have called: the same counts folded by detectors of other settings, a Trial out for each.

Counts are folded in steps of five minutes, for speed, so a surge may be called up to five minutes later than live. What is
compared are surges of single services, with the settings in force tried the same way; incidents join several of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.surge import SurgeDetector, SurgeSettings
from streams.heat import Heat, HeatWatch
from streams.history import History, MinuteCounts

STEP, HOUR, DAY = 300, 3600, 86_400
SAME = 30 * 60  # a service that surges again within this time (seconds) has one surge
# What is tried beside the settings in force: a name, and what differs.
OTHERS: Mapping[str, Mapping[str, float]] = {
    "floor 5": {"floor": 5},
    "floor 15": {"floor": 15},
    "false_alarms 5": {"false_alarms": 5.0},
    "false_alarms 0.05": {"false_alarms": 0.05},
    "ratio 3": {"ratio": 3.0},
}

Key = tuple[str, str]


class Called(NamedTuple):
    """A service's surge as one set of settings sees it; times in epoch seconds, `level` the highest."""

    service: str
    start: int
    end: int
    level: int


class Trial(NamedTuple):
    """What one set of settings calls, by time, and against the settings in force: kept, lost and added surges."""

    name: str
    called: tuple[Called, ...]
    kept: int = 0
    lost: tuple[Called, ...] = ()
    added: tuple[Called, ...] = ()


class Usual(NamedTuple):
    """Negative complaints an hour that each service's past explains, at whole hours."""

    hours: NDArray[np.int64]
    expected: Mapping[str, NDArray[np.float64]]


def trials(
    history: History, span: tuple[int, int], settings: SurgeSettings, progress: Callable[[int, int], None]
) -> tuple[list[Trial], Usual]:
    """The settings in force first, then each of OTHERS; and what was usual by the former. `progress(done, all)`."""
    steps = list(_steps(history, *span))
    base, usual = _fold(steps, settings, span, True)
    found = [Trial("", base, len(base))]
    for number, (name, fields) in enumerate(OTHERS.items(), 1):
        progress(number, len(OTHERS) + 1)
        called, _ = _fold(steps, replace(settings, **fields), span, False)  # type: ignore[arg-type]
        found.append(compared(name, called, base))
    progress(len(OTHERS) + 1, len(OTHERS) + 1)
    return found, usual


def compared(name: str, called: Sequence[Called], base: Sequence[Called]) -> Trial:
    """Which of `base` are found again (the same service, overlapping but for SAME), which not, and what is new."""
    lost = tuple(one for one in base if not any(_same(one, other) for other in called))
    added = tuple(one for one in called if not any(_same(one, other) for other in base))
    return Trial(name, tuple(called), len(base) - len(lost), lost, added)


def _same(one: Called, other: Called) -> bool:
    return one.service == other.service and one.start <= other.end + SAME and other.start <= one.end + SAME


def _steps(history: History, start: int, end: int) -> list[tuple[int, dict[Key, int], dict[Key, int]]]:
    """Counts of every STEP seconds that have any: (when it ends, negative, total)."""
    found: list[tuple[int, dict[Key, int], dict[Key, int]]] = []
    for low in range(start // STEP * STEP, end, DAY):
        counts: MinuteCounts = history.counts(low, min(low + DAY, end))
        at = -1
        times, said, blamed = ((counts.minute // STEP * STEP).tolist(), counts.total.tolist(), counts.negative.tolist())
        for step, service, category, total, negative in zip(times, counts.service, counts.category, said, blamed, strict=True):
            if step != at:
                at = step
                found.append((step + STEP - 60, {}, {}))
            key = (service, category)
            found[-1][2][key] = found[-1][2].get(key, 0) + total
            if negative:
                found[-1][1][key] = found[-1][1].get(key, 0) + negative
    return found


def _fold(
    steps: Sequence[tuple[int, dict[Key, int], dict[Key, int]]], settings: SurgeSettings, span: tuple[int, int], recorded: bool
) -> tuple[tuple[Called, ...], Usual]:
    watch, last = HeatWatch(SurgeDetector(settings)), span[0]
    hours = np.arange(span[0] // HOUR * HOUR, span[1], HOUR, dtype=np.int64)
    expected: dict[str, NDArray[np.float64]] = {}
    open_: dict[str, Called] = {}
    done: list[Called] = []
    for at, negative, total in steps:
        for quiet in range(last + STEP, at, STEP) if watch.active else ():
            _note(watch.advance(quiet, {}, {}), quiet, open_, done)
        _note(watch.advance(at, negative, total), at, open_, done)
        if recorded and at // HOUR != last // HOUR:
            for service in {key[0] for key in negative} | set(expected):
                row = expected.setdefault(service, np.full(len(hours), np.nan))
                row[int(at // HOUR - hours[0] // HOUR)] = HOUR * watch.detector.usual(service)
        last = at
    found = sorted([*done, *open_.values()], key=lambda one: (one.start, one.service))
    return tuple(found), Usual(hours, expected)


def _note(hot: Sequence[Heat], at: int, open_: dict[str, Called], done: list[Called]) -> None:
    """Surges that go on, begin, and are over."""
    for heat in hot:
        known = open_.get(heat.service, Called(heat.service, at, at, heat.level))
        open_[heat.service] = known._replace(end=at, level=max(known.level, heat.level))
    for service in [name for name, one in open_.items() if at - one.end > SAME]:
        done.append(open_.pop(service))
