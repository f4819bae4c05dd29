"""Literal terms and a batch of texts in, where they stand out: the longest that starts at a place, or whether one ends before it.

The terms are a trie whose edges are sorted numbers, walked by all places of the batch at once; where a term may start is
mostly ruled out by two characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEAD_BITS = 20  # of a hash of two characters: some ten thousand heads collide seldom
_LETTER_BITS = 21  # of an edge's number that tell the code point; the others tell the node it leaves

Places = NDArray[np.int64]


class Joined(NamedTuple):
    """A batch of texts in one string, a NUL after each: its code points, and where each text begins (one more: the end)."""

    text: str
    value: NDArray[np.uint32]
    first: Places

    def owner(self, place: Places) -> Places:
        """The number of the text that each place lies in."""
        return np.searchsorted(self.first, place, side="right") - 1


class Hits(NamedTuple):
    """Terms found, by place: value[start:end] is term number `term`."""

    start: Places
    end: Places
    term: Places


class _Ended(NamedTuple):
    """Of the places that walk, those where a term of `length` ends now, and which."""

    place: Places
    term: Places
    length: int


def join(texts: Sequence[str]) -> Joined:
    """The texts of a batch."""
    joined = "\0".join(texts) + "\0" if texts else ""
    value = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    return Joined(joined, value, np.cumsum([0, *[len(text) + 1 for text in texts]]))


class Terms:
    """Distinct terms made ready; term i is the i-th given. Raises ValueError for an empty or repeated one, or one with a NUL."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._trie = trie = _trie(list(terms))
        letter, leaves = trie.edge & ((1 << _LETTER_BITS) - 1), trie.edge >> _LETTER_BITS
        opening = np.zeros(len(trie.ends), np.int64)  # of the nodes below the root, the character that leads to them
        opening[trie.child[leaves == 0]] = letter[leaves == 0]
        second = (leaves > 0) & (opening[leaves] > 0)
        self._heads = np.zeros(1 << _HEAD_BITS, bool)  # of terms of two characters or more, hashed
        self._heads[_head(opening[leaves[second]].astype(np.uint32), letter[second].astype(np.uint32))] = True
        self._single = np.zeros(1 << _HEAD_BITS, bool)  # of one character
        self._single[_one(opening[(opening > 0) & (trie.ends >= 0)].astype(np.uint32))] = True

    def find(self, joined: Joined) -> Hits:
        """The longest term that starts at each place, ascending; hits may overlap."""
        term, end = np.full(len(joined.value), -1), np.zeros(len(joined.value), np.int64)
        value = joined.value
        place = np.flatnonzero(self._heads[_head(value[:-1], value[1:])] | self._single[_one(value[:-1])])
        for ended in self._trie.walk(value.astype(np.int64), place, 1):
            term[ended.place], end[ended.place] = ended.term, ended.place + ended.length
        start = np.flatnonzero(term >= 0)
        return Hits(start, end[start], term[start])


class Endings:
    """Distinct terms made ready to be looked for before places. Raises ValueError as Terms does."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._trie = _trie([term[::-1] for term in terms])

    def before(self, joined: Joined, place: Places) -> NDArray[np.bool_]:
        """Whether some term ends right before each place, in its text."""
        found = np.zeros(len(joined.value) + 1, bool)
        value = np.concatenate([[0], joined.value.astype(np.int64)])  # a NUL before all: no walk leaves
        for ended in self._trie.walk(value, place, -1):
            found[ended.place] = True
        return found[place]


class _Trie(NamedTuple):
    """Edge i, numbered by the node that it leaves and its character, ascending, leads to child[i]; ends: a node's term, or -1."""

    edge: NDArray[np.int64]
    child: NDArray[np.int64]
    ends: NDArray[np.int64]

    def walk(self, value: NDArray[np.int64], place: Places, step: int) -> Iterator[_Ended]:
        """Read value[place], value[place + step] … as long as terms go on, and tell where they end."""
        node, length = np.zeros(len(place), np.int64), 0
        while len(place):
            edge = node << _LETTER_BITS | value[place + length * step]
            at = np.minimum(np.searchsorted(self.edge, edge), len(self.edge) - 1)
            goes = self.edge[at] == edge
            place, node, length = place[goes], self.child[at[goes]], length + 1
            term = self.ends[node]
            yield _Ended(place[term >= 0], term[term >= 0], length)


def _trie(terms: Sequence[str]) -> _Trie:
    joined = join(terms)
    length = np.diff(joined.first) - 1
    if (length < 1).any() or np.count_nonzero(joined.value == 0) != len(terms):
        raise ValueError("a term is empty or has a NUL")
    node, count = np.zeros(len(terms), np.int64), 1
    edges, children = [np.array([-1])], [np.array([0])]
    for depth in range(int(length.max(initial=0))):
        going = np.flatnonzero(length > depth)
        letter = joined.value[joined.first[going] + depth].astype(np.int64)
        edge, place = np.unique(node[going] << _LETTER_BITS | letter, return_inverse=True)
        node[going] = count + place
        edges.append(edge)  # ascending: nodes are numbered by depth
        children.append(np.arange(count, count + len(edge)))
        count += len(edge)
    ends = np.full(count, -1)
    ends[node] = np.arange(len(terms))
    if np.count_nonzero(ends >= 0) != len(terms):
        raise ValueError("a term is given twice")
    return _Trie(np.concatenate(edges), np.concatenate(children), ends)


def _head(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (first * np.uint32(0x9E3779B1) ^ second * np.uint32(0x85EBCA6B)) >> np.uint32(32 - _HEAD_BITS)


def _one(point: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (point * np.uint32(0x9E3779B1)) >> np.uint32(32 - _HEAD_BITS)
