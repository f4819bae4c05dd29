"""What the experience index asks of recorded history: a Folder in, a Past (streams.experience) out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.experience import reading
from models.window import MetricWindow, SeriesKey
from streams.folder import Folder
from streams.history import MinuteCounts


class FolderPast:
    """A Past over a Folder. Raises FolderError as it does."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaints per minute."""
        return self._folder.counts(start, end)

    def readings(self, start: int, end: int) -> MetricWindow:
        """The series that users feel."""
        low, high = np.searchsorted(self._readings.times, (start - self._readings.step + 1, end))
        return self._readings._replace(times=self._readings.times[low:high], values=self._readings.values[:, low:high])

    def medians(self, start: int, end: int) -> Mapping[SeriesKey, float]:
        """The median of each such series that has any value."""
        window = self.readings(start, end)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice")
            found = np.nanmedian(window.values, axis=1) if window.values.size else np.full(len(window.keys), np.nan)
        return {key: float(level) for key, level in zip(window.keys, found, strict=True) if np.isfinite(level)}

    def answers(self, start: int, end: int) -> Mapping[str, tuple[int, int]]:
        """Service → marks given in follow-ups, and their sum."""
        times, services, marks = self._marks
        low, high = np.searchsorted(times, (start, end))
        found: dict[str, tuple[int, int]] = {}
        for service, mark in zip(services[low:high], marks[low:high].tolist(), strict=True):
            count, total = found.get(service, (0, 0))
            found[service] = (count + 1, total + mark)
        return found

    @cached_property
    def _readings(self) -> MetricWindow:
        window = self._folder.table.window
        rows = [row for row, key in enumerate(window.keys) if reading(key)]
        return window._replace(keys=tuple(window.keys[row] for row in rows), values=window.values[rows])

    @cached_property
    def _marks(self) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64]]:
        folder = self._folder
        about = {c.id: judged.service for c, judged in zip(folder.complaints, folder.judgements, strict=True)}
        given = [step for step in folder.followups if step.satisfaction]
        times = np.array([int(step.ts.timestamp()) for step in given], np.int64)
        return times, [about.get(step.complaint, "") for step in given], np.array([s.satisfaction for s in given], np.int64)
