"""Features of texts with one's own labels in, a linear layer for each label out.

Where texts are labelled with one category: linear SVMs, one against the rest. Where they carry codes of everything they say:
first what is said at all (SVMs for each category that a code names), then which of it leads. Where the texts show a fixed
precedence (of two categories in one text the same always leads), the layers give the log-odds that a category is said, and the
first one that is said leads (models.category.leading). Where they show none, logistic regression on what the SVMs said of
texts held out (Wolpert 1992); layer upon layer is one layer again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from models.category import leading
from models.labelled import Labels

COST = 0.2  # LinearSVC's C, over 0.1 … 1 in five folds
_MANY = 20_000  # texts from which on a feature must occur in two; below, what was said once tells as well
_FOLDS = 5
_RATIO_COST = 0.1  # LinearSVC's C where features are scaled by their log-count ratio
_AGAIN = 20  # texts whose pair of categories another text has too: fewer do not tell a precedence from chance
_AGAINST = 0.02  # of them may be led by the other category: mislabelled ones


class Layers(NamedTuple):
    """What was learnt: weights[i, j] is what the matrix's column columns[i] adds to category labels[j].

    With a `precedence` a margin is the log-odds that the category is said, and labels stand in the order in which they lead.
    """

    columns: NDArray[np.int64]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: tuple[str, ...]
    precedence: bool = False


def fit_layers(matrix: sparse.csr_matrix, labels: Labels, fewest: int) -> Layers:
    """Learn one layer per category that has `fewest` texts; there must be two such categories."""
    names, counts = np.unique(labels.category, return_counts=True)
    learnable = np.flatnonzero(np.isin(labels.category, names[counts >= fewest]))
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= (1 if matrix.shape[0] < _MANY else 2))
    idf = np.log((matrix.shape[0] + 1) / (seen[kept] + 1)) + 1
    scaled = sparse.csr_matrix((matrix[:, kept] @ sparse.diags(idf))[learnable])
    chosen = labels.of(learnable)
    said = _said(chosen) if any(labels.codes) else None
    order = None if said is None else _precedence(said, chosen.category)
    if said is None:
        weights, bias, classes = _one_against_rest(scaled, chosen.category)
    elif order is None:
        weights, bias, classes = _stacked(scaled, chosen.category, said)
    else:
        weights, bias = _log_odds(scaled, chosen.category, said[:, order])
        classes = np.unique(chosen.category)[order]
    learnt = tuple(str(name) for name in classes)
    return Layers(kept, (weights * idf[:, None]).astype(np.float32), bias.astype(np.float32), learnt, order is not None)


def predict(layers: Layers, matrix: sparse.csr_matrix) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The category of each row, and its margin."""
    margins = np.asarray(matrix[:, layers.columns] @ layers.weights + layers.bias, np.float64)
    if layers.precedence:
        margins = leading(margins)
    return np.array(layers.labels)[margins.argmax(axis=1)], margins.max(axis=1)


_Weights = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]
_Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
_Fit = Callable[[sparse.csr_matrix, NDArray[np.bool_]], _Pair]


def _one_against_rest(rows: sparse.csr_matrix, category: NDArray[np.str_]) -> _Weights:
    model = LinearSVC(C=COST, random_state=0).fit(rows, category)
    weights, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one layer for two classes
        weights, bias = np.hstack([-weights, weights]), np.array([-bias[0], bias[0]])
    return weights, bias, model.classes_


def _stacked(rows: sparse.csr_matrix, category: NDArray[np.str_], said: NDArray[np.bool_]) -> _Weights:
    second = LogisticRegression(C=1.0, max_iter=2000).fit(_held_out(rows, category, said, _said_layers), category)
    lead, shift = second.coef_, second.intercept_
    if len(second.classes_) == 2:
        lead, shift = np.vstack([-lead, lead]), np.array([-shift[0], shift[0]])
    weights, bias = _said_layers(rows, said)
    return weights @ lead.T, bias @ lead.T + shift, second.classes_


