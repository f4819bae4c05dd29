"""A History that remembers what correlation asks again and again: a StoredHistory in, the same answers out, from memory.

A review asks for days of metrics of which all but the last minutes were there a minute ago. They are kept by service and only
extended; the last minutes are read again, since points come late.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.history import ChannelCounts, History, MinuteCounts, Said

STEP = 60
# Points may arrive this late (seconds) and still be seen.
LATE = 10 * 60
# Metrics of a service are forgotten when they were not asked for since this long (seconds of event time), and the longest unused
# first beyond so many values of 8 bytes. Complaints are remembered for the latest questions.
UNUSED = 3600
MOST_VALUES = 2**25
MOST_SAID = 32
# What lies so far back (seconds) is let go of while a service is asked for again and again.
KEEP = 7 * 86_400


class _Kept(NamedTuple):
    """Series of one service on [start, end); `asked` is the end of the latest question."""

    start: int
    end: int
    keys: tuple[SeriesKey, ...]
    values: NDArray[np.float64]
    asked: int


class RecentHistory:
    """streams.history.History over another one with a step of a minute. Errors as that one."""

    def __init__(self, history: History, *, keep: int = KEEP) -> None:
        self._history, self._keep = history, keep
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._said: OrderedDict[tuple[str, str, int, int, int], Sequence[Said]] = OrderedDict()

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaint counts of every service."""
        return self._history.counts(start, end)

    def channels(self, start: int, end: int) -> ChannelCounts:
        """What was said in every channel."""
        return self._history.channels(start, end)

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Changes to these services (empty: all), oldest first."""
        return self._history.changes(services, start, end)

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """The newest `limit` complaints about a service (and category, unless empty), newest first."""
        question = (service, category, start, end, limit)
        if question not in self._said:
            self._said[question] = self._history.said(*question)
            if len(self._said) > MOST_SAID:
                self._said.popitem(last=False)
        self._said.move_to_end(question)
        return self._said[question]

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Per-minute means of every series of these services and IDCs (empty: all), on the minutes that begin in [start, end)."""
        if not services:
            return self._history.metrics(services, start, end)
        first, last = -(-start // STEP) * STEP, -(-end // STEP) * STEP
        names = sorted(set(services))
        fresh = [name for name in names if name not in self._kept or not self._kept[name].start <= first <= self._kept[name].end]
        for name, window in self._read(fresh, first, last):
            self._kept[name] = _Kept(first, last, window.keys, window.values, last)
        behind = [name for name in names if self._kept[name].end < last]
        if behind:
            since = max(first, min(self._kept[name].end for name in behind) - LATE)
            for name, window in self._read(behind, since, last):
                self._kept[name] = _extended(_shortened(self._kept[name], last - self._keep), window, since, last)
        for name in names:
            self._kept[name] = self._kept[name]._replace(asked=last)
            self._kept.move_to_end(name)
        self._forget(last)
        parts = [self._kept[name] for name in names]
        values = [part.values[:, (first - part.start) // STEP : (last - part.start) // STEP] for part in parts]
        keys = [key for part in parts for key in part.keys]
        order = sorted(range(len(keys)), key=lambda row: keys[row])
        times = np.arange(first, last, STEP, dtype=np.int64)
        return MetricWindow(times, STEP, tuple(keys[row] for row in order), np.concatenate(values)[order])

    def _read(self, names: Sequence[str], start: int, end: int) -> list[tuple[str, MetricWindow]]:
        if not names:
            return []
        window = self._history.metrics(names, start, end)
        rows: dict[str, list[int]] = {name: [] for name in names}
        for row, key in enumerate(window.keys):
            rows[key.service].append(row)
        return [
            (name, window._replace(keys=tuple(window.keys[row] for row in own), values=window.values[own]))
            for name, own in rows.items()
        ]

    def _forget(self, now: int) -> None:
        for name in [name for name, kept in self._kept.items() if kept.asked < now - UNUSED]:
            del self._kept[name]
        asked = [name for name, kept in self._kept.items() if kept.asked < now]
        while asked and sum(kept.values.size for kept in self._kept.values()) > MOST_VALUES:
            del self._kept[asked.pop(0)]


def _shortened(kept: _Kept, start: int) -> _Kept:
    """What was kept from `start` on, once that is half of it."""
    if start - kept.start < (kept.end - kept.start) // 2:
        return kept
    return kept._replace(start=start, values=kept.values[:, (start - kept.start) // STEP :].copy())


def _extended(kept: _Kept, window: MetricWindow, since: int, end: int) -> _Kept:
    """What was kept with [since, end) as it was read now; series may have come up, none is dropped."""
    keys = tuple(dict.fromkeys([*kept.keys, *window.keys]))
    place = {key: row for row, key in enumerate(keys)}
    values = np.full((len(keys), (end - kept.start) // STEP), np.nan)
    values[: len(kept.keys), : kept.values.shape[1]] = kept.values
    column = (since - kept.start) // STEP
    values[:, column:] = np.nan
    values[[place[key] for key in window.keys], column:] = window.values
    return kept._replace(end=end, keys=keys, values=values)
