"""Features of texts with one's own labels in, a linear layer for each label out.

Where texts are labelled with one category: linear SVMs, one against the rest. Where they carry codes of everything they say:
first what is said at all (an SVM for each category that a code names), then which of it leads (logistic regression on what
those SVMs said of texts held out: Wolpert 1992); layer upon layer is one layer again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

COST = 0.2  # LinearSVC's C, over 0.1 … 1 in five folds
_MANY = 20_000  # texts from which on a feature must occur in two; below, what was said once tells as well
_FOLDS = 5


class Labels(NamedTuple):
    """Of each text its category and the codes of all it says ((), where none are given)."""

    category: NDArray[np.str_]
    codes: Sequence[tuple[str, ...]] = ()

    def of(self, rows: NDArray[np.int64]) -> Labels:
        """Those of the texts `rows`."""
        return Labels(self.category[rows], [self.codes[row] for row in rows.tolist()] if self.codes else ())


class Layers(NamedTuple):
    """What was learnt: weights[i, j] is what the matrix's column columns[i] adds to category labels[j]."""

    columns: NDArray[np.int64]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: tuple[str, ...]


def fit_layers(matrix: sparse.csr_matrix, labels: Labels, fewest: int) -> Layers:
    """Learn one layer per category that has `fewest` texts; there must be two such categories."""
    names, counts = np.unique(labels.category, return_counts=True)
    learnable = np.flatnonzero(np.isin(labels.category, names[counts >= fewest]))
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= (1 if matrix.shape[0] < _MANY else 2))
    idf = np.log((matrix.shape[0] + 1) / (seen[kept] + 1)) + 1
    scaled = sparse.csr_matrix((matrix[:, kept] @ sparse.diags(idf))[learnable])
    chosen = labels.of(learnable)
    weights, bias, classes = _stacked(scaled, chosen) if any(labels.codes) else _one_against_rest(scaled, chosen.category)
    return Layers(
        kept, (weights * idf[:, None]).astype(np.float32), bias.astype(np.float32), tuple(str(name) for name in classes)
    )


def predict(layers: Layers, matrix: sparse.csr_matrix) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The category of each row, and its margin."""
    margins = matrix[:, layers.columns] @ layers.weights + layers.bias
    return np.array(layers.labels)[margins.argmax(axis=1)], margins.max(axis=1)


_Weights = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]


def _one_against_rest(rows: sparse.csr_matrix, category: NDArray[np.str_]) -> _Weights:
    model = LinearSVC(C=COST, random_state=0).fit(rows, category)
    weights, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one layer for two classes
        weights, bias = np.hstack([-weights, weights]), np.array([-bias[0], bias[0]])
    return weights, bias, model.classes_


def _stacked(rows: sparse.csr_matrix, labels: Labels) -> _Weights:
    said = _said(labels)
    held_out = np.zeros(said.shape)
    fewest = int(np.unique(labels.category, return_counts=True)[1].min())
    cut = StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=0)
    for known, others in cut.split(rows, labels.category):
        weights, bias = _said_layers(rows[known], said[known])
        held_out[others] = rows[others] @ weights + bias
    second = LogisticRegression(C=1.0, max_iter=2000).fit(held_out, labels.category)
    lead, shift = second.coef_, second.intercept_
    if len(second.classes_) == 2:
        lead, shift = np.vstack([-lead, lead]), np.array([-shift[0], shift[0]])
    weights, bias = _said_layers(rows, said)
    return weights @ lead.T, bias @ lead.T + shift, second.classes_


def _said(labels: Labels) -> NDArray[np.bool_]:
    """Which categories each text names: its own, and those of its codes. A code's category is that of most texts it leads."""
    led: dict[str, Counter[str]] = defaultdict(Counter)
    for category, codes in zip(labels.category.tolist(), labels.codes, strict=True):
        for code in codes[:1]:
            led[code][category] += 1
    of = {code: counts.most_common(1)[0][0] for code, counts in led.items()}
    column = {name: place for place, name in enumerate(np.unique(labels.category).tolist())}
    found = np.zeros((len(labels.category), len(column)), bool)
    for row, (category, codes) in enumerate(zip(labels.category.tolist(), labels.codes, strict=True)):
        found[row, [column[category], *(column[of[code]] for code in codes if code in of)]] = True
    return found


def _said_layers(rows: sparse.csr_matrix, said: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A layer for each column of `said`; nothing for one that all or none of the texts have."""
    weights, bias = np.zeros((rows.shape[1], said.shape[1])), np.zeros(said.shape[1])
    for place, column in enumerate(said.T):
        if column.any() and not column.all():
            model = LinearSVC(C=COST, random_state=0).fit(rows, column)
            weights[:, place], bias[place] = model.coef_[0], model.intercept_[0]
    return weights, bias
