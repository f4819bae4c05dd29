"""Features of a batch in, for chosen texts the category of problem they resemble out, where it resembles one clearly.

Linear one-against-rest layers, learnt from complaints whose problem the lexicon names (models.train_problems): what such texts
say besides stands for the problem where no term names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, read_artefact
from models.features import SCHEME, Features

NAME = "problems"
LEVELS = 127  # of a weight, either sign


class ProblemModel:
    """`weights[i] * step` are what bucket `buckets[i]` (ascending) adds to each label; a margin below `least` says nothing."""

    def __init__(self, arrays: dict[str, NDArray[np.generic]], labels: tuple[str, ...], step: float, least: float) -> None:
        self._buckets = arrays["buckets"]
        self._weights = np.asarray(arrays["weights"], np.float32) * np.float32(step)
        self._bias = np.asarray(arrays["bias"], np.float32)
        self._labels = labels
        self._least = least

    def guess(self, features: Features, chosen: Sequence[int]) -> list[str]:
        """The category of each chosen text, by its place in the batch; '' where none is clear."""
        order = np.full(len(features.size), -1)
        order[chosen] = np.arange(len(chosen))
        row = order[features.text]
        bucket, row = features.bucket[row >= 0], row[row >= 0]
        place = np.minimum(np.searchsorted(self._buckets, bucket), len(self._buckets) - 1)
        known = self._buckets[place] == bucket
        place, row = place[known], row[known]
        sums = [np.bincount(row, column[place], minlength=len(chosen)) for column in self._weights.T]
        size = np.sqrt(np.maximum(features.size[chosen], 1))
        margins = np.stack(sums, axis=1) / size[:, None] + self._bias
        return [
            self._labels[best] if top >= self._least else "" for best, top in zip(margins.argmax(1), margins.max(1), strict=True)
        ]


def load_problems(folder: Path = SHIPPED) -> ProblemModel | None:
    """The trained model in `folder`; None when there is none. Raises ArtefactError when it does not fit the code."""
    if not (folder / f"{NAME}.json").exists():
        return None
    card, arrays = read_artefact(folder, NAME, SCHEME)
    return ProblemModel(arrays, card.labels, card.parameters["step"], card.parameters["least"])
