"""Labelled texts as tokens in, a network for models.convolution out: trained in numpy, the same each time on one machine.

The embedding begins as models.train_embedding makes it and is learnt on with the filters: logistic loss, Adam (Kingma & Ba
2015), dropout on the best answers (Srivastava et al. 2014), tokens hidden at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.convolution import BOUNDARY, FIRST, UNKNOWN, Network, Rows, Tokens, Vocabulary, columns, lasting
from models.train_embedding import embedding, frequent

_POOL = 40  # batches among which texts of one length are put together
_DECAY = 1e-5  # of filters and output


class Shape(NamedTuple):
    """Of a network, and how it is trained; `hidden` and `dropped` are shares, `longest` the tokens of a text that are read."""

    taps: int
    filters: int
    dimension: int
    longest: int
    epochs: int
    rate: float
    hidden: float
    dropped: float
    batch: int = 96


class _Moment(NamedTuple):
    """The number of a step, from 1, and its rate."""

    number: int
    rate: float


class _Parameter:
    """An array with Adam's moments."""

    def __init__(self, value: NDArray[np.float32]) -> None:
        self.value = value
        self._mean = np.zeros_like(value)
        self._square = np.zeros_like(value)

    def step(self, gradient: NDArray[np.float32], moment: _Moment, rows: NDArray[np.int64] | slice = slice(None)) -> None:
        """Move against `gradient`, that of `rows`."""
        number, rate = moment
        mean = self._mean[rows] = 0.9 * self._mean[rows] + np.float32(0.1) * gradient
        square = self._square[rows] = 0.999 * self._square[rows] + np.float32(0.001) * gradient * gradient
        scale = np.sqrt(square / np.float32(1 - 0.999**number)) + np.float32(1e-8)
        self.value[rows] -= np.float32(rate / (1 - 0.9**number)) * mean / scale


class _Weights(NamedTuple):
    embedding: _Parameter
    filters: _Parameter
    bias: _Parameter
    output: _Parameter
    constant: _Parameter

    def network(self, keys: NDArray[np.uint32]) -> Network:
        constant = float(self.constant.value[0])
        return Network(keys, self.embedding.value, self.filters.value, self.bias.value, self.output.value, constant)


def fit(tokens: Tokens, label: NDArray[np.int8], shape: Shape, seed: int = 0) -> Network:
    """Learn from the texts of `tokens`, whose `label` is 1 for praise and 0 for blame."""
    random = np.random.default_rng(seed)
    keys = frequent(tokens)
    row = Vocabulary(keys).rows(tokens.key)
    weights = _begin(embedding(row, tokens, len(keys) + FIRST, shape.dimension), shape, random)
    target = label.astype(np.float32)
    batches = shape.epochs * sum(1 for _ in _batches(tokens.length, shape.batch, np.random.default_rng(0)))
    number = 0
    for _ in range(shape.epochs):
        for texts in _batches(tokens.length, shape.batch, random):
            number += 1
            rows = columns(row, tokens.of(texts), shape.taps, shape.longest)
            moment = _Moment(number, shape.rate * (1 - (number - 1) / batches))
            _learn(weights, rows, target[texts][rows.order], shape, moment, random)
    return weights.network(keys)


def _begin(embedded: NDArray[np.float32], shape: Shape, random: np.random.Generator) -> _Weights:
    dimension, filters = embedded.shape[1], shape.filters
    drawn = random.normal(size=(shape.taps, dimension, filters)) * np.sqrt(2 / (shape.taps * dimension))
    output = random.normal(size=filters) * 0.1
    zeros = np.zeros(filters, np.float32), np.zeros(1, np.float32)
    embedded[BOUNDARY] = 0
    arrays = (embedded, drawn.astype(np.float32), zeros[0], output.astype(np.float32), zeros[1])
    return _Weights(*map(_Parameter, arrays))


def _batches(length: NDArray[np.int64], size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """All texts in random batches of about one length."""
    drawn = random.permutation(len(length))
    found = []
    for start in range(0, len(drawn), size * _POOL):
        pool = drawn[start : start + size * _POOL]
        pool = pool[np.argsort(length[pool], kind="stable")]
        found += [pool[first : first + size] for first in range(0, len(pool), size)]
    for place in random.permutation(len(found)):
        yield found[place]


def _learn(
    weights: _Weights, rows: Rows, target: NDArray[np.float32], shape: Shape, moment: _Moment, random: np.random.Generator
) -> None:
    """One step on the texts of `rows`."""
    filters, output = weights.filters.value, weights.output.value
    hidden = (random.random(rows.row.shape, dtype=np.float32) < shape.hidden) & (rows.row != BOUNDARY)
    used, row = np.unique(np.where(hidden, UNKNOWN, rows.row), return_inverse=True)
    row = row.reshape(rows.row.shape)
    embedded = weights.embedding.value[used]
    best, place = _best([embedded @ each for each in filters], row, rows.length)
    best += weights.bias.value
    kept = (random.random(best.shape, dtype=np.float32) >= shape.dropped) / np.float32(1 - shape.dropped)
    active = np.maximum(best, 0) * kept
    said = 1 / (1 + np.exp(-(active @ output + weights.constant.value[0])))
    error = ((said - target) / len(target)).astype(np.float32)
    slope = error[:, None] * output * kept * (best > 0)
    of_filters, of_embedded = _gradients(embedded, filters, row, place, slope)
    weights.output.step(active.T @ error + np.float32(_DECAY) * output, moment)
    weights.constant.step(error.sum(keepdims=True), moment)
    weights.bias.step(slope.sum(axis=0), moment)
    weights.filters.step(of_filters + np.float32(_DECAY) * filters, moment)
    inside = used != BOUNDARY
    weights.embedding.step(of_embedded[inside], moment, used[inside].astype(np.int64))


def _best(
    answers: list[NDArray[np.float32]], row: NDArray[np.int64], length: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Of each text and filter the largest answer, and at which place."""
    shape = (len(length), answers[0].shape[1])
    best, place = np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int32)
    total, one, better = np.empty_like(best), np.empty_like(best), np.empty(shape, bool)
    for at, count in enumerate(lasting(length)):
        here, add, above = total[:count], one[:count], better[:count]
        np.take(answers[0], row[at, :count], 0, out=here, mode="clip")
        for tap in range(1, len(answers)):
            np.take(answers[tap], row[at + tap, :count], 0, out=add, mode="clip")
            here += add
        np.greater(here, best[:count], out=above)
        np.copyto(place[:count], at, where=above)
        np.maximum(best[:count], here, out=best[:count])
    return best, place


def _gradients(
    embedded: NDArray[np.float32],
    filters: NDArray[np.float32],
    row: NDArray[np.int64],
    place: NDArray[np.int32],
    slope: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the filters and of the embedded tokens: `slope` flows to the tokens at each filter's best place alone."""
    text, chosen = np.nonzero(slope)
    value, at = slope[text, chosen], place[text, chosen]
    of_filters, of_embedded = np.empty_like(filters), np.zeros_like(embedded)
    count = filters.shape[2]
    for tap in range(len(filters)):
        cells = row[at + tap, text] * count + chosen
        answered = np.bincount(cells, value, len(embedded) * count).astype(np.float32).reshape(len(embedded), count)
        of_filters[tap] = embedded.T @ answered
        of_embedded += answered @ filters[tap].T
    return of_filters, of_embedded
