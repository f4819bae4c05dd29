"""The narrowest slice of users that explains a surge: complaints before and during it in, a Slice out. Pure.

A slice fixes one or more of channel, region, version and cohort. It explains the surge when it holds nearly all of the
complaints beyond the expected ones and had a much smaller share before; of several, the one rarest before is the narrowest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from scipy.stats import binom

from streams.history import Said

DIMENSIONS = ("channel", "region", "app_version", "cohort")
# A slice must hold this share of the excess, be this many times as common as before, on at least so many complaints.
COVER = 0.8
LIFT = 2.0
SUPPORT = 5
# Chance of so many by luck alone, over all slices looked at.
ALPHA = 1e-3

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

    `expected` is how many of `during` would have come anyway. A slice unseen before counts as half a complaint there.
    """
    excess = len(during) - expected
    if excess < SUPPORT or not before:
        return None
    usual = Counter(values for said in before for values in _memberships(said))
    now = Counter(values for said in during for values in _memberships(said))
    found = []
    for values, count in now.items():
        share = (usual[values] + 0.5) / (len(before) + 1)
        cover = min(1.0, (count - expected * share) / excess)
        lift = count / len(during) / share
        if count < SUPPORT or cover < COVER or lift < LIFT:
            continue
        if binom.sf(count - 1, len(during), share) * len(now) <= ALPHA:
            found.append((share, len(values), Slice(values, cover, lift, count)))
    return min(found)[2] if found else None


def in_words(chosen: Slice | None, language: str) -> str:
    """The slice as people read it ('仅 版本 5.2.1、广东'), '' for none."""
    if chosen is None:
        return ""
    names = _NAMES[language]
    return names["only"] + names["and"].join(names[dimension] + value for dimension, value in chosen.values)


def _memberships(said: Said) -> Iterator[Values]:
    fixed = [(dimension, value) for dimension in DIMENSIONS if (value := getattr(said, dimension))]
    for size in range(1, len(fixed) + 1):
        yield from combinations(fixed, size)
