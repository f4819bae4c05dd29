"""Features of a batch in, a category of one's own for each text out: linear one-against-rest layers over hashed features.

Made by `./huiyin train --task category` from texts that a user has labelled; only buckets that were seen are kept.
A model trained with a precision to keep (services) says nothing where it cannot keep it.
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


class CategoryModel:
    """`weights[i]` are what bucket `buckets[i]` (ascending) adds to each label; a margin below `least` says nothing."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], labels: tuple[str, ...], least: float = -math.inf) -> None:
        self._buckets = arrays["buckets"]
        self._weights = arrays["weights"]
        self._bias = arrays["bias"]
        self._labels = labels
        self._least = least

    def judge(self, features: Features) -> list[str]:
        """The category of each text; '' for a text without features, or where no category is sure enough."""
        place = np.minimum(np.searchsorted(self._buckets, features.bucket), len(self._buckets) - 1)
        known = self._buckets[place] == features.bucket
        total = np.zeros((len(features.size), len(self._labels)), np.float32)
        np.add.at(total, features.text[known], self._weights[place[known]].astype(np.float32))
        scores = total / np.sqrt(np.maximum(features.size, 1))[:, None] + self._bias
        sure = (scores.max(1) >= self._least) & (features.size > 0)
        return [self._labels[best] if holds else "" for best, holds in zip(scores.argmax(1), sure, strict=True)]


def load_category(folder: Path) -> CategoryModel:
    """The trained model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, NAME, SCHEME)
    return CategoryModel(arrays, card.labels, card.parameters.get("least", -math.inf))
