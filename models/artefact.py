"""Trained artefacts: arrays as .npy files beside a card (JSON) that says what they are; no pickles.

The card names the data, the date, the scores and the limits, the feature scheme the arrays were made under and their
checksums. What does not fit the code or the card is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent / "data"


class ArtefactError(ValueError):
    """An artefact is missing, damaged, or made for other code; the message names the file and what to do."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What an artefact is. `scores` are on data held out from training; `parameters` are what the code needs beside arrays."""

    name: str
    scheme: str
    made: str
    data: dict[str, int]
    method: str
    features: str
    scores: dict[str, dict[str, float]]
    limits: str
    parameters: dict[str, float]
    files: dict[str, int]
    labels: tuple[str, ...] = ()


def write_artefact(folder: Path, card: Card, arrays: Mapping[str, NDArray[Any]]) -> Card:
    """Write arrays, then the card with their checksums. A reader never sees a card beside other arrays than its own."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, array in arrays.items():
        path = folder / f"{card.name}.{name}.npy"
        np.save(path, array, allow_pickle=False)
        files[path.name] = zlib.crc32(path.read_bytes())
    card = msgspec.structs.replace(card, files=files)
    (folder / f"{card.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
    return card


def fingerprint(card: Card) -> float:
    """A whole number below 2**32 that another set of arrays would not have."""
    return float(zlib.crc32(repr(sorted(card.files.items())).encode()))


def read_card(folder: Path, name: str) -> Card | None:
    """The card, or None when there is none. Raises ArtefactError when it cannot be understood."""
    path = folder / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ArtefactError(f"{path}: {error}; train it again with ./huiyin train") from error


def read_artefact(folder: Path, name: str, scheme: str) -> tuple[Card, dict[str, NDArray[Any]]]:
    """The card and its arrays by name. Raises ArtefactError when they are absent, damaged or made under another scheme."""
    card = read_card(folder, name)
    if card is None:
        raise ArtefactError(f"{folder / name}.json is missing; make it with ./huiyin train")
    if card.scheme != scheme:
        raise ArtefactError(
            f"{folder / name}.json was made for features {card.scheme}, the code has {scheme}; train it again with ./huiyin train"
        )
    arrays = {}
    for file, checksum in card.files.items():
        try:
            raw = (folder / file).read_bytes()
        except OSError as error:
            raise ArtefactError(f"{folder / file}: {error.strerror}") from error
        if zlib.crc32(raw) != checksum:
            raise ArtefactError(f"{folder / file} is not the file its card describes; train it again with ./huiyin train")
        arrays[file.removeprefix(f"{name}.").removesuffix(".npy")] = np.load(folder / file, allow_pickle=False)
    return card, arrays
