"""The past as ClickHouse keeps it: the History that the live correlator asks.

Columns come back; nothing here loops over points.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from models.window import ChangeMark, MetricWindow, SeriesKey
from streams.history import ChannelCounts, MinuteCounts, Said
from streams.store.client import Store

STEP = 60  # seconds: the rollups' own

_COUNTS = """
SELECT toUnixTimestamp(minute) AS at, service, category, total, negative
FROM complaints_per_minute
WHERE minute >= fromUnixTimestamp({start:Int64}) AND minute < fromUnixTimestamp({end:Int64})
ORDER BY at, service, category
"""
# Of the raw rows: a minute that is read here was rolled up a moment ago.
_CHANNELS = """
SELECT toUnixTimestamp(toStartOfMinute(ts)) AS at, channel, count()
FROM complaints FINAL
WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}
GROUP BY at, channel
ORDER BY at, channel
SETTINGS do_not_merge_across_partitions_select_final = 1
"""
# Places on the grid and means, a pair of arrays a series: cohorts are averaged by their points.
_METRICS = """
SELECT layer, service, metric, groupArray(place), groupArray(value)
FROM
(
    SELECT layer, service, metric, intDiv(toUnixTimestamp(minute) - {start:Int64}, 60) AS place, sum(sum) / sum(points) AS value
    FROM metrics_per_minute
    WHERE minute >= fromUnixTimestamp({start:Int64}) AND minute < fromUnixTimestamp({end:Int64})
        AND (empty({services:Array(String)}) OR service IN {services:Array(String)})
    GROUP BY layer, service, metric, place
)
GROUP BY layer, service, metric
ORDER BY layer, service, metric
"""
# Compared as DateTime64: where `ts < DateTime` decides on parts to read (26.9), it drops the last second's fractions.
_CHANGES = """
SELECT id, toUnixTimestamp(ts) AS at, kind, service, title, stage, cohort
FROM changes FINAL
WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}
    AND (empty({services:Array(String)}) OR service IN {services:Array(String)})
ORDER BY ts, id, stage
"""
_SAID = """
SELECT id, toUnixTimestamp(ts) AS at, text, polarity, service, category, channel, region, app_version, cohort, rating
FROM complaints FINAL
WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}
    AND service = {service:String} AND ({category:String} = '' OR category = {category:String})
ORDER BY ts DESC, id DESC
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


class StoredHistory:
    """streams.history.History over a Store. Errors as Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaint counts of every service, of the minutes that begin in [start, end)."""
        minute, service, category, total, negative = self._store.columns(_COUNTS, {"start": start, "end": end})
        return MinuteCounts(
            np.asarray(minute, np.int64),
            list(service),
            list(category),
            np.asarray(total, np.int64),
            np.asarray(negative, np.int64),
        )

    def channels(self, start: int, end: int) -> ChannelCounts:
        """What was said in every channel, of the minutes that begin in [start, end)."""
        minute, channel, total = self._store.columns(_CHANNELS, {"start": start, "end": end})
        return ChannelCounts(np.asarray(minute, np.int64), list(channel), np.asarray(total, np.int64))

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Per-minute means of every series of these services and IDCs (empty: all), on the minutes that begin in [start, end)."""
        first = -(-start // STEP) * STEP
        times = np.arange(first, end, STEP, dtype=np.int64)
        layer, service, metric, places, means = self._store.columns(
            _METRICS, {"start": first, "end": end, "services": sorted(services)}
        )
        values = np.full((len(layer), len(times)), np.nan)
        for row, (place, mean) in enumerate(zip(places, means, strict=True)):
            values[row, place] = mean
        keys = tuple(SeriesKey(*key) for key in zip(layer, service, metric, strict=True))
        return MetricWindow(times, STEP, keys, values)

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Changes to these services (empty: all), oldest first."""
        rows = self._store.rows(_CHANGES, {"start": start, "end": end, "services": sorted(services)})
        return [ChangeMark(*row) for row in rows]

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """The newest `limit` complaints about a service (and category, unless empty), newest first."""
        asked: dict[str, Any] = {"service": service, "category": category, "start": start, "end": end, "limit": limit}
        return [Said(*row)._replace(rating=row[-1] or None) for row in self._store.rows(_SAID, asked)]
