"""Labelled texts in, how often categories of one's own are right on texts that were not learnt out.

Judged are the newest fifth where the file has dates (what is said changes with time), all by cross-validation where it has none.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold

from models.labelled import FEWEST, Labelled, learnable
from models.train_layers import fit_layers, predict

_HELD_OUT = 0.2
_FOLDS = 5

Part = tuple[NDArray[np.int64], NDArray[np.int64]]


class Tried(NamedTuple):
    """Texts held out: the margin of what was said of each, and whether it was right."""

    margin: NDArray[np.float64]
    right: NDArray[np.bool_]


def score(matrix: sparse.csr_matrix, labelled: Labelled) -> tuple[str, dict[str, float], Tried]:
    """What models.train_layers reaches on the rows of `matrix`: the name of the cut, the scores, each text's margin."""
    category = labelled.labels.category
    judged, margin = np.empty_like(category), np.empty(len(category))
    name, parts = parts_of(labelled)
    for known, held_out in parts:
        learnt = fit_layers(matrix[known], labelled.labels.of(known), FEWEST - 1)  # a fold may take one of FEWEST
        judged[held_out], margin[held_out] = predict(learnt, matrix[held_out])
    tested = np.concatenate([held_out for _, held_out in parts])
    truth, said = category[tested], judged[tested]
    return name, agreement(truth, said), Tried(margin[tested], truth == said)


def parts_of(labelled: Labelled) -> tuple[str, list[Part]]:
    """What the cut is called, and of each part the rows known and the rows held out."""
    category = labelled.labels.category
    first = int(len(category) * (1 - _HELD_OUT))
    if labelled.date[0] and labelled.date[0] != labelled.date[-1] and learnable(category[:first]):
        return "newest fifth", [(np.arange(first), np.arange(first, len(category)))]
    names, place, counts = np.unique(category, return_inverse=True, return_counts=True)
    layer = np.where(counts[place] < _FOLDS, names[counts.argmax()], category)  # what is too rare for a fold each goes along
    cut = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    return f"{_FOLDS}-fold cross-validation", list(cut.split(category, layer))


def agreement(truth: NDArray[np.str_], said: NDArray[np.str_]) -> dict[str, float]:
    """Accuracy and macro-F1, with the share of the most frequent label beside them."""
    return {
        "texts": float(len(truth)),
        "accuracy": round(float(accuracy_score(truth, said)), 4),
        "macro_f1": round(float(f1_score(truth, said, average="macro", zero_division=0)), 4),
        "most_frequent": round(float(Counter(truth.tolist()).most_common(1)[0][1] / len(truth)), 4),
    }
