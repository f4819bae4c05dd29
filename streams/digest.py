"""The day's sentiment digest: a day's rows in, one Digest out: volume, what is new, pain, praise, wishes, follow-up."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from streams.digest_emerging import NewTopic, Past, earlier, new_topics
from streams.digest_followups import FollowUps, followed
from streams.digest_rows import Counted, DayRows, Felt, Followed, Said, fetch
from streams.quotes import typical
from streams.records import Incident
from streams.store import incidents
from streams.store.client import Store

TOP = 5
_T = TypeVar("_T", Counted, Said, Followed, Felt, Incident)
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


class ProductDigest(NamedTuple):
    """One product's day. `hourly` and `hourly_before` are 24 pairs of (all, negative); `felt` has the worst service first."""

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
    emerging: tuple[NewTopic, ...] = ()
    felt: tuple[Felt, ...] = ()


class Digest(NamedTuple):
    """The day, per product. `days_before` is how many earlier days there were data of; `titles` names services; `emerging` is
    what is new over all products."""

    date: dt.date
    days_before: int
    limit: int
    titles: Mapping[str, str]
    products: tuple[ProductDigest, ...]
    emerging: tuple[NewTopic, ...] = ()


def gather(store: Store, date: dt.date, zone: ZoneInfo, product: str = "", limit: int = 100) -> Digest:
    """The digest of a local day, of one product or of all. Raises StoreUnavailable and StoreError."""
    rows = fetch(store, date, zone)
    products = {one.service: one.product for one in rows.services}
    opened = incidents.opened(store, rows.start, rows.end)
    days = len({one.date for one in rows.counted if one.date < date})
    names = {products.get(one.service, "") for one in rows.counted} | set(products.values())
    past = earlier(store, date, zone, products)
    made = []
    for name in sorted(names):
        if not product or name == product:
            own = rows._replace(
                counted=_own(rows.counted, products, name),
                said=_own(rows.said, products, name),
                followed=_own(rows.followed, products, name),
                felt=_own(rows.felt, products, name),
            )
            frame = _Frame(date, days, limit, past.products.get(name, {}))
            made.append(_product(name, own, _own(opened, products, name), frame))
    titles = {one.service: one.title for one in rows.services}
    made.sort(key=lambda one: (one.product == "", -one.day.negative))
    if product or len(made) < 2:
        return Digest(date, days, limit, titles, tuple(made), made[0].emerging if made else ())
    return Digest(date, days, limit, titles, tuple(made), new_topics(_blaming(rows.said), past.every, date))


def _own(found: Iterable[_T], products: Mapping[str, str], name: str) -> list[_T]:
    """Those whose service belongs to the product."""
    return [one for one in found if products.get(one.service, "") == name]


class _Frame(NamedTuple):
    date: dt.date
    days: int
    limit: int
    past: Past


def _product(name: str, rows: DayRows, opened: Sequence[Incident], frame: _Frame) -> ProductDigest:
    today = [row for row in rows.counted if row.date == frame.date]
    earlier = [row for row in rows.counted if row.date < frame.date]
    day, days = _sum(today), max(frame.days, 1)
    wishes = [one.text for one in rows.said if SUGGESTING in one.intents]
    return ProductDigest(
        product=name,
        day=day,
        before=Counts(*(value / days for value in _sum(earlier))),
        hourly=_hourly(today, 1),
        hourly_before=_hourly(earlier, days),
        pains=_points([one for one in rows.said if one.polarity < 0], -1, earlier, days),
        praises=_points([one for one in rows.said if one.polarity > 0], 1, earlier, days),
        wishes=typical(wishes[:QUOTED], TOP),
        wish_count=len(wishes),
        incidents=tuple(opened),
        followups=followed(rows.followed),
        over_limit=day.negative > frame.limit,
        emerging=new_topics(_blaming(rows.said), frame.past, frame.date),
        felt=tuple(rows.felt),
    )


def _blaming(said: Iterable[Said]) -> list[str]:
    return [one.text for one in said if one.polarity < 0]


def _sum(rows: Sequence[Counted]) -> Counts:
    return Counts(sum(row.total for row in rows), sum(row.negative for row in rows), sum(row.positive for row in rows))


def _hourly(rows: Iterable[Counted], days: int) -> tuple[tuple[float, float], ...]:
    total, negative = [0.0] * 24, [0.0] * 24
    for row in rows:
        total[row.hour] += row.total / days
        negative[row.hour] += row.negative / days
    return tuple(zip(total, negative, strict=True))


def _points(said: Sequence[Said], polarity: int, earlier: Iterable[Counted], days: int) -> tuple[Point, ...]:
    groups: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for one in said:
        groups[one.service, one.category].append(one)
    before: Counter[tuple[str, str]] = Counter()
    for row in earlier:
        before[row.service, row.category] += row.negative if polarity < 0 else row.positive
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))[:TOP]
    return tuple(
        Point(
            service, category, len(members), before[service, category] / days, _aspects(members, polarity),
            typical([one.text for one in members[:QUOTED]], 2),
        )
        for (service, category), members in largest
    )  # fmt: skip


def _aspects(said: Iterable[Said], polarity: int) -> tuple[str, ...]:
    named = Counter(
        aspect for one in said for aspect, mood in zip(one.aspects, one.aspect_polarities, strict=True) if mood == polarity
    )
    return tuple(aspect for aspect, _ in named.most_common(3))
