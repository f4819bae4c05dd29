"""`huiyin detect`: CSV in, CSV out, through the command line; and LevelDetector's promises."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import pickle
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
    values[700:715] = np.nan
    whole = detect(write(tmp_path / "whole.csv", values)).stdout.splitlines()
    assert any(int(line.rsplit(",", 1)[1]) for line in whole[1:])
    for cut in (49, 720, 1001):
        part = detect(write(tmp_path / "part.csv", values[:cut])).stdout.splitlines()
        assert whole[: len(part)] == part


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
    values = np.random.default_rng(3).normal(0, 1, 4000)
    verdicts = [detector.update(1e9 + 60 * index, float(value)) for index, value in enumerate(values)]
    assert sum(verdict.level > 0 for verdict in verdicts) <= 4


def calls(values: np.ndarray, start: float = 1e9) -> list[int]:
    """Rows at which a fresh detector gives a level."""
    detector = LevelDetector()
    return [index for index, value in enumerate(values) if detector.update(start + STEP * index, float(value)).level]


def test_a_peak_that_comes_every_day_is_soon_no_news() -> None:
    values = daily_series(9)
    jitter = np.random.default_rng(5).integers(-3, 4, 9)
    for day, late in enumerate(jitter):
        values[day * 288 + 150 + late : day * 288 + 156 + late] += 120
    assert [row for row in calls(values) if row >= 4 * 288] == []
    values[8 * 288 + 20 : 8 * 288 + 26] += 120
    assert [row for row in calls(values) if row >= 4 * 288][:1] in ([8 * 288 + 20], [8 * 288 + 21])


def test_bursty_counts_are_called_less_than_once_in_five_hundred_rows() -> None:
    chance = np.random.default_rng(11)
    slot = np.arange(3000)
    rate = 20 * np.exp(0.8 * np.sin(2 * np.pi * slot / 288))
    for burst in np.flatnonzero(chance.random(len(slot)) < 6 / 288):
        rate[burst : burst + 60] += 15 * chance.pareto(2.5) * np.exp(-np.arange(len(rate[burst : burst + 60])) / 6)
    counts = chance.poisson(chance.gamma(6, rate / 6))
    assert len(calls(counts)) <= 6


def test_two_days_without_rows_are_no_event() -> None:
    values = daily_series(8)
    detector = LevelDetector()
    kept = [row for row in range(len(values)) if not 5 * 288 <= row < 7 * 288]
    levels = {row: detector.update(1e9 + STEP * row, float(values[row])).level for row in kept}
    assert not any(level for row, level in levels.items() if row >= 7 * 288)


def test_memory_stays_where_it_is() -> None:
    detector, sizes = LevelDetector(), []
    for row, value in enumerate(daily_series(20)[:5400]):
        detector.update(1e9 + STEP * row, float(value))
        if row in (4800, 5399):
            sizes.append(len(pickle.dumps(detector)))
    assert sizes[1] <= 1.005 * sizes[0]


@pytest.mark.parametrize("value", [1e300, -1e300, 5e-324])
def test_a_number_of_any_size_is_judged(value: float) -> None:
    detector = LevelDetector()
    for row, usual in enumerate(daily_series(2)):
        detector.update(1e9 + STEP * row, float(usual))
    verdicts = [detector.update(1e9 + STEP * (576 + row), value) for row in range(30)]
    assert all(0 <= verdict.score <= 1 for verdict in verdicts)
    assert abs(value) < 1 or max(verdict.level for verdict in verdicts) == 3
