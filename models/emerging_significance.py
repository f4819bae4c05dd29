"""Which phrases are said more than their past explains: counts of texts today and on earlier days in, chances out. Pure.

The model is Monroe, Colaresi and Quinn's (2008, "Fightin' Words", §3.3–3.5): the share of texts that hold a phrase, with an
informative prior of its share over both periods, compared by log-odds over their standard deviation. Instead of their
normal tail, which calls three texts among eight certain, the chance is that of the model's own prediction (beta-binomial),
with the phrase's variation from day to day: what bursts every week is not new. Many phrases are looked at, so the share of
false ones is held (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The prior weighs as much as so many texts of the past, and never less than half a text that holds the phrase (Jeffreys).
PRIOR_TEXTS, LEAST_PRIOR = 10.0, 0.5
# Squared relative variation of a phrase's share from day to day: assumed (pooled over 400 phrases of app-store reviews it is
# 0.2 to 0.7), and how much squared expectation outweighs that.
VARIATION, MEASURED = 0.3, 5.0
# A topic may go on for so many days and still count as new; a day belongs to it whose share is this part of today's or more.
ONGOING, SAME = 6, 0.4


class Compared(NamedTuple):
    """Phrase by phrase: how many times as often as before; log-odds ratio, also over its deviation; chance; days it lasted."""

    lift: Floats
    odds: Floats
    z: Floats
    chance: Floats
    lasted: Ints


def compared(today: Ints, texts: int, before: Ints, texts_before: Ints) -> Compared:
    """`today` [phrase] of `texts` texts hold it, `before` [phrase, day] of `texts_before` [day] did, the latest day last."""
    lasted, background = _background(today / texts, before, texts_before)
    before, known = np.where(background, before, 0), np.where(background, texts_before, 0)
    said, heard = before.sum(1), known.sum(1)
    prior = np.maximum(PRIOR_TEXTS * (said + today) / (heard + texts), LEAST_PRIOR)
    share = (said + prior) / (heard + PRIOR_TEXTS + LEAST_PRIOR)
    noise = _variation(before, known, share) + 1 / (said + prior)
    ours = (today + prior) / (texts + PRIOR_TEXTS + LEAST_PRIOR)
    odds = np.log(ours / (1 - ours) * (1 - share) / share)
    z = odds / np.sqrt(1 / (today + prior) + noise)
    return Compared(today / (texts * share), odds, z, _tail(today, texts, share, noise), lasted)


def discovered(chance: Floats, looked: int, false_share: float) -> NDArray[np.bool_]:
    """Which of these chances, the least of `looked`, are too small for luck when `false_share` of them may be wrong."""
    order = np.argsort(chance, kind="stable")
    below = np.flatnonzero(chance[order] <= false_share * np.arange(1, len(order) + 1) / max(looked, len(order)))
    found = np.zeros(len(chance), bool)
    found[order[: below[-1] + 1 if len(below) else 0]] = True
    return found


def _background(share: Floats, before: Ints, texts: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """For how many days up to yesterday each phrase was as common as today, and which days are the past before that."""
    days = before.shape[1]
    recent = ((before > 0) & (before >= SAME * share[:, None] * texts))[:, ::-1][:, :ONGOING]
    lasted = np.where(recent.all(1), recent.shape[1], np.argmin(recent, axis=1)) if days else np.zeros(len(share), np.int64)
    return lasted, np.arange(days) < days - lasted[:, None]


def _variation(before: Ints, texts: Ints, share: Floats) -> Floats:
    """Variance of the log-odds from day to day: what squared errors exceed a binomial's by (moments), drawn to the assumption."""
    rest = 1 - share[:, None]
    expected = texts * share[:, None]
    excess = ((before - expected) ** 2 - expected * rest).sum(1)
    weight = ((expected * rest) ** 2).sum(1)
    return np.asarray(np.maximum((excess + MEASURED * VARIATION) / (weight + MEASURED), VARIATION / 3))


def _tail(counted: Ints, texts: int, share: Floats, noise: Floats) -> Floats:
    """P(N ≥ counted) of a beta-binomial with this mean share and about this variance of its log-odds."""
    whole = np.maximum(1 / (noise * share * (1 - share)) - 1, 0.1)
    first, second = share * whole, (1 - share) * whole
    rest = texts - counted
    logs = gammaln(texts + 1) - gammaln(counted + 1) - gammaln(rest + 1)
    part = np.exp(logs + betaln(counted + first, rest + second) - betaln(first, second))
    total = part.copy()
    for more in range(texts - int(counted.min(initial=texts))):
        at = counted + more
        part = part * np.maximum(texts - at, 0) * (first + at) / ((at + 1) * np.maximum(second + texts - at - 1, 1e-9))
        total += part
        if (part <= 1e-4 * total).all():
            break
    return np.asarray(np.minimum(total, 1.0))
