"""Files of texts that a user has labelled in, texts with their labels out, oldest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.corpus import CorpusError, rows

FEWEST = 5  # texts a category needs to be learnt


class Labels(NamedTuple):
    """Of each text its category and the codes of all it says ((), where none are given)."""

    category: NDArray[np.str_]
    codes: Sequence[tuple[str, ...]] = ()

    def of(self, rows: NDArray[np.int64]) -> Labels:
        """Those of the texts `rows`."""
        return Labels(self.category[rows], [self.codes[row] for row in rows.tolist()] if self.codes else ())


class Labelled(NamedTuple):
    """Texts, their labels, and when each was said ('' where the file does not tell), oldest first."""

    texts: tuple[str, ...]
    labels: Labels
    date: tuple[str, ...]


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


def joined(found: Mapping[str, Sequence[Row]]) -> Labelled:
    """The rows of several sources together. Raises CorpusError when not even two labels can be learnt."""
    together = sorted([row for part in found.values() for row in part], key=lambda row: row.date)
    if not learnable(np.array([row.label for row in together])):
        raise CorpusError(f"{' and '.join(found)}: at least two labels with {FEWEST} texts each are needed")
    labels = Labels(np.array([row.label for row in together]), [row.codes for row in together])
    return Labelled(tuple(row.text for row in together), labels, tuple(row.date for row in together))


def learnable(category: NDArray[np.str_]) -> bool:
    """Whether two labels have the texts that they need to be learnt."""
    return int((np.unique(category, return_counts=True)[1] >= FEWEST).sum()) >= 2
