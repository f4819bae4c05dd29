"""Features of a batch in, a category of one's own for each text out: linear one-against-rest layers over hashed features.

Made by `./huiyin train --task category` from texts that a user has labelled; only buckets that were seen are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artefact import read_artefact
from models.features import SCHEME, Features

NAME = "category"


class CategoryModel:
    """`weights[i]` are what bucket `buckets[i]` (ascending) adds to each of `labels`."""

    def __init__(
        self, buckets: NDArray[np.uint32], weights: NDArray[np.float16], bias: NDArray[np.float32], labels: tuple[str, ...]
    ) -> None:
        self._buckets = buckets
        self._weights = weights
        self._bias = bias
        self._labels = labels

    def judge(self, features: Features) -> list[str]:
        """The category of each text; '' for a text without features."""
        place = np.minimum(np.searchsorted(self._buckets, features.bucket), len(self._buckets) - 1)
        known = self._buckets[place] == features.bucket
        total = np.zeros((len(features.size), len(self._labels)), np.float32)
        np.add.at(total, features.text[known], self._weights[place[known]].astype(np.float32))
        scores = total / np.sqrt(np.maximum(features.size, 1))[:, None] + self._bias
        return [self._labels[best] if size else "" for best, size in zip(scores.argmax(1), features.size, strict=True)]


def load_category(folder: Path) -> CategoryModel:
    """The trained model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, NAME, SCHEME)
    return CategoryModel(arrays["buckets"], arrays["weights"], arrays["bias"], card.labels)
