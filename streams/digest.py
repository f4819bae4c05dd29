"""The day's sentiment digest: ClickHouse in (reader role), one Digest out: per product volume, pain, praise, wishes and follow-up.

Counts come from the per-minute rollups; quotes, aspects and wishes from the day's complaints themselves, whose texts are
masked already.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from streams.quotes import typical
from streams.records import Incident
from streams.store import incidents
from streams.store.client import Store

DAYS_BEFORE = 7
TOP = 5
QUOTED = 300  # texts a group's typical ones are chosen among
SUGGESTING = "suggestion"


class Counts(NamedTuple):
    """How much was said, and in which mood. Of days before: the mean of a day."""

    total: float = 0
    negative: float = 0
    positive: float = 0

    @property
    def share(self) -> float:
        """The negative share, 0 when nothing was said."""
        return self.negative / self.total if self.total else 0.0


class Point(NamedTuple):
    """A pain point or a praise: what it is about, how often, how often on a day before, the aspects named, typical words."""

    service: str
    category: str
    mentions: int
    before: float
    aspects: tuple[str, ...]
    quotes: tuple[str, ...]


class Owed(NamedTuple):
    """A promise that nobody has kept yet, or a complaint that nobody has answered."""

    complaint: str
    since: dt.datetime
    status: str
    note: str
    text: str


class FollowUps(NamedTuple):
    """How the day's complaints were answered, by the day's end. `satisfaction` is the mean of those who gave one, or None."""

    statuses: Mapping[str, int]
    satisfaction: float | None
    oldest: tuple[Owed, ...]


class ProductDigest(NamedTuple):
    """One product's day. `hourly` and `hourly_before` are 24 pairs of (all, negative)."""

    product: str
    day: Counts
    before: Counts
    hourly: tuple[tuple[float, float], ...]
    hourly_before: tuple[tuple[float, float], ...]
    pains: tuple[Point, ...]
    praises: tuple[Point, ...]
    wishes: tuple[str, ...]
    wish_count: int
    incidents: tuple[Incident, ...]
    followups: FollowUps
    over_limit: bool


class Digest(NamedTuple):
    """The day, per product. `days_before` is how many earlier days there were data of; `titles` names services."""

    date: dt.date
    days_before: int
    limit: int
    titles: Mapping[str, str]
    products: tuple[ProductDigest, ...]


class _Said(NamedTuple):
    service: str
    category: str
    polarity: int
    text: str
    intents: Sequence[str]
    aspects: Sequence[str]
    aspect_polarities: Sequence[int]


class _Day(NamedTuple):
    start: dt.datetime
    end: dt.datetime
    zone: ZoneInfo

    def parameters(self) -> dict[str, Any]:
        stamps = {name: f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}" for name, at in (("start", self.start), ("end", self.end))}
        return {**stamps, "zone": self.zone.key, "before": DAYS_BEFORE}


def gather(store: Store, date: dt.date, zone: ZoneInfo, product: str = "", limit: int = 100) -> Digest:
    """The digest of a local day, of one product or of all. Raises StoreUnavailable and StoreError."""
    start = dt.datetime.combine(date, dt.time(), zone)
    day = _Day(start, dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone), zone)
    services = store.rows("SELECT service, if(title = '', service, title), product FROM topology FINAL")
    products = {service: named for service, _, named in services}
    counted = store.rows(_COUNTS, day.parameters())
    said = [_Said(*row) for row in store.rows(_SAID, day.parameters())]
    followups = store.rows(_FOLLOWUPS, day.parameters())
    opened = incidents.opened(store, start, day.end)
    days = len({row[0] for row in counted if row[0] < date})
    names = sorted({products.get(row[2], "") for row in counted} | set(products.values()), key=lambda name: (name == "", name))
    made = [
        _product(
            name,
            [row for row in counted if products.get(row[2], "") == name],
            [one for one in said if products.get(one.service, "") == name],
            [row for row in followups if products.get(row[0], "") == name],
            [one for one in opened if products.get(one.service, "") == name],
            _Frame(date, days, limit),
        )
        for name in names
        if not product or name == product
    ]
    titles = {service: title for service, title, _ in services}
    return Digest(date, days, limit, titles, tuple(sorted(made, key=lambda one: (one.product == "", -one.day.negative))))


class _Frame(NamedTuple):
    date: dt.date
    days: int
    limit: int


