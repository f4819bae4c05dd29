"""What correlation remembers of metrics must be what the store would answer, whatever is asked in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest

from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.history import MinuteCounts, Said
from streams.store.recent import LATE, RecentHistory

START = 1_767_225_600
KEYS = tuple(SeriesKey("app", f"s{number // 3}", f"m{number % 3}") for number in range(12))


class Measured:
    """Metrics in memory, as the store answers: a series is there when it has a point; counts how often and how much is read."""

    def __init__(self, minutes: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.values = generator.normal(size=(len(KEYS), minutes))
        self.values[generator.random(self.values.shape) < 0.2] = np.nan
        for row in (2, 7):  # series that come up late
            self.values[row, : minutes // 2] = np.nan
        self.read: list[int] = []

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """As StoredHistory."""
        self.read.append((end - start) // 60)
        low, high = (start - START) // 60, (end - START) // 60
        rows = [row for row, key in enumerate(KEYS) if key.service in services]
        rows = [row for row in rows if np.isfinite(self.values[row, low:high]).any()]
        keys = tuple(KEYS[row] for row in rows)
        return MetricWindow(np.arange(start, end, 60, dtype=np.int64), 60, keys, self.values[rows, low:high].copy())

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Nobody complains."""
        return MinuteCounts(np.zeros(0, np.int64), [], [], np.zeros(0, np.int64), np.zeros(0, np.int64))

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Nothing changes."""
        return []

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """Nobody speaks."""
        self.read.append(0)
        return []


@pytest.mark.parametrize("seed", range(8))
def test_what_is_remembered_is_what_is_stored(seed: int) -> None:
    generator, stored = np.random.default_rng(seed), Measured(900, seed)
    recent = RecentHistory(stored)
    for minute in range(300, 900, 7):
        names = tuple(f"s{number}" for number in generator.permutation(4)[: generator.integers(1, 5)])
        start = START + 60 * int(generator.integers(0, 290)) + int(generator.integers(60))
        asked, told = (history.metrics(names, start // 60 * 60 + 60, START + 60 * minute) for history in (recent, stored))
        known = np.isfinite(asked.values).any(axis=1).tolist()  # a series that has no point in this stretch may be listed
        assert [key for key, there in zip(asked.keys, known, strict=True) if there] == list(told.keys)
        np.testing.assert_array_equal(asked.values[known], told.values)
        np.testing.assert_array_equal(asked.times, told.times)


def test_only_the_last_minutes_are_read_again_and_late_points_are_seen() -> None:
    stored = Measured(600, 1)
    recent = RecentHistory(stored)
    stored.values[0, 495] = np.nan
    recent.metrics(("s0",), START, START + 500 * 60)
    stored.values[0, 495] = 7.0  # late
    again = recent.metrics(("s0",), START, START + 501 * 60)
    assert stored.read == [500, LATE // 60 + 1] and again.values[0, 495] == 7.0
    recent.metrics(("s0",), START, START + 501 * 60)
    assert len(stored.read) == 2


def test_complaints_before_a_surge_are_read_once() -> None:
    stored = Measured(10, 1)
    recent = RecentHistory(stored)
    for _ in range(3):
        recent.said("pay", "", START, START + 600, 50)
    assert stored.read == [0]
