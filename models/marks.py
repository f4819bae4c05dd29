"""Texts and the lexicon in, marks out: each term found with what it means here, perhaps denied (不, 没).

Good that is only wished for (希望, 如果) is no mark, nor is a fault that is only asked about (烧机油吗). A batch is judged in
columns: one row a term found, then one row a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, starmap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.lexicon import Lexicon, expand
from models.terms import Endings, Hits, Joined, Places, Terms, join

# Reversals that only look like a negation.
_NO_NEGATION = (
    *("动不动", "是不是", "能不能", "会不会", "要不", "不是", "有没有", "好不", "特别", "个别", "分别", "级别", "识别", "差别"),
    *("区别", "告别", "类别", "性别"),
)
# As good as something else it is not: 没有别家好.
_NOT_AS = re.compile(r"没有?[^，。,.!！?？\s\0]{1,6}$")
_COMPARED = 8  # characters before a good word in which it may be denied so
_CLAUSE_END = re.compile(r"[，,。.!！?？;；~～\s、…\n\0]")
_ASKED = re.compile(r"[\u4e00-\u9fff]{0,1}(?:吗|么(?!多|高|大|差))")  # 油耗高吗: not stated, asked
_BLAMES = ("problem", "bad")
_OPINIONS = ("good", "bad", "problem", "suggestion")
_WISHES = ("wish", "suggestion")
SIGNS = {"good": 1, "bad": -1, "problem": -1}  # of the kinds of mark that praise or blame, where not denied


class Mark(NamedTuple):
    """text[start:end] means `kind` (models.lexicon.Role), here perhaps denied."""

    start: int
    end: int
    kind: str
    name: str
    denied: bool


class Reading(NamedTuple):
    """A text (lower case), its marks by place, how many of its terms name a problem that is not denied, and the kinds of all its
    marks and of those that are not denied.
    """

    text: str
    marks: list[Mark]
    problems: int
    kinds: frozenset[str]
    stated_kinds: frozenset[str]

    @property
    def stated(self) -> list[Mark]:
        """The marks that are not denied."""
        return [mark for mark in self.marks if not mark.denied]


class _Stated(NamedTuple):
    """Terms found that are not only asked about, and whether each is denied."""

    hits: Hits
    denied: NDArray[np.bool_]


class _Rows(NamedTuple):
    """One row a meaning: of value[start:end] in text `owner` the role, perhaps denied."""

    owner: Places
    start: Places
    end: Places
    role: Places
    denied: NDArray[np.bool_]


class Marker:
    """The lexicon, made ready."""

    def __init__(self, lexicon: Lexicon) -> None:
        means = list(lexicon.roles.values())
        self._terms = Terms(lexicon.roles)
        self._negators = Endings(dict.fromkeys(expand(lexicon.negators)))
        self._no_negation = Endings(_NO_NEGATION)
        self._count = np.array([len(roles) for roles in means], np.int64)
        self._first_role = np.cumsum(self._count) - self._count
        kinds = [role.kind for roles in means for role in roles]
        names, self._bit = np.unique(kinds, return_inverse=True)  # a bit for each kind
        self._kinds: list[str] = names.tolist()
        self._sets: dict[int, frozenset[str]] = {}  # of bits, those that occurred
        self._kind, self._name = np.array(kinds, object), np.array([role.name for roles in means for role in roles], object)
        self._good, self._wish = (np.isin(kinds, kind) for kind in (("good",), _WISHES))
        first = [roles[0].kind for roles in means]
        self._problem, self._blames, self._opinion = (np.isin(first, kind) for kind in (("problem",), _BLAMES, _OPINIONS))

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The marks of each text (lower case)."""
        if not texts:
            return []
        joined = join(texts)
        stated = self._stated(joined)
        problem = self._problem[stated.hits.term] & ~stated.denied
        problems = np.bincount(joined.owner(stated.hits.start[problem]), minlength=len(texts)).tolist()
        rows = self._rows(joined, stated)
        marks = list(starmap(Mark, zip(*self._columns(joined, rows), strict=True)))
        first = np.searchsorted(rows.owner, np.arange(len(texts) + 1)).tolist()
        kinds, said = (self._kinds_of(rows, here, len(texts)) for here in (slice(None), ~rows.denied))
        slices = map(marks.__getitem__, starmap(slice, pairwise(first)))
        return list(starmap(Reading, zip(texts, slices, problems, kinds, said, strict=True)))

    def _stated(self, joined: Joined) -> _Stated:
        hits = self._terms.find(joined)
        denied = self._opinion[hits.term]
        denied[denied] = self._denied(joined, hits.start[denied])
        asked = _places(joined, "吗么")
        if len(asked):  # one of them stands where the term ends, or one character later
            near = np.flatnonzero(self._blames[hits.term] & _within(asked, hits.end, hits.end + 2))
            only = [number for number in near.tolist() if _ASKED.match(joined.text, int(hits.end[number]))]
            kept = np.ones(len(hits.term), bool)
            kept[only] = False
            return _Stated(Hits(*(column[kept] for column in hits)), denied[kept])
        return _Stated(hits, denied)

    def _denied(self, joined: Joined, start: Places) -> NDArray[np.bool_]:
        return self._negators.before(joined, start) & ~self._no_negation.before(joined, start)

    def _rows(self, joined: Joined, stated: _Stated) -> _Rows:
        """The meanings of all hits but good that is only wished for."""
        hits = stated.hits
        count = self._count[hits.term]
        row = np.repeat(np.arange(len(count)), count)
        role = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + self._first_role[hits.term[row]]
        start, end, denied = hits.start[row], hits.end[row], stated.denied[row]
        good = self._good[role]
        kept = ~(good & (start <= self._wished(joined, end, self._wish[role])))
        compares = _places(joined, "没")
        for number in np.flatnonzero(good & _within(compares, start - _COMPARED, start)).tolist():
            denied[number] |= _NOT_AS.search(joined.text, max(0, int(start[number]) - _COMPARED), int(start[number])) is not None
        start = start[kept]
        return _Rows(joined.owner(start), start, end[kept], role[kept], denied[kept])

    def _columns(self, joined: Joined, rows: _Rows) -> list[list[Any]]:
        begins = joined.first[rows.owner]
        columns = (rows.start - begins, rows.end - begins, self._kind[rows.role], self._name[rows.role], rows.denied)
        return [column.tolist() for column in columns]

    def _kinds_of(self, rows: _Rows, here: slice | NDArray[np.bool_], count: int) -> list[frozenset[str]]:
        """The kinds of the rows `here` in each of `count` texts."""
        found = np.zeros(count, np.int64)
        np.bitwise_or.at(found, rows.owner[here], np.int64(1) << self._bit[rows.role[here]])
        for value in set(values := found.tolist()) - self._sets.keys():
            self._sets[value] = frozenset(kind for bit, kind in enumerate(self._kinds) if value >> bit & 1)
        return list(map(self._sets.__getitem__, values))

    def _wished(self, joined: Joined, end: Places, wish: NDArray[np.bool_]) -> Places:
        """Up to where a mark's clause only wishes: where the clause of the last wish before it ends, in its text or earlier."""
        wished = np.full(len(end), -1)
        search, text = _CLAUSE_END.search, joined.text
        for number in np.flatnonzero(wish).tolist():
            clause = search(text, int(end[number]))  # a NUL follows each text
            wished[number] = clause.start() if clause else len(text)
        return np.maximum.accumulate(wished) if len(wished) else wished


def _places(joined: Joined, characters: str) -> Places:
    return np.flatnonzero(np.isin(joined.value, [ord(character) for character in characters]))


def _within(places: Places, low: Places, high: Places) -> NDArray[np.bool_]:
    """Whether one of `places` (ascending) is in low … high - 1, each."""
    return np.searchsorted(places, low) < np.searchsorted(places, high)
