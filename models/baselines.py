"""The named baselines of sentiment: a labelled corpus in, what each reaches per set out; a model for each set, as is usual.

Character n-grams and jieba's words with scikit-learn in their usual forms, and SnowNLP with the model that it brings.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from models.corpus import Corpus, folds
from models.labelled import Labelled
from models.score_category import agreement, parts_of
from models.segment import reference_words
from models.train import FOLDS, Say, scores

SNOWNLP = "SnowNLP, as it comes"
_SNOWNLP_TEXTS = 500  # of a set: it judges a few hundred a second

Judge = Callable[[Sequence[Any]], NDArray[np.float64]]
Learn = Callable[[Sequence[Any], NDArray[np.int8]], Judge]


class _Part(NamedTuple):
    """Rows of one set: what a baseline learns from, and what it is judged on."""

    domain: str
    number: int
    known: NDArray[np.int64]
    tested: NDArray[np.int64]


def baseline_scores(
    corpus: Corpus, count: int = FOLDS, limit: int | None = None, say: Say = lambda _: None
) -> dict[str, dict[str, dict[str, float]]]:
    """Per baseline what it reaches per set, on the folds that the shipped model was scored on.

    `count` of the FOLDS folds are judged; of each label of each set only the first `limit` texts are used where that is given.
    """
    parts = list(_parts(corpus, count, limit))
    used = sorted({row for part in parts for row in (*part.known.tolist(), *part.tested.tolist())})
    say(f"jieba cuts {len(used):,} texts")
    words = dict(zip(used, reference_words([corpus.texts[row] for row in used]), strict=True))
    found = {}
    for name, (reads_words, learn) in _baselines().items():
        texts: Any = words if reads_words else corpus.texts
        margins = np.full(len(corpus.texts), np.nan)
        for part in parts:
            say(f"{name}: {part.domain}, fold {part.number + 1} of {count}")
            tested = part.tested[: _SNOWNLP_TEXTS // count] if name == SNOWNLP else part.tested
            judge = learn([texts[row] for row in part.known], corpus.label[part.known])
            margins[tested] = judge([texts[row] for row in tested])
        kept = np.flatnonzero(~np.isnan(margins))
        judged = Corpus((), corpus.label[kept], corpus.domain[kept], corpus.group[kept], corpus.domains)
        found[name] = scores(judged, margins[kept])
    return found


def category_baseline(labelled: Labelled) -> dict[str, float]:
    """What jieba's words 1-2 with TF-IDF and logistic regression reach on the cut that one's own categories are judged on."""
    words, category = reference_words(labelled.texts), labelled.labels.category
    said = np.empty_like(category)
    _, parts = parts_of(labelled)
    for known, tested in parts:
        features = TfidfVectorizer(analyzer=_pairs, sublinear_tf=True)
        model = make_pipeline(features, LogisticRegression(C=10, max_iter=1000))
        said[tested] = model.fit([words[row] for row in known], category[known]).predict([words[row] for row in tested])
    tested = np.concatenate([tested for _, tested in parts])
    return agreement(category[tested], said[tested])


def _parts(corpus: Corpus, count: int, limit: int | None) -> Iterator[_Part]:
    fold = folds(corpus, FOLDS)
    for number, domain in enumerate(corpus.domains):
        here = corpus.domain == number
        chosen = np.sort(np.concatenate([np.flatnonzero(here & (corpus.label == label))[:limit] for label in (0, 1)]))
        for held_out in range(count):
            known, tested = chosen[fold[chosen] != held_out], chosen[fold[chosen] == held_out]
            if len(tested) and len(np.unique(corpus.label[known])) == 2:
                yield _Part(domain, held_out, known, np.random.default_rng(0).permutation(tested))


def _baselines() -> Mapping[str, tuple[bool, Learn]]:
    """Name → whether it reads jieba's words instead of the text, and how it learns; SnowNLP only where it is installed."""
    found: dict[str, tuple[bool, Learn]] = {
        "characters 1-4, SVC": (False, lambda texts, label: _learn(_characters(), LinearSVC(C=0.5), texts, label)),
        "jieba words 1-2, SVC": (True, lambda texts, label: _learn(_words(), LinearSVC(C=0.5), texts, label)),
        "jieba words 1-2, LR": (
            True,
            lambda texts, label: _learn(_words(), LogisticRegression(C=10, max_iter=300), texts, label),
        ),
    }
    return found | ({SNOWNLP: (False, _snownlp)} if importlib.util.find_spec("snownlp") else {})


def _learn(features: TfidfVectorizer, classifier: Any, texts: Sequence[Any], label: NDArray[np.int8]) -> Judge:
    judge: Judge = make_pipeline(features, classifier).fit(texts, label).decision_function
    return judge


def _characters() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2)


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=_pairs, sublinear_tf=True, min_df=2)


def _pairs(words: Sequence[str]) -> list[str]:
    return [*words, *map("".join, pairwise(words))]


def _snownlp(_: Sequence[Any], __: NDArray[np.int8]) -> Judge:
    from snownlp import SnowNLP

    return lambda texts: np.array([SnowNLP(text).sentiments - 0.5 for text in texts])
