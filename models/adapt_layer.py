"""Corrected texts in, a sparse difference to the shipped sentiment model out: maximum a posteriori adaptation.

Logistic regression whose Gaussian prior is centred at the shipped weights (Chelba & Acero 2004, section 3): what is learnt is the
difference, zero where nothing was corrected. The prior is narrower for common features, whose weights concern every text. An
intercept is learnt and then left out: readers correct mistakes, which mostly lean one way, and that lean comes from the choice of
texts (King & Zeng 2001, section 4.1), not from what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from models.artefact import SHIPPED
from models.features import batch_features
from models.normalise import plain, simplified
from models.privacy import mask
from models.segment import Segmenter
from models.sentiment import load_sentiment

DEVIATION = 2.0  # of a rare feature's weight under the prior; over 0.5 … 3 on three sets, each left out of the prior
_INTERCEPT_DEVIATION = 10.0
_LIGHTEST = 1e-3  # weights below are left out: all of a text's together move its log-odds by less than 0.02
_BATCH = 1024


class Read(NamedTuple):
    """Texts as the shipped model reads them: its log-odds, binary features over the root of the length, a column a bucket."""

    log_odds: NDArray[np.float64]
    rows: sparse.csr_matrix
    buckets: NDArray[np.uint32]


class Layer(NamedTuple):
    """What is added to the log-odds, by ascending bucket."""

    buckets: NDArray[np.uint32]
    weights: NDArray[np.float64]


def read(texts: Sequence[str], artefacts: Path = SHIPPED) -> Read:
    """Texts as tagging reads them: normalised, masked, segmented. Raises ArtefactError."""
    segmenter, model = Segmenter(), load_sentiment(artefacts)
    shown = [simplified(mask(plain(text))) for text in texts]
    log_odds, bucket, counts, size = [], [], [], []
    for start in range(0, len(shown), _BATCH):
        part = shown[start : start + _BATCH]
        batch = batch_features(part, segmenter.cut(part))
        log_odds.append(model.log_odds(batch))
        bucket.append(batch.features.bucket)
        counts.append(np.bincount(batch.features.text, minlength=len(part)))
        size.append(batch.features.size)
    buckets, column = np.unique(np.concatenate(bucket), return_inverse=True)
    count = np.concatenate(counts)
    value = np.repeat(1 / np.sqrt(np.maximum(np.concatenate(size), 1)), count)
    rows = sparse.csr_matrix((value, column, np.concatenate([[0], np.cumsum(count)])), shape=(len(shown), len(buckets)))
    return Read(np.concatenate(log_odds), rows, buckets)


def fit(given: Read, target: NDArray[np.float64]) -> Layer:
    """The most probable difference to the shipped weights: L-BFGS on log loss plus the prior's penalty."""
    seen = np.bincount(given.rows.indices, minlength=given.rows.shape[1])
    texts = given.rows.shape[0]
    # 1 for what one text says, towards 1 / (1 + log of half the texts) for what all say
    deviation = DEVIATION * (np.log((texts + 1) / (seen + 1)) + 1) / (np.log((texts + 1) / 2) + 1)
    scaled = sparse.csr_matrix(given.rows @ sparse.diags(deviation))

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, intercept = point[:-1], point[-1] * _INTERCEPT_DEVIATION
        log_odds = given.log_odds + scaled @ weights + intercept
        wrong = expit(log_odds) - target
        slope = np.append(scaled.T @ wrong, wrong.sum() * _INTERCEPT_DEVIATION) + point
        return float((np.logaddexp(0, log_odds) - target * log_odds).sum() + point @ point / 2), slope

    found = minimize(loss, np.zeros(scaled.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weights = found.x[:-1] * deviation
    kept = np.flatnonzero(np.abs(weights) >= _LIGHTEST)
    return Layer(given.buckets[kept], weights[kept])


def added(layer: Layer, given: Read) -> NDArray[np.float64]:
    """What `layer` adds to the log-odds of each text."""
    weights = np.zeros(len(given.buckets))
    shared, at, of = np.intersect1d(given.buckets, layer.buckets, assume_unique=True, return_indices=True)
    if len(shared):
        weights[at] = layer.weights[of]
    return np.asarray(given.rows @ weights)
