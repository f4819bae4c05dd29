"""One correlator for live and backtest: a History and a stretch of time in, incident events out.

Minute by minute: counts → surges (models.surge) → incidents (streams.incidents) → evidence (streams.evidence) → events.
Strictly causal: an event at a minute's end uses nothing later. Times are epoch seconds, ranges half-open.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from models.calendar import Calendar
from models.surge import SurgeDetector, SurgeSettings
from models.surge_bars import Bar, Bars
from models.topology import Topology
from streams import incidents
from streams.heat import MINUTE, Heat, HeatWatch, Minute, minutes
from streams.history import History
from streams.incidents import Tracked, seconds, utc
from streams.records import Incident, IncidentEvent
from streams.review import Review

# Complaints that name no service wait this long (seconds) for a service that surges with them.
HOLD = 4 * 60
# A weaker surge, of fewer complaints and likelier by chance (a week, over all series), is believed at once when metrics or a
# change explain it this surely, and while it is young (seconds). Without that it waits until it is strong by itself.
EARLY_FLOOR, EARLY_ALARMS, EARLY_SURE, YOUNG = 5, 20.0, 0.7, 30 * 60


class Correlator:
    """Judges minutes in ascending order. Holds the detector and the open incidents; nothing else outlives a call."""

    def __init__(
        self, topology: Topology, *, language: str = "zh", timezone: dt.tzinfo | None = None, calendar: Calendar | None = None
    ) -> None:
        self.topology, self._review = topology, Review(topology, language)
        days = calendar or Calendar(timezone or Calendar().timezone)
        settings = SurgeSettings(calendar=days)
        self._watch = HeatWatch(SurgeDetector(settings))
        self._early = HeatWatch(SurgeDetector(replace(settings, floor=EARLY_FLOOR, false_alarms=EARLY_ALARMS)))
        self._open: dict[str, Tracked] = {}
        self._recorded: list[Incident] = []
        self._closed: list[Incident] = []
        self._waiting: int | None = None

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """From now on these series need more, or less, to be called: people said so."""
        self._review.bars = tuple(bars)
        self._watch.detector.bars, self._early.detector.bars = Bars(bars), Bars(bars)

    def held_back(self) -> Mapping[tuple[str, str], int]:
        """Series (service, category) that surged but for what people said, since the last call; when (epoch seconds)."""
        return self._watch.detector.bars.released()

    def copy(self) -> Correlator:
        """As it is now, to go back to when late records say that it judged too early."""
        twin = copy.copy(self)
        twin._watch, twin._early = self._watch.copy(), self._early.copy()
        twin._open, twin._recorded, twin._closed = dict(self._open), list(self._recorded), list(self._closed)
        return twin

    def fold(self, history: History, start: int, end: int) -> None:
        """Takes [start, end) into the detector without judging: what it must know of the past before it goes on."""
        for minute in minutes(history.counts(start, end), start, end, self._surging):
            self._watch.advance(*minute)
            self._early.advance(*minute)

    def resume(self, at: int, known: Iterable[Incident], recorded: Iterable[Incident] = ()) -> None:
        """Takes up the incidents that were open, or resolved not long ago, at `at`, when folding ended.

        `recorded` are those that an earlier run opened after that: should they open again, it is under the same id.
        """
        for incident in known:
            if incident.status == "resolved":
                self._closed.append(incident)
                continue
            self._open[incident.id] = incidents.restored(incident, at)
        self._recorded = list(recorded)

    def adopt(self, known: Iterable[Incident], at: int) -> None:
        """Takes up incidents that are open by what was stored, and are not here: judged again, they did not come up."""
        for incident in known:
            if incident.status == "open" and incident.id not in self._open:
                self._open[incident.id] = incidents.restored(incident, at)

    def advance(self, history: History, start: int, end: int) -> Iterator[IncidentEvent]:
        """Events of the minutes in [start, end): every minute with complaints, and each one while something is going on."""
        for _, events in self.judged(history, start, end):
            yield from events

    def judged(self, history: History, start: int, end: int) -> Iterator[tuple[int, list[IncidentEvent]]]:
        """As `advance`, a minute at a time: when it ended, and all its events, none for most."""
        for minute in minutes(history.counts(start, end), start, end, self._busy):
            at = minute.at + MINUTE
            yield at, self._judge(history, self._hot(history, minute), at)

    def _surging(self) -> bool:
        return self._watch.active or self._early.active

    def _busy(self) -> bool:
        return bool(self._open) or self._surging()

    def _hot(self, history: History, minute: Minute) -> list[Heat]:
        strong, early = self._watch.advance(*minute), self._early.advance(*minute)
        named = {"", *(heat.service for heat in strong)}
        believed = [heat for heat in early if heat.service not in named and self._believed(history, heat, minute.at + MINUTE)]
        return strong + believed

    def _believed(self, history: History, heat: Heat, at: int) -> bool:
        if any(heat.service in tracked.incident.services for tracked in self._open.values()):
            return True
        if at - heat.onset > YOUNG:
            return False
        ranking = self._review.examine(history, heat.service, heat.onset, at).ranking
        return ranking.verdict == "explained" and ranking.causes[0].probability >= EARLY_SURE

    def _judge(self, history: History, hot: Sequence[Heat], at: int) -> list[IncidentEvent]:
        before = tuple(self._open)
        for heat in hot:
            self._place(history, heat, at)
        opened = [self._tell(history, tracked, at) for key, tracked in self._open.items() if key not in before]
        followed = (self._follow(history, self._open[key], at) for key in before)
        return opened + [event for event in followed if event is not None]

    def _place(self, history: History, heat: Heat, at: int) -> None:
        """Joins a surging service to the incident it belongs to, else opens one (again)."""
        known = [tracked for tracked in self._open.values() if heat.service in tracked.incident.services]
        if not known:
            if self._held(heat, at):
                return
            known = self._kin(history, heat, at)
        if known:
            nearest = min(known, key=lambda tracked: abs(seconds(tracked.incident.onset) - heat.onset))
            self._open[nearest.incident.id] = incidents.touched(nearest, heat, at)
            return
        if again := incidents.resumed(heat, self._closed):
            self._closed = [past for past in self._closed if past.id != again.id]
            tracked = incidents.restored(again, at)
        else:
            same = incidents.same_surge(heat, self._recorded)
            tracked = incidents.opened(same or heat, at, self._review.title(heat))
        # Explained at once: whether the next service of this minute belongs to it depends on what is to blame.
        self._open[tracked.incident.id] = self._review.looked_at(history, tracked, at)

    def _held(self, heat: Heat, at: int) -> bool:
        if heat.service:
            return False
        if self._waiting is None or at - self._waiting > 3 * HOLD:
            self._waiting = at
        return not self._open and at - self._waiting < HOLD

    def _kin(self, history: History, heat: Heat, at: int) -> list[Tracked]:
        if not self._open:
            return []
        ranking = self._review.examine(history, heat.service, heat.onset, at).ranking
        causes = ranking.causes if ranking.verdict == "explained" else ()
        return [tracked for tracked in self._open.values() if incidents.belongs(heat, causes, tracked, self.topology)]

    def _follow(self, history: History, now: Tracked, at: int) -> IncidentEvent | None:
        if incidents.over(now, at):
            del self._open[now.incident.id]
            final = self._review.costed(history, self._review.counted(history, now, at), incidents.fault_end(now))
            closed = msgspec.structs.replace(final.incident, status="resolved", resolved_at=utc(at), updated_at=utc(at))
            self._closed = [*(past for past in self._closed if incidents.remembered(past, at)), closed]
            return IncidentEvent("resolved", closed)
        if not incidents.due(now, at):
            return None
        after = self._review.looked_at(history, now, at)
        if after.least < incidents.CRITICAL:  # else there is nothing left to rise to
            after = self._review.weighed(history, after, at)
        self._open[now.incident.id] = after
        if incidents.worth_telling(after, at):
            return self._tell(history, after, at)
        return IncidentEvent("updated", after.incident, told=False)

    def _tell(self, history: History, tracked: Tracked, at: int) -> IncidentEvent:
        """What people hear of it now, with what only they need: the cost, who complains and in which words."""
        opened = tracked.incident.opened_at == utc(at)
        tracked = self._review.worded(history, self._review.weighed(history, tracked, at), at)
        self._open[tracked.incident.id] = replace(tracked, told=tracked.incident, wider=False)
        return IncidentEvent("opened" if opened else "updated", tracked.incident)
