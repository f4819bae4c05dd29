"""Texts with a user's own categories (or services) in, the category artefact out.

Linear layers (models.train_layers) on the features of models.features. Scored on the newest fifth where the file has dates
(what is said changes with time), by cross-validation where it has none.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold

from models.artefact import Card, read_card, write_artefact
from models.category import CATEGORY_SCHEME, NAME, PRECEDENCE
from models.corpus import CorpusError, rows
from models.train import Say, WorseModelError
from models.train_features import features
from models.train_layers import COST, Labels, fit_layers, predict

FEWEST = 5  # texts a category needs to be learnt
_HELD_OUT = 0.2
_FOLDS = 5


class Labelled(NamedTuple):
    """Texts, their labels, and when each was said ('' where the file does not tell), oldest first."""

    texts: tuple[str, ...]
    labels: Labels
    date: tuple[str, ...]


class Tried(NamedTuple):
    """Texts held out: the margin of what was said of each, and whether it was right."""

    margin: NDArray[np.float64]
    right: NDArray[np.bool_]


class Row(NamedTuple):
    """When it was said ('' unknown), the text, what it was labelled, and the codes of all it says, the leading one first."""

    date: str
    text: str
    label: str
    codes: tuple[str, ...] = ()


def read_labelled(path: Path, field: str = "category") -> list[Row]:
    """CSV (text, `field`, perhaps date, perhaps codes apart by commas; .gz too) or NDJSON of the same.

    Raises CorpusError naming file and line.
    """
    if ".csv" in path.suffixes:
        given: list[dict[str, Any]] = list(rows(path))
    else:
        given = []
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                given.append(msgspec.json.decode(line, type=dict[str, Any]))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise CorpusError(f"{path}:{number}: {error}") from error
    found = []
    for number, row in enumerate(given, start=2 if ".csv" in path.suffixes else 1):
        text, label = row.get("text"), row.get(field)
        if not isinstance(text, str) or not isinstance(label, str) or not text or not label:
            raise CorpusError(f"{path}:{number}: expected columns text and {field}")
        codes = tuple(code.strip() for code in str(row.get("codes") or "").split(",") if code.strip())
        found.append(Row(str(row.get("date") or row.get("ts") or ""), text, label, codes))
    return found


def _labelled(found: Mapping[str, Sequence[Row]]) -> Labelled:
    together = sorted([row for part in found.values() for row in part], key=lambda row: row.date)
    if not _learnable(np.array([row.label for row in together])):
        raise CorpusError(f"{' and '.join(found)}: at least two labels with {FEWEST} texts each are needed")
    labels = Labels(np.array([row.label for row in together]), [row.codes for row in together])
    return Labelled(tuple(row.text for row in together), labels, tuple(row.date for row in together))


def train_category(
    found: Mapping[str, Sequence[Row]],
    out: Path,
    *,
    precision: float | None = None,
    force: bool = False,
    say: Say = lambda _: None,
) -> Card:
    """Train on rows by their source, write the artefact to `out`, return its card. Raises CorpusError, WorseModelError.

    With a `precision` the model abstains below the margin that keeps it on the texts held out.
    """
    labelled = _labelled(found)
    say(f"{len(labelled.texts)} texts, {len(set(labelled.labels.category))} categories")
    matrix, buckets = features(labelled.texts)
    split, scores, tried = _score(matrix, labelled)
    least = _least(tried, precision) if precision else None
    if least is not None:
        scores["answered"] = round(float((tried.margin >= least).mean()), 4)
    if not force:
        _refuse_worse(read_card(out, NAME), split, scores)
    learnt = fit_layers(matrix, labelled.labels, FEWEST)
    card = Card(
        name=NAME,
        scheme=CATEGORY_SCHEME,
        made=dt.date.today().isoformat(),
        data={name: len(part) for name, part in found.items()},
        method=f"{_method(labelled.labels, learnt.precedence)}, binary features × idf / √length; scored on {split}",
        features="characters 1-4, words 1-2 (rjieba), hashed; personal data masked",
        scores={split: scores},
        limits=f"categories with fewer than {FEWEST} texts are not learnt; "
        + ("a text always gets one" if least is None else f"silent where precision would fall below {precision}"),
        parameters=({} if least is None else {"least": least}) | ({PRECEDENCE: 1.0} if learnt.precedence else {}),
        files={},
        labels=learnt.labels,
    )
    arrays: dict[str, NDArray[Any]] = {
        "buckets": buckets[learnt.columns],
        "weights": learnt.weights.astype(np.float16),
        "bias": learnt.bias.astype(np.float32),
    }
    return write_artefact(out, card, arrays)


def _refuse_worse(installed: Card | None, split: str, scores: Mapping[str, float]) -> None:
    """Raises WorseModelError for what judges worse than the installed model on the same split, or no better than no model."""
    if installed and installed.scheme == CATEGORY_SCHEME and installed.labels and set(installed.scores) == {split}:
        before, after = installed.scores[split]["accuracy"], scores["accuracy"]
        if after < before - 0.005:
            raise WorseModelError(
                f"accuracy {after:.4f} against {before:.4f} of the installed model; not installed (--force does)"
            )
    if scores["accuracy"] <= scores["most_frequent"]:
        raise WorseModelError(
            f"accuracy {scores['accuracy']:.4f}, no more than by always saying the most frequent label"
            f" ({scores['most_frequent']:.4f}); not installed (--force does)"
        )


def _method(labels: Labels, precedence: bool) -> str:
    if precedence:
        return f"LinearSVC C={COST} and NBSVM for what the codes name, calibrated; the first said by precedence leads"
    if any(labels.codes):
        return f"LinearSVC C={COST} for what the codes name, logistic regression for what leads"
    return f"LinearSVC C={COST}, one against the rest"


def _least(tried: Tried, precision: float) -> float:
    """The smallest margin, 0 or above, from which on `precision` is kept; above all margins when it is kept nowhere.

    Below 0 no category claims the text against the rest: texts unlike any that was learnt mostly lie there.
    """
    order = np.argsort(-tried.margin, kind="stable")
    kept = np.flatnonzero(np.cumsum(tried.right[order]) / np.arange(1, len(order) + 1) >= precision)
    return max(0.0, float(tried.margin[order[kept[-1]]] if len(kept) else tried.margin.max() + 1))


def _learnable(category: NDArray[np.str_]) -> bool:
    return int((np.unique(category, return_counts=True)[1] >= FEWEST).sum()) >= 2


def _score(matrix: sparse.csr_matrix, labelled: Labelled) -> tuple[str, dict[str, float], Tried]:
    category = labelled.labels.category
    judged, margin = np.empty_like(category), np.empty(len(category))
    first = int(len(category) * (1 - _HELD_OUT))
    if labelled.date[0] and labelled.date[0] != labelled.date[-1] and _learnable(category[:first]):
        parts, name = [(np.arange(first), np.arange(first, len(category)))], "newest fifth"
    else:
        names, place, counts = np.unique(category, return_inverse=True, return_counts=True)
        layer = np.where(counts[place] < _FOLDS, names[counts.argmax()], category)  # what is too rare for a fold each goes along
        cut = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        parts, name = list(cut.split(category, layer)), f"{_FOLDS}-fold cross-validation"
    for known, held_out in parts:
        learnt = fit_layers(matrix[known], labelled.labels.of(known), FEWEST - 1)  # a fold may take one of FEWEST
        judged[held_out], margin[held_out] = predict(learnt, matrix[held_out])
    tested = np.concatenate([held_out for _, held_out in parts])
    truth, said = category[tested], judged[tested]
    scores = {
        "texts": float(len(tested)),
        "accuracy": round(float(accuracy_score(truth, said)), 4),
        "macro_f1": round(float(f1_score(truth, said, average="macro", zero_division=0)), 4),
        "most_frequent": round(float(Counter(truth.tolist()).most_common(1)[0][1] / len(truth)), 4),
    }
    return name, scores, Tried(margin[tested], truth == said)
