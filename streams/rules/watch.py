"""The life of alerts: a History and the time in, alert events out. The same for live and backtest; strictly causal.

Every STEP seconds of event time each rule says what is wrong by it; what it says for the first time fires, and what it has not
said for LINGER is resolved. Times are epoch seconds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from models.calendar import Calendar
from models.topology import Topology
from streams.history import ChannelCounts, History, MinuteCounts
from streams.incidents import seconds, utc
from streams.records import Alert, AlertEvent
from streams.rules import RULES
from streams.rules.asked import Asked
from streams.rules.config import Rules
from streams.rules.heard import Heard

STEP = 5 * 60
LINGER = 10 * 60
HOUR = 3600
# So much history (seconds) says how much each source talks; it is read a day at a time.
MEMORY, DAY = 28 * 86_400, 86_400


@dataclass(frozen=True)
class _Firing:
    alert: Alert
    last: int


class RuleWatch:
    """Holds what was heard and the alerts that fire; nothing else outlives a call."""

    def __init__(self, topology: Topology, rules: Rules, calendar: Calendar, *, language: str = "zh") -> None:
        self._topology, self._rules, self._calendar, self._language = topology, rules, calendar, language
        self._heard = Heard(calendar)
        self._firing: dict[tuple[str, str], _Firing] = {}
        self._at: int | None = None

    def fold(self, history: History, start: int, end: int) -> None:
        """Takes in what was said in [start, end) without judging. Both full minutes; `end` need not be a full hour."""
        for low in range(start, end, DAY):
            said, channels = history.counts(low, min(low + DAY, end)), history.channels(low, min(low + DAY, end))
            for first, last in _pieces(low, min(low + DAY, end), HOUR):
                self._heard.fold(*_between(said, channels, first, last), last)
        self._at = end

    def resume(self, known: Iterable[Alert], at: int) -> None:
        """Takes up the alerts that fired at `at`, when folding ended."""
        self._firing |= {(alert.kind, alert.about): _Firing(alert, at) for alert in known if alert.status == "firing"}

    def advance(self, history: History, at: int) -> list[AlertEvent]:
        """The events of the steps after the last call up to `at`; the first call only notes where the rules begin."""
        begun = at if self._at is None else self._at
        last = at // STEP * STEP
        self._at = max(begun, last)
        if last <= begun:
            return []
        said, channels = history.counts(begun, last), history.channels(begun, last)
        events: list[AlertEvent] = []
        for low, high in _pieces(begun, last, STEP):
            self._heard.fold(*_between(said, channels, low, high), high)
            events += self._judge(history, high)
        return events

    def recount(self, history: History) -> None:
        """Counts the mentions of the day anew: records came late."""
        if self._at is not None:
            said = history.counts(self._heard.midnight, self._at)
            self._heard.today = Counter()
            for service, negative in zip(said.service, said.negative.tolist(), strict=True):
                self._heard.today[service] += negative

    def _judge(self, history: History, at: int) -> list[AlertEvent]:
        asked = Asked(history, self._topology, self._rules, at, self._language, self._calendar, self._heard)
        found = {(kind, alert.id): _named(kind, alert) for kind, rule in RULES.items() for alert in rule(asked)}
        fired = [AlertEvent("firing", alert) for key, alert in found.items() if key not in self._firing]
        for key, alert in found.items():
            before = self._firing[key].alert if key in self._firing else alert
            self._firing[key] = _Firing(_worse(before, alert), at)
        over = [key for key, firing in self._firing.items() if at - firing.last >= LINGER]
        return fired + [AlertEvent("resolved", _resolved(self._firing.pop(key).alert, at)) for key in over]


def _named(kind: str, alert: Alert) -> Alert:
    """With an id that is the same whenever the same is judged."""
    digest = hashlib.sha256(f"{kind}|{alert.id}|{seconds(alert.starts_at)}".encode()).hexdigest()
    return msgspec.structs.replace(alert, kind=kind, about=alert.id, id=f"{kind}-{alert.starts_at:%Y%m%d-%H%M}-{digest[:6]}")


def _worse(before: Alert, now: Alert) -> Alert:
    """The alert as it began, with what it has come to."""
    return msgspec.structs.replace(now, id=before.id, starts_at=before.starts_at, level=max(before.level, now.level))


def _resolved(alert: Alert, at: int) -> Alert:
    return msgspec.structs.replace(alert, status="resolved", updated_at=utc(at), ends_at=utc(at))


def _pieces(start: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """[start, end) cut at the multiples of `step`."""
    while start < end:
        high = min((start // step + 1) * step, end)
        yield start, high
        start = high


def _between(said: MinuteCounts, channels: ChannelCounts, start: int, end: int) -> tuple[MinuteCounts, ChannelCounts]:
    low, high = np.searchsorted(said.minute, (start, end)).tolist()
    first, last = np.searchsorted(channels.minute, (start, end)).tolist()
    minute, service, category, total, negative = said
    at, channel, every = channels
    return (
        MinuteCounts(minute[low:high], service[low:high], category[low:high], total[low:high], negative[low:high]),
        ChannelCounts(at[first:last], channel[first:last], every[first:last]),
    )
