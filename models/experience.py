"""How users fare with a service, 0–100: what was said and measured in, an index out. Arrays in, arrays of their shape out.

Each part is held against what is usual for that service and becomes a share: 0.8 as usual, 0.5 at twice the usual trouble, 0.2
at four times, towards 1 without any. The index is 100 times their weighted geometric mean, so that one part that is ruined is
not made up for by others that shine (the reason why the Human Development Index went from sums to products in 2010). A part that
is not known is left out and the weights of the others fill its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.window import SeriesKey

Floats = NDArray[np.float64]
Part = Literal["volume", "polarity", "latency", "failure", "satisfaction"]

# What machines say of everybody weighs as much as what users say of themselves; satisfaction speaks late and for few.
WEIGHTS: Mapping[Part, float] = {"volume": 0.25, "polarity": 0.15, "latency": 0.2, "failure": 0.3, "satisfaction": 0.1}
USUAL = 0.8
STEEP = 2.0
LEAST = 0.01  # no part alone brings the index below 100 · LEAST ** weight
# Small numbers lean to the usual: so many complaints, voices and answers must there be to be believed by half.
COMPLAINTS, VOICES, ANSWERS = 3.0, 20.0, 10.0
NOTICED = 0.01  # failures of this share count as much as a usual share of none: users do not feel less
DISSATISFIED = 0.05  # the same for satisfaction, as a share of its scale

_LATENCY = re.compile(
    r"latenc|duration|response_?time|page_?load|load_?(time|ms)|render|_p\d\d(_|$)|耗时|时延|加载", re.IGNORECASE
)
_FAILURE = re.compile(r"(err(or)?s?|fail\w*|crash|timeout|5xx)_?(rate|ratio|share|percent)|错误率|失败率|崩溃率", re.IGNORECASE)
_SUCCESS = re.compile(
    r"success|availab|uptime|delivered_?rate|on_?time_?rate|pass_?rate|complet\w*_?rate|成功率|可用率", re.IGNORECASE
)


class Reading(NamedTuple):
    """What a metric tells of experience: a part, and whether high values are good."""

    part: Part
    good: bool


def reading(key: SeriesKey) -> Reading | None:
    """What the name of a series says; None for what users do not feel (load, resources, networks)."""
    if key.layer == "idc":
        return None
    if _FAILURE.search(key.metric):
        return Reading("failure", False)
    if _SUCCESS.search(key.metric):
        return Reading("failure", True)
    return Reading("latency", False) if _LATENCY.search(key.metric) else None


def share_of(trouble: Floats) -> Floats:
    """Trouble as a multiple of the usual → a share in (0, 1): 0.8 at 1, a logistic curve in its logarithm."""
    return np.asarray(1 / (1 + (1 / USUAL - 1) * np.maximum(trouble, 0.0) ** STEEP), np.float64)


def volume(negative: Floats, expected: Floats) -> Floats:
    """Complaints against those that the service's own past expects at that time."""
    return share_of((negative + COMPLAINTS) / (expected + COMPLAINTS))


def polarity(negative: Floats, total: Floats, usual: Floats) -> Floats:
    """The odds of a voice to be negative, against those that are usual."""
    known = np.clip(usual, 0.02, 0.98)
    share = (negative + VOICES * known) / (total + VOICES)
    return share_of(share / (1 - share) / (known / (1 - known)))


def measured(kind: Reading, level: Floats, usual: Floats) -> Floats:
    """A metric as a multiple of the usual trouble; shares may be given in per cent. NaN where it is not known."""
    if kind.part == "latency":
        return np.asarray(np.where((level > 0) & (usual > 0), level / np.where(usual > 0, usual, 1.0), np.nan))
    scale = np.where(usual > 1.0, 100.0, 1.0)
    now, then = level / scale, usual / scale
    if kind.good:
        now, then = 1 - now, 1 - then
    return np.asarray((np.clip(now, 0.0, 1.0) + NOTICED) / (np.clip(then, 0.0, 1.0) + NOTICED))


def satisfaction(total: Floats, answers: Floats, usual: Floats) -> Floats:
    """The mean of `answers` marks from 1 to 5 that sum to `total`, against the usual one. NaN where nobody answered."""
    mean = (total + ANSWERS * usual) / (answers + ANSWERS)
    share = share_of(((5 - mean) / 4 + DISSATISFIED) / ((5 - usual) / 4 + DISSATISFIED))
    return np.where(answers > 0, share, np.nan)


def index(parts: Mapping[Part, Floats]) -> Floats:
    """The index, 0–100, of parts as shares (NaN: not known). NaN where neither voices nor machines are known."""
    rows = [(WEIGHTS[name], np.asarray(share, np.float64)) for name, share in parts.items()]
    known = sum(weight * np.isfinite(share) for weight, share in rows)
    logs = sum(weight * np.log(np.maximum(np.nan_to_num(share, nan=1.0), LEAST)) for weight, share in rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(np.asarray(known) > WEIGHTS["satisfaction"], 100 * np.exp(np.asarray(logs) / known), np.nan))
