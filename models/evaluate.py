"""Labelled texts and a tagger in, how far its judgements agree with the labels out; and a plain baseline's scores beside.

The labels of opinions, made by reading, are ids and fields only; the texts are looked up in the public sets. Half of the
labels are held out: rules are made by looking at the other half alone.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from models.corpus import Corpus, CorpusError, folds, rows
from models.tag import Judgement, Tagger
from models.train import FOLDS, Say, scores

OPINION_LABELS = Path(__file__).parent / "data" / "opinion_labels.ndjson"


class OpinionLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader found in the text `id` of `file`. `aspects` are names with +1 or -1; '' and nothing mean none."""

    file: str
    id: str
    held_out: bool
    intents: tuple[str, ...]
    category: str
    aspects: dict[str, int]
    severity: str


class Agreement(NamedTuple):
    """`right` of `said` judgements agree with a label, of `labelled` there are."""

    field: str
    right: int
    said: int
    labelled: int

    @property
    def precision(self) -> float:
        """Right among what was said; 0 when nothing was."""
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        """Right among what was labelled; 0 when nothing was."""
        return self.right / self.labelled if self.labelled else 0.0


class _Said(msgspec.Struct):
    id: str
    text: str


def read_opinion_labels(path: Path, *, held_out: bool) -> list[OpinionLabel]:
    """The labels of one half. Raises CorpusError naming the line."""
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=OpinionLabel))
        except msgspec.MsgspecError as error:
            raise CorpusError(f"{path}:{number}: {error}") from error
    return [label for label in found if label.held_out == held_out]


def labelled_texts(labels: Sequence[OpinionLabel], data: Path) -> list[str]:
    """The text of each label, from the files in `data`. Raises CorpusError when one is not there."""
    texts: dict[tuple[str, str], str] = {}
    for file in sorted({label.file for label in labels}):
        if not (data / file).exists():
            raise CorpusError(f"{data / file} is missing")
        texts |= {(file, key): text for key, text in _identified(data / file)}
    try:
        return [texts[label.file, label.id] for label in labels]
    except KeyError as error:
        raise CorpusError(f"{data}: no text {error}") from error


def _identified(path: Path) -> Iterator[tuple[str, str]]:
    if ".csv" in path.suffixes:
        yield from ((row["id"], row["text"]) for row in rows(path))
        return
    with gzip.open(path) as lines:
        for line in lines:
            said = msgspec.json.decode(line, type=_Said)
            yield said.id, said.text


def agreements(tagger: Tagger, labels: Sequence[OpinionLabel], texts: Sequence[str]) -> list[Agreement]:
    """How far the tagger's judgements of `texts` agree with `labels`, field by field."""
    judged = tagger.judge(texts)
    pairs = [(_fields(each), _labelled(label)) for each, label in zip(judged, labels, strict=True)]
    found = []
    for field in sorted({field for said, labelled in pairs for field, _ in said | labelled}):
        said = [{each for each in one if each[0] == field} for one, _ in pairs]
        labelled = [{each for each in one if each[0] == field} for _, one in pairs]
        right = sum(len(a & b) for a, b in zip(said, labelled, strict=True))
        found.append(Agreement(field, right, sum(map(len, said)), sum(map(len, labelled))))
    return found


def _fields(judged: Judgement) -> set[tuple[str, str]]:
    found = {(f"intent {name}", name) for name in judged.intents}
    found |= {("aspect", f"{aspect.name} {aspect.polarity}") for aspect in judged.aspects}
    return found | {("category", judged.category), ("severity", judged.severity)} - {("category", ""), ("severity", "")}


def _labelled(label: OpinionLabel) -> set[tuple[str, str]]:
    found = {(f"intent {name}", name) for name in label.intents}
    found |= {("aspect", f"{name} {polarity}") for name, polarity in label.aspects.items()}
    return found | {("category", label.category), ("severity", label.severity)} - {("category", ""), ("severity", "")}


def baseline_scores(corpus: Corpus, count: int = FOLDS, say: Say = lambda _: None) -> dict[str, dict[str, float]]:
    """What plain scikit-learn reaches on the folds that the shipped model was scored on: a model a set.

    Character 1–4-grams, TF-IDF with sublinear term frequency, LinearSVC: the strongest of the usual linear baselines.
    """
    fold = folds(corpus, FOLDS)
    texts = np.array(corpus.texts, dtype=object)
    margins = np.full(len(texts), np.nan)
    for number, name in enumerate(corpus.domains):
        for part in range(count):
            say(f"baseline on {name}, fold {part + 1} of {count}")
            known = np.flatnonzero((corpus.domain == number) & (fold != part))
            tested = np.flatnonzero((corpus.domain == number) & (fold == part))
            grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
            model = make_pipeline(grams, LinearSVC(C=0.5))
            margins[tested] = model.fit(texts[known], corpus.label[known]).decision_function(texts[tested])
    kept = ~np.isnan(margins)
    chosen = Corpus(tuple(texts[kept]), corpus.label[kept], corpus.domain[kept], corpus.group[kept], corpus.domains)
    return scores(chosen, margins[kept])
