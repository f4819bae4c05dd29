"""Recorded files in, Kafka values to be out: NDJSON of any topic and CSV of metrics, plain or gzipped, merged by event time.

Lines are not judged here. One that cannot be read goes on as it is, and ends where live input would: with the dead letters.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import heapq
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import msgspec

from streams import records as r
from streams.decode import SECONDS_BELOW


class RecordingError(ValueError):
    """A recorded file cannot be replayed; the message names file and line."""


class Line(NamedTuple):
    """One record on its way to Kafka. `at` in epoch seconds; what shares `key` keeps its order; `sound` may share an array."""

    topic: str
    at: float
    key: str
    value: bytes
    sound: bool = True


_ABSENT = msgspec.Raw(b"")


class _Peek(msgspec.Struct):
    """What tells a record's topic, time and key."""

    ts: dt.datetime | float | None = None
    layer: str | None = None
    service: str | None = None
    id: str | None = None
    text: msgspec.Raw = _ABSENT
    metric: msgspec.Raw = _ABSENT
    kind: msgspec.Raw = _ABSENT
    complaint: str | None = None


_PEEK = msgspec.json.Decoder(_Peek)
_NAMES = {"followups": r.FOLLOWUPS, "changes": r.CHANGES, "complaints": r.COMPLAINTS, "metrics": r.METRICS}
_LAYERS = {"app": r.MONITORS_APP, "idc": r.MONITORS_IDC}
_COLUMNS = ("ts", "layer", "service", "metric", "value")


def line(record: Mapping[str, Any], topic: str = "") -> Line:
    """A record as a Line; its topic by `topic` or by its fields. Raises RecordingError when neither tells."""
    value = msgspec.json.encode(record)
    found = _line(value, topic, "", 0.0)
    if not found.topic:
        raise RecordingError(f"no topic fits a record with the fields {', '.join(record)}")
    return found


def read(paths: Sequence[Path], topic: str = "", sort: bool = False) -> Iterator[Line]:
    """All lines of all files, oldest first. Raises RecordingError, for a file that is out of order only where `sort` is off."""
    files = [_lines(path, topic) for path in paths]
    if sort:
        yield from sorted((one for lines in files for one in lines), key=lambda one: one.at)
    else:
        ordered = [_ordered(lines, path) for lines, path in zip(files, paths, strict=True)]
        yield from heapq.merge(*ordered, key=lambda one: one.at)


def _ordered(lines: Iterable[Line], path: Path) -> Iterator[Line]:
    latest = float("-inf")
    for number, one in enumerate(lines, start=1):
        if one.at < latest:
            raise RecordingError(
                f"{path}: record {number} is older than the one before it; --sort puts them in order (in memory)"
            )
        latest = one.at
        yield one


def _lines(path: Path, topic: str) -> Iterator[Line]:
    suffixes = path.suffixes[:-1] if path.suffix == ".gz" else path.suffixes
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            if suffixes and suffixes[-1] == ".csv":
                yield from _csv_lines(cast(IO[bytes], file), path, topic)
            else:
                yield from _json_lines(file, path, topic)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _json_lines(file: Iterable[bytes], path: Path, topic: str) -> Iterator[Line]:
    fallback = topic or next((_NAMES[name] for name in _NAMES if name in path.name), "")
    at = 0.0
    for number, raw in enumerate(file, start=1):
        value = raw.strip()
        if not value:
            continue
        found = _line(value, topic, fallback, at)
        if not found.topic:
            raise RecordingError(f"{path}:{number}: neither its fields nor the file's name tell the topic; give --topic")
        at, fallback = found.at, found.topic
        yield found


def _csv_lines(file: IO[bytes], path: Path, topic: str) -> Iterator[Line]:
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline=""))
    missing = set(_COLUMNS) - set(rows.fieldnames or ())
    if missing:
        raise RecordingError(
            f"{path}:1: a CSV of metrics needs the columns {', '.join(_COLUMNS)}; {', '.join(sorted(missing))} missing"
        )
    at = 0.0
    for row in rows:
        point: dict[str, Any] = {name: row[name] for name in ("layer", "service", "metric")}
        point |= {"ts": _number(row["ts"]), "value": _number(row["value"])}
        labels = {name: value for name, value in row.items() if name not in _COLUMNS and name and value}
        found = _line(msgspec.json.encode(point | ({"labels": labels} if labels else {})), topic, r.METRICS, at)
        at = found.at
        yield found


def _number(text: str | None) -> float | int | str | None:
    try:
        return int(text) if text and text.lstrip("-").isdecimal() else float(text or "")
    except ValueError:
        return text


def _line(value: bytes, topic: str, fallback: str, at: float) -> Line:
    """`fallback` and `at` stand in for what the record itself does not tell."""
    try:
        peek = _PEEK.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Line(topic or fallback, at, "", value, sound=False)
    key = peek.service or peek.complaint or peek.id or ""
    return Line(topic or _topic(peek) or fallback, _seconds(peek.ts, at), key, value)


def _topic(peek: _Peek) -> str:
    if bytes(peek.text):
        return r.COMPLAINTS
    if bytes(peek.metric):
        return _LAYERS.get(peek.layer or "", r.METRICS)
    if peek.complaint is not None:
        return r.FOLLOWUPS
    return r.CHANGES if bytes(peek.kind) else ""


def _seconds(ts: dt.datetime | float | None, otherwise: float) -> float:
    if ts is None or (isinstance(ts, dt.datetime) and ts.tzinfo is None):
        return otherwise
    if isinstance(ts, dt.datetime):
        return ts.timestamp()
    return ts / 1000 if abs(ts) >= SECONDS_BELOW else ts
