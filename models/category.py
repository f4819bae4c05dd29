"""Features of a batch in, a category of one's own for each text out: linear layers over hashed features.

A layer's margin speaks for its category against the rest or, where the labels show a precedence, for its being said at all:
then the first category that is said leads. Made by `./huiyin train --task category` from texts that a user has labelled; only
buckets that were seen are kept. A model trained with a precision to keep (services) says nothing where it cannot keep it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import read_artefact
from models.features import SCHEME, Features

NAME = "category"
CATEGORY_SCHEME = f"{SCHEME}-category-2"
PRECEDENCE = "precedence"  # the card's parameter: 1 where labels stand in the order in which they lead


class CategoryModel:
    """`weights[i]` are what bucket `buckets[i]` (ascending) adds to each label; a margin below `least` says nothing.

    With a `precedence` the sums are the log-odds that a label is said, and labels stand in the order in which they lead.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], labels: tuple[str, ...], parameters: Mapping[str, float]) -> None:
        self._buckets = arrays["buckets"]
        self._weights = arrays["weights"]
        self._bias = arrays["bias"]
        self._labels = labels
        self._least = parameters.get("least", -math.inf)
        self._precedence = bool(parameters.get(PRECEDENCE))

    def judge(self, features: Features) -> list[str]:
        """The category of each text; '' for a text without features, or where no category is sure enough."""
        place = np.minimum(np.searchsorted(self._buckets, features.bucket), len(self._buckets) - 1)
        known = self._buckets[place] == features.bucket
        total = np.zeros((len(features.size), len(self._labels)), np.float32)
        np.add.at(total, features.text[known], self._weights[place[known]].astype(np.float32))
        scores = total / np.sqrt(np.maximum(features.size, 1))[:, None] + self._bias
        if self._precedence:
            scores = leading(scores)
        sure = (scores.max(1) >= self._least) & (features.size > 0)
        return [self._labels[best] if holds else "" for best, holds in zip(scores.argmax(1), sure, strict=True)]


def leading(said: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The log-odds that each column leads, given the log-odds that it is said: it is, and none of the columns before it.

    Each is said independently of the others (binary relevance: Tsoumakas and Katakis 2007, section 2.1).
    """
    odds = np.asarray(said, np.float64)
    unsaid = np.cumsum(np.logaddexp(0, odds), axis=1) - np.logaddexp(0, odds)
    log = np.minimum(-np.logaddexp(0, -odds) - unsaid, -1e-12)  # log 0 at a probability of 1
    return np.asarray(log - np.log(-np.expm1(log)), np.float64)


def load_category(folder: Path) -> CategoryModel:
    """The trained model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, NAME, CATEGORY_SCHEME)
    return CategoryModel(arrays, card.labels, card.parameters)
