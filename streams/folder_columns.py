"""metrics.csv[.gz] to Points by Apache Arrow's CSV reader: whole columns, on all cores.

For what is as it should be. Anything odd (a wrong cell, a missing column, a damaged file) gives None, and the reader of
folder_csv, which goes by the line, either takes it or names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from streams.folder_csv import LABELS, REQUIRED, Epochs, Points, SeriesRows, points_of

BLOCK = 16 << 20  # bytes parsed at a time
LARGEST_TABLE = 1 << 24  # combinations of names that are looked up in a table, not sorted


class _Block(NamedTuple):
    rows: NDArray[np.int64]
    times: NDArray[np.float64]
    values: NDArray[np.float64]


def read_columns(path: Path) -> Points | None:
    """Every point of a metrics.csv; None where something in it needs a closer look."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            header = stream.read(1 << 16).split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
        labels = next((name for name in LABELS if name in header), None)
        if len(set(header)) < len(header) or not set(REQUIRED) <= set(header):
            return None
        with pa.input_stream(str(path), compression="detect") as stream:
            table = _table(stream, [*REQUIRED, *((labels,) if labels else ())])
        series, epochs = SeriesRows(), Epochs()
        blocks = [_numbers(batch, series, epochs) for batch in table.to_batches()]
    except (pa.ArrowException, ValueError, OSError, EOFError):
        return None
    return points_of(series, blocks)


def _table(stream: Any, columns: Sequence[str]) -> pa.Table:
    """The columns: names as dictionaries, values as numbers, an empty value as null."""
    names = pa.dictionary(pa.int32(), pa.string())
    types = {name: pa.float64() if name == "value" else names for name in columns}
    return csv.read_csv(
        stream,
        read_options=csv.ReadOptions(block_size=BLOCK),
        convert_options=csv.ConvertOptions(column_types=types, include_columns=list(columns), null_values=["", "nan", "NaN"]),
    )


def _numbers(batch: Any, series: SeriesRows, epochs: Epochs) -> _Block:
    """A stretch of rows as numbers. Raises ValueError for a name or a time that may not be."""
    codes, words = zip(*(_coded(batch.column(name)) for name in batch.schema.names if name not in ("ts", "value")), strict=True)
    ts, texts = _coded(batch.column("ts"))
    known = np.fromiter((epochs[text] for text in texts), np.float64, len(texts))
    values = batch.column("value").to_numpy(zero_copy_only=False)
    return _Block(_rows(codes, words, series), known[ts], np.asarray(values, np.float64))


def _coded(column: Any) -> tuple[NDArray[np.int64], list[str]]:
    return column.indices.to_numpy(zero_copy_only=False).astype(np.int64), column.dictionary.to_pylist()


def _rows(codes: Sequence[NDArray[np.int64]], words: Sequence[Sequence[str]], series: SeriesRows) -> NDArray[np.int64]:
    """Each point's row in `series`, which grows in the order in which its series appear."""
    shape = [len(one) for one in words]
    joined = np.ravel_multi_index(codes, shape)
    size = int(np.prod(shape))
    if size > LARGEST_TABLE:
        found, joined = np.unique(joined, return_inverse=True)
        size = len(found)
    else:
        found = np.arange(size)
    first = np.full(size, -1, np.int64)
    first[joined[::-1]] = np.arange(len(joined))[::-1]  # of several assignments to one place the last one holds
    seen = np.flatnonzero(first >= 0)
    place = np.full(size, -1, np.int64)
    for code in seen[np.argsort(first[seen])].tolist():
        names = [one[at] for one, at in zip(words, np.unravel_index(found[code], shape), strict=True)]
        place[code] = series[names[0], names[1], names[2], names[3] if len(names) > 3 else ""]
    return np.asarray(place[joined], np.int64)
