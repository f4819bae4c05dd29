"""The public sets in, the artefact of models.problems out: layers learnt from complaints whose problem the lexicon names.

The lexicon is the only teacher (weak supervision: Ratner et al. 2017); texts labelled by reading are left out, they measure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from models.artefact import SHIPPED, Card, write_artefact
from models.corpus import read_corpus
from models.evaluate import OPINION_LABELS, labelled_texts, read_opinion_labels
from models.features import SCHEME
from models.lexicon import load_lexicon
from models.normalise import simplified
from models.opinion import CATCH_ALL, OpinionMiner
from models.problems import LEVELS, NAME
from models.tag import load_tagger
from models.train import Say
from models.train_features import features

LEAST = 0.1  # margin; between 0 and 0.3 the labelled texts that rules were made on differ by three
SEEN = 4  # texts a feature must be in
COST = 0.1  # LinearSVC's C
KEPT = 60_000  # features, the weightiest
_LONGEST = 200  # characters: longer texts name several problems
_HELD_OUT = 0.1


class Named(NamedTuple):
    """Complaints and the category of the problem that they name."""

    texts: tuple[str, ...]
    category: NDArray[np.str_]


def train_problems(data: Path, out: Path = SHIPPED, say: Say = lambda _: None) -> Card:
    """Train on the sets in `data`, write the artefact, return its card. Raises CorpusError, ArtefactError."""
    corpus = read_corpus(data)
    labels = [*read_opinion_labels(OPINION_LABELS, held_out=True), *read_opinion_labels(OPINION_LABELS, held_out=False)]
    unread = set(corpus.texts).difference(labelled_texts(labels, data))
    named = _named(sorted(text for text in unread if len(text) <= _LONGEST))
    say(f"{len(named.texts)} complaints name their problem")
    matrix, buckets = features(named.texts)
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= SEEN)
    matrix, buckets, idf = matrix[:, kept], buckets[kept], np.log(len(named.texts) / seen[kept]) + 1
    matrix = matrix.multiply(idf[None, :]).tocsr()
    held_out = np.random.default_rng(0).random(len(named.texts)) < _HELD_OUT
    right = _fitted(matrix[~held_out], named.category[~held_out]).predict(matrix[held_out]) == named.category[held_out]
    model = _fitted(matrix, named.category)
    weights = model.coef_.T * idf[:, None]
    heaviest = np.sort(np.argsort(-np.abs(weights).max(1), kind="stable")[:KEPT])
    weights = weights[heaviest]
    step = float(np.abs(weights).max() / LEVELS)
    scores = {"texts": float(held_out.sum()), "accuracy": round(float(right.mean()), 4)}
    card = _card(len(named.texts), corpus.domains, scores, step, tuple(str(name) for name in model.classes_))
    quantised = np.round(weights / step).astype(np.int8)
    return write_artefact(
        out, card, {"buckets": buckets[heaviest], "weights": quantised, "bias": model.intercept_.astype(np.float32)}
    )


def _card(count: int, domains: Sequence[str], scores: dict[str, float], step: float, labels: tuple[str, ...]) -> Card:
    return Card(
        name=NAME,
        scheme=SCHEME,
        made=dt.date.today().isoformat(),
        data={f"complaints of {', '.join(domains)} that name a problem": count},
        method=f"LinearSVC C={COST}, one against the rest, taught by the lexicon's problems, the catch-all too",
        features="characters 1-4, words 1-2 (rjieba), hashed; personal data masked",
        scores={"agreement with the lexicon on a tenth held out": scores},
        limits="knows complaints like those in shopping, takeaway, app-store and car texts; asked where no term names a problem",
        parameters={"step": step, "least": LEAST},
        files={},
        labels=labels,
    )


def _named(texts: Sequence[str]) -> Named:
    """The catch-all is taught as well, by what names its subjects (advertisements) or its problems and no other."""
    miner = OpinionMiner(load_lexicon())
    complaints = [judged.text for judged in load_tagger().judge(texts) if "complaint" in judged.intents]
    found = []
    for text, reading in zip(complaints, miner.read([simplified(text).lower() for text in complaints]), strict=True):
        marks = reading.stated
        category, named = miner.category(marks)
        if named != (category == CATCH_ALL) and any(mark.name == category for mark in marks):
            found.append((text, category))
    return Named(tuple(text for text, _ in found), np.array([category for _, category in found]))


def _fitted(matrix: object, category: NDArray[np.str_]) -> LinearSVC:
    return LinearSVC(C=COST, random_state=0).fit(matrix, category)
