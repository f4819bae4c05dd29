"""One turn of the leader: rollups → watermark → judge → store → publish → notify. Blocking; runs in a thread.

Everything before `correlated_through` is judged, stored and owed to the chat channels. It moves on with every minute that
brought an event, once that is stored, published and sent. What fails midway is judged again from there: incidents keep their
ids and versions, so that a second time changes nothing. Records that come late move it back, within bounds, so that they are
judged with their own minute. Delivery has a queue of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from models.calendar import Calendar
from models.surge_bars import Bar
from models.topology import Topology, discover, read_topology
from streams import feedback
from streams.announce import Announcer
from streams.config import Settings
from streams.incidents import REMEMBERED
from streams.judge import BACK, Judge
from streams.message import Wording
from streams.notify.channel import Transport, post
from streams.notify.outbox import Event
from streams.rules.config import Rules, read_rules
from streams.store import alerts, incidents, progress, rollup
from streams.store.client import Store
from streams.store.experience import ExperienceIndex
from streams.store.history import StoredHistory
from streams.store.recent import RecentHistory
from streams.watermark import watermark

log = logging.getLogger(__name__)

# Stretches judged at once (seconds): short where much is said, so that memory is bounded; longer through silent years.
SHORTEST, LONGEST = 6 * 3600, 32 * 86_400
FEW_ROWS = 5_000
# A turn ends after this long (seconds) and goes on with the next, so that stops and elections are not held up.
TURN = 20.0
# Late records are judged this often (seconds) at most: where they come all the time, each time some minutes are judged again.
LATE_EVERY = 60.0


class Cycle:
    """Holds the judge between turns. `transport` and `clock` are injected by tests. Raises RulesError for a wrong rules.yaml."""

    def __init__(self, settings: Settings, *, transport: Transport = post, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        self._rules = read_rules(settings.rules_file)
        self._calendar = local_days(settings, self._rules)
        self._store = Store(settings.clickhouse_access("writer"))
        self._history = RecentHistory(StoredHistory(self._store))
        self._announcer = Announcer(settings, self._store, transport, clock)
        self._experience = ExperienceIndex(self._store, settings.timezone)
        self._judge: Judge | None = None
        self._bars: Sequence[Bar] = ()
        self._stretch = SHORTEST
        self._through: int | None = None
        self._late: int | None = None  # the earliest minute that got records after it was judged
        self._went_back = -LATE_EVERY

    def run(self, ends: Mapping[tuple[str, int], int]) -> list[Event]:
        """One turn; `ends` are the end offsets by (topic, partition). The events of this turn that people hear of.

        Raises StoreUnavailable (call again later: it goes on where it stopped) and StoreError.
        """
        try:
            return self._turn(ends)
        except Exception:
            self._judge = None  # it is ahead of what was saved: rebuild it from there
            raise

    def close(self) -> None:
        """Lets go of ClickHouse and Kafka."""
        self._store.close()
        self._announcer.close()

    def _turn(self, ends: Mapping[tuple[str, int], int]) -> list[Event]:
        clock = [time.perf_counter()]
        stored = progress.read(self._store)  # before the refresh: the rollups then hold at least this much
        clock.append(time.perf_counter())
        minutes = rollup.refreshed(self._store)
        clock.append(time.perf_counter())
        through = progress.correlated_through(self._store)
        until = watermark(stored, ends, through, self._clock())
        clock.append(time.perf_counter())
        start = through if through is not None else self._earliest()
        if through != self._through:
            self._judge = None  # another leader has gone on from where this one stopped
        judge = self._judge or self._rebuilt(start, fresh=through is None)
        self._heed(judge)
        events: list[Event] = []
        if start is not None and until is not None:
            if through is not None:
                events += self._again(minutes["complaints"], through)
            for low, high in self._stretches(start, until):
                events += self._judged(low, high)
        self._announcer.deliver()
        if self._through is not None:
            self._experience.refresh(self._through)
        clock.append(time.perf_counter())
        took = [round(1000 * (after - before)) for before, after in pairwise(clock)]
        rolled = sum(map(len, minutes.values()))
        log.debug(
            "a turn to %s: progress %d ms, %d minutes rolled up %d, watermark %d, judging %d", until, took[0], rolled, *took[1:]
        )
        return events

    def _stretches(self, start: int, until: int) -> Iterator[tuple[int, int]]:
        deadline = time.monotonic() + TURN
        while start < until and time.monotonic() < deadline:
            end = min(start + self._stretch, until)
            yield start, end
            start = end

    def _judged(self, start: int, end: int) -> list[Event]:
        if self._stretch > SHORTEST or end - start == self._stretch:  # there is much to catch up with
            rows = len(self._history.counts(start, end).minute)
            self._stretch = min(2 * self._stretch, LONGEST) if rows < FEW_ROWS else SHORTEST
        told: list[Event] = []
        judge = self._judge
        for found in judge.judged(self._history, start, end) if judge else ():
            told += self._announcer.announce(found)
            self._note(found.at)
        self._note(end)
        for (service, category), at in judge.correlator.held_back().items() if judge else ():
            log.info("held back by feedback: %s %s at %s", service, category, self._calendar.local(at).isoformat(" ", "minutes"))
        return told

    def _again(self, refreshed: Sequence[int], through: int) -> list[Event]:
        """Judges anew from the earliest minute before `through` that got late records, now or in a turn before."""
        late = [minute for minute in refreshed if through - BACK <= minute < through]
        if self._late is not None:
            late.append(self._late)
        self._late = min(late, default=None)
        if self._late is None or time.monotonic() - self._went_back < LATE_EVERY:
            return []
        late_minute, self._late, self._went_back = self._late, None, time.monotonic()
        start = self._judge.back(late_minute) if self._judge else None
        self._history = RecentHistory(StoredHistory(self._store))  # what is remembered lacks the late records
        if start is None:
            start = late_minute
            self._rebuilt(start, fresh=False)
        judge = self._judge
        if judge is None:
            return []
        log.info("records came late: judging again from %d minutes back", (through - start) // 60)
        judge.set_bars(self._bars)
        judge.correlator.resume(start, (), incidents.opened_after(self._store, start))
        events = self._judged(start, through)
        judge.watch.recount(self._history)
        judge.correlator.adopt(incidents.known_at(self._store, through, REMEMBERED), through)
        return events

    def _note(self, through: int) -> None:
        progress.set_correlated_through(self._store, through)
        self._through = through

    def _heed(self, judge: Judge) -> None:
        """Takes up feedback as it is now: no restart is needed."""
        bars = feedback.bars(self._store)
        if bars != self._bars:
            log.info("feedback moves %d bars", len(bars))
            self._bars = bars
            judge.set_bars(bars)

    def _rebuilt(self, through: int | None, *, fresh: bool) -> Judge:
        topology = self._topology()
        self._history = RecentHistory(StoredHistory(self._store))
        self._announcer.begin(Wording(topology, self._settings.language, self._settings.timezone))
        judge = Judge(topology, self._rules, self._calendar, self._settings.language)
        judge.set_bars(self._bars)
        if through is not None and not fresh:
            log.info("rebuilding the detector from its history")
            judge.fold(self._history, through)
            known = incidents.known_at(self._store, through, REMEMBERED)
            judge.resume(through, known, incidents.opened_after(self._store, through), alerts.firing_at(self._store, through))
        self._judge, self._through = judge, None if fresh else through
        return judge

    def _topology(self) -> Topology:
        path = self._settings.services_file
        if path:
            return read_topology(path)
        return discover((layer, service) for layer, service in self._store.rows("SELECT DISTINCT layer, service FROM metrics_1m"))

    def _earliest(self) -> int | None:
        rows = self._store.rows("SELECT count(), toUnixTimestamp(min(minute)) FROM complaints_1m")
        return int(rows[0][1]) if rows[0][0] else None


def local_days(settings: Settings, rules: Rules) -> Calendar:
    """The calendar that settings and rules.yaml describe. Raises CalendarError for an unknown country."""
    days = rules.calendar
    calendar = Calendar(settings.timezone, settings.country, frozenset(days.holidays), frozenset(days.workdays))
    calendar.kind(calendar.local(0).date())
    return calendar
