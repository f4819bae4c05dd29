"""Labelled files in, texts with their polarity out: the public sets of sentiment, each read as it is laid out.

Nothing of the sets is kept: what leaves here goes into training and its scores.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray


class CorpusError(ValueError):
    """A labelled file is not as expected; the message names file and reason."""


class Corpus(NamedTuple):
    """`label[i]` is 1 where `texts[i]` praises, 0 where it blames; `domain[i]` indexes `domains`; repetitions share a `group`."""

    texts: tuple[str, ...]
    label: NDArray[np.int8]
    domain: NDArray[np.int8]
    group: NDArray[np.int64]
    domains: tuple[str, ...]


class _Review(msgspec.Struct):
    text: str
    rating: int


def read_corpus(folder: Path) -> Corpus:
    """Every set of SETS found in `folder`. Raises CorpusError when there is none or one cannot be read."""
    texts: list[str] = []
    label: list[int] = []
    domain: list[int] = []
    domains: list[str] = []
    for name, (file, read) in SETS.items():
        if not (folder / file).exists():
            continue
        for text, positive in read(folder / file):
            texts.append(text)
            label.append(positive)
            domain.append(len(domains))
        domains.append(name)
    if not domains:
        raise CorpusError(f"{folder}: none of {', '.join(file for file, _ in SETS.values())} is there")
    return Corpus(tuple(texts), np.array(label, np.int8), np.array(domain, np.int8), _groups(texts), tuple(domains))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, gzipped or not. Raises CorpusError when it is neither."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: {error}") from error


def folds(corpus: Corpus, count: int, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each text; repeated texts share one, so that none is both learnt and judged."""
    drawn: NDArray[np.int64] = np.random.default_rng(seed).integers(0, count, int(corpus.group.max()) + 1)
    return drawn[corpus.group]


def _groups(texts: list[str]) -> NDArray[np.int64]:
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(re.sub(r"\W", "", text.lower()) or text, len(seen)) for text in texts])


def _labelled(path: Path) -> Iterator[tuple[str, int]]:
    for number, row in enumerate(rows(path), start=2):
        if row.get("label") not in ("0", "1") or not row.get("text"):
            raise CorpusError(f"{path}:{number}: expected columns text and label (0 or 1)")
        yield row["text"], int(row["label"])


def _rated(path: Path) -> Iterator[tuple[str, int]]:
    """Reviews of four and five stars praise, of one and two blame; three stars are left out."""
    with gzip.open(path) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                review = msgspec.json.decode(line, type=_Review)
            except msgspec.MsgspecError as error:
                raise CorpusError(f"{path}:{number}: {error}") from error
            if review.rating != 3:
                yield review.text, int(review.rating > 3)


def _opinions(path: Path) -> Iterator[tuple[str, int]]:
    """One row per text and subject; texts whose subjects agree, neutral ones left out."""
    said: dict[str, set[str]] = {}
    for row in rows(path):
        said.setdefault(row["text"], set()).add(row["polarity"])
    for text, polarities in said.items():
        if (decided := polarities - {"0"}) in ({"1"}, {"-1"}):
            yield text, int(decided == {"1"})


SETS: Mapping[str, tuple[str, Callable[[Path], Iterator[tuple[str, int]]]]] = {
    "shopping": ("shopping.csv.gz", _labelled),
    "takeaway": ("takeaway.csv.gz", _labelled),
    "appstore": ("appstore_reviews.ndjson.gz", _rated),
    "car_opinion": ("car_opinion.csv.gz", _opinions),
}
