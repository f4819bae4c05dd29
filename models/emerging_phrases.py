"""The phrases of texts that read as phrases: texts in, collocations of one to four words with their document counts out. Pure.

A phrase stays inside a clause, has no function word at an edge (a negation may open it: 不能用), holds together better than
its parts would by chance (pointwise mutual information, Church and Hanks 1990), and is not a piece of a longer one: what
stands beside it varies (branching entropy, Jin and Tanaka-Ishii 2006; here its min-entropy, the share of the commonest
neighbour).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED
from models.normalise import simplified
from models.segment import Segmenter

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LONGEST = 4  # words
# A phrase must be this many nats likelier than its parts side by side by chance.
COHESION = 1.0
# A phrase of whose occurrences this share has one same neighbour is a piece of a longer phrase.
PIECE = 0.7
_STOPS = ("stopwords.txt", "function_words.txt")  # neither open nor close a phrase
_MASKED = re.compile(r"\[[^\[\]\s]{1,5}\]")
# What may open a phrase though it is a function word, and what may close one after a negation: 用不了, 不能用.
_NEGATIONS = frozenset(
    ("不", "没", "无", "别", "未", "没有", "无法", "不能", "不会", "不到", "不了", "不让", "不给", "no", "not", "cannot")
)
_AFTER_NOT = frozenset("了上到去来出开起动着住掉用看做说换")


class Phrases(NamedTuple):
    """Phrases that enough texts hold, in how many, and how many distinct word sequences there were to choose from."""

    names: tuple[str, ...]
    counts: Ints
    looked: int


class _Line(NamedTuple):
    """All words of all texts in a row, a break after each text. `opens`, `closes` say of a distinct word where it may stand."""

    words: tuple[str, ...]
    word: Ints
    text: Ints
    breaks: Bools
    opens: Bools
    closes: Bools


class _Grams(NamedTuple):
    """Which word sequence of `size` starts at each place of the line (-1: none that counts), how often and in how many texts."""

    size: int
    at: Ints
    counts: Ints
    documents: Ints


def prepared(texts: Sequence[str]) -> list[str]:
    """Texts as phrases are looked for in them: simplified characters, lower case, single spaces, no masks."""
    return [" ".join(_MASKED.sub("。", simplified(text)).lower().split()) for text in texts]


def phrases(texts: Sequence[str], least: int) -> Phrases:
    """The phrases of `prepared` texts that at least `least` of them hold."""
    line = _line(texts)
    single = _grams(1, np.where(line.breaks, -1, line.word), line)
    grams, looked = single, 0
    names: list[str] = []
    counts = [np.zeros(0, np.int64)]
    while len(grams.counts):
        looked += len(grams.counts)
        first = np.zeros(len(grams.counts), np.int64)
        places = np.flatnonzero(grams.at >= 0)[::-1]
        first[grams.at[places]] = places
        kept = np.flatnonzero(grams.documents >= least)
        kept = kept[_framed(grams, first[kept], line)]
        kept = kept[~_pieces(grams, line, least)[kept]]
        names += [_joined([line.words[word] for word in line.word[at : at + grams.size].tolist()]) for at in first[kept].tolist()]
        counts.append(grams.documents[kept])
        if grams.size == LONGEST:
            break
        grams = _longer(grams, single, line, least)
    return Phrases(tuple(names), np.concatenate(counts), looked)


def _line(texts: Sequence[str]) -> _Line:
    cut = _segmenter().cut(texts)
    row = list(chain.from_iterable((*words, "\n") for words in cut))
    places: dict[str, int] = {}
    word = np.array([places.setdefault(each, len(places)) for each in row], np.int64)
    text = np.repeat(np.arange(len(cut)), [len(words) + 1 for words in cut])
    words = tuple(places)
    spoken = np.array([any(map(str.isalnum, each)) for each in words], bool)
    latin = np.array([each[:1].isascii() and each[:1].isalnum() for each in words], bool)[word] if words else np.zeros(0, bool)
    blank = np.array([each == " " for each in words], bool)[word] if words else np.zeros(0, bool)
    between = blank.copy()  # a space between Latin words does not end a clause
    between[1:-1] &= latin[:-2] & latin[2:]
    word, text = word[~between], text[~between]
    opens, closes = np.array([_edges(each) for each in words], bool).reshape(-1, 2).T
    return _Line(words, word, text, ~spoken[word], opens, closes)


@cache
def _edges(word: str) -> tuple[bool, bool]:
    """Whether it may open, and whether it may close a phrase."""
    content = word not in _stops() and not word.isdecimal() and any(map(str.isalpha, word))
    return content or word in _NEGATIONS, content and word not in _NEGATIONS


def _grams(size: int, at: Ints, line: _Line) -> _Grams:
    occurring = at >= 0
    counts = np.bincount(at[occurring]) if occurring.any() else np.zeros(0, np.int64)
    pairs = np.unique(at[occurring] * (len(line.text) + 1) + line.text[occurring])
    return _Grams(size, at, counts, np.bincount(pairs // (len(line.text) + 1), minlength=len(counts)))


def _longer(grams: _Grams, single: _Grams, line: _Line, least: int) -> _Grams:
    """Sequences of one word more, of such as are frequent themselves and hold together."""
    often = grams.documents >= least
    places = np.flatnonzero((grams.at[:-1] >= 0) & (grams.at[1:] >= 0))
    places = places[often[grams.at[places]] & often[grams.at[places + 1]]]
    last = places + grams.size
    whole, inverse = np.unique(grams.at[places] * len(grams.counts) + grams.at[places + 1], return_inverse=True)
    together = np.bincount(inverse, minlength=len(whole))[inverse]
    apart = np.maximum(
        grams.counts[grams.at[places]] * single.counts[single.at[last]],
        single.counts[single.at[places]] * grams.counts[grams.at[places + 1]],
    )
    cohering = np.log(together * single.counts.sum() / apart) >= COHESION if len(places) else np.zeros(0, bool)
    at = np.full(len(grams.at), -1, np.int64)
    _, at[places[cohering]] = np.unique(inverse[cohering], return_inverse=True)
    return _grams(grams.size + 1, at, line)


def _framed(grams: _Grams, first: Ints, line: _Line) -> Bools:
    """Which of the sequences at these places begin and end as a phrase does, and are no single character."""
    opening, closing = line.word[first], line.word[first + grams.size - 1]
    ends = line.closes[closing]
    if grams.size == 1:
        return np.asarray(ends & np.array([len(line.words[word]) > 1 for word in closing.tolist()], bool))
    negated = np.array([line.words[word] in _NEGATIONS for word in line.word[first + grams.size - 2].tolist()], bool)
    after = np.array([line.words[word] in _AFTER_NOT for word in closing.tolist()], bool)
    return np.asarray(line.opens[opening] & (ends | (negated & after)))


def _pieces(grams: _Grams, line: _Line, least: int) -> Bools:
    """Which sequences nearly always go on with the same content word: pieces of a longer phrase. The longest ones never are."""
    piece = np.zeros(len(grams.counts), bool)
    if grams.size == LONGEST:
        return piece
    padded = np.concatenate([[-1], np.where(line.breaks, -1, line.word), [-1]])
    for neighbour, fits in ((padded[:-2], line.opens), (padded[grams.size + 1 :], line.closes)):
        places = np.flatnonzero(grams.at[: len(neighbour)] >= 0)
        places = places[neighbour[places] >= 0]
        places = places[fits[neighbour[places]]]
        pairs, counts = np.unique(grams.at[places] * len(line.words) + neighbour[places], return_counts=True)
        gram = pairs // max(len(line.words), 1)
        piece[gram[(counts >= least) & (counts >= PIECE * grams.counts[gram])]] = True
    return piece


def _joined(words: Sequence[str]) -> str:
    """Words as they are written: Latin ones with spaces between."""
    parts = list(words[:1])
    for before, word in pairwise(words):
        parts += [" ", word] if before[-1:].isascii() and word[:1].isascii() else [word]
    return "".join(parts)


@cache
def _stops() -> frozenset[str]:
    return frozenset(word for name in _STOPS for word in (SHIPPED / name).read_text(encoding="utf-8").split())


@cache
def _segmenter() -> Segmenter:
    return Segmenter()
