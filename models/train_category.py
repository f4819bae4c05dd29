"""A file of texts with a user's own categories in, the category artefact out.

One-against-rest linear SVMs on the features of models.features. Scored on the newest fifth where the file has dates
(what is said changes with time), by cross-validation where it has none.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from models.artefact import Card, read_card, write_artefact
from models.category import NAME
from models.corpus import CorpusError, rows
from models.features import SCHEME
from models.train import Say, WorseModelError, features

COST = 1.0  # LinearSVC's C, over 0.3 … 3 on a time split
FEWEST = 5  # texts a category needs to be learnt
_HELD_OUT = 0.2
_FOLDS = 5


class Labelled(NamedTuple):
    """Texts, their categories, and when each was said ('' where the file does not tell), oldest first."""

    texts: tuple[str, ...]
    category: NDArray[np.str_]
    date: tuple[str, ...]


class Layers(NamedTuple):
    """What was learnt: weights[i, j] is what the matrix's column columns[i] adds to category labels[j]."""

    columns: NDArray[np.int64]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: tuple[str, ...]


class _Line(msgspec.Struct):
    text: str
    category: str
    date: str = ""
    ts: str = ""


def read_labelled(path: Path) -> Labelled:
    """CSV (text, category, perhaps date; .gz too) or NDJSON of the same. Raises CorpusError naming file and line."""
    found: list[tuple[str, str, str]] = []
    if ".csv" in path.suffixes:
        for number, row in enumerate(rows(path), start=2):
            if not row.get("text") or not row.get("category"):
                raise CorpusError(f"{path}:{number}: expected columns text and category")
            found.append((row.get("date") or row.get("ts") or "", row["text"], row["category"]))
    else:
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                each = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError as error:
                raise CorpusError(f"{path}:{number}: {error}") from error
            found.append((each.date or each.ts, each.text, each.category))
    counts = Counter(category for _, _, category in found)
    if sum(count >= FEWEST for count in counts.values()) < 2:
        raise CorpusError(f"{path}: at least two categories with {FEWEST} texts each are needed")
    found.sort(key=lambda each: each[0])
    return Labelled(tuple(each[1] for each in found), np.array([each[2] for each in found]), tuple(each[0] for each in found))


def train_category(path: Path, out: Path, *, force: bool = False, say: Say = lambda _: None) -> Card:
    """Train on `path`, write the artefact to `out`, return its card. Raises CorpusError, WorseModelError."""
    labelled = read_labelled(path)
    say(f"{len(labelled.texts)} texts, {len(set(labelled.category))} categories")
    matrix, buckets = features(labelled.texts)
    split, scores = _score(matrix, labelled)
    installed = read_card(out, NAME)
    if installed and not force and installed.scheme == SCHEME and installed.labels and set(installed.scores) == {split}:
        before, after = installed.scores[split]["accuracy"], scores["accuracy"]
        if after < before - 0.005:
            raise WorseModelError(
                f"accuracy {after:.4f} against {before:.4f} of the installed model; not installed (--force does)"
            )
    learnt = fit_layers(matrix, labelled.category)
    card = Card(
        name=NAME,
        scheme=SCHEME,
        made=dt.date.today().isoformat(),
        data={path.name: len(labelled.texts)},
        method=f"LinearSVC C={COST}, one against the rest, binary features × idf / √length; scored on {split}",
        features="characters 1-4, words 1-2 (rjieba), hashed; personal data masked",
        scores={split: scores},
        limits=f"categories with fewer than {FEWEST} texts are not learnt; a text always gets one",
        parameters={},
        files={},
        labels=learnt.labels,
    )
    arrays: dict[str, NDArray[Any]] = {
        "buckets": buckets[learnt.columns],
        "weights": learnt.weights.astype(np.float16),
        "bias": learnt.bias.astype(np.float32),
    }
    return write_artefact(out, card, arrays)


def fit_layers(matrix: sparse.csr_matrix, category: NDArray[np.str_]) -> Layers:
    """Learn one layer per category that has enough texts."""
    names, counts = np.unique(category, return_counts=True)
    learnable = np.flatnonzero(np.isin(category, names[counts >= FEWEST]))
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1])
    kept = np.flatnonzero(seen >= 2)
    idf = np.log((matrix.shape[0] + 1) / (seen[kept] + 1)) + 1
    model = LinearSVC(C=COST, random_state=0)
    model.fit((matrix[:, kept] @ sparse.diags(idf))[learnable], category[learnable])
    weights, bias = model.coef_.T * idf[:, None], model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one layer for two classes
        weights, bias = np.hstack([-weights, weights]), np.array([-bias[0], bias[0]])
    return Layers(kept, weights, bias, tuple(str(name) for name in model.classes_))


def predict(layers: Layers, matrix: sparse.csr_matrix) -> NDArray[np.str_]:
    """The category of each row."""
    best: NDArray[np.int64] = np.argmax(matrix[:, layers.columns] @ layers.weights + layers.bias, axis=1)
    return np.array(layers.labels)[best]


def _score(matrix: sparse.csr_matrix, labelled: Labelled) -> tuple[str, dict[str, float]]:
    category = labelled.category
    judged = np.empty_like(category)
    if labelled.date[0] and labelled.date[0] != labelled.date[-1]:
        first = int(len(category) * (1 - _HELD_OUT))
        parts, name = [(np.arange(first), np.arange(first, len(category)))], "newest fifth"
    else:
        cut = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        parts, name = list(cut.split(category, category)), f"{_FOLDS}-fold cross-validation"
    for known, held_out in parts:
        judged[held_out] = predict(fit_layers(matrix[known], category[known]), matrix[held_out])
    tested = np.concatenate([held_out for _, held_out in parts])
    truth, said = category[tested], judged[tested]
    return name, {
        "texts": float(len(tested)),
        "accuracy": round(float(accuracy_score(truth, said)), 4),
        "macro_f1": round(float(f1_score(truth, said, average="macro", zero_division=0)), 4),
        "most_frequent": round(float(Counter(truth.tolist()).most_common(1)[0][1] / len(truth)), 4),
    }
