"""Tokens of texts in, the vectors out that a network's embedding begins with: what stands beside what, without labels.

Singular vectors of the positive pointwise mutual information of neighbours (Levy & Goldberg 2014, sections 3 and 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from models.convolution import FIRST, UNKNOWN, Tokens

_SEEN = 3  # texts a token must occur in
_WINDOW = 4  # tokens beside each other, weighted by 1 / distance
_SMOOTHING = 0.75  # exponent of a neighbour's frequency (Levy & Goldberg)
_SPREAD = 0.3  # standard deviation that the embedding begins with


def frequent(tokens: Tokens) -> NDArray[np.uint32]:
    """The keys that occur in _SEEN texts, the most frequent first; as many as a 16-bit row can name."""
    text, place = _places(tokens)
    pairs = np.unique((tokens.key[place].astype(np.uint64) << np.uint64(32)) | text.astype(np.uint64))
    keys, seen = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_counts=True)
    order = np.argsort(-seen, kind="stable")
    return keys[order[: int((seen >= _SEEN).sum())]][: np.iinfo(np.uint16).max - FIRST]


def embedding(row: NDArray[np.int32], tokens: Tokens, size: int, dimension: int) -> NDArray[np.float32]:
    """Singular vectors of the positive pointwise mutual information of neighbours; rows that have none are 0."""
    text, place = _places(tokens)
    said = row[place]
    counts = []
    for distance in range(1, _WINDOW + 1):
        near = (text[distance:] == text[:-distance]) & (said[distance:] > UNKNOWN) & (said[:-distance] > UNKNOWN)
        weight = np.full(int(near.sum()), 1 / distance, np.float32)
        counts.append(sparse.csr_matrix((weight, (said[:-distance][near], said[distance:][near])), shape=(size, size)))
    one = sum(counts[1:], counts[0])
    both = (one + one.T).tocoo()
    total = np.asarray(both.sum(axis=1)).ravel() + 1e-9
    smooth = total**_SMOOTHING / (total**_SMOOTHING).sum()
    information = np.log(both.data / (total[both.row] * smooth[both.col]))
    told = information > 0
    matrix = sparse.csr_matrix((information[told], (both.row[told], both.col[told])), shape=both.shape, dtype=np.float32)
    left, values, _ = randomized_svd(matrix, min(dimension, size - 1), n_iter=3, random_state=0)
    vectors = left * np.sqrt(values)
    found: NDArray[np.float32] = (vectors * (_SPREAD / max(float(vectors.std()), 1e-6))).astype(np.float32)
    return found


def _places(tokens: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of every token of every text its text and its index into `tokens.key`."""
    text = np.repeat(np.arange(len(tokens.length)), tokens.length)
    before = np.cumsum(tokens.length) - tokens.length
    return text, np.repeat(tokens.start - before, tokens.length) + np.arange(len(text))
