"""What was counted lately and before: minutes of counts in, window sums and a baseline per row out.

A row is a series of counts: a service's negative records, one of its categories, or the service's other records. A row
keeps its last two hours by the minute, its last day by the hour, and everything older as one decayed sum of counts and
of exposure; exposure is time heard × the service's rhythm. So memory is constant and a step costs the rows it touches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.calendar import Calendar
from models.surge_rhythm import Clock, Rhythm
from models.surge_significance import Looked, Recent
from models.surge_variation import Variation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FINE = 120  # minutes kept one by one
COARSE = 24  # hours kept one by one
WINDOWS = (5, 15, 60, 360, 1440)  # minutes; up to 60 summed by the minute, longer ones by the hour
_BY_MINUTE = np.array([window for window in WINDOWS if window <= 60])
_BY_HOUR = np.array([window // 60 for window in WINDOWS if window > 60])
_SCALE = [int(window > 60) for window in WINDOWS]  # whose variation counts: the hours', the days'
_PRIOR_SHAPE = 0.5  # what is assumed of a row never seen, in records
_YOUTH = 1.5  # how fast doubt about rhythm and level fades with (60 min + window) over the past known


class Ledger:
    """Counts and baselines of all rows. Times are minutes since 1970; they only grow."""

    def __init__(self, half_life_days: float, calendar: Calendar) -> None:
        self.now = -1
        self.service = np.zeros(0, np.int64)
        self._clock = Clock(calendar)
        self._rhythm = Rhythm(half_life_days * 2)
        self._keep = 0.5 ** (1 / (24 * half_life_days))
        self._fine = np.zeros((FINE, 0))
        self._coarse = np.zeros((COARSE, 0))
        self._said = np.zeros((COARSE, 0))  # as _coarse, but nothing excused
        self._fine_live = np.zeros((FINE, 0))
        self._coarse_live = np.zeros((COARSE, 0))
        self._heard = np.zeros(COARSE)
        self._count = np.zeros(0)
        self._live = np.zeros(0)
        self._variation = Variation(half_life_days)
        self._rate = np.zeros(0)
        self.ceiling = np.zeros(0)  # rate that a row in a surge is cut to before it becomes baseline; inf outside

    def add_rows(self, services: Sequence[int], inherits: Sequence[int]) -> None:
        """New rows of these services. The past of one is silence for as long as row `inherits` is known; -1: no past."""
        known, extra = self._fine_live.shape[1], len(services)
        fresh = max(known, *(service + 1 for service in services)) - known
        self._rhythm.add_services(known + fresh)
        self._fine_live = np.pad(self._fine_live, ((0, 0), (0, fresh)))
        self._coarse_live = np.pad(self._coarse_live, ((0, 0), (0, fresh)))
        self.service = np.append(self.service, np.array(services, np.int64))
        self._fine = np.pad(self._fine, ((0, 0), (0, extra)))
        self._coarse = np.pad(self._coarse, ((0, 0), (0, extra)))
        self._said = np.pad(self._said, ((0, 0), (0, extra)))
        self._count = np.append(self._count, np.zeros(extra))
        self._live = np.append(self._live, [0.0 if row < 0 or row >= len(self._live) else self._live[row] for row in inherits])
        self._variation.add_rows(extra)
        self._rate = np.append(self._rate, np.zeros(extra))
        self.ceiling = np.append(self.ceiling, np.full(extra, np.inf))

    def roll(self, minute: int, heard: bool) -> None:
        """Move on to `minute`; the minutes skipped were quiet when `heard`, else nobody listened."""
        if self.now < 0:
            self.now = minute - 1
            self._open_hour(minute // 60, True)
        while self.now < minute:
            first = self.now + 1
            hour = first // 60
            last = min(minute, hour * 60 + 59)
            if first % 60 == 0:
                self._open_hour(hour, heard)
            slots = np.arange(max(first, last - FINE + 1), last + 1) % FINE
            listened = last - first + 1 if heard else int(last == minute)
            factor = self._rhythm.factor(*self._clock.local(hour))
            self._fine[slots] = 0.0
            self._fine_live[slots] = factor if heard else 0.0
            self._fine_live[last % FINE] = factor * (heard or last == minute)
            self._coarse_live[hour % COARSE] += factor * listened
            self._heard[hour % COARSE] += listened
            self.now = last

    def add(self, rows: Ints, counts: Floats) -> None:
        """Count into the current minute."""
        np.add.at(self._fine[self.now % FINE], rows, counts)
        np.add.at(self._coarse[self.now // 60 % COARSE], rows, counts)
        np.add.at(self._said[self.now // 60 % COARSE], rows, counts)

    def rate(self, rows: Ints) -> Floats:
        """Records a minute of exposure, by all that is known."""
        shape, live = self._past(rows)
        return shape / np.maximum(live, 1.0)

    def silence(self, minute: int) -> float:
        """How many records of any row the minutes between now and `minute` should have brought."""
        hour = minute // 60
        factors = sum(
            self._rhythm.factor(*self._clock.local(hour - back)) for back in range(min(24, (minute - self.now) // 60 + 1))
        )
        share = (minute - self.now - 1) / min(24, (minute - self.now) // 60 + 1)
        return float((self._rate * np.asarray(factors)[self.service] * share).sum()) if len(self._rate) else 0.0

    def look(self, rows: Ints, minute: int) -> Looked:
        """These rows through every window that ends with `minute` (from now on; later minutes are empty)."""
        counted = self._windows(self._fine, self._coarse, minute, rows)
        live = self._windows(self._fine_live, self._coarse_live, minute, self.service[rows])
        shape, exposure = self._past(rows)
        before, past = np.maximum(exposure - live, 1.0), np.maximum(shape - counted, _PRIOR_SHAPE)
        lengths = np.array(WINDOWS)[:, None]
        doubt = np.minimum(((60 + lengths) / before) ** _YOUTH, 4.0)
        noise = self._variation.of(rows)[_SCALE] + doubt + 1 / past
        return Looked(counted, live, past / before, 1 / noise, exposure - live >= np.maximum(lengths, 15))

    def usual(self, row: int) -> float:
        """Records a second that a row should have had in the last hour, by what was before it."""
        looked, hour = self.look(np.array([row], np.int64), self.now), WINDOWS.index(60)
        return float(looked.rate[hour, 0] * looked.exposure[hour, 0]) / 3600

    def recent(self, row: int, rate: float) -> tuple[Recent, Recent]:
        """A row's own last two hours by the minute and last day by the hour, beside what `rate` expects of them."""
        minutes = np.arange(self.now - FINE + 1, self.now + 1)
        hours = np.arange(self.now // 60 - COARSE + 1, self.now // 60 + 1)
        service = self.service[row]
        return (
            Recent(minutes, self._fine[minutes % FINE, row], rate * self._fine_live[minutes % FINE, service]),
            Recent(hours * 60, self._coarse[hours % COARSE, row], rate * self._coarse_live[hours % COARSE, service]),
        )

    def excuse(self, row: int, rate: float, onset: int) -> None:
        """Cut a row to `rate` from minute `onset` on, so that a surge that ended neither alarms again nor becomes baseline."""
        minutes = np.arange(max(onset, self.now - FINE + 1), self.now + 1) % FINE
        self._fine[minutes, row] = np.minimum(self._fine[minutes, row], rate * self._fine_live[minutes, self.service[row]])
        hours = np.arange(max(onset // 60, self.now // 60 - COARSE + 1), self.now // 60 + 1) % COARSE
        self._coarse[hours, row] = np.minimum(self._coarse[hours, row], rate * self._coarse_live[hours, self.service[row]])

    def accept(self, row: int) -> None:
        """Take a row's last day, surges and all, as its normal from now on."""
        self._coarse[:, row] = self._said[:, row]
        self._count[row] = self._said[:, row].sum()
        self._live[row] = self._coarse_live[:, self.service[row]].sum()

    def _past(self, rows: Ints) -> tuple[Floats, Floats]:
        live = self._live[rows] + self._coarse_live[:, self.service[rows]].sum(0)
        return _PRIOR_SHAPE + self._count[rows] + self._coarse[:, rows].sum(0), live

    def _windows(self, fine: Floats, coarse: Floats, minute: int, columns: Ints) -> Floats:
        """Sums over WINDOWS that end with `minute`, newest slots first where time has not come yet."""
        ahead, hour = minute - self.now, self.now // 60
        minutes = ((self.now - np.arange(FINE)) % FINE < _BY_MINUTE[:, None] - ahead).astype(np.float64)
        hours = ((hour - np.arange(COARSE)) % COARSE < _BY_HOUR[:, None] - (minute // 60 - hour)).astype(np.float64)
        return np.concatenate([minutes @ fine.take(columns, axis=1), hours @ coarse.take(columns, axis=1)])

    def _open_hour(self, hour: int, heard: bool) -> None:
        slot = hour % COARSE
        if len(self.service):
            self._teach_rhythm(hour - 1)
            self._absorb(hour - COARSE, heard)
        self._coarse[slot] = 0.0
        self._said[slot] = 0.0
        self._coarse_live[slot] = 0.0
        self._heard[slot] = 0.0
        if len(self.service):
            self._rate = self.rate(np.arange(len(self.service)))

    def _teach_rhythm(self, hour: int) -> None:
        slot, services = hour % COARSE, self._fine_live.shape[1]
        if self._heard[slot] < 30:
            return
        expected = self._rate * self._coarse_live[slot][self.service]
        most = np.where(np.isinf(self.ceiling), 3 * expected + 10, expected)
        said = np.bincount(self.service, np.minimum(self._coarse[slot], most), services).astype(np.float64)
        self._rhythm.learn(*self._clock.local(hour), said, np.full(services, self._heard[slot] / 60))

    def _absorb(self, hour: int, heard: bool) -> None:
        """Let the hour that is a day old become baseline; by now it is known which of it was surge."""
        slot = hour % COARSE
        live = self._coarse_live[slot][self.service]
        counts = np.minimum(self._coarse[slot], self.ceiling * np.maximum(live, 1e-9))
        if self._heard[slot] >= 30:
            self._variation.learn_hour(counts, self._rate * live)
        if self._clock.local(hour)[1] == 23:
            self._variation.learn_day()
        if heard:
            self._count *= self._keep
            self._live *= self._keep
        self._count += counts
        self._live += live
