"""What the sentiment model said of texts that it had not learnt, as cross-validation left it beside the model: figures out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.artefact import SHIPPED, read_artefact
from models.sentiment import MODEL_SCHEME

NAME = "held_out"


class HeldOut(NamedTuple):
    """Of each text the probability of praise that was said, whether it praises (1) or blames (0), and its set in `domains`."""

    probability: NDArray[np.float64]
    label: NDArray[np.int8]
    domain: NDArray[np.int8]
    domains: tuple[str, ...]

    def of(self, number: int) -> HeldOut:
        """The texts of one set."""
        here = self.domain == number
        return HeldOut(self.probability[here], self.label[here], self.domain[here], self.domains)


class Bin(NamedTuple):
    """Texts of about one probability: the mean that was said, the share that came true, how many they are."""

    said: float
    true: float
    texts: int


def encode(log_odds: NDArray[np.float64], label: NDArray[np.int8], domain: NDArray[np.int8]) -> dict[str, NDArray[np.float16]]:
    """The array for the model's artefact: log-odds, label and set of each text, in float16."""
    return {NAME: np.stack([np.clip(log_odds, -30, 30), label, domain]).astype(np.float16)}


def read_held_out(folder: Path = SHIPPED) -> HeldOut:
    """Those of the sentiment model in `folder`. Raises ArtefactError when there is none that fits the code."""
    card, arrays = read_artefact(folder, "sentiment", MODEL_SCHEME)
    log_odds, label, domain = arrays[NAME].astype(np.float64)
    return HeldOut(1 / (1 + np.exp(-log_odds)), label.astype(np.int8), domain.astype(np.int8), tuple(card.data))


def confusion(held_out: HeldOut) -> NDArray[np.int64]:
    """Counts [what it is, what was said], each blame then praise."""
    said = (held_out.probability > 0.5).astype(np.int64)
    return np.bincount(held_out.label * 2 + said, minlength=4).reshape(2, 2)


def reliability(held_out: HeldOut, count: int = 10) -> list[Bin]:
    """Bins of equal width in probability, empty ones left out."""
    place = np.minimum((held_out.probability * count).astype(np.int64), count - 1)
    return [
        Bin(float(held_out.probability[here].mean()), float(held_out.label[here].mean()), int(here.sum()))
        for here in (place == number for number in range(count))
        if here.any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean distance of said from true, each bin by its texts."""
    return sum(each.texts * abs(each.said - each.true) for each in bins) / sum(each.texts for each in bins)
