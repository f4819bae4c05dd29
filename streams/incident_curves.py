"""Which curves tell an incident's story: the incident and its history in, panels on one time axis out.

First what users said, against the same minutes of the days before; then the path from complaint to cause; then what else
moved most in each layer of the services touched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.topology import Topology
from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.curves import BLUE, GREY, RED, Axis, Line, Panel
from streams.history import History
from streams.records import Incident

LEAD, TAIL = 90 * 60, 30 * 60  # seconds shown before the onset and after the end
LONGEST = 24 * 3600
SMOOTH = 15  # minutes on either side, of the baseline
# Series drawn a layer, beside those on the path, and how far (robust sigmas) one must have moved to be drawn.
A_LAYER = 1
MOVED = 3.0
LAYERS = ("business", "experience", "app", "idc")


class Story(NamedTuple):
    """Everything drawn: the axis, what users said, the measured panels, the changes within the window."""

    axis: Axis
    said: Panel
    measured: tuple[Panel, ...]
    changes: tuple[ChangeMark, ...]


def story(incident: Incident, history: History, topology: Topology, zone: dt.tzinfo, words: Mapping[str, str]) -> Story:
    """The curves of an incident, from before its onset to after its end."""
    onset, end = (_minute(at) for at in (incident.onset, incident.resolved_at or incident.updated_at))
    start = max(onset - max(LEAD, (end - onset) // 120 * 60), end + TAIL - LONGEST)
    stop = end + TAIL
    times = np.arange(start, stop, 60)
    services = {service for service in incident.services if service}
    suspects = {cause.service for cause in incident.causes[:5]}
    along = {step.service for cause in incident.causes[:1] for step in cause.path}
    entities = services | suspects | along
    entities |= {idc for service in entities for idc in topology.idcs_of(service)}
    window = history.metrics(sorted(entities), start, stop)
    chosen = choose(incident, window, onset, end)
    panels = tuple(
        Panel(_named(key, topology), (Line(_aligned(window, key, times), BLUE),)) for key in chosen if key in window.keys
    )
    changes = tuple(history.changes(sorted(entities), start, stop))
    said = _said(history, incident.services, times, words["voices"])
    return Story(Axis(times, zone, (onset, end)), said, panels, changes)


def choose(incident: Incident, window: MetricWindow, onset: int, end: int) -> list[SeriesKey]:
    """The path's series, then in each layer those that moved most while it lasted, up to A_LAYER each; in the layers' order."""
    path = [SeriesKey(step.layer, step.service, step.metric) for cause in incident.causes[:1] for step in cause.path]
    path += [SeriesKey(cause.layer, cause.service, cause.metric) for cause in incident.causes[:1] if cause.kind == "metric"]
    moved = _moves(window, onset, end)
    chosen = [key for key in dict.fromkeys(path) if key in moved]
    for layer in LAYERS:
        rest = [key for key in moved if key.layer == layer and key not in chosen and moved[key] >= MOVED]
        own = [key for key in moved if key.layer == layer == "business" and key.service == incident.service and key not in chosen]
        ranked = sorted(rest, key=lambda key: -moved[key])
        chosen += list(dict.fromkeys([*ranked, *own]))[:A_LAYER]
    return sorted(chosen, key=lambda key: LAYERS.index(key.layer) if key.layer in LAYERS else len(LAYERS))


def _moves(window: MetricWindow, onset: int, end: int) -> dict[SeriesKey, float]:
    """How far each series went while it lasted from where it was before, in robust sigmas (median and MAD)."""
    before, during = window.times < onset, (window.times >= onset) & (window.times <= end)
    found: dict[SeriesKey, float] = {}
    for key, values in zip(window.keys, window.values, strict=True):
        calm, stormy = values[before], values[during]
        calm, stormy = calm[~np.isnan(calm)], stormy[~np.isnan(stormy)]
        if len(calm) >= 10 and len(stormy):
            middle = np.median(calm)
            spread = 1.4826 * np.median(np.abs(calm - middle)) + 1e-3 * abs(middle) + 1e-12
            found[key] = float(np.quantile(np.abs(stormy - middle), 0.8) / spread)
    return found


def _said(history: History, services: Sequence[str], times: NDArray[np.int64], title: str) -> Panel:
    start, stop = int(times[0]), int(times[-1]) + 60
    total, negative = _per_minute(history, services, start, stop)
    days = [_per_minute(history, services, start - 86400 * back, stop - 86400 * back) for back in (1, 2, 3)]
    known = [bad for said, bad in days if said.any()]
    lines = [Line(total, GREY, "area"), Line(negative, RED, "area")]
    if known:
        width = np.ones(2 * SMOOTH + 1)
        mean = np.mean(known, axis=0)
        smooth = np.convolve(mean, width, "same") / np.convolve(np.ones(len(mean)), width, "same")
        lines.append(Line(smooth, "#7a1f18", "dashes"))
    return Panel(title, tuple(lines), high=True)


def _per_minute(
    history: History, services: Sequence[str], start: int, stop: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts = history.counts(start, stop)
    ours = np.isin(np.asarray(counts.service, dtype=str), list(services)) if len(counts.minute) else np.zeros(0, dtype=bool)
    place = (np.asarray(counts.minute)[ours] - start) // 60
    size = (stop - start) // 60
    total = np.bincount(place, np.asarray(counts.total)[ours], size).astype(np.float64)
    negative = np.bincount(place, np.asarray(counts.negative)[ours], size).astype(np.float64)
    return total, negative


def _aligned(window: MetricWindow, key: SeriesKey, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The series at each minute: a value holds until the next one of its step is due, a missing one is a gap."""
    row = window.values[window.keys.index(key)]
    place = np.searchsorted(window.times, times, side="right") - 1
    held = (place >= 0) & (times - window.times[place] < window.step)
    return np.where(held, row[place], np.nan)


def _named(key: SeriesKey, topology: Topology) -> str:
    return f"{topology.title(key.service)} · {key.metric}"


def _minute(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // 60 * 60
