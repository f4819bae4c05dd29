"""The narrowest slice of users that explains a surge: complaints before and during it in, a Slice out. Pure.

A slice fixes one or more of channel, region, version (or its first numbers: 5.2.x) and cohort. During a surge, complaints are a
mixture of the usual ones and of those that it brings; if it touches a slice only, those fall into it, but for a few. Of all
slices the likeliest one is named, each fixed dimension costing what its values would bring by luck (minimum description
length, Rissanen 1978), and none when the surge is spread as complaints usually are. So a wider slice gives way to a narrower
one only where that is needed to tell where complaints come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.topology import Topology
from streams.history import Said

DIMENSIONS = ("channel", "region", "app_version", "cohort")
# A slice must hold this share of what the surge brought, be this many times as common as before, on at least so many complaints.
COVER = 0.7
LIFT = 1.5
SUPPORT = 5
# A dimension more must leave out at least a fifth of whom the slice held before: nobody is helped by "all but the gray cohort".
NARROWS = 0.8
# How many times as likely as no slice at all it must be, beside the price of its dimensions.
LIKELIER = 1e3
# Shares of what the surge brought that may lie outside the slice: wrong or coarse regions, users who change version meanwhile.
LEAKS = (0.02, 0.1, 0.2)
# A combination was as common before as its values were if they had nothing to do with each other: worth so many complaints.
INDEPENDENT = 10.0

_NAMES = {
    "zh": {"channel": "渠道 ", "region": "", "app_version": "版本 ", "cohort": "灰度组 ", "only": "仅 ", "and": "、"},
    "en": {"channel": "channel ", "region": "", "app_version": "version ", "cohort": "cohort ", "only": "only ", "and": ", "},
}

Values = tuple[tuple[str, str], ...]  # (dimension, value) pairs, in the order of DIMENSIONS


class Slice(NamedTuple):
    """What is fixed, and how much of the surge it holds: its share of the excess, and how many times as common as before."""

    values: Values
    cover: float
    lift: float
    support: int


def narrowest(before: Sequence[Said], during: Sequence[Said], expected: float) -> Slice | None:
    """The slice that explains the surge, None when it is spread as complaints usually are.

    `expected` is how many of `during` would have come anyway.
    """
    excess = len(during) - expected
    if excess < SUPPORT or not before:
        return None
    brought = excess / len(during)
    now, then = _Crowd(during), _Crowd(before)
    best: tuple[float, Slice] | None = None
    shares: dict[Values, float] = {}
    for values, price in _candidates(now, brought):
        inside, known = now.count(values)
        usual = shares[values] = _usual(values, then)
        wider = [shares[part] for part in combinations(values, len(values) - 1) if part]
        cover = min(1.0, (inside / known - (1 - brought) * usual) / brought) if known else 0.0
        if cover < COVER or inside < LIFT * usual * known or any(usual > NARROWS * share for share in wider):
            continue
        gain = _log_likelihood(inside, known, usual, brought) - price
        if gain >= math.log(LIKELIER) and (best is None or gain > best[0]):
            best = gain, Slice(values, cover, inside / known / usual, inside)
    return best[1] if best else None


def product_line(services: Iterable[str], topology: Topology) -> str:
    """The product of which so many services surge together that it is the product that suffers; '' for none.

    At least two, half of all it has, and no service of another product.
    """
    named = {service for service in services if service}
    products = {topology.services[service].product for service in named if service in topology.services}
    if len(named) < 2 or len(products) != 1 or not named <= topology.services.keys():
        return ""
    (name,) = products
    whole = sum(service.product == name for service in topology.services.values())
    return name if 2 * len(named) >= whole else ""


def in_words(chosen: Slice | None, language: str) -> str:
    """The slice as people read it ('仅 版本 5.2.1、广东'), '' for none."""
    if chosen is None:
        return ""
    names = _NAMES[language]
    return names["only"] + names["and"].join(names[dimension] + value for dimension, value in chosen.values)


class _Crowd:
    """Complaints as columns: who is in a slice is found once a value."""

    def __init__(self, complaints: Sequence[Said]) -> None:
        self.given = {dimension: [getattr(said, dimension) for said in complaints] for dimension in DIMENSIONS}
        self._known = {dimension: np.array([value != "" for value in column]) for dimension, column in self.given.items()}
        self._inside: dict[tuple[str, str], NDArray[np.bool_]] = {}

    def count(self, values: Values) -> tuple[int, int]:
        """How many complaints are in the slice, and how many say where they stand in all its dimensions."""
        inside, known = (np.logical_and.reduce(masks) for masks in zip(*map(self._masks, values), strict=True))
        return int((inside & known).sum()), int(known.sum())

    def _masks(self, value: tuple[str, str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        if value not in self._inside:
            dimension, name = value
            self._inside[value] = np.array([given == name or _within(given, name) for given in self.given[dimension]])
        return self._inside[value], self._known[value[0]]


def _candidates(now: _Crowd, brought: float) -> Iterator[tuple[Values, float]]:
    """Combinations of values that hold enough of the surge by themselves, fewer values first, each with its price in nats."""
    single: dict[str, list[str]] = {}
    price: dict[str, float] = {}
    for dimension, column in now.given.items():
        distinct = set(column) - {""}
        if dimension == "app_version":
            distinct |= {family for value in distinct if (family := _family(value))}
        price[dimension] = math.log(len(distinct) + 1) + math.log(len(DIMENSIONS))
        for value in sorted(distinct):
            inside, known = now.count(((dimension, value),))
            if 2 * known >= len(column) and inside >= max(SUPPORT, COVER * brought * known):
                single.setdefault(dimension, []).append(value)
    for size in range(1, len(single) + 1):
        for fixed in combinations(single, size):
            for values in product(*(single[dimension] for dimension in fixed)):
                yield tuple(zip(fixed, values, strict=True)), sum(price[dimension] for dimension in fixed)


def _family(version: str) -> str:
    """'5.2.x' of '5.2.1'; '' of a version of less than three numbers."""
    head, dot, _ = version.rpartition(".")
    return f"{head}.x" if dot and "." in head else ""


def _within(version: str, family: str) -> bool:
    return family.endswith(".x") and version.startswith(family[:-1])


def _usual(values: Values, then: _Crowd) -> float:
    """The slice's share before, drawn towards the product of its values' shares where little was said."""
    counts = [then.count((value,)) for value in values]
    alone = math.prod((inside + 0.5) / (known + 1) for inside, known in counts)
    if len(values) == 1:
        return alone
    inside, known = then.count(values)
    return (inside + INDEPENDENT * alone) / (known + INDEPENDENT)


def _log_likelihood(inside: int, known: int, usual: float, brought: float) -> float:
    """Of the complaints if what the surge brought fell into the slice but for a leak, over that of no slice, in nats."""
    rest = 1 - brought
    return max(
        inside * math.log(rest + brought * ((1 - leak) / usual + leak)) + (known - inside) * math.log(rest + brought * leak)
        for leak in LEAKS
    )
