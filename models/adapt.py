"""Corrected texts in, an adaptation of the shipped sentiment model out: cross-validated, gated, an artefact with its card."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.adapt_layer import DEVIATION, Read, added, fit, read
from models.artefact import SHIPPED, Card, fingerprint, read_card, write_artefact
from models.sentiment import DELTA_SCHEME, NAME
from models.train import WorseModelError

GUARD = SHIPPED / "guard.ndjson"
FEWEST = 20  # corrected texts; below, no score on those held out means anything
GUARD_LOSS = 0.01  # of the guard's accuracy that adapting may cost
_FOLDS = 5


class AdaptError(ValueError):
    """Too little was corrected to learn from it."""


class _Line(msgspec.Struct):
    text: str
    polarity: int


def adapt(texts: Sequence[str], polarity: Sequence[int], out: Path, *, artefacts: Path = SHIPPED, force: bool = False) -> Card:
    """Learn from texts and their polarity (-1, 0, 1), write the artefact into `out`, return its card.

    Raises AdaptError below FEWEST texts; WorseModelError, unless forced, when texts held out are not judged better than by the
    shipped model, or texts that are plain to everybody (the guard) are judged worse; ArtefactError.
    """
    distinct, target = _distinct(texts, polarity)
    if len(distinct) < FEWEST:
        raise AdaptError(f"{len(distinct)} texts with a corrected polarity: at least {FEWEST} are needed")
    given = read(distinct, artefacts)
    held_out = _cross_validated(given, target)
    learnt = fit(given, target)
    guard = [msgspec.json.decode(line, type=_Line) for line in GUARD.read_bytes().splitlines()]
    clear = read([line.text for line in guard], artefacts)
    truth = np.array([line.polarity > 0 for line in guard], np.float64)
    scores = {
        "corrections": _score(given.log_odds, target),
        "corrections, adapted": _score(held_out, target),
        "guard": _score(clear.log_odds, truth),
        "guard, adapted": _score(clear.log_odds + added(learnt, clear), truth),
    }
    if not force:
        _refuse_worse(scores, _turned(given.log_odds, held_out, target))
    return write_artefact(
        out, _card(len(distinct), scores, artefacts), {"buckets": learnt.buckets, "weights": learnt.weights.astype(np.float32)}
    )


def _distinct(texts: Sequence[str], polarity: Sequence[int]) -> tuple[list[str], NDArray[np.float64]]:
    """Each text once, however often it is repeated, and the mean of what was said of it: 1 praise, 0 blame, neutral between."""
    said: dict[str, list[float]] = {}
    shown: dict[str, str] = {}
    for text, sign in zip(texts, polarity, strict=True):
        key = re.sub(r"\W", "", text.lower()) or text
        shown.setdefault(key, text)
        said.setdefault(key, []).append((sign + 1) / 2)
    return list(shown.values()), np.array([np.mean(each) for each in said.values()])


def _cross_validated(given: Read, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds of each text under what was learnt without it."""
    fold = np.random.default_rng(0).permutation(len(target)) % _FOLDS
    found = given.log_odds.copy()
    for number in range(_FOLDS):
        known, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        learnt = fit(Read(given.log_odds[known], given.rows[known], given.buckets), target[known])
        found[held_out] += added(learnt, Read(given.log_odds[held_out], given.rows[held_out], given.buckets))
    return found


def _score(log_odds: NDArray[np.float64], target: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy over what praises or blames; log loss over all (a neutral text at even odds: ln 2, the least it can be)."""
    right = _right(log_odds, target)
    return {
        "texts": float(len(target)),
        "accuracy": round(float(right.mean()), 4) if len(right) else 0.0,
        "log_loss": round(float(np.mean(np.logaddexp(0, log_odds) - target * log_odds)), 4),
    }


def _right(log_odds: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each text that praises or blames is judged so."""
    told = target != 0.5
    return np.asarray((log_odds[told] > 0) == (target[told] > 0.5))


def _turned(before: NDArray[np.float64], after: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[int, int]:
    """How many texts were right and are wrong, and the other way round."""
    was, is_ = _right(before, target), _right(after, target)
    return int((was & ~is_).sum()), int((~was & is_).sum())


def _refuse_worse(scores: dict[str, dict[str, float]], turned: tuple[int, int]) -> None:
    """Log loss must fall; accuracy may not fall by more than its standard error, from the texts that turned (McNemar 1947)."""
    before, after = scores["corrections"], scores["corrections, adapted"]
    lost, won = turned
    if lost - won > math.sqrt(lost + won) or after["log_loss"] >= before["log_loss"]:
        raise WorseModelError(
            f"on corrected texts held out, accuracy {after['accuracy']:.4f} and log loss {after['log_loss']:.4f} against"
            f" {before['accuracy']:.4f} and {before['log_loss']:.4f} of the shipped model; not installed (--force does)"
        )
    before, after = scores["guard"], scores["guard, adapted"]
    if after["accuracy"] < before["accuracy"] - GUARD_LOSS:
        raise WorseModelError(
            f"plain texts are judged worse: accuracy {after['accuracy']:.4f} against {before['accuracy']:.4f}; confirm right"
            " judgements as well as correcting wrong ones; not installed (--force does)"
        )


def _card(texts: int, scores: dict[str, dict[str, float]], artefacts: Path) -> Card:
    prior = read_card(artefacts, NAME)
    assert prior is not None  # load_sentiment has read it
    return Card(
        name=NAME,
        scheme=DELTA_SCHEME,
        made=dt.date.today().isoformat(),
        data={"corrections": texts, "guard": int(scores["guard"]["texts"])},
        method=(
            f"logistic regression, Gaussian prior (deviation {DEVIATION}, narrower for common features) centred at the shipped"
            f" model of {prior.made}; scores: {_FOLDS}-fold cross-validation, repeated texts once"
        ),
        features="characters 1-4, words 1-2 (rjieba), hashed; mark-up and personal data out",
        scores=scores,
        limits="learnt from what one team's readers corrected; says nothing about other texts",
        parameters={"prior": fingerprint(prior)},
        files={},
    )
