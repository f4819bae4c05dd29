"""Metrics as the judges of causes and changes see them: one regular grid of time, one row a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SeriesKey(NamedTuple):
    """What a series measures. For layer idc, `service` names an IDC or a network entity."""

    layer: str
    service: str
    metric: str


class MetricWindow(NamedTuple):
    """`values[i, j]` is series `keys[i]` at `times[j]` (epoch seconds, ascending, `step` apart); NaN where nothing came."""

    times: NDArray[np.int64]
    step: int
    keys: tuple[SeriesKey, ...]
    values: NDArray[np.float64]


class ChangeMark(NamedTuple):
    """What the judges need of a change: who changed what, when (epoch seconds), for whom."""

    id: str
    at: int
    kind: str
    service: str
    title: str = ""
    stage: str = ""
    cohort: str = ""


class Question(NamedTuple):
    """What is asked of a ranking: users of `service` complain since `at` (epoch seconds); what changed before, and for whom.

    `cohorts` maps a cohort ('' is everyone outside one) to its negative complaints (in the surge, in a stretch before it).
    """

    service: str
    at: int
    changes: Sequence[ChangeMark] = ()
    cohorts: Mapping[str, tuple[int, int]] = MappingProxyType({})
    language: str = "zh"
