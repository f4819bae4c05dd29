"""A labelled corpus in, the sentiment artefact out: cross-validated, calibrated on held-out texts, deterministic.

A linear layer (models.train_sparse_layer) and, for texts that it is unsure of, two convolutions (models.train_convolution),
weighed by logistic regression on what they said of texts they had not learnt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

from models import convolution, held_out
from models.artefact import SHIPPED, Card, read_card, write_artefact
from models.convolution import Convolution, Network
from models.corpus import Corpus, folds, read_corpus
from models.sentiment import LEVELS, LONGEST, MODEL_SCHEME, NAME, UNSURE, Stack, encode
from models.train_convolution import Shape, fit
from models.train_features import Prepared, prepare
from models.train_sparse_layer import COST, RATIO_OFFSET, Layer, fit_layer

FOLDS = 5
# Chosen on one fold of the public sets; more filters or tokens hidden, and means over several seeds, gained nothing there.
WORDS = Shape(taps=3, filters=128, dimension=100, longest=LONGEST["words"], epochs=9, rate=0.0015, hidden=0.3, dropped=0.5)
CHARACTERS = WORDS._replace(taps=4, filters=160, longest=LONGEST["characters"], hidden=0.2)

Say = Callable[[str], None]


class Learnt(NamedTuple):
    """The parts of the model."""

    layer: Layer
    words: Network
    characters: Network


class WorseModelError(ValueError):
    """The newly trained model scores lower than the installed one and was not installed."""


def learn(prepared: Prepared, label: NDArray[np.int8], rows: NDArray[np.int64]) -> Learnt:
    """Learn every part from the texts `rows`."""
    words, characters = prepared.words.of(rows), prepared.characters.of(rows)
    layer = fit_layer(prepared.matrix.rows[rows], label[rows])
    return Learnt(layer, fit(words, label[rows], WORDS), fit(characters, label[rows], CHARACTERS))


def judge(learnt: Learnt, prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each part (columns: layer, words, characters) says of the texts `rows`."""
    words, characters = prepared.words.of(rows), prepared.characters.of(rows)
    margin = prepared.matrix.rows[rows] @ learnt.layer.weights + learnt.layer.bias
    by_words = Convolution(learnt.words, WORDS.longest).log_odds(words)
    return np.stack([margin, by_words, Convolution(learnt.characters, CHARACTERS.longest).log_odds(characters)], axis=1)


def cross_validate(prepared: Prepared, corpus: Corpus, say: Say) -> NDArray[np.float64]:
    """What each part says of each text when it has not learnt the text (nor any repetition of it)."""
    fold = folds(corpus, FOLDS)
    said = np.zeros((len(corpus.texts), 3))
    for number in range(FOLDS):
        say(f"fold {number + 1} of {FOLDS}")
        tested = np.flatnonzero(fold == number)
        if len(tested):
            said[tested] = judge(learn(prepared, corpus.label, np.flatnonzero(fold != number)), prepared, tested)
    return said


def calibrate(said: NDArray[np.float64], label: NDArray[np.int8]) -> Stack:
    """How to weigh the parts (columns of `said`), by logistic regression on texts that they had not learnt."""
    alone = LogisticRegression(C=1e6).fit(said[:, :1], label)
    unsure = np.abs(alone.decision_function(said[:, :1])) < UNSURE
    if len(np.unique(label[unsure])) < 2:  # a corpus so plain that the layer is sure of everything
        unsure[:] = True
    together = LogisticRegression(C=1e6).fit(said[unsure], label[unsure])
    weights = (alone.coef_[0, 0], alone.intercept_[0], *together.coef_[0], together.intercept_[0])
    return Stack(*map(float, weights))


def stacked(stack: Stack, said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds from what each part says."""
    first = stack.first(said[:, 0])
    return np.where(np.abs(first) < UNSURE, stack.second(said[:, 0], said[:, 1], said[:, 2]), first)


def scores(corpus: Corpus, log_odds: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Accuracy and macro-F1 of each domain."""
    found = {}
    for number, name in enumerate(corpus.domains):
        here = corpus.domain == number
        truth, judged = corpus.label[here], log_odds[here] > 0
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
    prepared = prepare(corpus.texts)
    said = cross_validate(prepared, corpus, say)
    stack = calibrate(said, corpus.label)
    log_odds = stacked(stack, said)
    card = _card(corpus, scores(corpus, log_odds), stack)
    refuse_worse(card, read_card(out, NAME), force)
    say("all texts")
    learnt = learn(prepared, corpus.label, np.arange(len(corpus.texts)))
    layer = learnt.layer
    step = float(np.sqrt(np.abs(layer.weights).max())) / LEVELS
    codes = encode(layer.weights, step)
    kept = np.flatnonzero(codes)
    arrays: dict[str, NDArray[Any]] = {"buckets": prepared.matrix.buckets[kept], "codes": codes[kept]}
    arrays |= convolution.encode("words", learnt.words) | convolution.encode("characters", learnt.characters)
    arrays |= held_out.encode(log_odds, corpus.label, corpus.domain)
    card.parameters.update(step=step, bias=layer.bias)
    return write_artefact(out, card, arrays)


def _card(corpus: Corpus, reached: dict[str, dict[str, float]], stack: Stack) -> Card:
    return Card(
        name=NAME,
        scheme=MODEL_SCHEME,
        made=dt.date.today().isoformat(),
        data={name: int((corpus.domain == number).sum()) for number, name in enumerate(corpus.domains)},
        method=(
            f"LinearSVC C={COST}, binary features × idf × √({RATIO_OFFSET} + |log-count ratio|) / √length; where that is "
            f"unsure (log-odds below {UNSURE}), convolutions over words ({WORDS.taps} × {WORDS.filters}) and characters "
            f"({CHARACTERS.taps} × {CHARACTERS.filters}) weighed in by logistic regression on held-out texts; "
            f"scores: {FOLDS}-fold cross-validation with repeated texts together"
        ),
        features="characters 1-4, words 1-2 (rjieba), hashed; words and characters in order; mark-up and personal data out",
        scores=reached,
        limits="Chinese reviews of goods, meals, hotels, books and apps; weak on irony, neutral reports, other languages",
        parameters=dict(stack._asdict()),
        files={},
    )


def mean_accuracy(card: Card) -> float:
    """The unweighted mean of the card's accuracies over its domains."""
    return float(np.mean([score["accuracy"] for score in card.scores.values()]))


def refuse_worse(new: Card, installed: Card | None, force: bool) -> None:
    """Raises WorseModelError when `installed` is of the same kind and scores higher on all its texts; not with `force`."""
    if installed is None or force or installed.scheme != new.scheme or set(installed.scores) != set(new.scores):
        return
    if any(installed.scores[name]["texts"] < installed.data[name] for name in installed.data):
        return  # scored on some folds only, whose difficulty is not that of all
    before, after = mean_accuracy(installed), mean_accuracy(new)
    if after < before - 0.002:
        raise WorseModelError(
            f"mean accuracy {after:.4f} against {before:.4f} of the installed model; not installed (--force does)"
        )
