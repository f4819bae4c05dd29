"""Published rankings beside ours: a MetricWindow and a moment in, services out, best first.

BARO's RobustScorer (Pham et al., FSE 2024) and N-Sigma (Li et al., KDD 2022), both as the package fse-baro has them. They
know neither a call graph nor gaps, so the last known value is carried on; a service stands where its best series does.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

import numpy as np

from models.window import MetricWindow, Question

Ranker = Callable[[MetricWindow, Question], list[str]]


class Absent(RuntimeError):
    """The package of the baselines is not installed; the message says how to get it."""


def baselines() -> Mapping[str, Ranker]:
    """Name → ranking. Raises Absent."""
    try:
        package = importlib.import_module("baro.root_cause_analysis")
    except ImportError as error:
        raise Absent("BARO and N-Sigma are left out: .venv/bin/python -m pip install fse-baro (development only)") from error
    return {"baro": _ranker(package.robust_scorer), "n_sigma": _ranker(package.nsigma)}


def _ranker(scorer: Callable[..., dict[str, list[str]]]) -> Ranker:
    def ranked(window: MetricWindow, asked: Question) -> list[str]:
        # BARO reads a metric from the end of a column's name: _mem is converted to megabytes.
        columns = {
            f"{row}_{key.metric}": values for row, (key, values) in enumerate(zip(window.keys, window.values, strict=True))
        }
        frame = importlib.import_module("pandas").DataFrame({"time": window.times, **columns}).ffill().bfill().dropna(axis=1)
        moment = min(max(asked.at, int(window.times[1])), int(window.times[-1]))
        with np.errstate(all="ignore"):
            names = scorer(frame, inject_time=moment)["ranks"]
        return list(dict.fromkeys(window.keys[int(name.split("_")[0])].service for name in names))

    return ranked
