"""A batch in, log-odds of praise against blame out: a linear layer over hashed features, and where that is unsure two
convolutions with it, one over words, one over characters (a cascade: Viola & Jones 2001).

The layer's weights are learnt by a linear SVM (squared hinge) on features weighted by inverse document frequency and log-count
ratio and divided by the square root of the text's length; what a feature is weighted by is multiplied into its weight
beforehand, so that a text's score is one sum. Only features that were learnt count: most n-grams of a new text are new.
What a user's corrections taught is added on the same features, as an artefact of its own (DELTA_SCHEME).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, ArtefactError, fingerprint, read_artefact
from models.convolution import Convolution, Tokens, decode
from models.features import BITS, SCHEME, Batch, Features

NAME = "sentiment"
MODEL_SCHEME = f"{SCHEME}-words-characters-2"
DELTA_SCHEME = f"delta-{SCHEME}"
UNSURE = 3.0  # log-odds of the layer below which the convolutions are asked: 37 % of texts; asking all is no more accurate
LEVELS = 127  # of a weight's root, either sign
LONGEST = {"words": 400, "characters": 600}  # tokens of a text that its convolutions read
_SLOTS = 23  # bits of a bucket that choose its slot in the table; the others tell it from what shares the slot
_MARK = BITS - _SLOTS


class Delta(NamedTuple):
    """What is added to the log-odds: `weights[i]` for bucket `buckets[i]` (ascending), over the root of the text's length."""

    buckets: NDArray[np.uint32]
    weights: NDArray[np.float32]


class Stack(NamedTuple):
    """Calibration on held-out texts (Platt 1999): of the layer's margin alone, and of all three where that is unsure."""

    alone: float
    alone_shift: float
    layer: float
    words: float
    characters: float
    shift: float

    def first(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds from the margin alone."""
        return margin * self.alone + self.alone_shift

    def second(
        self, margin: NDArray[np.float64], words: NDArray[np.float64], characters: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Log-odds from the margin and what the convolutions say."""
        return margin * self.layer + words * self.words + characters * self.characters + self.shift


class SparseLayer:
    """The weights' codes of the buckets learnt, the step they count, and a bias."""

    def __init__(self, buckets: NDArray[np.uint32], codes: NDArray[np.int8], step: float, bias: float) -> None:
        self._table = _table(buckets, codes)
        signed = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float64)
        self._weight = np.sign(signed) * (signed * step) ** 2
        self._bias = bias

    def margins(self, features: Features) -> NDArray[np.float64]:
        """The distance of each text from the boundary; above 0 is praise."""
        entry = self._table[features.bucket >> np.uint32(_MARK)]
        known = (entry >> np.uint16(8)) == (features.bucket & np.uint32((1 << _MARK) - 1))
        weight = self._weight[entry & np.uint16(255)] * known
        total = np.bincount(features.text, weight, minlength=len(features.size))
        return np.asarray(total / np.sqrt(np.maximum(features.size, 1)) + self._bias)


class SentimentModel:
    """The layer, the convolutions and how they are weighed."""

    def __init__(self, layer: SparseLayer, words: Convolution, characters: Convolution, stack: Stack) -> None:
        self._layer = layer
        self._words = words
        self._characters = characters
        self._stack = stack
        self._delta: Delta | None = None

    def adapted(self, delta: Delta) -> SentimentModel:
        """This model with `delta` added to what it says."""
        found = copy.copy(self)
        found._delta = delta if len(delta.buckets) else None
        return found

    def log_odds(self, batch: Batch) -> NDArray[np.float64]:
        """ln P(praise)/P(blame), calibrated on held-out texts; 0 for a text without features."""
        features, stack = batch.features, self._stack
        margin = self._layer.margins(features)
        found = stack.first(margin)
        unsure = np.flatnonzero(np.abs(found) < UNSURE)
        words = self._words.log_odds(word_tokens(batch).of(unsure))
        characters = self._characters.log_odds(character_tokens(batch).of(unsure))
        found[unsure] = stack.second(margin[unsure], words, characters)
        if self._delta is not None:
            found += _added(self._delta, features)
        return np.where(features.size > 0, found, 0.0)


def word_tokens(batch: Batch) -> Tokens:
    """The words of each text."""
    first = np.array(batch.first)
    return Tokens(batch.hashes, first[:-1], np.diff(first))


def character_tokens(batch: Batch) -> Tokens:
    """The characters of each text."""
    return Tokens(batch.points.value, batch.points.start, batch.points.length)


def encode(weights: NDArray[np.float32], step: float) -> NDArray[np.int8]:
    """Weights as the nearest signed square of a multiple of `step`: fine where most weights are, near 0."""
    return np.asarray(np.round(np.sign(weights) * np.sqrt(np.abs(weights)) / step), dtype=np.int8)


def _table(buckets: NDArray[np.uint32], codes: NDArray[np.int8]) -> NDArray[np.uint16]:
    """A slot's mark and code. Of buckets that share a slot the heaviest has it; an empty slot has code 0."""
    table = np.zeros(1 << _SLOTS, np.uint16)
    order = np.argsort(np.abs(codes.astype(np.int16)), kind="stable")
    mark = (buckets & np.uint32((1 << _MARK) - 1)).astype(np.uint16) << np.uint16(8)
    table[(buckets >> np.uint32(_MARK))[order]] = (mark | codes.view(np.uint8))[order]
    return table


def _added(delta: Delta, features: Features) -> NDArray[np.float64]:
    place = np.minimum(np.searchsorted(delta.buckets, features.bucket), len(delta.buckets) - 1)
    weight = np.where(delta.buckets[place] == features.bucket, delta.weights[place], 0.0)
    total = np.bincount(features.text, weight, minlength=len(features.size))
    return np.asarray(total / np.sqrt(np.maximum(features.size, 1)))


def load_sentiment(folder: Path = SHIPPED, own: Path | None = None) -> SentimentModel:
    """The trained model in `folder`, with the delta in `own` (made from a user's corrections) where that is given.

    Raises ArtefactError when either is not there or does not fit the code.
    """
    card, arrays = read_artefact(folder, NAME, MODEL_SCHEME)
    given = card.parameters
    model = SentimentModel(
        SparseLayer(arrays["buckets"], arrays["codes"], given["step"], given["bias"]),
        Convolution(decode("words", arrays), LONGEST["words"]),
        Convolution(decode("characters", arrays), LONGEST["characters"]),
        Stack(*(given[name] for name in Stack._fields)),
    )
    if own is None:
        return model
    learnt, arrays = read_artefact(own, NAME, DELTA_SCHEME)
    if learnt.parameters.get("prior", fingerprint(card)) != fingerprint(card):
        raise ArtefactError(
            f"{own / NAME}.json was learnt beside another shipped model; train it again with ./huiyin train --task adapt"
        )
    return model.adapted(Delta(arrays["buckets"], arrays["weights"]))
