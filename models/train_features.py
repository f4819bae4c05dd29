"""Texts in, what each part of the sentiment model learns from out: as tagging sees them, normalised, masked, segmented."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.convolution import Tokens
from models.features import Batch, batch_features
from models.normalise import plain, simplified
from models.privacy import mask
from models.segment import Segmenter
from models.sentiment import character_tokens, word_tokens

_BATCH = 4096


class Matrix(NamedTuple):
    """One row a text, each divided by the root of its length; `buckets[i]` (ascending) is the bucket of column i."""

    rows: sparse.csr_matrix
    buckets: NDArray[np.uint32]


class Prepared(NamedTuple):
    """Texts as each part of the model reads them."""

    matrix: Matrix
    words: Tokens
    characters: Tokens


def features(texts: tuple[str, ...]) -> Matrix:
    """The hashed features of texts as tagging sees them: normalised, masked, segmented."""
    return prepare(texts).matrix


def prepare(texts: tuple[str, ...]) -> Prepared:
    """Texts as tagging sees them, for every part of the model."""
    segmenter = Segmenter()
    parts = [_batch(texts[start : start + _BATCH], segmenter) for start in range(0, len(texts), _BATCH)]
    words, characters = (_joined([tokens(part) for part in parts]) for tokens in (word_tokens, character_tokens))
    return Prepared(_matrix(parts), words, characters)


def _batch(texts: tuple[str, ...], segmenter: Segmenter) -> Batch:
    shown = [simplified(mask(plain(text))) for text in texts]
    return batch_features(shown, segmenter.cut(shown))


def _joined(parts: list[Tokens]) -> Tokens:
    before = np.cumsum([0, *(len(part.key) for part in parts)])
    start = np.concatenate([part.start + shift for part, shift in zip(parts, before.tolist(), strict=False)])
    return Tokens(np.concatenate([part.key for part in parts]), start, np.concatenate([part.length for part in parts]))


def _matrix(batches: list[Batch]) -> Matrix:
    parts = [batch.features for batch in batches]
    buckets, column = np.unique(np.concatenate([part.bucket for part in parts]), return_inverse=True)
    size = np.concatenate([part.size for part in parts])
    counts = np.concatenate([np.bincount(part.text, minlength=len(part.size)) for part in parts])
    value = np.repeat(1 / np.sqrt(np.maximum(size, 1)), counts).astype(np.float32)
    start = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(size), len(buckets))
    return Matrix(sparse.csr_matrix((value, column.astype(np.int32), start), shape=shape), buckets)
