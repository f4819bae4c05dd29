"""The page of a backtest: incidents, what other settings would have called, and each service's weeks; one self-contained file."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from streams.backtest_curves import Shade, Weeks, drawn
from streams.backtest_trials import HOUR, Called, Trial, Usual
from streams.history import History, MinuteCounts
from streams.message import Wording
from streams.pages import NARROW, WIDE, page

SHOWN, FOLDED = 12, 12  # services drawn at once, and behind a fold; the rest is named


class Shown(NamedTuple):
    """One service on the page."""

    title: str
    negative: int
    incidents: int
    pictures: list[str]


class Page(NamedTuple):
    """What the template shows. `alerts`: how many, None when rules were not run."""

    start: dt.datetime
    end: dt.datetime
    total: int
    negative: int
    alerts: int | None
    incidents: list[dict[str, Any]]
    trials: Sequence[Trial]
    series: list[Shown]
    folded: list[Shown]
    rest: list[tuple[str, int]]
    zone: dt.tzinfo

    def clock(self, at: float) -> str:
        """A moment, to the minute."""
        return f"{dt.datetime.fromtimestamp(at, self.zone):%m-%d %H:%M}"


class Judged(NamedTuple):
    """A finished backtest: its incidents (rows of streams.backtest), how many alerts, trials and what was usual."""

    incidents: Sequence[Mapping[str, Any]]
    alerts: int | None
    trials: Sequence[Trial]
    usual: Usual


def backtest_page(history: History, span: tuple[int, int], judged: Judged, wording: Wording) -> str:
    """The HTML of a backtest over epoch seconds `span`."""
    zone = wording.timezone
    counts = history.counts(*span)
    order = _order(counts, judged.incidents)
    changes: dict[str, list[int]] = {}
    for mark in history.changes((), *span):
        changes.setdefault(mark.service, []).append(mark.at)
    hourly = _hourly(counts, judged.usual)
    shown = [
        _shown(service, hourly, changes.get(service, []), judged, wording, place < SHOWN)
        for place, service in enumerate(order[: SHOWN + FOLDED])
    ]
    start, end = (dt.datetime.fromtimestamp(at, zone) for at in span)
    said: Counter[str] = Counter()
    for service, count in zip(counts.service, counts.negative.tolist(), strict=True):
        said[service] += count
    rest = [(wording.topology.title(service) or "—", said[service]) for service in order[SHOWN + FOLDED :]]
    about = Page(
        start, end, int(counts.total.sum()), int(counts.negative.sum()), judged.alerts,
        [_incident(row, wording) for row in judged.incidents], judged.trials, shown[:SHOWN], shown[SHOWN:], rest, zone,
    )  # fmt: skip
    return page("backtest.html", wording, page=about)


def _order(counts: MinuteCounts, incidents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Services with most incidents first, then those with most negative complaints."""
    hurt = Counter(service for row in incidents for service in row["services"])
    said: Counter[str] = Counter()
    for service, count in zip(counts.service, counts.negative.tolist(), strict=True):
        said[service] += count
    return sorted(said, key=lambda service: (-hurt[service], -said[service], service))


def _hourly(counts: MinuteCounts, usual: Usual) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
    hours = usual.hours
    rows: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    places = (counts.minute // HOUR - hours[0] // HOUR).tolist()
    for service, place, count in zip(counts.service, places, counts.negative.tolist(), strict=True):
        rows.setdefault(service, np.zeros(len(hours)))[place] += count
    return rows


def _shown(
    service: str,
    hourly: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]],
    changes: Sequence[int],
    judged: Judged,
    wording: Wording,
    both: bool,
) -> Shown:
    hours = judged.usual.hours
    nothing = np.full(len(hours), np.nan)
    own = [row for row in judged.incidents if service in row["services"]]
    end = int(hours[-1]) + HOUR
    shades = [Shade(_seconds(row["onset"]), _seconds(row["resolved_at"], end), int(row["level"])) for row in own]
    dots = [(trial.name, [one.start for one in _of(service, trial.called)]) for trial in judged.trials if trial.name]
    dots = [(name, moments) for name, moments in dots if moments]
    negative = hourly.get(service, np.zeros(len(hours)))
    weeks = Weeks(hours, negative, judged.usual.expected.get(service, nothing), shades, changes, dots)
    pictures = [drawn(weeks, wording.timezone, width) for width in ((WIDE, NARROW) if both else (WIDE,))]
    return Shown(wording.topology.title(service) or "—", int(negative.sum()), len(own), pictures)


def _of(service: str, called: Sequence[Called]) -> list[Called]:
    return [one for one in called if one.service == service]


def _seconds(text: str | None, default: float = 0.0) -> float:
    return dt.datetime.fromisoformat(text).timestamp() if text else default


def _incident(row: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    opened = dt.datetime.fromisoformat(row["opened_at"]).astimezone(wording.timezone)
    ended = _seconds(row["resolved_at"], opened.timestamp())
    cause = row["causes"][0] if row["causes"] and row["verdict"] == "explained" else None
    return {
        "level": row["level"],
        "title": row["title"],
        "opened": f"{opened:%m-%d %H:%M}",
        "lasted": wording.minutes(max(ended - _seconds(row["onset"]), 0)),
        "services": [wording.topology.title(service) or "—" for service in row["services"]],
        "complaints": row["complaints"],
        "expected": row["expected"],
        "cause": f"{wording.topology.title(cause['service'])} {cause.get('metric') or cause.get('change')}" if cause else "",
        "probability": cause["probability"] if cause else 0.0,
    }
