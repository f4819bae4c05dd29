"""Topics of phrases that are said together: new phrases with the texts that hold them in, titled topics out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

# Phrases belong together whose texts are alike by this (Ochiai's coefficient, mean over the group).
ALIKE = 0.35
# A phrase stands for another that it contains, and a topic for a lesser one, when it holds this share of the other's texts; a
# topic in most texts of the day must hold more, up to all but a tenth.
STANDS_FOR, MORE, ALL_BUT = 0.6, 1.5, 0.9
# What is said of a topic in this share of its texts goes into its title.
SAID_OF_IT = 0.4
BETWEEN = " · "
LONGEST_TITLE = 20  # characters of a phrase in a title


class Phrase(NamedTuple):
    """A phrase, the texts of today that hold it, and how it compares with the past: `new` is the verdict."""

    name: str
    texts: frozenset[int]
    lift: float
    z: float
    lasted: int
    new: bool


class Topic(NamedTuple):
    """What is new: `texts` are indices into today's, `lift` says how many times as often as before its first phrase is said,
    `z` is that phrase's log-odds over their deviation, and `lasted` for how many days before today it was said as much."""

    title: str
    phrases: tuple[str, ...]
    texts: tuple[int, ...]
    lift: float
    z: float
    lasted: int


def topics(phrases: Sequence[Phrase], texts: Sequence[str]) -> tuple[Topic, ...]:
    """The topics of the new ones of `phrases` in `texts`, the most significant first."""
    found: list[Topic] = []
    covered: list[frozenset[int]] = []
    groups = [sorted(group, key=lambda one: -_telling(one)) for group in _groups(_unsubsumed(phrases))]
    for group in sorted(groups, key=lambda group: -group[0].z):
        held = frozenset().union(*(one.texts for one in group))
        if not any(len(held & other) >= _enough(other, len(texts)) * len(held) for other in covered):
            covered.append(held)
            first = group[0]
            names = tuple(one.name for one in group)
            found.append(Topic(_title(first, phrases, texts), names, tuple(sorted(held)), first.lift, first.z, first.lasted))
    return tuple(found)


def _telling(one: Phrase) -> float:
    """How well a phrase stands for its topic: surely new, and not too short to be understood."""
    return one.z * float(np.log(1 + min(len(one.name), 8)))


def _enough(covering: frozenset[int], texts: int) -> float:
    return max(STANDS_FOR, min(MORE * len(covering) / texts, ALL_BUT))


def _unsubsumed(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The new ones without those that a longer one stands for, or a shorter one of at least as many texts."""
    new = [one for one in phrases if one.new]
    return [one for one in new if not any(_stands_for(other, one) for other in new if other.name != one.name)]


def _stands_for(other: Phrase, one: Phrase) -> bool:
    return one.name in other.name and len(other.texts) >= STANDS_FOR * len(one.texts)


def _groups(phrases: Sequence[Phrase]) -> list[list[Phrase]]:
    if len(phrases) < 2:
        return [[one] for one in phrases]
    shared = np.array([[len(one.texts & other.texts) for other in phrases] for one in phrases], float)
    size = np.diag(shared)
    distance = 1 - shared / np.sqrt(np.outer(size, size))
    labels = fcluster(linkage(distance[np.triu_indices(len(phrases), 1)], "average"), 1 - ALIKE, "distance")
    return [[one for one, label in zip(phrases, labels, strict=True) if label == group] for group in np.unique(labels)]


def _title(first: Phrase, phrases: Sequence[Phrase], texts: Sequence[str]) -> str:
    """The first phrase and what is mostly said of it, in the order in which people say them."""
    name = _whole(first, phrases, texts)

    def bits(one: Phrase) -> float:
        shared = len(one.texts & first.texts)
        return float(shared * np.log(max(one.lift, 1.01)) * (shared >= SAID_OF_IT * len(first.texts)))

    rest = [one for one in phrases if one.name not in name and name not in one.name and not _overlapping(name, one.name)]
    second = max(rest, key=bits, default=None)
    if second is None or not bits(second):
        return name
    both = first.texts & second.texts
    before = sum(texts[text].find(first.name) < texts[text].find(second.name) for text in both)
    return BETWEEN.join((name, second.name) if 2 * before >= len(both) else (second.name, name))


def _whole(first: Phrase, phrases: Sequence[Phrase], texts: Sequence[str]) -> str:
    """A phrase as long as its texts say it: joined with those that overlap it, as long as most of its texts go along."""
    name, least = first.name, STANDS_FOR * len(first.texts)
    said = [texts[text] for text in first.texts]
    for one in [*phrases, *phrases]:
        longer = _overlapping(name, one.name)
        if len(name) < len(longer) <= LONGEST_TITLE and sum(longer in text for text in said) >= least:
            name = longer
    return name


def _overlapping(one: str, other: str) -> str:
    """Both as one string, where one ends as the other begins by two characters at least; else ''."""
    if one in other or other in one:
        return max(one, other, key=len)
    for first, then in ((one, other), (other, one)):
        for size in range(min(len(first), len(then)) - 1, 1, -1):
            if first.endswith(then[:size]):
                return first + then[size:]
    return ""
