"""The few texts that stand for all: complaints in, the most typical and least alike of them out. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BUCKETS = 2048
# How much likeness to a text already chosen counts against a text's own typicality (maximal marginal relevance,
# Carbonell and Goldstein 1998, with lambda = 1/2).
_REDUNDANCY = 1.0
_SHORTEST = 4


def typical(texts: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """Up to `count` of `texts`, the most typical first, each unlike those before it."""
    distinct = list(dict.fromkeys(" ".join(text.split()) for text in texts))
    distinct = [text for text in distinct if len(text) >= _SHORTEST] or [text for text in distinct if text]
    if len(distinct) <= 1:
        return tuple(distinct)
    vectors = _vectors(distinct)
    likeness = vectors @ vectors.T
    typicality = likeness.mean(axis=1)
    chosen = [int(np.argmax(typicality))]
    while len(chosen) < min(count, len(distinct)):
        score = typicality - _REDUNDANCY * likeness[:, chosen].max(axis=1)
        score[chosen] = -np.inf
        chosen.append(int(np.argmax(score)))
    return tuple(distinct[index] for index in chosen)


def _vectors(texts: Sequence[str]) -> NDArray[np.float64]:
    """Unit vectors of character bigrams, weighted down where every text has them."""
    counts = np.zeros((len(texts), _BUCKETS))
    for row, text in enumerate(texts):
        for start in range(len(text) - 1):
            counts[row, zlib.crc32(text[start : start + 2].encode()) % _BUCKETS] += 1
    weight = np.log1p(len(texts) / np.maximum(1, (counts > 0).sum(axis=0)))
    weighted = np.sqrt(counts) * weight
    norm = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit: NDArray[np.float64] = weighted / np.where(norm > 0, norm, 1)
    return unit
