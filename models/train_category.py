"""Texts with a user's own categories (or services) in, the category artefact out.

Linear layers (models.train_layers) on the features of models.features, scored by models.score_category.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import Card, read_card, write_artefact
from models.category import CATEGORY_SCHEME, NAME, PRECEDENCE
from models.labelled import FEWEST, Labels, Row, joined
from models.score_category import Tried, score
from models.train import Say, WorseModelError
from models.train_features import features
from models.train_layers import COST, fit_layers


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
    labelled = joined(found)
    say(f"{len(labelled.texts)} texts, {len(set(labelled.labels.category))} categories")
    matrix, buckets = features(labelled.texts)
    split, scores, tried = score(matrix, labelled)
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
