"""Hashed features of labelled texts in, a linear layer for models.sentiment out.

A linear SVM with squared hinge (LinearSVC) on binary features, each weighted by its idf and by how far it tells praise from
blame, and divided by the square root of the text's length.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC

COST = 0.1  # LinearSVC's C; chosen by cross-validation over 0.03 … 1
SEEN = 2  # texts a feature must occur in
RATIO_OFFSET = 0.1  # of the log-count ratio: keeps what tells nothing by itself; chosen over 0.1, 0.3


class Layer(NamedTuple):
    """What was learnt: a weight per column (idf multiplied in) and a bias."""

    weights: NDArray[np.float32]
    bias: float


def fit_layer(matrix: sparse.csr_matrix, label: NDArray[np.int8]) -> Layer:
    """Learn a layer from the rows of `matrix`.

    Features are scaled by idf and by the root of their log-count ratio of praise to blame (NB-SVM: Wang & Manning 2012,
    section 2.3; the root and the offset temper it), which fold into the weights.
    """
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= SEEN)
    narrow = sparse.csr_matrix(matrix[:, kept])
    idf = (np.log((matrix.shape[0] + 1) / (seen[kept] + 1)) + 1) / 4
    praising = 1.0 + np.bincount(narrow[label == 1].indices, minlength=len(kept))
    blaming = 2.0 + seen[kept] - praising
    ratio = np.log(praising / praising.sum()) - np.log(blaming / blaming.sum())
    scale = (idf * np.sqrt(RATIO_OFFSET + np.abs(ratio))).astype(np.float32)
    model = LinearSVC(C=COST, random_state=0).fit(narrow @ sparse.diags(scale), label)
    weights = np.zeros(matrix.shape[1], np.float32)
    weights[kept] = model.coef_[0] * scale
    return Layer(weights, float(model.intercept_[0]))
