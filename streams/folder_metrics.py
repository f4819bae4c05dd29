"""Points to a regular grid: what folder_columns or folder_csv read in, a MetricTable out.

Series that differ in labels alone are averaged, as the store's per-minute means do; the series of one cohort can be had apart.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.window import MetricWindow
from streams.folder_csv import FolderError, Points

LARGEST_GRID = 2**28  # cells of 8 bytes; more would not fit beside everything else
DEFAULT_STEP = 60  # seconds, where no series has two points


class MetricTable(NamedTuple):
    """Every series of a folder on one grid; `points` is what it was made of, kept where some carry a cohort."""

    window: MetricWindow
    points: Points | None = None

    def cohort(self, name: str) -> tuple[MetricWindow, MetricWindow]:
        """The series of one cohort, and those of everyone else, on the grid of the whole; both empty where it is unknown."""
        if self.points is None or name not in self.points.cohorts:
            empty = MetricWindow(self.window.times, self.window.step, (), np.empty((0, len(self.window.times))))
            return empty, empty
        mine = np.array([cohort == name for cohort in self.points.cohorts], bool)[self.points.rows]
        return _averaged(self.points, mine, self.window), _averaged(self.points, ~mine, self.window)

    def cut(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Series of `services` (empty: all), columns with start ≤ time < end: a view where all series are asked for."""
        times, step, keys, values = self.window
        low, high = np.searchsorted(times, (start, end))
        if not services:
            return MetricWindow(times[low:high], step, keys, values[:, low:high])
        wanted = frozenset(services)
        rows = [row for row, key in enumerate(keys) if key.service in wanted]
        return MetricWindow(times[low:high], step, tuple(keys[row] for row in rows), values[rows, low:high])


def gridded(points: Points, origin: Path) -> MetricTable:
    """The grid of the points of a metrics.csv, whose name errors carry. Raises FolderError."""
    keys = tuple(dict.fromkeys(points.series))
    if not len(points.rows):
        return MetricTable(MetricWindow(np.empty(0, np.int64), DEFAULT_STEP, keys, np.empty((len(keys), 0))))
    step = _step(points)
    # The grid keeps the phase of data stamped on one (300 s from 12:02) in whole minutes, else it stands on whole steps.
    phases = np.unique(points.times % step // 60)
    phase = int(phases[0]) * 60 if len(phases) == 1 else 0
    first, last = (int((moment - phase) // step) for moment in (points.times.min(), points.times.max()))
    width = last - first + 1
    if width * len(keys) > LARGEST_GRID:
        raise FolderError(
            f"{origin}: {len(keys)} series over {width} steps of {step} s are more than memory holds; cut the folder"
        )
    times = np.arange(first, last + 1, dtype=np.int64) * step + phase
    frame = MetricWindow(times, step, keys, np.empty((0, 0)))
    window = _averaged(points, slice(None), frame)
    return MetricTable(window, points if any(points.cohorts) else None)


def _averaged(points: Points, chosen: NDArray[np.bool_] | slice, frame: MetricWindow) -> MetricWindow:
    """Means of the chosen points in each step of the frame's time, over labels."""
    place = {key: row for row, key in enumerate(frame.keys)}
    rows = np.array([place[key] for key in points.series], np.int64)[points.rows[chosen]]
    columns = ((points.times[chosen] - frame.times[0]) / frame.step).astype(np.int64)  # none is before the first
    shape = (len(frame.keys), len(frame.times))
    cells = rows * shape[1] + columns
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore"):
        means = np.bincount(cells, weights=points.values[chosen], minlength=shape[0] * shape[1]) / counts
    return frame._replace(values=means.reshape(shape))


def _step(points: Points) -> int:
    """The commonest distance, in whole seconds, of two successive points of a series."""
    small = points.rows.astype(np.uint16) if points.rows.max() < 2**16 else points.rows  # radix sort
    order = np.argsort(small, kind="stable")
    gaps = np.diff(points.times[order])
    same = np.diff(points.rows[order]) == 0
    if (gaps[same] < 0).any():  # not in the order of time
        order = np.lexsort((points.times, points.rows))
        gaps = np.diff(points.times[order])
    gaps = np.rint(gaps[same & (gaps > 0)]).astype(np.int64)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return DEFAULT_STEP
    if gaps.max() < 2**20:
        return int(np.argmax(np.bincount(gaps)))
    distances, counts = np.unique(gaps, return_counts=True)
    return int(distances[np.argmax(counts)])
