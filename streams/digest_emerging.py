"""What a day's users complain about that they did not before: the day and its past out of ClickHouse in, new topics out.

The past is sampled, evenly by the hash of the complaint's id: so many texts of a day, of a product or of all together, say as
well as all of them what is usual, and a month of them is read in a moment.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.emerging import emerging
from streams.quotes import typical
from streams.store.client import Store

DAYS = 28
# Texts of an earlier day, of one product and of all; and of the day itself.
SAMPLED, SAMPLED_OF_ALL, READ = 300, 1_000, 10_000
QUOTED = 300  # texts a topic's typical ones are chosen among
TOP = 5


class NewTopic(NamedTuple):
    """A topic that is new. `mentions` on the day, `lift` times as often as before, since the local day `since`."""

    title: str
    phrases: tuple[str, ...]
    mentions: int
    lift: float
    since: dt.date
    quotes: tuple[str, ...]


Past = Mapping[dt.date, Sequence[str]]


class Earlier(NamedTuple):
    """Sampled texts of negative complaints by local day, of each product and of all."""

    products: Mapping[str, Past]
    every: Past


def earlier(store: Store, date: dt.date, zone: ZoneInfo, products: Mapping[str, str]) -> Earlier:
    """The DAYS local days before `date`; `products` has the product of each service. Raises StoreUnavailable and StoreError."""
    start, end = (dt.datetime.combine(date - dt.timedelta(days=days), dt.time(), zone) for days in (DAYS, 0))
    asked = {
        "start": int(start.timestamp()), "end": int(end.timestamp()), "zone": zone.key, "limit": SAMPLED,
        "services": list(products), "products": list(products.values()),
    }  # fmt: skip
    by_product: dict[str, dict[dt.date, list[str]]] = defaultdict(lambda: defaultdict(list))
    for product, day, text in store.rows(_OF_PRODUCTS, asked):
        by_product[product][day].append(text)
    if len(by_product) <= 1:
        return Earlier(by_product, next(iter(by_product.values()), {}))
    every: dict[dt.date, list[str]] = defaultdict(list)
    for day, text in store.rows(_OF_ALL, asked | {"limit": SAMPLED_OF_ALL}):
        every[day].append(text)
    return Earlier(by_product, every)


def new_topics(texts: Sequence[str], past: Past, date: dt.date, days: int = DAYS) -> tuple[NewTopic, ...]:
    """What is new in the texts of `date`'s negative complaints against so many days before: the most significant first, TOP."""
    before = [_spread(past.get(date - dt.timedelta(days=back), ()), SAMPLED_OF_ALL) for back in range(days, 0, -1)]
    read = _spread(texts, READ)
    return tuple(
        NewTopic(
            topic.title,
            topic.phrases,
            round(len(topic.texts) * len(texts) / len(read)),
            topic.lift,
            date - dt.timedelta(days=topic.lasted),
            typical([read[place] for place in topic.texts[:QUOTED]], 2),
        )
        for topic in emerging(read, before)[:TOP]
    )


def _spread(texts: Sequence[str], most: int) -> Sequence[str]:
    """Every second, third … of them, so that they are no more than `most`."""
    return texts[:: max(1, -(-len(texts) // most))]


_OF_PRODUCTS = """
SELECT transform(service, {services:Array(String)}, {products:Array(String)}, '') AS product,
  toDate(ts, {zone:String}) AS day, text
FROM complaints FINAL
WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')} AND polarity < 0
ORDER BY cityHash64(id)
LIMIT {limit:UInt32} BY product, day
SETTINGS do_not_merge_across_partitions_select_final = 1"""

_OF_ALL = """
SELECT toDate(ts, {zone:String}) AS day, text
FROM complaints FINAL
WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')} AND polarity < 0
ORDER BY cityHash64(id)
LIMIT {limit:UInt32} BY day
SETTINGS do_not_merge_across_partitions_select_final = 1"""
