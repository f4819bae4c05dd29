"""`huiyin detect`: CSV in, CSV out, through the command line; and LevelDetector's promises."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from models.surge_levels import LevelDetector
from streams.cli import main

STEP = 300


def daily_series(days: int, seed: int = 1) -> np.ndarray:
    """A value every five minutes with a daily rhythm and noise."""
    slot = np.arange(days * 288)
    noise = np.random.default_rng(seed).normal(0, 3, len(slot))
    return 100 + 40 * np.sin(2 * np.pi * slot / 288) + noise


def write(path: Path, values: np.ndarray, start: str = "2024-03-01T00:00:00") -> Path:
    first = dt.datetime.fromisoformat(start)
    rows = [f"{first + dt.timedelta(seconds=STEP * i)},{'' if math.isnan(v) else f'{v:.3f}'}" for i, v in enumerate(values)]
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return path


def detect(path: Path | str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["detect", str(path)], input=text)


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_shift_is_called_once_where_it_begins(tmp_path: Path) -> None:
    values = daily_series(8)
    values[1900:1960] += 150
    found = rows(detect(write(tmp_path / "shift.csv", values)))
    assert len(found) == len(values)
    called = [index for index, row in enumerate(found) if int(row["level"]) >= 1]
    assert called
    assert 1900 <= called[0] <= 1902
    assert len([index for index in called if 1900 <= index < 1960]) <= 2
    assert len([index for index in called if not 1900 <= index < 2060]) <= 1
    assert all((float(row["score"]) >= 0.5) == (row["level"] != "0") for row in found)
    assert abs(float(found[1850]["expected"]) - values[1850]) < 25


def test_a_missing_daily_peak_is_noticed(tmp_path: Path) -> None:
    values = daily_series(8)
    values[6 * 288 : 7 * 288] = 100 + np.random.default_rng(2).normal(0, 3, 288)
    levels = [int(row["level"]) for row in rows(detect(write(tmp_path / "flat.csv", values)))]
    assert any(levels[6 * 288 : 7 * 288])


def test_what_comes_later_changes_nothing(tmp_path: Path) -> None:
    values = daily_series(5)
    values[1000] += 200
    whole = detect(write(tmp_path / "whole.csv", values)).stdout.splitlines()
    half = detect(write(tmp_path / "half.csv", values[:720])).stdout.splitlines()
    assert whole[: len(half)] == half


def test_empty_and_constant_values_are_calm(tmp_path: Path) -> None:
    values = np.full(600, 7.0)
    values[100:120] = np.nan
    found = rows(detect(write(tmp_path / "constant.csv", values)))
    assert {row["level"] for row in found} == {"0"}
    assert {(row["expected"], row["score"]) for row in found[100:120]} == {("", "0.000")}


def test_times_may_be_iso_or_epoch() -> None:
    for stamps in (
        ["1700000000", "1700000060"],
        ["1700000000000", "1700000060000"],
        ["2024-01-01T00:00:00Z", "2024-01-01 08:05:00+08:00"],
    ):
        text = "timestamp,value\n" + "".join(f"{stamp},1\n" for stamp in stamps)
        assert [row["timestamp"] for row in rows(detect("-", text))] == stamps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "-:1: the header"),
        ("time,count\n1,2\n", "-:1: the header"),
        ("timestamp,value\n2024-01-01,many\n", "-:2: value 'many' is not a number"),
        ("timestamp,value\n2024-01-01,inf\n", "-:2: value 'inf' is not finite"),
        ("timestamp,value\nyesterday,1\n", "-:2: timestamp 'yesterday'"),
        ("timestamp,value\n2024-01-02,1\n2024-01-01,1\n", "-:3: timestamp 2024-01-01 is before"),
        ("timestamp,value\n1700000000\n", "-:2: 1 columns"),
    ],
)
def test_bad_input_is_one_line_with_its_place(text: str, message: str) -> None:
    result = detect("-", text)
    assert result.exit_code != 0
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_clock_change_is_let_through_with_a_warning() -> None:
    result = detect("-", "timestamp,value\n2024-10-27 02:55:00,1\n2024-10-27 02:00:00,1\n2024-10-27 03:00:00,1\n")
    assert len(rows(result)) == 3
    assert "clock change" in result.stderr


def test_pure_noise_is_called_less_than_once_in_a_thousand_rows() -> None:
    detector = LevelDetector()
    values = np.random.default_rng(3).normal(0, 1, 12_000)
    verdicts = [detector.update(1e9 + 60 * index, float(value)) for index, value in enumerate(values)]
    assert sum(verdict.level > 0 for verdict in verdicts) <= 12
