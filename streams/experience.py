"""The experience index of every service over a stretch of time (models.experience says what it is): a past in, columns out.

What is usual is read off up to seven days before each local day, so the index begins on the second day of data: metrics by
their median, complaints by the median day and the shop's own rhythm of hours, polarity by its share, satisfaction by its mean.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models import experience
from models.experience import Floats, Part
from models.window import MetricWindow, SeriesKey
from streams.history import MinuteCounts

DAYS = 7  # before, that say what is usual
ANSWERED = 7  # days of follow-ups that satisfaction is read off
MEASURED: tuple[Part, ...] = ("latency", "failure")
_WEIGHT = 4.0  # answers that the mean of all services counts for, where a service has few of its own


class Past(Protocol):
    """What the index asks for, by half-open ranges of epoch seconds."""

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaints per minute (streams.history)."""

    def readings(self, start: int, end: int) -> MetricWindow:
        """Per-minute means of the series that models.experience.reading knows."""

    def medians(self, start: int, end: int) -> Mapping[SeriesKey, float]:
        """The median of each such series."""

    def answers(self, start: int, end: int) -> Mapping[str, tuple[int, int]]:
        """Service → how many follow-ups gave a mark, and their sum."""


class Usual(NamedTuple):
    """What is usual on the local day that begins at `midnight`. `complaints`: negative ones due each hour, a row a service."""

    midnight: int
    services: tuple[str, ...]
    complaints: Floats
    share: Floats
    levels: Mapping[SeriesKey, float]
    answers: Floats  # mean mark; NaN where nobody ever answered
    answered: NDArray[np.float64]  # lately: marks, and their sum, a row a service


class Slots(NamedTuple):
    """The index by service (rows) and slot (columns), 0–100, NaN where unknown; parts as shares of 1."""

    services: tuple[str, ...]
    times: NDArray[np.int64]
    points: Floats
    parts: Mapping[Part, Floats]


