"""Features of a batch in, log-odds of praise against blame out: one linear layer over hashed features.

The weights are learnt by a linear SVM (squared hinge) on features weighted by inverse document frequency and divided by
the square root of the text's length; idf and weight are multiplied beforehand, so that a text's score is one sum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, read_artefact
from models.features import SCHEME, Features

NAME = "sentiment"


class SentimentModel:
    """Weights as 8-bit integers, a scale, a bias, and the two parameters of Platt's calibration."""

    def __init__(self, weights: NDArray[np.int8], scale: float, bias: float, slope: float, shift: float) -> None:
        self._weights = weights
        self._scale = scale
        self._bias = bias
        self._slope = slope
        self._shift = shift

    def margins(self, features: Features) -> NDArray[np.float64]:
        """The distance of each text from the boundary; above 0 is praise."""
        total = np.bincount(features.text, self._weights[features.bucket], minlength=len(features.size))
        return np.asarray(total * self._scale / np.sqrt(np.maximum(features.size, 1)) + self._bias)

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """ln P(praise)/P(blame), calibrated on held-out texts (Platt 1999); 0 for a text without features."""
        return np.where(features.size > 0, self.margins(features) * self._slope + self._shift, 0.0)


def load_sentiment(folder: Path = SHIPPED) -> SentimentModel:
    """The trained model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, NAME, SCHEME)
    weights: NDArray[Any] = arrays["weights"]
    given = card.parameters
    return SentimentModel(weights, given["scale"], given["bias"], given["slope"], given["shift"])
