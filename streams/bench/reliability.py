"""Do probabilities keep their word: (said, came true) pairs in, bins, the calibration error and a plot out.

Reliability diagram and expected calibration error: Niculescu-Mizil & Caruana (ICML 2005), Naeini et al. (AAAI 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)


class Bin(msgspec.Struct, frozen=True):
    """What was said in [low, high), and how often it came true."""

    low: float
    high: float
    n: int
    said: float
    true: float


class Reliability(msgspec.Struct, frozen=True):
    """The bins that hold anything, the expected calibration error and the Brier score."""

    bins: tuple[Bin, ...]
    calibration_error: float
    brier: float


def reliability(pairs: Sequence[tuple[float, bool]]) -> Reliability:
    """Of probabilities and whether what they speak of was so; at least one pair."""
    said = np.array([pair[0] for pair in pairs], np.float64)
    true = np.array([pair[1] for pair in pairs], np.float64)
    place = np.clip(np.searchsorted(EDGES, said, side="right") - 1, 0, len(EDGES) - 2)
    bins = tuple(
        Bin(EDGES[b], EDGES[b + 1], int(own.sum()), round(float(said[own].mean()), 3), round(float(true[own].mean()), 3))
        for b in range(len(EDGES) - 1)
        if (own := place == b).any()
    )
    error = sum(each.n * abs(each.said - each.true) for each in bins) / len(said)
    return Reliability(bins, round(error, 4), round(float(np.mean((said - true) ** 2)), 4))


def plot(found: Reliability, path: Path) -> None:
    """Writes the diagram as SVG: said to the right, came true upwards; the number beside a point counts the answers in it."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot([each.said for each in found.bins], [each.true for each in found.bins], "o-", color="tab:blue")
    for each in found.bins:
        axes.annotate(str(each.n), (each.said, each.true), textcoords="offset points", xytext=(6, -10), fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability said", ylabel="share that came true")
    figure.savefig(path, format="svg")