def _log_odds(rows: sparse.csr_matrix, category: NDArray[np.str_], said: NDArray[np.bool_]) -> _Pair:
    """Layers whose margins are the log-odds that a category is said: calibrated on texts held out (Platt 1999)."""
    margins = _held_out(rows, category, said, _ratio_layers)
    weights, bias = _ratio_layers(rows, said)
    for place, column in enumerate(said.T):
        if column.all():
            bias[place] = np.log(len(column) + 1)
        else:
            sigmoid = LogisticRegression(C=100.0).fit(margins[:, [place]], column)
            weights[:, place] *= sigmoid.coef_[0, 0]
            bias[place] = bias[place] * sigmoid.coef_[0, 0] + sigmoid.intercept_[0]
    return weights, bias


def _held_out(rows: sparse.csr_matrix, category: NDArray[np.str_], said: NDArray[np.bool_], layers: _Fit) -> NDArray[np.float64]:
    """The margins of each text by layers that were not taught with it."""
    margins = np.zeros(said.shape)
    fewest = int(np.unique(category, return_counts=True)[1].min())
    for known, others in StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=0).split(rows, category):
        weights, bias = layers(rows[known], said[known])
        margins[others] = rows[others] @ weights + bias
    return margins


def _precedence(said: NDArray[np.bool_], category: NDArray[np.str_]) -> NDArray[np.int64] | None:
    """The columns of `said` in the order in which they lead (topological: Kahn 1962); None where the texts show none."""
    count = said.shape[1]
    leads = np.unique(category, return_inverse=True)[1]
    over = np.zeros((count, count))  # over[i, j]: texts that say both and that i leads
    np.add.at(over, leads, said)
    share = over.diagonal() / said.sum(0)  # orders what no text compares
    np.fill_diagonal(over, 0)
    left, order = list(range(count)), list[int]()
    while left:
        free = [one for one in left if (over[left, one] <= over[one, left]).all()]
        order.append(max(free or left, key=lambda one: share[one]))
        left.remove(order[-1])
    again = np.where(over + over.T > 1, over, 0)[np.ix_(order, order)]
    told = again.sum() >= _AGAIN and np.tril(again).sum() <= _AGAINST * again.sum()
    return np.array(order) if told else None


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


def _said_layers(rows: sparse.csr_matrix, said: NDArray[np.bool_]) -> _Pair:
    """A layer for each column of `said`; nothing for one that all or none of the texts have."""
    weights, bias = np.zeros((rows.shape[1], said.shape[1])), np.zeros(said.shape[1])
    for place, column in enumerate(said.T):
        if column.any() and not column.all():
            model = LinearSVC(C=COST, random_state=0).fit(rows, column)
            weights[:, place], bias[place] = model.coef_[0], model.intercept_[0]
    return weights, bias


def _ratio_layers(rows: sparse.csr_matrix, said: NDArray[np.bool_]) -> _Pair:
    """Those of `_said_layers` plus as many on features scaled by their log-count ratio (Wang and Manning 2012, section 2.3)."""
    weights, bias = _said_layers(rows, said)
    present, squares = rows.astype(bool).astype(np.float64), np.asarray(rows.multiply(rows).sum(0))[0]
    for place, column in enumerate(said.T):
        if column.any() and not column.all():
            having, others = (np.asarray(present[side].sum(0))[0] + 1 for side in (column, ~column))
            ratio = np.abs(np.log(having / (column.sum() + 2)) - np.log(others / ((~column).sum() + 2)))
            ratio /= np.sqrt(squares @ ratio**2 / squares.sum())  # leaves the texts' mean length, which the cost goes by
            model = LinearSVC(C=_RATIO_COST, random_state=0).fit(rows @ sparse.diags(ratio), column)
            weights[:, place] += model.coef_[0] * ratio
            bias[place] += model.intercept_[0]
    return weights, bias
