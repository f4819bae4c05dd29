"""What readers say a complaint says: bytes (NDJSON, a JSON object or an array) in, Corrections or named errors out. Pure.

A correction names a complaint by its id, or gives the text, or both; and at least one of polarity, service, category, intents.
Texts are masked here, before anything keeps them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from models.normalise import plain
from models.privacy import mask
from streams.pieces import pieces
from streams.records import Tagged
from streams.wire import MAX_TEXT, Moment, Name, Word

Polarity = Literal[-1, 0, 1]
Intent = Literal["complaint", "question", "suggestion", "praise", "chatter"]
FIELDS = ("polarity", "service", "category", "intents")
TOLERANCE = dt.timedelta(days=1)  # that a reader's clock may run ahead
_SECONDS_BELOW = 100_000_000_000  # epoch numbers below are seconds, above milliseconds (as streams.decode)


class CorrectionError(ValueError):
    """A correction that cannot be taken; `line` counts from 1 (in an array: its elements)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"{line}: {reason}")
        self.line = line
        self.reason = reason


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader says a complaint says. None: nothing said about it; a service or category of '': none."""

    complaint: str
    text: str = ""  # masked
    polarity: Polarity | None = None
    service: str | None = None
    category: str | None = None
    intents: tuple[Intent, ...] | None = None
    by: str = ""
    ts: dt.datetime


class Parsed(NamedTuple):
    """What was understood, with its line, and what was not."""

    found: list[tuple[int, Correction]]
    refused: list[CorrectionError]


class _Given(msgspec.Struct):
    complaint: Name | None = None
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    polarity: Polarity | None = None
    service: Word = None
    category: Word = None
    intents: Annotated[tuple[Intent, ...], Meta(max_length=5)] | None = None
    by: Word = None
    ts: Moment | None = None


def parse(data: bytes, now: dt.datetime) -> Parsed:
    """Every correction in `data`, good or bad, once; `now` is the time of those that tell none. Never raises on input."""
    parsed = Parsed([], [])
    try:
        given = pieces(data)
    except ValueError as error:
        return Parsed([], [CorrectionError(1, str(error))])
    for line, raw in given:
        try:
            parsed.found.append((line, _correction(_GIVEN.decode(raw), now)))
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            parsed.refused.append(CorrectionError(line, mask(str(error))))
    return parsed


def with_texts(parsed: Parsed, texts: Mapping[str, str]) -> Parsed:
    """The same, texts filled in by complaint; what has none then is refused."""
    known = Parsed([], list(parsed.refused))
    for line, correction in parsed.found:
        text = correction.text or texts.get(correction.complaint, "")
        if text:
            known.found.append((line, replace(correction, text=text)))
        else:
            known.refused.append(CorrectionError(line, f"complaint {correction.complaint!r} is not stored, and no text is given"))
    known.refused.sort(key=lambda error: error.line)
    return known


def merged(corrections: Sequence[Correction]) -> list[Correction]:
    """One a complaint: each field as the newest that speaks of it says, `by` and `ts` of the newest; by complaint."""
    found: dict[str, Correction] = {}
    for one in sorted(corrections, key=lambda one: one.ts):
        said = {name: value for name, value in asdict(one).items() if value is not None and (value != "" or name in FIELDS)}
        found[one.complaint] = replace(found.get(one.complaint, one), **said)
    return [found[complaint] for complaint in sorted(found)]


def corrected(tagged: Tagged, correction: Correction) -> Tagged:
    """A complaint judged as the reader says. A corrected polarity is certain, so that the sentiment is the same number."""
    said = {name: value for name in FIELDS if (value := getattr(correction, name)) is not None}
    kept = {name: said[name] for name in ("service", "category") if name in said}
    certain = {"sentiment": float(said["polarity"])} if "polarity" in said else {}
    return Tagged(replace(tagged.complaint, **kept), replace(tagged.judgement, **said, **certain))


def _correction(given: _Given, now: dt.datetime) -> Correction:
    if all(getattr(given, name) is None for name in FIELDS):
        raise ValueError(f"says nothing: one of {', '.join(FIELDS)} is needed")
    if any("\0" in word for word in (given.complaint, given.text, given.service, given.category, given.by) if word):
        raise ValueError("holds a null character")
    text = mask(plain(given.text)).strip()
    if not (given.complaint or "").strip() and not text:
        raise ValueError("complaint (its id) or text is needed")
    return Correction(
        complaint=given.complaint or f"text:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}",
        text=text,
        polarity=given.polarity,
        service=given.service,
        category=given.category,
        intents=given.intents,
        by=mask(given.by or ""),
        ts=_moment(given.ts, now),
    )


def _moment(given: Moment | None, now: dt.datetime) -> dt.datetime:
    if given is None:
        return now
    if not isinstance(given, dt.datetime):
        given = dt.datetime.fromtimestamp(given if abs(given) < _SECONDS_BELOW else given / 1000, dt.UTC)
    if not dt.datetime(2000, 1, 1, tzinfo=dt.UTC) <= given <= now + TOLERANCE:
        raise ValueError("ts is before 2000-01-01 or more than a day in the future")
    return given.astimezone(dt.UTC)


_GIVEN = msgspec.json.Decoder(_Given)