def usual(past: Past, midnight: int, first: int) -> Usual | None:
    """What is usual on the local day that begins at `midnight`, by the data since `first`; None where there is no day before."""
    days = min(DAYS, (midnight - first) // 86_400)
    if days < 1:
        return None
    start = midnight - days * 86_400
    counts, levels = past.counts(start, midnight), past.medians(start, midnight)
    names = tuple(sorted({*counts.service, *(key.service for key in levels)} - {""}))
    place = {name: row for row, name in enumerate(names)}
    ours = np.array([name in place for name in counts.service], bool)
    rows = np.array([place[name] for name in counts.service if name in place], np.int64)
    hours = (counts.minute[ours] - start) // 3600
    shape = (len(names), days, 24)
    negative, total = (
        np.bincount(rows * days * 24 + hours, column[ours], int(np.prod(shape))).reshape(shape)
        for column in (counts.negative, counts.total)
    )
    rhythm = (negative.sum(axis=0) + 0.5 / 24).mean(axis=0)  # of everybody: one service alone has too few
    by_day = np.median(negative.sum(axis=2), axis=1)
    said, blamed = total.sum(axis=(1, 2)), negative.sum(axis=(1, 2))
    everybody = (blamed.sum() + 1) / (said.sum() + 2)
    share = (blamed + experience.VOICES * everybody) / (said + experience.VOICES)
    mean, lately = _answers(past, names, midnight, first)
    return Usual(midnight, names, by_day[:, None] * rhythm / rhythm.sum(), share, levels, mean, lately)


def slots(past: Past, known: Usual, start: int, end: int, step: int) -> Slots:
    """The index of [start, end), within the local day of `known`, every `step` seconds."""
    times = np.arange(start, end, step, dtype=np.int64)
    shape = (len(known.services), len(times))
    negative, total = voices(past, known, start, end, step)
    parts: dict[Part, Floats] = {
        "volume": experience.volume(negative, expected(known, times, step)),
        "polarity": experience.polarity(negative, total, known.share[:, None]),
        **machines(past.readings(start, end), known, times, step),
        "satisfaction": np.broadcast_to(satisfied(known)[:, None], shape),
    }
    return Slots(known.services, times, experience.index(parts), parts)


def voices(past: Past, known: Usual, start: int, end: int, step: int) -> tuple[Floats, Floats]:
    """Negative voices and all of them, by service and slot."""
    place = {name: row for row, name in enumerate(known.services)}
    counts = past.counts(start, end)
    ours = np.array([name in place for name in counts.service], bool)
    width = -(-(end - start) // step)
    cells = np.array([place[name] for name in counts.service if name in place], np.int64) * width
    cells += (counts.minute[ours] - start) // step
    shape = (len(known.services), width)
    sums = [np.bincount(cells, column[ours], shape[0] * width) for column in (counts.negative, counts.total)]
    negative, total = np.asarray(sums, np.float64).reshape(2, *shape)
    return negative, total


def expected(known: Usual, times: NDArray[np.int64], step: int) -> Floats:
    """Complaints that are usual in each slot; a slot is a day, or an hour or a part of one. A day has 24 hours here: where
    clocks change, one day a year is an hour off."""
    if step >= 86_400:
        return np.repeat(known.complaints.sum(axis=1, keepdims=True), len(times), axis=1)
    return np.asarray(known.complaints[:, np.clip((times - known.midnight) // 3600, 0, 23)] * step / 3600, np.float64)


def machines(window: MetricWindow, known: Usual, times: NDArray[np.int64], step: int) -> dict[Part, Floats]:
    """Latency and failure as shares: each minute's mean over a service's metrics (of the logarithm), then the slot's mean."""
    place = {name: row for row, name in enumerate(known.services)}
    # A value holds until the next one is due: slots may be shorter than the metrics' own step.
    low = np.clip(np.searchsorted(window.times, times, side="right") - 1, 0, None)
    low = np.where(window.times[low] + window.step > times, low, low + 1) if len(window.times) else low
    high = np.maximum(np.searchsorted(window.times, times + step), low)
    parts: dict[Part, Floats] = {}
    for part in MEASURED:
        logs, points = np.zeros((2, len(known.services), len(window.times)))
        for key, level in zip(window.keys, window.values, strict=True):
            kind = experience.reading(key)
            if kind is None or kind.part != part or key.service not in place or key not in known.levels:
                continue
            trouble = experience.measured(kind, level, np.full(len(level), known.levels[key]))
            seen = np.isfinite(trouble)
            logs[place[key.service], seen] += np.log(np.maximum(trouble[seen], 1e-6))
            points[place[key.service], seen] += 1
        share = np.where(points > 0, experience.share_of(np.exp(logs / np.maximum(points, 1))), 0.0)
        sums, minutes = (_between(rows, low, high) for rows in (share, (points > 0).astype(np.float64)))
        parts[part] = np.where(minutes > 0, sums / np.maximum(minutes, 1), np.nan)
    return parts


def _between(rows: Floats, low: NDArray[np.int64], high: NDArray[np.int64]) -> Floats:
    """Sums of the columns [low, high), a pair a slot."""
    total = np.pad(np.cumsum(rows, axis=1), ((0, 0), (1, 0)))
    return np.asarray(total[:, high] - total[:, np.minimum(low, high)], np.float64)


def satisfied(known: Usual) -> Floats:
    """Satisfaction as a share, a service each."""
    return experience.satisfaction(known.answered[:, 1], known.answered[:, 0], known.answers)


def days(start: int, end: int, zone: dt.tzinfo) -> Iterator[tuple[int, int, int]]:
    """(local midnight, first, end) of each local day's part of [start, end), in epoch seconds."""
    at = start
    while at < end:
        local = dt.datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        following = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), zone)
        stop = min(int(following.timestamp()), end)
        yield int(local.timestamp()), at, stop
        at = stop


def _answers(past: Past, names: Sequence[str], midnight: int, first: int) -> tuple[Floats, Floats]:
    """The mean mark of each service since `first`, at most a quarter ago, and marks and their sum lately."""
    ever, lately = (
        past.answers(max(first, midnight - 90 * 86_400), midnight),
        past.answers(midnight - ANSWERED * 86_400, midnight),
    )
    marks = sum(count for count, _ in ever.values())
    overall = sum(total for _, total in ever.values()) / marks if marks else np.nan
    mean = [
        (ever.get(name, (0, 0))[1] + _WEIGHT * overall) / (ever.get(name, (0, 0))[0] + _WEIGHT) if marks else np.nan
        for name in names
    ]
    return np.array(mean, np.float64), np.array([lately.get(name, (0, 0)) for name in names], np.float64).reshape(-1, 2)
