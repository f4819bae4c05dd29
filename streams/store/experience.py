"""The experience index in ClickHouse: the rollups in, rows of `experience` out, every five minutes and every local day.

`ExperienceIndex.refresh(through)` adds what is missing up to the minute that everything is complete to. It goes on where the
table ends, so that a restart repeats nothing and a new leader takes over. What arrives later changes no row of five minutes;
the day's row is made when the day is over.
"""

# ruff: noqa: S608 -- constants put together here; values are parameters
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np

from models import experience
from models.experience import Floats, Part, reading
from models.window import MetricWindow, SeriesKey
from streams.experience import MEASURED, Slots, Usual, days, expected, satisfied, slots, usual, voices
from streams.history import MinuteCounts
from streams.store.client import Column, Store
from streams.store.history import StoredHistory

STEP, DAY = 300, 86_400
CHUNK = 3600  # seconds computed at a time
_SINCE = "minute >= fromUnixTimestamp({start:Int64}) AND minute < fromUnixTimestamp({end:Int64})"
_NAMES = f"SELECT DISTINCT layer, service, metric FROM metrics_1m WHERE layer != 'idc' AND {_SINCE}"
_VALUES = f"""
SELECT layer, service, metric, intDiv(toUnixTimestamp(minute) - {{start:Int64}}, 60) AS place, sum(sum) / sum(points) AS value
FROM metrics_per_minute
WHERE {_SINCE} AND layer != 'idc' AND metric IN {{metrics:Array(String)}}
GROUP BY layer, service, metric, place
"""
_READINGS = (
    f"SELECT layer, service, metric, groupArray(place), groupArray(value) FROM ({_VALUES}) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_MEDIANS = f"SELECT layer, service, metric, quantileExact(0.5)(value) FROM ({_VALUES}) GROUP BY 1, 2, 3"
_ANSWERS = """
SELECT service, count(), sum(mark)
FROM
(
    SELECT complaint, max(satisfaction) AS mark FROM followups FINAL
    WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')} AND satisfaction > 0 GROUP BY complaint
) AS answered
INNER JOIN
(
    SELECT id, service FROM complaints FINAL
    WHERE ts >= {start:DateTime64(3, 'UTC')} - INTERVAL 30 DAY AND ts < {end:DateTime64(3, 'UTC')} AND service != ''
) AS said ON said.id = answered.complaint
GROUP BY service
"""
_FIRST = """
SELECT toUnixTimestamp(min(first)) FROM
(
    SELECT min(minute) AS first FROM complaints_1m HAVING count() > 0
    UNION ALL SELECT min(minute) FROM metrics_1m HAVING count() > 0
) HAVING count() > 0
"""
_LAST = "SELECT toUnixTimestamp(max(at)) FROM experience WHERE step = {step:UInt32} HAVING count() > 0"
_OF_DAY = f"""
SELECT service, {", ".join(f"avg({part})" for part in MEASURED)} FROM experience FINAL
WHERE step = {{step:UInt32}} AND at >= fromUnixTimestamp({{start:Int64}}) AND at < fromUnixTimestamp({{end:Int64}})
GROUP BY service
"""


class StoredPast:
    """streams.experience.Past over a Store. Errors as Store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._history = StoredHistory(store)
        self._metrics: list[str] = []  # names that users feel, as of the last question for medians

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaints per minute."""
        return self._history.counts(start, end)

    def readings(self, start: int, end: int) -> MetricWindow:
        """Per-minute means of the series that users feel."""
        times = np.arange(start, end, 60, dtype=np.int64)
        asked = {"start": start, "end": end, "metrics": self._metrics}
        layer, service, metric, places, means = self._store.columns(_READINGS, asked)
        values = np.full((len(layer), len(times)), np.nan)
        for row, (place, mean) in enumerate(zip(places, means, strict=True)):
            values[row, place] = mean
        return MetricWindow(times, 60, tuple(SeriesKey(*key) for key in zip(layer, service, metric, strict=True)), values)

    def medians(self, start: int, end: int) -> Mapping[SeriesKey, float]:
        """The median of each such series."""
        asked = {"start": start, "end": end}
        self._metrics = sorted({row[2] for row in self._store.rows(_NAMES, asked) if reading(SeriesKey(*row))})
        rows = self._store.rows(_MEDIANS, {**asked, "metrics": self._metrics})
        return {SeriesKey(*row[:3]): float(row[3]) for row in rows}

    def answers(self, start: int, end: int) -> Mapping[str, tuple[int, int]]:
        """Service → marks given in follow-ups, and their sum."""
        return {name: (int(count), int(total)) for name, count, total in self._store.rows(_ANSWERS, {"start": start, "end": end})}


class ExperienceIndex:
    """Keeps the table up to date. For one thread; `zone` says when a day begins."""

    def __init__(self, store: Store, zone: dt.tzinfo) -> None:
        self._store, self._zone = store, zone
        self._past = StoredPast(store)
        self._usual: Usual | None = None
        self._first = 0
        self._through: int | None = None

    def refresh(self, through: int) -> int:
        """Computes every slot that ended by epoch second `through` and is not there yet; how many rows. Errors as Store."""
        through = through // STEP * STEP
        if self._through is not None and through <= self._through:
            return 0
        if self._through is None:  # both are asked for once: they read whole columns
            first, stored = self._store.rows(_FIRST), self._store.rows(_LAST, {"step": STEP})
            if not first:
                return 0
            self._first = int(first[0][0])
            self._through = int(stored[0][0]) + STEP if stored else self._first // STEP * STEP
        made = 0
        for midnight, low, high in days(self._through, through, self._zone):
            made += self._day(midnight, low, high)
        self._through = max(through, self._through)
        return made

    def _day(self, midnight: int, start: int, end: int) -> int:
        """Slots of one local day, and the day itself when this is its end."""
        if self._usual is None or self._usual.midnight != midnight:
            self._usual = usual(self._past, midnight, self._first)
        known = self._usual
        if known is None:
            return 0
        made = sum(
            self._save(slots(self._past, known, low, min(low + CHUNK, end), STEP), STEP) for low in range(start, end, CHUNK)
        )
        following = next(days(end, end + 1, self._zone))[0]
        return made + (self._save(self._whole(known, midnight, end), DAY) if following == end else 0)

    def _whole(self, known: Usual, start: int, end: int) -> Slots:
        """The day: voices of all of it together, machines as the mean of its five minutes."""
        found = {row[0]: row[1:] for row in self._store.rows(_OF_DAY, {"step": STEP, "start": start, "end": end})}
        times, nothing = np.array([start], np.int64), (None,) * len(MEASURED)
        means = np.array([found.get(name, nothing) for name in known.services], np.float64).reshape(-1, len(MEASURED))
        negative, total = voices(self._past, known, start, end, end - start)
        parts: dict[Part, Floats] = {
            "volume": experience.volume(negative, expected(known, times, DAY)),
            "polarity": experience.polarity(negative, total, known.share[:, None]),
            **{part: means[:, [column]] for column, part in enumerate(MEASURED)},
            "satisfaction": satisfied(known)[:, None],
        }
        return Slots(known.services, times, experience.index(parts), parts)

    def _save(self, found: Slots, step: int) -> int:
        """The rows that have an index."""
        rows, columns = np.nonzero(np.isfinite(found.points))
        table: dict[str, Column] = {
            "step": [step] * len(rows),
            "at": found.times[columns],
            "service": [found.services[row] for row in rows.tolist()],
            "points": found.points[rows, columns],
        }
        for part, shares in found.parts.items():
            table[part] = [share if share == share else None for share in shares[rows, columns].tolist()]  # noqa: PLR0124 -- NaN
        return self._store.insert("experience", table)
