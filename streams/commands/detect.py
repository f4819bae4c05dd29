"""`huiyin detect FILE.csv`: timestamp,value in, timestamp,expected,score,level out, a row per row, each judged causally."""

from __future__ import annotations

import csv
import datetime as dt
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import click

_CLOCK_CHANGE = 3600.0  # seconds that local time without offset steps back in autumn


class Lines(Protocol):
    """What csv.reader gives."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


@click.command("detect")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def command(file: Path) -> None:
    """Score each row of FILE (CSV with the columns timestamp and value; - for standard input).

    Prints timestamp,expected,score,level: score from 0 to 1, level 0 (nothing) to 3 (critical), each from that row and
    the rows before it only. A level is given once per event, not on every row of it. Timestamps: ISO 8601, with or
    without offset (then taken as UTC), or epoch seconds or milliseconds, ascending
    (the repeated hour of a clock change is let through with a warning). An empty value is passed over.
    """
    from models.surge_levels import LevelDetector

    detector = LevelDetector()
    out = csv.writer(sys.stdout, lineterminator="\n")
    stream = sys.stdin if str(file) == "-" else file.open(newline="", encoding="utf-8-sig")
    try:
        with stream:
            lines = csv.reader(stream)
            columns = _columns(next(lines, []), file.name)
            out.writerow(("timestamp", "expected", "score", "level"))
            for timestamp, time, value in _rows(lines, columns, file.name):
                expected, score, level = detector.update(time, value)
                shown = "" if math.isnan(expected) else f"{expected:.6g}"
                out.writerow((timestamp, shown, f"{score:.3f}", level))
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name}: not UTF-8: {error.reason} at byte {error.start}") from error


def _columns(header: list[str], name: str) -> tuple[int, int]:
    names = [column.strip().lower() for column in header]
    if "timestamp" not in names or "value" not in names:
        raise click.ClickException(f"{name}:1: the header must name the columns timestamp and value")
    return names.index("timestamp"), names.index("value")


def _rows(lines: Lines, columns: tuple[int, int], name: str) -> Iterator[tuple[str, float, float]]:
    at, what = columns
    last, warned = -math.inf, False
    for row in lines:
        if not row:
            continue
        where = f"{name}:{lines.line_num}"
        if len(row) <= max(at, what):
            raise click.ClickException(f"{where}: {len(row)} columns, too few for timestamp and value")
        time = _time(row[at].strip(), where)
        if time < last - _CLOCK_CHANGE:
            raise click.ClickException(f"{where}: timestamp {row[at]} is before the one in the row above; sort the file by time")
        if time <= last and not warned:
            warned = True
            click.echo(
                f"{where}: timestamp {row[at]} is not after the one above (a clock change?); judged in file order", err=True
            )
        last = max(last, time)
        yield row[at], time, _value(row[what].strip(), where)


def _time(text: str, where: str) -> float:
    """Epoch seconds of an ISO 8601 time or of epoch seconds or milliseconds."""
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        if not math.isfinite(number):
            raise click.ClickException(f"{where}: timestamp {text!r} is not a time")
        return number / 1000 if abs(number) >= 1e11 else number
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise click.ClickException(f"{where}: timestamp {text!r} is neither ISO 8601 nor epoch seconds") from error
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()


def _value(text: str, where: str) -> float:
    if text.lower() in ("", "nan", "null", "none"):
        return math.nan
    try:
        value = float(text)
    except ValueError as error:
        raise click.ClickException(f"{where}: value {text!r} is not a number") from error
    if not math.isfinite(value):
        raise click.ClickException(f"{where}: value {text!r} is not finite")
    return value