def _product(
    name: str, counted: list[Any], said: list[_Said], followups: list[Any], opened: list[Incident], frame: _Frame
) -> ProductDigest:
    today = [row for row in counted if row[0] == frame.date]
    earlier = [row for row in counted if row[0] < frame.date]
    day, days = _sum(today), max(frame.days, 1)
    before = _sum(earlier)
    wishes = [one.text for one in said if SUGGESTING in one.intents]
    return ProductDigest(
        product=name,
        day=day,
        before=Counts(*(value / days for value in before)),
        hourly=_hourly(today, 1),
        hourly_before=_hourly(earlier, days),
        pains=_points([one for one in said if one.polarity < 0], -1, earlier, days),
        praises=_points([one for one in said if one.polarity > 0], 1, earlier, days),
        wishes=typical(wishes[:QUOTED], TOP),
        wish_count=len(wishes),
        incidents=tuple(opened),
        followups=_followed(followups),
        over_limit=day.negative > frame.limit,
    )


def _sum(rows: Iterable[Any]) -> Counts:
    columns = list(zip(*((row[4], row[5], row[6]) for row in rows), strict=True))
    return Counts(*(sum(column) for column in columns)) if columns else Counts()


def _hourly(rows: Iterable[Any], days: int) -> tuple[tuple[float, float], ...]:
    total, negative = [0.0] * 24, [0.0] * 24
    for row in rows:
        total[row[1]] += row[4] / days
        negative[row[1]] += row[5] / days
    return tuple(zip(total, negative, strict=True))


def _points(said: Sequence[_Said], polarity: int, earlier: Iterable[Any], days: int) -> tuple[Point, ...]:
    groups: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    for one in said:
        groups[one.service, one.category].append(one)
    before: Counter[tuple[str, str]] = Counter()
    for row in earlier:
        before[row[2], row[3]] += row[5] if polarity < 0 else row[6]
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))[:TOP]
    return tuple(
        Point(
            service, category, len(members), before[service, category] / days, _aspects(members, polarity),
            typical([one.text for one in members[:QUOTED]], 2),
        )
        for (service, category), members in largest
    )  # fmt: skip


def _aspects(said: Iterable[_Said], polarity: int) -> tuple[str, ...]:
    named = Counter(
        aspect for one in said for aspect, mood in zip(one.aspects, one.aspect_polarities, strict=True) if mood == polarity
    )
    return tuple(aspect for aspect, _ in named.most_common(3))


def _followed(rows: Sequence[Any]) -> FollowUps:
    pleased = [row[4] for row in rows if row[4]]
    waiting = sorted((row for row in rows if row[3] in ("open", "handling")), key=lambda row: row[2])
    return FollowUps(
        statuses=Counter(row[3] for row in rows),
        satisfaction=sum(pleased) / len(pleased) if pleased else None,
        oldest=tuple(Owed(row[1], row[2].replace(tzinfo=dt.UTC), row[3], row[5], row[6]) for row in waiting[:TOP]),
    )


# Rows of (local date, local hour, service, category, total, negative, positive), the day and DAYS_BEFORE days before it.
_COUNTS = """
SELECT toDate(minute, {zone:String}) AS date, toHour(minute, {zone:String}) AS hour, service, category,
  sum(total), sum(negative), sum(positive)
FROM complaints_1m FINAL
WHERE minute >= toDateTime({start:String}, 'UTC') - INTERVAL {before:UInt16} DAY AND minute < toDateTime({end:String}, 'UTC')
GROUP BY date, hour, service, category"""

_SAID = """
SELECT service, category, polarity, text, intents, aspects, aspect_polarities
FROM complaints FINAL
WHERE ts >= toDateTime({start:String}, 'UTC') AND ts < toDateTime({end:String}, 'UTC')
ORDER BY ts"""

# The last step of each complaint of the day, as it stood at the day's end.
_FOLLOWUPS = """
SELECT service, id, said, status, satisfaction, promise, text
FROM (SELECT id, service, text, ts AS said FROM complaints FINAL
      WHERE ts >= toDateTime({start:String}, 'UTC') AND ts < toDateTime({end:String}, 'UTC')) AS c
INNER JOIN (SELECT complaint, argMax(status, ts) AS status, max(satisfaction) AS satisfaction, argMaxIf(note, ts, note != '') AS promise
            FROM followups FINAL WHERE ts >= toDateTime({start:String}, 'UTC') AND ts < toDateTime({end:String}, 'UTC')
            GROUP BY complaint) AS f ON c.id = f.complaint"""
