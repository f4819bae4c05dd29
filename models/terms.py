"""Literal terms and a batch of texts in, where terms stand out: the longest that starts at each place, or where any ends.

The terms are a trie whose edges are sorted numbers, walked by all places of the batch at once; a place is mostly ruled out by
its first two characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEAD_BITS = 20  # of a hash of two characters: some ten thousand heads collide seldom
_LETTER_BITS = 16  # of an edge's number that tell the character; the others tell the node it leaves
_PLANE = 1 << _LETTER_BITS  # characters of terms lie in the basic plane

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
    """Distinct terms made ready; term i is the i-th given. Raises ValueError for an empty, repeated or exotic one."""

    def __init__(self, terms: Iterable[str]) -> None:
        nodes: list[dict[int, int]] = [{}]
        ends = [-1]
        for number, term in enumerate(terms):
            node = 0
            for point in map(ord, term):
                if not 0 < point < _PLANE:
                    raise ValueError(f"{term!r}: a term's characters are of the basic plane, and none is NUL")
                node = nodes[node].setdefault(point, len(nodes))
                if node == len(nodes):
                    nodes.append({})
                    ends.append(-1)
            if node == 0 or ends[node] >= 0:
                raise ValueError(f"{term!r}: a term is not empty and given once")
            ends[node] = number
        edges = sorted((node << _LETTER_BITS | point, child) for node, to in enumerate(nodes) for point, child in to.items())
        self._edge, self._child = np.array(edges or [(-1, 0)], np.int64).T
        self._ends = np.array(ends, np.int64)
        self._root = np.zeros(_PLANE, np.int64)
        self._root[list(nodes[0])] = list(nodes[0].values())
        self._single = self._ends[self._root] >= 0  # terms of one character
        self._heads = np.zeros(1 << _HEAD_BITS, bool)  # of longer ones, hashed
        pairs = [(point, second) for point, child in nodes[0].items() for second in nodes[child]]
        self._heads[_head(*np.array(pairs or [(0, 0)], np.uint32).T)] = True

    def find(self, joined: Joined) -> Hits:
        """The longest term that starts at each place, ascending; hits may overlap."""
        term, end = np.full(len(joined.value), -1), np.zeros(len(joined.value), np.int64)
        for ended in self._walk(joined):
            term[ended.place], end[ended.place] = ended.term, ended.place + ended.length
        start = np.flatnonzero(term >= 0)
        return Hits(start, end[start], term[start])

    def ends(self, joined: Joined) -> NDArray[np.bool_]:
        """Whether some term ends right before each place."""
        found = np.zeros(len(joined.value), bool)
        for ended in self._walk(joined):
            found[ended.place + ended.length] = True
        return found

    def _walk(self, joined: Joined) -> Iterator[_Ended]:
        if not len(joined.value):
            return
        value = np.minimum(joined.value, _PLANE - 1).astype(np.int64)
        place = np.flatnonzero(self._heads[_head(joined.value[:-1], joined.value[1:])] | self._single[value[:-1]])
        node = self._root[value[place]]
        place, node, length = place[node > 0], node[node > 0], 1  # two heads may share a hash
        while len(place):
            term = self._ends[node]
            yield _Ended(place[term >= 0], term[term >= 0], length)
            edge = node << _LETTER_BITS | value[place + length]  # a NUL follows each text: no walk leaves it
            at = np.minimum(np.searchsorted(self._edge, edge), len(self._edge) - 1)
            goes = self._edge[at] == edge
            place, node, length = place[goes], self._child[at[goes]], length + 1


def _head(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (first * np.uint32(0x9E3779B1) ^ second * np.uint32(0x85EBCA6B)) >> np.uint32(32 - _HEAD_BITS)
