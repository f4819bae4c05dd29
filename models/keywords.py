"""Words in, the few that say most out: term frequency × inverse document frequency, jieba's idf kept as one byte a hash.

`build_idf` makes the table from jieba's own idf file and the shipped stop words; stop words and single characters weigh 0.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, Card, read_artefact, write_artefact
from models.features import Batch, word_hashes

NAME = "keywords"
SCHEME = "fnv32-idf18-1"
_BITS = 18
_STEP = 0.06  # idf per level; jieba's largest is 13.9
_UNKNOWN = 1  # marks a hash that jieba has no idf for
_WORTH = re.compile(r"^(?!\d)[\w-]{2,16}$")


class KeywordTable:
    """idf by hashed word."""

    def __init__(self, idf: NDArray[np.uint8]) -> None:
        median = np.median(idf[idf > _UNKNOWN]) if (idf > _UNKNOWN).any() else 1
        self._idf = np.where(idf == _UNKNOWN, median, idf).astype(np.float32)

    def pick(self, batch: Batch, count: int = 5) -> list[tuple[str, ...]]:
        """Up to `count` keywords of each text of `batch`, the weightiest first."""
        ranked, first = self._ranked(batch)
        return [_worthy(ranked[start:end], count) for start, end in pairwise(first)]

    def _ranked(self, batch: Batch) -> tuple[list[str], list[int]]:
        """The distinct words of each text that weigh anything, the weightiest first, and where each text's begin."""
        weight = self._idf[batch.hashes >> np.uint32(32 - _BITS)]
        length = np.fromiter(map(len, batch.words), np.int64, len(batch.words))
        telling = np.flatnonzero((weight > 0) & (length > 1))
        text = np.searchsorted(batch.first, telling, side="right") - 1
        _, said, word = np.unique((text << 32) | batch.hashes[telling], return_index=True, return_inverse=True)
        total = np.bincount(word, weight[telling], minlength=len(said))
        order = np.lexsort((said, -total, text[said]))
        chosen = said[order]
        ranked = list(map(batch.words.__getitem__, telling[chosen].tolist()))
        return ranked, np.searchsorted(text[chosen], np.arange(len(batch.first))).tolist()


def _worthy(words: Sequence[str], count: int) -> tuple[str, ...]:
    found: list[str] = []
    for word in words:
        if _WORTH.match(word):
            found.append(word)
            if len(found) == count:
                break
    return tuple(found)


def load_keywords(folder: Path = SHIPPED) -> KeywordTable:
    """The table in `folder`. Raises ArtefactError when there is none that fits the code."""
    _, arrays = read_artefact(folder, NAME, SCHEME)
    return KeywordTable(arrays["idf"])


def build_idf(out: Path = SHIPPED) -> Card:
    """Write the table from jieba's idf file and the stop words."""
    jieba = find_spec("jieba")
    if jieba is None or jieba.origin is None:
        raise FileNotFoundError("jieba is not installed")
    table = np.full(1 << _BITS, _UNKNOWN, np.uint8)
    lines = (Path(jieba.origin).parent / "analyse" / "idf.txt").read_text(encoding="utf-8").split("\n")
    pairs = [line.split() for line in lines if len(line.split()) == 2]
    values = np.array([float(value) for _, value in pairs])
    place = word_hashes([word for word, _ in pairs]) >> np.uint32(32 - _BITS)
    order = np.argsort(-values, kind="stable")  # where words collide the more frequent one decides
    table[place[order]] = np.clip(np.round(values[order] / _STEP), 2, 255).astype(np.uint8)
    stop = (SHIPPED / "stopwords.txt").read_text(encoding="utf-8").split()
    table[word_hashes(stop) >> np.uint32(32 - _BITS)] = 0
    card = Card(
        name=NAME,
        scheme=SCHEME,
        made=dt.date.today().isoformat(),
        data={"jieba idf.txt (MIT)": len(pairs), "stopwords.txt (own)": len(stop)},
        method="idf as published with jieba, one byte a hash, stop words 0",
        features="words, hashed",
        scores={},
        limits="general Chinese; words unknown to jieba count as average",
        parameters={},
        files={},
    )
    return write_artefact(out, card, {"idf": table})
