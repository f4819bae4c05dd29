"""Everything that judges, as one: a History and a stretch of time in, incident and alert events a minute out; and back again.

Late records make it go back: it keeps copies of the correlator as it was, some minutes apart, and goes on from the newest that
is older than the records. Alerts are not judged again; the day's mentions are counted anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from models.calendar import Calendar
from models.surge_bars import Bar
from models.topology import Topology
from streams.correlate import Correlator
from streams.history import History
from streams.records import Alert, AlertEvent, Incident, IncidentEvent
from streams.rules.config import Rules
from streams.rules.watch import MEMORY as HEARD
from streams.rules.watch import RuleWatch

# The detector's state follows from this much history (seconds), read a day at a time.
MEMORY, DAY = 35 * 86_400, 86_400
# Records up to this late (seconds) are judged with their own minute; copies are this far apart.
BACK, APART = 2 * 3600, 1800


class Told(NamedTuple):
    """What the minute before `at` brought."""

    at: int
    incidents: Sequence[IncidentEvent]
    alerts: Sequence[AlertEvent]


class Judge:
    """Correlator and rules, and how they were. Nothing else outlives a call."""

    def __init__(self, topology: Topology, rules: Rules, calendar: Calendar, language: str) -> None:
        self.correlator = Correlator(topology, language=language, calendar=calendar)
        self.watch = RuleWatch(topology, rules, calendar, language=language)
        self._past: deque[tuple[int, Correlator]] = deque()

    def fold(self, history: History, through: int) -> None:
        """Takes in what is remembered of the time before `through`."""
        for day in range(through - MEMORY, through, DAY):
            self.correlator.fold(history, day, day + DAY)
        self.watch.fold(history, through - HEARD, through)

    def resume(self, through: int, known: Iterable[Incident], recorded: Iterable[Incident], alerts: Iterable[Alert]) -> None:
        """Takes up what was going on at `through`, when folding ended (as Correlator.resume)."""
        self.correlator.resume(through, known, recorded)
        self.watch.resume(alerts, through)

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """From now on these series need more, or less, to be called."""
        self.correlator.set_bars(bars)

    def judged(self, history: History, start: int, end: int) -> Iterator[Told]:
        """The minutes of [start, end) that brought something, in order."""
        for at, events in self.correlator.judged(history, start, end):
            alerts = self.watch.advance(history, at)
            if events or alerts:
                yield Told(at, events, alerts)
            self._keep(at)
        if alerts := self.watch.advance(history, end):
            yield Told(end, [], alerts)

    def back(self, to: int) -> int | None:
        """Goes back to as it was at `to` (epoch seconds) or some minutes before; when that was, None when it has forgotten."""
        while self._past and self._past[-1][0] > to:
            self._past.pop()
        if not self._past:
            return None
        at, correlator = self._past[-1]
        self.correlator = correlator.copy()
        return at

    def _keep(self, at: int) -> None:
        if self._past and at - self._past[-1][0] < APART:
            return
        self._past.append((at, self.correlator.copy()))
        while self._past[0][0] < at - BACK - APART:
            self._past.popleft()
