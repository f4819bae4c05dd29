"""Sub-health: what worsens slowly and will reach its limit within a day (models.subhealth), told hours before a threshold would.

Looked for every hour of event time, over the metrics of four days as ten-minute means, which are kept from hour to hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from models.subhealth import BLOCK, Creep, creeping
from models.window import MetricWindow, SeriesKey
from streams.history import History
from streams.records import Alert
from streams.rules.asked import Asked
from streams.rules.heard import Heard

HOUR = 3600
BACK = 4 * 24  # hours looked at
READ = 6  # hours of every metric read at a time
PARTS = HOUR // BLOCK


@dataclass
class _Seen:
    """What is kept between two questions: ten-minute means by hour (epoch seconds), and the answer of the latest hour."""

    history: History
    means: dict[int, MetricWindow] = field(default_factory=dict)
    hour: int = 0
    found: list[Creep] = field(default_factory=list)


# By what each watch heard, which lives as long as it does.
_SEEN: WeakKeyDictionary[Heard, _Seen] = WeakKeyDictionary()


def firing(asked: Asked) -> list[Alert]:
    """One alert a series that creeps, from the hour in which it was seen to."""
    if not asked.config.subhealth.enabled:
        return []
    seen = _SEEN.get(asked.heard)
    if seen is None or seen.history is not asked.history:
        seen = _SEEN[asked.heard] = _Seen(asked.history)
    hour = asked.at // HOUR * HOUR
    if hour != seen.hour:
        seen.hour, seen.found = hour, creeping(_window(seen, hour))
    return [_alert(asked, creep, hour) for creep in seen.found]


def _window(seen: _Seen, end: int) -> MetricWindow:
    """Ten-minute means of the hours before `end`, from the first one that has any."""
    hours = range(end - BACK * HOUR, end, HOUR)
    for start in range(hours.start, end, READ * HOUR):
        missing = [hour for hour in range(start, min(start + READ * HOUR, end), HOUR) if hour not in seen.means]
        if missing:
            window = seen.history.metrics((), missing[0], missing[-1] + HOUR)
            seen.means |= {hour: _means(window, hour) for hour in missing}
    seen.means = {hour: means for hour, means in seen.means.items() if hour in hours}
    begun = next((hour for hour in hours if seen.means[hour].keys), end)
    return _joined([seen.means[hour] for hour in range(begun, end, HOUR)], begun)


def _means(window: MetricWindow, hour: int) -> MetricWindow:
    """The hour's ten-minute means of every series that has a value in it."""
    values = np.full((len(window.keys), PARTS), np.nan)
    place = (window.times - hour) // BLOCK
    for part in range(PARTS):
        block = window.values[:, place == part]
        known = np.isfinite(block)
        count = known.sum(axis=1)
        values[:, part] = np.where(count > 0, np.where(known, block, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    rows = np.flatnonzero(np.isfinite(values).any(axis=1))
    keys = tuple(window.keys[row] for row in rows.tolist())
    return MetricWindow(hour + BLOCK * np.arange(PARTS), BLOCK, keys, values[rows])


def _joined(pieces: list[MetricWindow], start: int) -> MetricWindow:
    times = start + BLOCK * np.arange(PARTS * len(pieces))
    names = dict.fromkeys(key for keys in dict.fromkeys(piece.keys for piece in pieces) for key in keys)
    if all(piece.keys == tuple(names) for piece in pieces):
        values = np.hstack([piece.values for piece in pieces]) if pieces else np.empty((0, 0))
        return MetricWindow(times, BLOCK, tuple(names), values)
    place: dict[SeriesKey, int] = {key: row for row, key in enumerate(names)}
    values = np.full((len(names), len(times)), np.nan)
    for number, piece in enumerate(pieces):
        rows: NDArray[np.int64] = np.array([place[key] for key in piece.keys], np.int64)
        values[rows, PARTS * number : PARTS * (number + 1)] = piece.values
    return MetricWindow(times, BLOCK, tuple(names), values)


def _alert(asked: Asked, creep: Creep, hour: int) -> Alert:
    key, title = creep.key, asked.topology.title(creep.key.service)
    begun, hours = asked.calendar.local(creep.since), max(1, round(creep.hours))
    owner = asked.topology.services[key.service].owner if key.service in asked.topology.services else ""
    return asked.alert(
        f"{key.layer}:{key.service}:{key.metric}", key.service, level=asked.config.subhealth.level, since=hour,
        measured=(creep.now, creep.limit),
        words=(
            asked.words(f"{title}：{key.metric} 缓慢恶化，约 {hours} 小时后到 {creep.limit:.3g}",
                        f"{title}: {key.metric} worsens slowly, at {creep.limit:.3g} in about {hours} h"),
            asked.words(f"现为 {creep.now:.3g}，往日同时约 {creep.usual:.3g}，自 {begun:%m-%d %H:%M} 起持续偏离",
                        f"{creep.now:.3g} now, {creep.usual:.3g} at this time of earlier days, since {begun:%m-%d %H:%M}"),
            *((asked.words(f"负责人：{owner}", f"Owner: {owner}"),) if owner else ()),
        ),
    )  # fmt: skip
