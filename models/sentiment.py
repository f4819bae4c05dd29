"""Features of a batch in, log-odds of praise against blame out: one linear layer over hashed features.

The weights are learnt by a linear SVM (squared hinge) on features weighted by inverse document frequency and log-count
ratio and divided by the square root of the text's length; what a feature is weighted by is multiplied into its weight
beforehand, so that a text's score is one sum. Only features that were learnt count: most n-grams of a new text are new.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, read_artefact
from models.features import BITS, SCHEME, Features

NAME = "sentiment"
LEVELS = 127  # of a weight's root, either sign
_SLOTS = 23  # bits of a bucket that choose its slot in the table; the others tell it from what shares the slot
_MARK = BITS - _SLOTS


class SentimentModel:
    """The weights' codes of the buckets learnt, the step they count, a bias, and Platt's two parameters."""

    def __init__(
        self, learnt: tuple[NDArray[np.uint32], NDArray[np.int8]], step: float, bias: float, slope: float, shift: float
    ) -> None:
        self._table = _table(*learnt)
        signed = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float64)
        self._weight = np.sign(signed) * (signed * step) ** 2
        self._bias = bias
        self._slope = slope
        self._shift = shift

    def margins(self, features: Features) -> NDArray[np.float64]:
        """The distance of each text from the boundary; above 0 is praise."""
        entry = self._table[features.bucket >> np.uint32(_MARK)]
        known = (entry >> np.uint16(8)) == (features.bucket & np.uint32((1 << _MARK) - 1))
        weight = self._weight[entry & np.uint16(255)] * known
        total = np.bincount(features.text, weight, minlength=len(features.size))
        return np.asarray(total / np.sqrt(np.maximum(features.size, 1)) + self._bias)

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """ln P(praise)/P(blame), calibrated on held-out texts (Platt 1999); 0 for a text without features."""
        return np.where(features.size > 0, self.margins(features) * self._slope + self._shift, 0.0)


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


def load_sentiment(folder: Path = SHIPPED) -> SentimentModel:
    """The trained model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, NAME, SCHEME)
    given = card.parameters
    return SentimentModel((arrays["buckets"], arrays["codes"]), given["step"], given["bias"], given["slope"], given["shift"])
