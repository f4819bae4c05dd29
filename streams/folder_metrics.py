"""metrics.csv to a regular grid: lines of text in, a MetricTable out. Read by column, no per-row Python on the way.

Columns ts, layer, service, metric and value are required, in any order; `labels` (a JSON object) and any further column are
labels. Series that differ in labels alone are averaged, as the store's per-minute means do.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from models.window import MetricWindow, SeriesKey
from streams.records import Layer

REQUIRED = ("ts", "layer", "service", "metric", "value")
CHUNK = 1_000_000  # characters read at a time
LARGEST_GRID = 2**28  # cells of 8 bytes; more would not fit beside everything else
MILLISECONDS = 10**11  # an epoch number from here on counts milliseconds (as seconds it would be the year 5138)
DEFAULT_STEP = 60  # seconds, where no series has two points


class FolderError(ValueError):
    """A file of the folder is missing, damaged or malformed; the message names file and line."""


class MetricTable(NamedTuple):
    """Every series of a folder on one grid; `points` keeps what it was made of where points carry a cohort."""

    window: MetricWindow
    cohorts: tuple[str, ...] = ()  # of each series as read
    points: _Points | None = None

    def cohort(self, name: str) -> tuple[MetricWindow, MetricWindow]:
        """The series of one cohort, and those of everyone else, on the grid of the whole."""
        if self.points is None or name not in self.cohorts:
            empty = MetricWindow(self.window.times, self.window.step, (), np.empty((0, len(self.window.times))))
            return empty, empty
        mine = np.array([cohort == name for cohort in self.cohorts], bool)[self.points.labelled]
        return _averaged(self.points, mine, self.window), _averaged(self.points, ~mine, self.window)

    def cut(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Series of `services` (empty: all), columns with start ≤ time < end: a view where all series are asked for."""
        times, step, keys, values = self.window
        low, high = np.searchsorted(times, (start, end))
        if not services:
            return MetricWindow(times[low:high], step, keys, values[:, low:high])
        wanted = frozenset(services)
        rows = [row for row, key in enumerate(keys) if key.service in wanted]
        return MetricWindow(times[low:high], step, tuple(keys[row] for row in rows), values[rows, low:high])


def read_metrics(stream: IO[str], origin: Path) -> MetricTable:
    """The grid of a metrics.csv. Raises FolderError naming file and line."""
    series, epochs = _Series(), _Epochs()
    blocks = [_numbers(columns, epochs, series, line, origin) for line, columns in _chunks(stream, origin) if columns[0]]
    if not blocks:
        return MetricTable(MetricWindow(np.empty(0, np.int64), DEFAULT_STEP, (), np.empty((0, 0))))
    return MetricTable(_grid(series, _Block(*map(np.concatenate, zip(*blocks, strict=True))), origin))


class _Block(NamedTuple):
    """Points as columns: which series, when, what."""

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


class _Epochs(dict[str, float]):
    """Text of a time → epoch seconds; each distinct text is parsed once."""

    def __missing__(self, text: str) -> float:
        self[text] = epoch_seconds(text)
        return self[text]


class _Series(dict[tuple[str, str, str], int]):
    """(layer, service, metric) → row number, in order of appearance."""

    def __missing__(self, key: tuple[str, str, str]) -> int:
        layer, service, metric = key
        if layer not in get_args(Layer):
            raise ValueError(f"layer {layer!r}: one of {', '.join(get_args(Layer))}")
        if not service or not metric:
            raise ValueError("service and metric must not be empty")
        self[key] = len(self)
        return self[key]


def _chunks(stream: IO[str], origin: Path) -> Iterator[tuple[int, list[Sequence[str]]]]:
    """(number of the first line, the columns of REQUIRED) of each stretch of whole lines."""
    line = 1
    try:
        header = next(csv.reader([stream.readline()]), [])
        if not header:
            return
        header[0] = header[0].removeprefix("\ufeff")
        absent = [name for name in REQUIRED if name not in header]
        if absent:
            raise FolderError(f"{origin}:1: no column {', '.join(absent)}")
        places = [header.index(name) for name in REQUIRED]
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


def _numbers(columns: Sequence[Sequence[str]], epochs: _Epochs, series: _Series, line: int, origin: Path) -> _Block:
    """Text to numbers: by column, or row by row where one is odd: an empty value is a gap, anything else an error."""
    ts, layer, service, metric, value = columns
    count = len(ts)
    try:
        return _Block(
            np.fromiter(map(series.__getitem__, zip(layer, service, metric, strict=True)), np.int64, count),
            np.fromiter(map(epochs.__getitem__, ts), np.float64, count),
            np.fromiter(map(float, value), np.float64, count),
        )
    except ValueError:
        pass
    found = []
    for number, row in enumerate(zip(*columns, strict=True), line):
        try:
            found.append((series[row[1:4]], epochs[row[0]], float(row[4] or "nan")))
        except ValueError as error:
            raise FolderError(f"{origin}:{number}: {error}") from error
    rows, times, values = zip(*found, strict=True)
    return _Block(np.array(rows, np.int64), np.array(times), np.array(values))


def _grid(series: _Series, block: _Block, origin: Path) -> MetricWindow:
    """Means of each series' points in each step."""
    keep = np.isfinite(block.values)
    rows, times, values = block.rows[keep], block.times[keep], block.values[keep]
    keys = tuple(SeriesKey(*key) for key in series)
    if not len(rows):
        return MetricWindow(np.empty(0, np.int64), DEFAULT_STEP, keys, np.empty((len(keys), 0)))
    step = _step(rows, times)
    # The grid keeps the phase of data stamped on one (300 s from 12:02) in whole minutes, else it stands on whole steps.
    phases = np.unique(times % step // 60)
    phase = int(phases[0]) * 60 if len(phases) == 1 else 0
    columns = ((times - phase) // step).astype(np.int64)
    first = int(columns.min())
    width = int(columns.max()) - first + 1
    if width * len(keys) > LARGEST_GRID:
        raise FolderError(
            f"{origin}: {len(keys)} series over {width} steps of {step} s are more than memory holds; cut the folder"
        )
    cells = rows * width + (columns - first)
    counts = np.bincount(cells, minlength=len(keys) * width)
    with np.errstate(invalid="ignore"):
        means = np.bincount(cells, weights=values, minlength=len(keys) * width) / counts
    times_of = (np.arange(first, first + width, dtype=np.int64)) * step + phase
    return MetricWindow(times_of, step, keys, means.reshape(len(keys), width))


def _step(rows: NDArray[np.int64], times: NDArray[np.float64]) -> int:
    """The commonest distance, in whole seconds, of two successive points of a series."""
    order = np.lexsort((times, rows))
    gaps = np.diff(times[order])[np.diff(rows[order]) == 0]
    gaps = np.rint(gaps[gaps > 0]).astype(np.int64)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return DEFAULT_STEP
    distances, counts = np.unique(gaps, return_counts=True)
    return int(distances[np.argmax(counts)])
