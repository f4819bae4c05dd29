"""Labelled texts and a tagger in, how far its judgements agree with the labels out.

The labels of opinions, made by reading, are ids and fields only; the texts are looked up in the public sets. Some of the
labels are held out: rules are made by looking at the others alone.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.corpus import CorpusError, rows
from models.tag import Judgement, Tagger

OPINION_LABELS = Path(__file__).parent / "data" / "opinion_labels.ndjson"


class OpinionLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader found in the text `id` of `file`. `aspects` are names with +1 or -1; '' and nothing mean none.

    `stratum` says what it was drawn for: first, random, fresh and read (random samples, in this order of time), or texts that
    hold a word or sign of a question, of a suggestion, or of a version; the last three are oversampled. `acceptance`: a
    version or feature with +1 or -1.
    """

    file: str
    id: str
    held_out: bool
    intents: tuple[str, ...]
    category: str
    aspects: dict[str, int]
    severity: str
    stratum: str = ""
    acceptance: dict[str, int] = {}


class Agreement(NamedTuple):
    """`right` of `said` judgements agree with a label, of `labelled` there are."""

    field: str
    right: int
    said: int
    labelled: int

    @property
    def precision(self) -> float:
        """Right among what was said; 0 when nothing was."""
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        """Right among what was labelled; 0 when nothing was."""
        return self.right / self.labelled if self.labelled else 0.0


class _Said(msgspec.Struct):
    id: str
    text: str


def read_opinion_labels(path: Path, *, held_out: bool) -> list[OpinionLabel]:
    """The labels of one half. Raises CorpusError naming the line."""
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=OpinionLabel))
        except msgspec.MsgspecError as error:
            raise CorpusError(f"{path}:{number}: {error}") from error
    return [label for label in found if label.held_out == held_out]


def labelled_texts(labels: Sequence[OpinionLabel], data: Path) -> list[str]:
    """The text of each label, from the files in `data`. Raises CorpusError when one is not there."""
    texts: dict[tuple[str, str], str] = {}
    for file in sorted({label.file for label in labels}):
        if not (data / file).exists():
            raise CorpusError(f"{data / file} is missing")
        texts |= {(file, key): text for key, text in _identified(data / file)}
    try:
        return [texts[label.file, label.id] for label in labels]
    except KeyError as error:
        raise CorpusError(f"{data}: no text {error}") from error


def _identified(path: Path) -> Iterator[tuple[str, str]]:
    if ".csv" in path.suffixes:
        yield from ((row["id"], row["text"]) for row in rows(path))
        return
    with gzip.open(path) as lines:
        for line in lines:
            said = msgspec.json.decode(line, type=_Said)
            yield said.id, said.text


def agreements(tagger: Tagger, labels: Sequence[OpinionLabel], texts: Sequence[str]) -> list[Agreement]:
    """How far the tagger's judgements of `texts` agree with `labels`, field by field."""
    judged = tagger.judge(texts)
    pairs = [(_fields(each), _labelled(label)) for each, label in zip(judged, labels, strict=True)]
    found = []
    for field in sorted({field for said, labelled in pairs for field, _ in said | labelled}):
        said = [{each for each in one if each[0] == field} for one, _ in pairs]
        labelled = [{each for each in one if each[0] == field} for _, one in pairs]
        right = sum(len(a & b) for a, b in zip(said, labelled, strict=True))
        found.append(Agreement(field, right, sum(map(len, said)), sum(map(len, labelled))))
    return found


def _fields(judged: Judgement) -> set[tuple[str, str]]:
    found = {(f"intent {name}", name) for name in judged.intents}
    found |= {("aspect", f"{aspect.name} {aspect.polarity}") for aspect in judged.aspects}
    found |= {("acceptance", f"{one.name} {one.verdict}") for one in judged.acceptance}
    return found | {("category", judged.category), ("severity", judged.severity)} - {("category", ""), ("severity", "")}


def _labelled(label: OpinionLabel) -> set[tuple[str, str]]:
    found = {(f"intent {name}", name) for name in label.intents}
    found |= {("aspect", f"{name} {polarity}") for name, polarity in label.aspects.items()}
    found |= {("acceptance", f"{name} {verdict}") for name, verdict in label.acceptance.items()}
    return found | {("category", label.category), ("severity", label.severity)} - {("category", ""), ("severity", "")}
