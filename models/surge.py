"""Surges in complaint counts: negative and total records a minute in, the surges that are on out. Strictly causal.

A count is a surge when, through any of several windows, it is beyond what its own past explains. The past is a
Gamma-Poisson (negative binomial) rate with the rhythm of hour and weekday; the bar accounts for how often and at how many
series we look (Bonferroni over rows, windows and distinct looks a week); how many complaints make an incident at all is a
setting. More of everything (a campaign, a wave of praise) explains more complaints, within bounds.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.judgement import Surge
from models.surge_bars import Bars
from models.surge_counts import WINDOWS, Floats, Ints, Ledger
from models.surge_series import REST, Key, Series
from models.surge_settings import SurgeSettings
from models.surge_significance import Looked, Seen, bars, level, onset, tail

__all__ = ["SurgeDetector", "SurgeSettings"]

_LONGEST_SILENCE = 16.0  # a silence that swallowed more expected records than this is a dead collector (e^-16)
_RELEASE = 0.5  # a surge is on while its log-significance is half of what opened it
_QUIET = 5  # and over after more minutes than these without
_SAME = 1440  # surges of a row less than a day apart are one when it comes to accepting a lasting level


@dataclass
class _Active:
    """A surge that is on. `rate` is the baseline frozen at its start; `window` indexes WINDOWS; `quiet` minutes look over."""

    onset: int
    since: int
    window: int
    rate: float
    level: int
    last: Surge
    quiet: int = 0


class SurgeDetector:
    """Folds counts minute by minute; the same counts in the same order give the same surges."""

    def __init__(self, settings: SurgeSettings | None = None) -> None:
        self._settings = settings or SurgeSettings()
        self._ledger = Ledger(self._settings.half_life_days, self._settings.calendar)
        self._series = Series(self._ledger)
        self._active: dict[int, _Active] = {}
        self._ended: dict[int, tuple[int, int]] = {}  # row → since when it surged, when it ended
        self.bars = Bars(())

    def advance(self, minute: int, negative: Mapping[Key, int], total: Mapping[Key, int]) -> list[Surge]:
        """The surges on at the minute that starts at epoch second `minute`, strongest first.

        Keys are (service, category); the whole service is added up here and reported as category ''. Minutes ascend
        (ValueError otherwise); minutes in which nobody said anything may be skipped.
        """
        at = minute // 60
        if at <= self._ledger.now:
            raise ValueError(f"minute {minute} is not after {self._ledger.now * 60}")
        if any(total.values()) or any(negative.values()):
            silent = self._ledger.now >= 0 and self._ledger.silence(at) > _LONGEST_SILENCE
            touched = self._count(at, negative, total, heard=not silent)
        elif self._ledger.now < 0 or not self._active:
            return []
        elif self._ledger.silence(at) > _LONGEST_SILENCE:
            return self._ordered([active.last for active in self._active.values()])
        else:
            touched = set()
        rows = np.array(sorted(touched | set(self._active)), np.int64)
        if len(rows):
            self._judge(rows, at)
        return self._ordered([active.last for active in self._active.values()])

    def copy(self) -> SurgeDetector:
        """As it is now; what either takes in from here on is its own."""
        twin = copy.copy(self)
        twin._ledger = copy.deepcopy(self._ledger)
        twin._series = self._series.copy(twin._ledger)
        twin._active, twin._ended = copy.deepcopy(self._active), dict(self._ended)
        return twin

    def usual(self, service: str) -> float:
        """Negative records a second that a service known here should have had in the last hour, by what was before that."""
        return self._ledger.usual(self._series.rows[service, ""])

    def end(self, service: str) -> None:
        """Takes the surges of a service for over, by better knowledge: it is back at its usual rate, and may surge anew."""
        for row, active in [item for item in self._active.items() if self._series.keys[item[0]][0] == service]:
            self._ledger.excuse(row, active.rate, active.onset)
            self._close(row)

    def _count(self, at: int, negative: Mapping[Key, int], total: Mapping[Key, int], *, heard: bool) -> set[int]:
        sums: dict[Key, int] = {}
        for key, count in negative.items():
            if count:
                sums[key[0], ""] = sums.get((key[0], ""), 0) + count
                if key[1]:
                    sums[key] = count
        touched = list(sums)
        for key, count in total.items():
            rest = count - negative.get(key, 0)
            if rest > 0:
                sums[key[0], REST] = sums.get((key[0], REST), 0) + rest
        self._series.add(list(sums))
        self._ledger.roll(at, heard)
        rows = np.fromiter((self._series.rows[key] for key in sums), np.int64, len(sums))
        self._ledger.add(rows, np.fromiter(sums.values(), np.float64, len(sums)))
        return {self._series.rows[key] for key in touched}

    def _judge(self, rows: Ints, at: int) -> None:
        settings = self._settings
        looked, raised, extra = self._look(rows, at)
        frozen = np.array([self._active[row].rate if row in self._active else np.nan for row in rows.tolist()])
        rate = np.where(np.isnan(frozen), looked.rate, frozen)
        expected = looked.exposure * rate * raised + extra
        chance = tail(looked.counted, expected, looked.shape)
        bar = bars(WINDOWS, self._series.judged, settings.false_alarms)
        strength = np.log(np.maximum(chance, 1e-300)) / np.log(bar)[:, None]
        enough = looked.known & (looked.counted >= settings.ratio * expected)
        plain = enough & (looked.counted >= settings.floor)
        if self.bars:
            excess, factor = self.bars.moved([self._series.keys[row] for row in rows.tolist()], at * 60)
            would = np.any(plain & (strength >= 1.0), axis=0)
            enough &= (looked.counted >= factor * settings.floor) & (looked.counted - expected >= excess)
            strength /= factor
            for row in rows[would & ~np.any(enough & (strength >= 1.0), axis=0)].tolist():
                self.bars.hold(self._series.keys[row], at * 60)
        else:
            enough = plain
        hit = np.any(enough & (strength >= 1.0), axis=0).tolist()
        for column, row in (pair for pair in enumerate(rows.tolist()) if hit[pair[0]] or pair[1] in self._active):
            seen = Seen(looked.counted[:, column], expected[:, column], rate[:, column], strength[:, column], enough[:, column])
            self._update(row, at, seen)

    def _look(self, rows: Ints, at: int) -> tuple[Looked, Floats, Floats]:
        """What is seen of these rows; how far records that do not blame raise the expectation: a factor, and some to add."""
        services, column = np.unique(self._ledger.service[rows], return_inverse=True)
        every = self._ledger.look(np.concatenate([rows, self._series.rest[services]]), at)
        looked, rest = every.part(slice(len(rows))), every.part(slice(len(rows), None))
        expected = rest.exposure * rest.rate
        factor = np.clip((rest.counted + 5) / (expected + 5), 1.0, self._settings.activity)
        return looked, factor[:, column], self._settings.misjudged * np.maximum(rest.counted - expected, 0.0)[:, column]

    def _update(self, row: int, at: int, seen: Seen) -> None:
        settings, active = self._settings, self._active.get(row)
        if active is None:
            if seen.hit.any():
                self._open(row, at, int(np.argmax(seen.hit)), seen)
            return
        if at - active.since >= settings.accept_hours * 60:
            self._ledger.accept(row)
            self._close(row)
            return
        held = np.arange(len(WINDOWS)) <= active.window + 1
        on = bool((held & (seen.strength >= _RELEASE) & (seen.counted > seen.expected)).any())
        active.quiet = 0 if on else active.quiet + 1
        if active.quiet > _QUIET:
            self._ledger.excuse(row, active.rate, active.onset)
            self._ended[row] = (active.since, at)
            self._close(row)
            return
        best = int(np.argmax(np.where(held, seen.strength, -1.0)))
        active.level = max(active.level, level(seen, held, settings.floor))
        active.last = self._surge(row, at, active.onset, best, seen, active.level)

    def _close(self, row: int) -> None:
        self._ledger.ceiling[row] = np.inf
        del self._active[row]

    def _open(self, row: int, at: int, window: int, seen: Seen) -> None:
        rate = float(seen.rate[window])
        began = onset(*self._ledger.recent(row, rate))
        reached = max(level(seen, seen.enough, self._settings.floor), 1)
        surge = self._surge(row, at, began, window, seen, reached)
        since, ended = self._ended.pop(row, (at, at))
        self._active[row] = _Active(began, since if at - ended <= _SAME else at, window, rate, reached, surge)
        self._ledger.ceiling[row] = rate

    def _surge(self, row: int, at: int, onset: int, window: int, seen: Seen, level: int) -> Surge:
        service, category = self._series.keys[row]
        return Surge(
            service=service,
            category=category,
            at=at * 60,
            onset=onset * 60,
            observed=float(round(seen.counted[window])),  # what is left of an excused surge is a fraction
            expected=float(seen.expected[window]),
            score=float(1 - 0.5 ** max(seen.strength[window], 0.0)),
            level=level,
            window=WINDOWS[window] * 60,
        )

    @staticmethod
    def _ordered(surges: list[Surge]) -> list[Surge]:
        return sorted(surges, key=lambda surge: (-surge.level, -surge.score, surge.service, surge.category))
