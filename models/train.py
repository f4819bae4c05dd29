"""A labelled corpus in, the sentiment artefact out: cross-validated, calibrated on held-out texts, deterministic.

A linear SVM with squared hinge (LinearSVC) on binary hashed features, each weighted by its idf and by how far it tells
praise from blame, and divided by the square root of the text's length, as models.sentiment applies them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

from models.artefact import SHIPPED, Card, read_card, write_artefact
from models.corpus import Corpus, folds, read_corpus
from models.features import SCHEME, Features, batch_features
from models.normalise import plain, simplified
from models.privacy import mask
from models.segment import Segmenter
from models.sentiment import LEVELS, NAME, encode

FOLDS = 5
COST = 0.1  # LinearSVC's C; chosen by cross-validation over 0.03 … 1
SEEN = 2  # texts a feature must occur in
RATIO_OFFSET = 0.1  # of the log-count ratio: keeps what tells nothing by itself; chosen over 0.1, 0.3
_BATCH = 4096

Say = Callable[[str], None]


class Matrix(NamedTuple):
    """One row a text, each divided by the root of its length; `buckets[i]` (ascending) is the bucket of column i."""

    rows: sparse.csr_matrix
    buckets: NDArray[np.uint32]


class Layer(NamedTuple):
    """What was learnt: a weight per column (idf multiplied in) and a bias."""

    weights: NDArray[np.float32]
    bias: float


class WorseModelError(ValueError):
    """The newly trained model scores lower than the installed one and was not installed."""


def features(texts: tuple[str, ...]) -> Matrix:
    """The features of texts as tagging sees them: normalised, masked, segmented."""
    segmenter = Segmenter()
    parts = [_features(texts[start : start + _BATCH], segmenter) for start in range(0, len(texts), _BATCH)]
    buckets, column = np.unique(np.concatenate([part.bucket for part in parts]), return_inverse=True)
    size = np.concatenate([part.size for part in parts])
    counts = np.concatenate([np.bincount(part.text, minlength=len(part.size)) for part in parts])
    value = np.repeat(1 / np.sqrt(np.maximum(size, 1)), counts).astype(np.float32)
    start = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(texts), len(buckets))
    return Matrix(sparse.csr_matrix((value, column.astype(np.int32), start), shape=shape), buckets)


def _features(texts: tuple[str, ...], segmenter: Segmenter) -> Features:
    shown = [simplified(mask(plain(text))) for text in texts]
    return batch_features(shown, segmenter.cut(shown)).features


def fit(matrix: sparse.csr_matrix, label: NDArray[np.int8]) -> Layer:
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


def cross_validate(matrix: sparse.csr_matrix, corpus: Corpus, say: Say) -> NDArray[np.float64]:
    """The margin of each text under a layer that was learnt without it (nor any repetition of it)."""
    fold = folds(corpus, FOLDS)
    margins = np.zeros(len(corpus.texts))
    for number in range(FOLDS):
        say(f"fold {number + 1} of {FOLDS}")
        others = np.flatnonzero(fold != number)
        learnt = fit(matrix[others], corpus.label[others])
        margins[fold == number] = matrix[fold == number] @ learnt.weights + learnt.bias
    return margins


def scores(corpus: Corpus, margins: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Accuracy and macro-F1 of each domain."""
    found = {}
    for number, name in enumerate(corpus.domains):
        here = corpus.domain == number
        truth, judged = corpus.label[here], margins[here] > 0
        found[name] = {
            "texts": float(here.sum()),
            "accuracy": round(float(accuracy_score(truth, judged)), 4),
            "macro_f1": round(float(f1_score(truth, judged, average="macro")), 4),
        }
    return found


def train_sentiment(data: Path, out: Path = SHIPPED, *, force: bool = False, say: Say = lambda _: None) -> Card:
    """Train on the sets in `data`, write the artefact to `out`, return its card.

    Raises CorpusError for the data, WorseModelError when the installed model of the same scheme scores higher (not with `force`).
    """
    corpus = read_corpus(data)
    say(f"{len(corpus.texts)} texts of {', '.join(corpus.domains)}")
    matrix, buckets = features(corpus.texts)
    margins = cross_validate(matrix, corpus, say)
    calibration = LogisticRegression(C=1e6).fit(margins[:, None], corpus.label)
    say("all texts")
    learnt = fit(matrix, corpus.label)
    step = float(np.sqrt(np.abs(learnt.weights).max())) / LEVELS
    codes = encode(learnt.weights, step)
    kept = np.flatnonzero(codes)
    card = Card(
        name=NAME,
        scheme=SCHEME,
        made=dt.date.today().isoformat(),
        data={name: int((corpus.domain == number).sum()) for number, name in enumerate(corpus.domains)},
        method=(
            f"LinearSVC C={COST}, binary features × idf × √({RATIO_OFFSET} + |log-count ratio|) / √length; "
            f"scores: {FOLDS}-fold cross-validation with repeated texts together"
        ),
        features="characters 1-4, words 1-2 (rjieba), hashed; mark-up and personal data out",
        scores=scores(corpus, margins),
        limits="Chinese reviews of goods, meals, hotels, books and apps; weak on irony, neutral reports, other languages",
        parameters={
            "step": step,
            "bias": learnt.bias,
            "slope": float(calibration.coef_[0, 0]),
            "shift": float(calibration.intercept_[0]),
        },
        files={},
    )
    _refuse_worse(card, read_card(out, NAME), force)
    return write_artefact(out, card, {"buckets": buckets[kept], "codes": codes[kept]})


def mean_accuracy(card: Card) -> float:
    """The unweighted mean of the card's accuracies over its domains."""
    return float(np.mean([score["accuracy"] for score in card.scores.values()]))


def _refuse_worse(new: Card, installed: Card | None, force: bool) -> None:
    if installed is None or force or installed.scheme != new.scheme or set(installed.scores) != set(new.scores):
        return
    before, after = mean_accuracy(installed), mean_accuracy(new)
    if after < before - 0.002:
        raise WorseModelError(
            f"mean accuracy {after:.4f} against {before:.4f} of the installed model; not installed (--force does)"
        )
