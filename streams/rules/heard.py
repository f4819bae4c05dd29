"""What was said lately, as the rules count it: counts in; tallies of the local day, and who has been silent for how long, out.

A source is a channel, a service, or everybody. Each is known by its records an hour, by the hour of the day and whether people
work that day, over the last weeks; days off borrow from working days until they were seen. Memory is constant.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calendar import Calendar
from streams.history import ChannelCounts, MinuteCounts

Floats = NDArray[np.float64]
Source = tuple[Literal["all", "channel", "service"], str]

HOUR, DAY = 3600, 86_400
ALL: Source = ("all", "")
# A silence this long (seconds) is how things are.
ACCEPTED = 72 * HOUR
# So much must be known of a source (seconds) before its silence means anything: a week has both kinds of days.
KNOWN = 7 * DAY
# Half of a count is forgotten after so many days.
HALF_LIFE = 14.0
# An hour of the other kind of day is worth so many hours; squared relative variation assumed of an hour, and with which weight.
_BORROWED, _ASSUMED, _MEASURED = 1.0, 0.1, 30.0


class Quiet(NamedTuple):
    """A silent source: since when (epoch seconds), what it should have said by then, and the logarithm of the chance of that."""

    source: Source
    since: int
    expected: float
    log_chance: float


class Heard:
    """Folded by streams.rules.watch. `today`: negative mentions by service since local midnight (`midnight`, epoch seconds)."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        self.today: Counter[str] = Counter()
        self.midnight = 0
        self._calendar = calendar or Calendar()
        self._places: dict[Source, int] = {}
        self._counts = np.zeros((0, 2, 24))  # source × (working day, day off) × local hour
        self._hours = np.zeros((0, 2, 24))
        self._rates = np.zeros((0, 2, 24))
        self._first = np.zeros(0)
        self._last = np.zeros(0)
        self._hour = np.zeros(0)  # said in the hour so far
        self._error = np.zeros((2, 0))  # squared excess and squared expectation of complete hours
        self._lately = np.zeros((2, 0))  # said over expected, in the last two complete hours with a word
        self._everybody: dict[int, int] = {}  # epoch second of a minute → records
        self._at = 0

    def fold(self, said: MinuteCounts, channels: ChannelCounts, until: int) -> None:
        """Takes in what was said up to `until` (epoch seconds). Stretches follow one another and cross no full hour."""
        self._turn(until - 1)
        sources: dict[Source, tuple[int, int]] = {}  # → records, last minute
        for minute, service, total, negative in zip(
            said.minute.tolist(), said.service, said.total.tolist(), said.negative.tolist(), strict=True
        ):
            _add(sources, ("service", service), minute, total)
            self.today[service] += negative
        for minute, channel, total in zip(channels.minute.tolist(), channels.channel, channels.total.tolist(), strict=True):
            _add(sources, ("channel", channel), minute, total)
            _add(sources, ALL, minute, total)
            self._everybody[minute] = self._everybody.get(minute, 0) + total
        for source, (count, last) in sources.items():
            if source == ALL or source[1]:
                place = self._place(source, last)
                self._hour[place] += count
                self._last[place] = last
        self._at = until

    def quiet(self, at: int, probability: float) -> list[Quiet]:
        """The known sources whose silence up to `at` is less likely than `probability`, least likely first.

        A source is allowed to say as much less as everybody else does meanwhile, and as it did itself just before.
        """
        known = np.flatnonzero((at - self._first >= KNOWN) & (at - self._last >= 300) & (at - self._last <= ACCEPTED))
        if not len(known):
            return []
        expected, variation = self._expected(known, self._last[known] + 60, at), self._variation(known)
        silent = _log_silent(expected, variation) < np.log(probability)
        known, expected, variation = known[silent], expected[silent], variation[silent]
        if not len(known):
            return []
        everybody = self._places[ALL]
        whole = self._expected(np.full(len(known), everybody), self._last[known] + 60, at)
        heard = np.array([sum(said for minute, said in self._everybody.items() if minute > last) for last in self._last[known]])
        others = np.where(known == everybody, 1.0, (heard + 3) / (np.maximum(whole - expected, 0.0) + 3))
        expected = expected * np.minimum(np.minimum(others, self._lately[:, known].min(axis=0)), 1.0)
        chance, names = _log_silent(expected, variation), list(self._places)
        found = [
            Quiet(names[place], int(self._last[place]) + 60, *pair)
            for place, *pair in zip(known.tolist(), expected.tolist(), chance.tolist(), strict=True)
        ]
        return sorted((one for one in found if one.log_chance < np.log(probability)), key=lambda one: one.log_chance)

    def _place(self, source: Source, first: int) -> int:
        if source not in self._places:
            self._places[source] = len(self._places)
            for name in ("_counts", "_hours", "_rates"):
                setattr(self, name, np.concatenate([getattr(self, name), np.zeros((1, 2, 24))]))
            self._first, self._last = np.append(self._first, first), np.append(self._last, first)
            self._hour = np.append(self._hour, 0.0)
            self._error, self._lately = (np.pad(sums, ((0, 0), (0, 1))) for sums in (self._error, self._lately))
        return self._places[source]

    def _turn(self, at: int) -> None:
        """Closes the hour and the day before when `at` lies in others."""
        before = self._at - 1
        if self._at and before // HOUR != at // HOUR:
            self._learn(before)
            self._everybody = {minute: said for minute, said in self._everybody.items() if minute >= at - ACCEPTED}
        midnight = self._calendar.midnight(at)
        if midnight != self.midnight:
            self.midnight, self.today = midnight, Counter()

    def _learn(self, at: int) -> None:
        kind, hour = self._slot(at)
        expected, keep = self._rates[:, kind, hour], 0.5 ** (1 / (24 * HALF_LIFE))
        bounded = np.minimum(self._hour, expected + 4 * np.sqrt(expected + 0.3 * expected**2) + 3)
        self._error = self._error * keep + ((bounded - expected) ** 2 - expected, expected**2)
        lately = np.array([self._lately[1], (self._hour + 3) / (expected + 3)])
        self._lately = np.where(self._hour > 0, lately, self._lately)
        self._counts[:, kind, hour] += np.where(at - self._first > KNOWN, bounded, self._hour)
        self._hours[:, kind, hour] += 1.0
        self._counts *= keep
        self._hours *= keep
        self._hour[:] = 0.0
        other_counts, other_hours = self._counts[:, ::-1], self._hours[:, ::-1]
        borrowed = _BORROWED * other_counts / np.maximum(other_hours, 0.5)
        self._rates = (self._counts + borrowed) / (self._hours + _BORROWED)

    def _slot(self, at: float) -> tuple[int, int]:
        local = self._calendar.local(at)
        return int(self._calendar.kind(local.date()) != "work"), local.hour

    def _variation(self, places: NDArray[np.int64]) -> Floats:
        excess, square = self._error[:, places]
        return np.asarray(np.clip((excess + _MEASURED * _ASSUMED) / (square + _MEASURED), 0.02, 2.0))

    def _expected(self, places: NDArray[np.int64], since: Floats, at: int) -> Floats:
        """What sources should have said from `since` to `at`."""
        total = np.zeros(len(places))
        for hour in range(int(since.min()) // HOUR * HOUR, at, HOUR):
            share = np.clip((min(at, hour + HOUR) - np.maximum(since, hour)) / HOUR, 0.0, 1.0)
            total += self._rates[places, *self._slot(hour)] * share
        return total


def _add(sources: dict[Source, tuple[int, int]], source: Source, minute: int, total: int) -> None:
    count, last = sources.get(source, (0, 0))
    sources[source] = (count + total, max(minute, last))


def _log_silent(expected: Floats, variation: Floats) -> Floats:
    """ln P(0) of a negative binomial with this mean and squared relative variation."""
    return np.asarray(-np.log1p(expected * variation) / variation)
