"""What a digest is made of: a local day in, its rows out of ClickHouse, typed.

Counts come from the per-minute rollups; quotes, aspects and wishes from the day's complaints themselves, whose texts are
masked already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streams.store.client import Store
from streams.store.experience import DAY

DAYS_BEFORE = 7


class Counted(NamedTuple):
    """What was said about a service and a category in one hour of one local day."""

    date: dt.date
    hour: int
    service: str
    category: str
    total: int
    negative: int
    positive: int


class Said(NamedTuple):
    """One complaint of the day, as tagged."""

    service: str
    category: str
    polarity: int
    text: str
    intents: Sequence[str]
    aspects: Sequence[str]
    aspect_polarities: Sequence[int]


class Followed(NamedTuple):
    """The last step of one complaint of the day, as it stood at the day's end; satisfaction 0 where none was given."""

    service: str
    complaint: str
    said: dt.datetime
    status: str
    satisfaction: int
    promise: str
    text: str


class Named(NamedTuple):
    """A service with the product it belongs to."""

    service: str
    title: str
    product: str


class Felt(NamedTuple):
    """How users fared with a service: the day's experience index, 0 to 100, and the mean of the days before, if there are."""

    service: str
    points: float
    before: float | None


class DayRows(NamedTuple):
    """Everything of one day. `counted` holds the DAYS_BEFORE days before it, too; `felt` is empty until the day is over."""

    start: dt.datetime
    end: dt.datetime
    services: list[Named]
    counted: list[Counted]
    said: list[Said]
    followed: list[Followed]
    felt: list[Felt]


def fetch(store: Store, date: dt.date, zone: ZoneInfo) -> DayRows:
    """The rows of a local day. Raises StoreUnavailable and StoreError."""
    start = dt.datetime.combine(date, dt.time(), zone)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    stamps = {name: f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}" for name, at in (("start", start), ("end", end))}
    parameters: dict[str, Any] = {**stamps, "zone": zone.key, "before": DAYS_BEFORE, "day": DAY}
    followed = [Followed(*row) for row in store.rows(_FOLLOWUPS, parameters)]
    return DayRows(
        start,
        end,
        services=[
            Named(*row) for row in store.rows("SELECT service, if(title = '', service, title), product FROM topology FINAL")
        ],
        counted=[Counted(*row) for row in store.rows(_COUNTS, parameters)],
        said=[Said(*row) for row in store.rows(_SAID, parameters)],
        followed=[one._replace(said=one.said.replace(tzinfo=dt.UTC)) for one in followed],
        felt=[Felt(*row) for row in store.rows(_FELT, parameters)],
    )


_COUNTS = """
SELECT toDate(minute, {zone:String}) AS date, toHour(minute, {zone:String}) AS hour, service, category,
  sum(total), sum(negative), sum(positive)
FROM complaints_1m FINAL
WHERE minute >= toDateTime({start:String}, 'UTC') - INTERVAL {before:UInt16} DAY AND minute < toDateTime({end:String}, 'UTC')
GROUP BY date, hour, service, category"""

_SAID = """
SELECT service, category, polarity, text, intents, aspects, aspect_polarities
FROM complaints FINAL
WHERE ts >= toDateTime64({start:String}, 3, 'UTC') AND ts < toDateTime64({end:String}, 3, 'UTC')
ORDER BY ts"""

# The last step of each complaint of the day, as it stood at the day's end.
_FOLLOWUPS = """
SELECT service, id, said, status, satisfaction, promise, text
FROM (SELECT id, service, text, ts AS said FROM complaints FINAL
      WHERE ts >= toDateTime64({start:String}, 3, 'UTC') AND ts < toDateTime64({end:String}, 3, 'UTC')) AS c
INNER JOIN (SELECT complaint, argMax(status, ts) AS status, max(satisfaction) AS satisfaction,
              argMaxIf(note, ts, note != '') AS promise
            FROM followups FINAL WHERE ts >= toDateTime64({start:String}, 3, 'UTC') AND ts < toDateTime64({end:String}, 3, 'UTC')
            GROUP BY complaint) AS f ON c.id = f.complaint"""

# The worst first.
_FELT = """
WITH toDateTime({start:String}, 'UTC') AS today
SELECT service, anyIf(points, at = today) AS felt, if(countIf(at < today) = 0, NULL, avgIf(points, at < today)) AS usual
FROM experience FINAL
WHERE step = {day:UInt32} AND at >= today - INTERVAL {before:UInt16} DAY AND at <= today
GROUP BY service HAVING countIf(at = today) > 0
ORDER BY felt, service"""
