"""A labelled corpus in, the sentiment artefact out: cross-validated, calibrated on held-out texts, deterministic.

A linear SVM with squared hinge (LinearSVC) on binary hashed features weighted by idf and divided by the square root of
the text's length, as models.sentiment applies them.
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
from models.features import BITS, SCHEME, batch_features
from models.privacy import mask
from models.segment import Segmenter
from models.sentiment import NAME

FOLDS = 5
COST = 0.1  # LinearSVC's C; chosen by cross-validation over 0.03 … 1
SEEN = 2  # texts a feature must occur in
_BATCH = 4096
_LEVELS = 127  # of a weight, as an 8-bit integer

Say = Callable[[str], None]


class Layer(NamedTuple):
    """What was learnt: a weight per bucket (idf multiplied in) and a bias."""

    weights: NDArray[np.float32]
    bias: float


class WorseModelError(ValueError):
    """The newly trained model scores lower than the installed one and was not installed."""


def features(texts: tuple[str, ...]) -> sparse.csr_matrix:
    """The features of texts as tagging sees them: masked, segmented; one row a text, each divided by the root of its length."""
    segmenter = Segmenter()
    parts = [_rows(texts[start : start + _BATCH], segmenter) for start in range(0, len(texts), _BATCH)]
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"))


def _rows(texts: tuple[str, ...], segmenter: Segmenter) -> sparse.csr_matrix:
    masked = [mask(text) for text in texts]
    found = batch_features(masked, segmenter.cut(masked)).features
    value = (1 / np.sqrt(np.maximum(found.size, 1)))[found.text].astype(np.float32)
    start = np.searchsorted(found.text, np.arange(len(texts) + 1))
    return sparse.csr_matrix((value, found.bucket.astype(np.int32), start), shape=(len(texts), 1 << BITS))


def fit(matrix: sparse.csr_matrix, label: NDArray[np.int8]) -> Layer:
    """Learn a layer from the rows of `matrix`."""
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= SEEN)
    idf = (np.log((matrix.shape[0] + 1) / (seen[kept] + 1)) + 1).astype(np.float32) / 4
    narrow = matrix[:, kept] @ sparse.diags(idf)
    model = LinearSVC(C=COST, random_state=0).fit(narrow, label)
    weights = np.zeros(matrix.shape[1], np.float32)
    weights[kept] = model.coef_[0] * idf
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
    matrix = features(corpus.texts)
    margins = cross_validate(matrix, corpus, say)
    calibration = LogisticRegression(C=1e6).fit(margins[:, None], corpus.label)
    say("all texts")
    learnt = fit(matrix, corpus.label)
    scale = float(np.abs(learnt.weights).max()) / _LEVELS
    card = Card(
        name=NAME,
        scheme=SCHEME,
        made=dt.date.today().isoformat(),
        data={name: int((corpus.domain == number).sum()) for number, name in enumerate(corpus.domains)},
        method=f"LinearSVC C={COST}, binary features × idf / √length, {FOLDS}-fold cross-validation with repeated texts together",
        features="characters 1-4, words 1-2 (rjieba), hashed; personal data masked",
        scores=scores(corpus, margins),
        limits="Chinese reviews of goods, meals, hotels, books and apps; weak on irony, neutral reports, other languages",
        parameters={
            "scale": scale,
            "bias": learnt.bias,
            "slope": float(calibration.coef_[0, 0]),
            "shift": float(calibration.intercept_[0]),
        },
        files={},
    )
    _refuse_worse(card, read_card(out, NAME), force)
    return write_artefact(out, card, {"weights": np.round(learnt.weights / scale).astype(np.int8)})


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
