"""Texts and their words in, hashed features out: character 1–4-grams and word 1–2-grams of a whole batch at once.

A batch is one array of code points; hashes of all n-grams roll over it in numpy, without a Python loop over texts. A
feature is a bucket of 2**BITS, so many that hardly two n-grams of a corpus share one; within a text each bucket counts
once. What a bucket means depends on every constant here, therefore SCHEME names them and artefacts made under another
scheme are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.terms import join

BITS = 30
CHARACTER_ORDER = 4
WORD_ORDER = 2
SCHEME = f"fnv32-c{CHARACTER_ORDER}-w{WORD_ORDER}-b{BITS}-2"

_PRIME = np.uint32(0x01000193)
_MIX = np.uint32(0x9E3779B1)
_SEED = 0x811C9DC5
_WORD_SEED = np.uint32(0x5BD1E995)
_LONGEST_WORD = 64
_POWERS = np.cumprod(np.full(_LONGEST_WORD, 0x01000193, np.uint32), dtype=np.uint32)


class Points(NamedTuple):
    """A batch of texts as code points: `value` normalised, 0 after each text; `start` where each text begins in it."""

    value: NDArray[np.uint32]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


class Grams(NamedTuple):
    """Buckets of the n-grams that start at `place` (index into Points.value) and belong to `text`."""

    bucket: NDArray[np.uint32]
    place: NDArray[np.int64]


class Features(NamedTuple):
    """The distinct buckets of each text, ascending by text, and each text's length in n-grams, repeats included."""

    bucket: NDArray[np.uint32]
    text: NDArray[np.int64]
    size: NDArray[np.int64]


def _folding() -> NDArray[np.uint32]:
    """Code point → what it counts as: ASCII for full-width forms, lower case, one space for all white space and controls."""
    table = np.arange(0x10000, dtype=np.uint32)
    table[0xFF01:0xFF5F] -= 0xFEE0
    for point in (*range(0x41, 0x5B), *range(0xFF21, 0xFF3B)):
        table[point] = table[point] + 32
    for low, high in ((0x00, 0x21), (0x7F, 0xA1), (0x2000, 0x2010), (0x2028, 0x2030), (0x3000, 0x3001), (0xFEFF, 0xFF00)):
        table[low:high] = 32
    return table


_FOLD = _folding()


class Batch(NamedTuple):
    """A batch of texts: its features, all its words in one list with their hashes, where each text's words begin, its points."""

    features: Features
    words: list[str]
    hashes: NDArray[np.uint32]
    first: list[int]
    points: Points


def batch_features(texts: Sequence[str], words: Sequence[Sequence[str]]) -> Batch:
    """The features of texts, given the words of each: none empty, joined they are the text."""
    flat = [word for cut in words for word in cut]
    counts = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    points = points_of(texts)
    length = np.fromiter(map(len, flat), dtype=np.int64, count=len(flat))
    owner = np.repeat(np.arange(len(words)), counts)
    hashes = _span_hashes(points.value, np.cumsum(length) - length + owner)  # a NUL follows each text
    features = features_of(points, character_grams(points), hashes, owner)
    return Batch(features, flat, hashes, [0, *np.cumsum(counts).tolist()], points)


def points_of(texts: Sequence[str]) -> Points:
    """The batch as folded code points."""
    joined = join(texts)
    raw, start, length = joined.value, joined.first[:-1], np.diff(joined.first) - 1
    value = np.where(raw < 0x10000, _FOLD[np.minimum(raw, 0xFFFF)], raw).astype(np.uint32)
    value[start + length] = 0
    return Points(value, start, length)


def character_grams(points: Points) -> list[Grams]:
    """For n = 1 … CHARACTER_ORDER the buckets of all n-grams that stay within their text."""
    value = points.value
    rolling = np.full(len(value), _SEED, dtype=np.uint32)
    whole = np.ones(len(value), dtype=bool)
    found = []
    for order in range(1, CHARACTER_ORDER + 1):
        count = max(len(value) - order + 1, 0)
        last = value[order - 1 :]
        rolling = (rolling[:count] ^ last) * _PRIME
        rolling ^= rolling >> np.uint32(15)
        whole = whole[:count] & (last != 0)
        place = np.flatnonzero(whole)
        found.append(Grams(_bucket(rolling[place]), place))
    return found


def word_hashes(words: Sequence[str]) -> NDArray[np.uint32]:
    """A 32-bit hash of each word, by its folded code points; no word may be empty."""
    points = points_of(words)
    return _span_hashes(points.value, points.start)


def _span_hashes(value: NDArray[np.uint32], start: NDArray[np.int64]) -> NDArray[np.uint32]:
    """A hash of the folded code points from each start (ascending) to the next; NULs count nothing."""
    if not len(start):
        return np.zeros(0, np.uint32)
    span = np.diff(start, append=len(value))
    offset = np.arange(start[0], len(value)) - np.repeat(start, span)
    inside = value[start[0] :]
    terms = np.where(inside != 0, (inside + _WORD_SEED) * _POWERS[np.minimum(offset, _LONGEST_WORD - 1)], np.uint32(0))
    hashed = np.add.reduceat(terms, start - start[0], dtype=np.uint32)
    hashed ^= hashed >> np.uint32(15)
    hashed *= _MIX
    return np.asarray(hashed ^ (hashed >> np.uint32(13)), dtype=np.uint32)


def features_of(points: Points, grams: Sequence[Grams], hashes: NDArray[np.uint32], owner: NDArray[np.int64]) -> Features:
    """Characters and words together. `hashes` are those of all words of the batch in order, `owner` the text of each."""
    text_at = np.repeat(np.arange(len(points.start)), points.length + 1)
    keys = [_key(text_at[each.place], each.bucket) for each in grams]
    keys.append(_key(owner, _bucket(hashes)))
    same = owner[1:] == owner[:-1]
    pairs = (hashes[:-1] * _PRIME) ^ hashes[1:]
    keys.append(_key(owner[1:][same], _bucket(pairs[same])))
    size = sum((np.maximum(points.length - order, 0) for order in range(CHARACTER_ORDER)), np.zeros_like(points.length))
    key = np.sort(np.concatenate(keys))  # numpy sorts 64-bit numbers with the processor's vectors, but not stably
    first = np.ones(len(key), dtype=bool)
    first[1:] = key[1:] != key[:-1]
    key = key[first]
    return Features((key & np.uint64((1 << BITS) - 1)).astype(np.uint32), (key >> np.uint64(BITS)).astype(np.int64), size)


def _bucket(hashed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (hashed * _MIX) >> np.uint32(32 - BITS)


def _key(text: NDArray[np.int64], bucket: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return (text.astype(np.uint64) << np.uint64(BITS)) | bucket
