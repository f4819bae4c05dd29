"""What a record looks like on the wire, topic by topic: types and limits for msgspec, and how an array of them comes apart.

A record that fits its shape here still has to pass the checks that need more than one field or the clock (decode.py).
Fields a collector leaves out or sends as null are absent; fields not named here are ignored.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from msgspec import Meta, Raw, Struct

from streams.records import ChangeKind, ChangeStage, FollowUpStatus

MAX_ARRAY = 1_000  # records in one Kafka value
MAX_TEXT = 100_000  # characters of a text, title or note
MAX_NAME = 256  # characters of an id, a name or a label: these become keys and dictionaries in the store

# RFC 3339 with an offset, or epoch seconds or milliseconds.
Moment = Annotated[dt.datetime, Meta(tz=True)] | int | float
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Word = Annotated[str, Meta(max_length=MAX_NAME)] | None
Prose = Annotated[str, Meta(max_length=MAX_TEXT)] | None
Score = Annotated[int, Meta(ge=1, le=5)] | None


class WireComplaint(Struct, gc=False):
    """huiyin.complaints"""

    id: Name
    ts: Moment
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    channel: Word = None
    service: Word = None
    category: Word = None
    rating: Score = None
    user: Word = None
    region: Word = None
    app_version: Word = None
    cohort: Word = None
    order: Word = None


class WirePoint(Struct, gc=False):
    """huiyin.metrics, huiyin.monitors.app and huiyin.monitors.idc; labels stay unparsed, they repeat a million times."""

    ts: Moment
    service: Name
    metric: Name
    value: float
    layer: str | None = None
    labels: Raw = Raw(b"")


class WireChange(Struct, gc=False):
    """huiyin.changes"""

    id: Name
    ts: Moment
    kind: ChangeKind
    service: Name
    title: Prose = None
    operator: Word = None
    stage: ChangeStage | None = None
    cohort: Word = None
    percent: Annotated[float, Meta(ge=0, le=100)] | None = None


class WireFollowUp(Struct, gc=False):
    """huiyin.followups"""

    complaint: Name
    ts: Moment
    status: FollowUpStatus
    satisfaction: Score = None
    note: Prose = None


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")


def split_array(payload: bytes) -> list[bytes] | None:
    """The elements of a JSON array, each still unparsed; None when this is no array or its end is missing.

    Looks at brackets, commas and strings only, so that what is broken inside an element (NaN, bad UTF-8) stays inside.
    Raises ValueError when the array is empty or holds more than MAX_ARRAY elements.
    """
    payload = payload.strip(b" \t\r\n")
    if not payload.startswith(b"["):
        return None
    elements: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKEN.finditer(payload):
        mark = token.group()
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
            if depth == 0:
                elements.append(payload[start : token.start()].strip(b" \t\r\n"))
                return _sized(elements) if token.end() == len(payload) else None
        elif mark == b",":
            if depth == 1:
                elements.append(payload[start : token.start()].strip(b" \t\r\n"))
                start = token.end()
                if len(elements) > MAX_ARRAY:
                    _sized(elements)
        elif mark == b'"':  # a string without an end
            return None
    return None


def _sized(elements: list[bytes]) -> list[bytes]:
    if elements == [b""]:
        raise ValueError("an empty array")
    if len(elements) > MAX_ARRAY:
        raise ValueError(f"an array of more than {MAX_ARRAY:,} records")
    return elements
