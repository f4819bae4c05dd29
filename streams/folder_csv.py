"""metrics.csv to columns of numbers: text in, Points out. Read by column, no per-row Python on the way.

Columns ts, layer, service, metric and value are required, in any order; of labels only the cohort is kept, from a column
`cohort` or from the JSON object of a column `labels`.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.window import SeriesKey
from streams.records import Layer

REQUIRED = ("ts", "layer", "service", "metric", "value")
LABELS = ("cohort", "labels")  # the first of these columns that is there
CHUNK = 1_000_000  # characters read at a time
MILLISECONDS = 10**11  # an epoch number from here on counts milliseconds (as seconds it would be the year 5138)


class FolderError(ValueError):
    """A file of the folder is missing, damaged or malformed; the message names file and line."""


class Points(NamedTuple):
    """Points as columns. `rows` indexes `series`, each of which has its cohort beside it ('' without one)."""

    series: tuple[SeriesKey, ...]
    cohorts: tuple[str, ...]
    rows: NDArray[np.int64]
    times: NDArray[np.float64]  # epoch seconds
    values: NDArray[np.float64]


def read_points(stream: IO[str], origin: Path) -> Points:
    """Every point of a metrics.csv. Raises FolderError naming file and line."""
    series, epochs = SeriesRows(), Epochs()
    blocks = [_numbers(columns, epochs, series, line, origin) for line, columns in _chunks(stream, origin) if columns[0]]
    return points_of(series, blocks)


def points_of(series: SeriesRows, blocks: Sequence[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]) -> Points:
    """Blocks of rows, times and values put together, gaps left out."""
    keys = tuple(SeriesKey(*key[:3]) for key in series)
    if not blocks:
        return Points(keys, (), np.empty(0, np.int64), np.empty(0), np.empty(0))
    rows, times, values = (np.concatenate(column) for column in zip(*blocks, strict=True))
    cohorts = tuple(_cohort(key[3]) for key in series)
    known = np.isfinite(values)
    return (
        Points(keys, cohorts, rows, times, values)
        if known.all()
        else Points(keys, cohorts, rows[known], times[known], values[known])
    )


class _Block(NamedTuple):
    rows: NDArray[np.int64]
    times: NDArray[np.float64]
    values: NDArray[np.float64]


def epoch_seconds(text: str) -> float:
    """A time as data write it: epoch seconds, epoch milliseconds, or RFC 3339 with offset. Raises ValueError."""
    try:
        number = float(text)
        epoch = number / 1000 if number >= MILLISECONDS else number
    except ValueError:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a time") from None
        if moment.tzinfo is None:
            raise ValueError(f"{text!r} has no offset from UTC") from None
        epoch = moment.timestamp()
    if not 0 <= epoch < MILLISECONDS:
        raise ValueError(f"{text!r} is not a time")
    return epoch


class Epochs(dict[str, float]):
    """Text of a time → epoch seconds; each distinct text is parsed once."""

    def __missing__(self, text: str) -> float:
        self[text] = epoch_seconds(text)
        return self[text]


class SeriesRows(dict[tuple[str, str, str, str], int]):
    """(layer, service, metric, labels) → row number, in order of appearance."""

    def __missing__(self, key: tuple[str, str, str, str]) -> int:
        layer, service, metric, labels = key
        if layer not in get_args(Layer):
            raise ValueError(f"layer {layer!r}: one of {', '.join(get_args(Layer))}")
        if not service or not metric:
            raise ValueError("service and metric must not be empty")
        _cohort(labels)
        self[key] = len(self)
        return self[key]


def _cohort(labels: str) -> str:
    """The cohort in a column of labels (a JSON object) or in a column of cohorts (plain text)."""
    if not labels.startswith("{"):
        return labels
    try:
        return str(msgspec.json.decode(labels, type=dict[str, str]).get("cohort", ""))
    except msgspec.MsgspecError as error:
        raise ValueError(f"labels {labels[:40]!r}: {error}") from error


def _chunks(stream: IO[str], origin: Path) -> Iterator[tuple[int, list[Sequence[str]]]]:
    """(number of the first line, the columns of REQUIRED and labels) of each stretch of whole lines."""
    line = 1
    try:
        header = next(csv.reader([stream.readline()]), [])
        if not header:
            return
        header[0] = header[0].removeprefix("\ufeff")
        absent = [name for name in REQUIRED if name not in header]
        if absent:
            raise FolderError(f"{origin}:1: no column {', '.join(absent)}")
        labels = next((name for name in LABELS if name in header), None)
        places = [header.index(name) for name in (*REQUIRED, *((labels,) if labels else ()))]
        while text := stream.read(CHUNK) + stream.readline():
            yield line + 1, _columns(text, places, len(header), line + 1, origin)
            line += text.count("\n")
    except (csv.Error, UnicodeDecodeError) as error:
        raise FolderError(f"{origin}: after line {line}: {error}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FolderError(f"{origin}: damaged gzip: {error}") from error


def _columns(text: str, places: Sequence[int], width: int, line: int, origin: Path) -> list[Sequence[str]]:
    """The columns at `places`: one flat split where nothing is quoted, the csv module otherwise."""
    if '"' not in text and "\r" not in text:
        body = text.rstrip("\n")
        cells = body.replace("\n", ",").split(",")
        if len(cells) == width * (body.count("\n") + 1):
            return [cells[place::width] for place in places]
    rows = list(csv.reader(text.splitlines()))
    for number, row in enumerate(rows, line):
        if row and len(row) != width:
            raise FolderError(f"{origin}:{number}: {len(row)} columns where the header has {width}")
    return [[row[place] for row in rows if row] for place in places]


def _numbers(columns: Sequence[Sequence[str]], epochs: Epochs, series: SeriesRows, line: int, origin: Path) -> _Block:
    """Text to numbers: by column, or row by row where one is odd: an empty value is a gap, anything else an error."""
    ts, layer, service, metric, value = columns[:5]
    count = len(ts)
    labels = columns[5] if len(columns) > 5 else [""] * count
    try:
        return _Block(
            np.fromiter(map(series.__getitem__, zip(layer, service, metric, labels, strict=True)), np.int64, count),
            np.fromiter(map(epochs.__getitem__, ts), np.float64, count),
            np.fromiter(map(float, value), np.float64, count),
        )
    except ValueError:
        pass
    found = []
    for number, row in enumerate(zip(layer, service, metric, labels, ts, value, strict=True), line):
        try:
            found.append((series[row[:4]], epochs[row[4]], float(row[5] or "nan")))
        except ValueError as error:
            raise FolderError(f"{origin}:{number}: {error}") from error
    rows, times, values = zip(*found, strict=True)
    return _Block(np.array(rows, np.int64), np.array(times), np.array(values))
