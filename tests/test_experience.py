"""The experience index: monotone in every part, calm on what is usual, small numbers lean to the usual; and over a folder."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models import experience
from models.experience import reading
from models.window import SeriesKey
from streams.commands.experience import command

START = int(dt.datetime(2026, 3, 2, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp())


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_usual_is_eighty_whatever_is_known() -> None:
    parts: dict[experience.Part, np.ndarray] = {
        "volume": experience.volume(one(30), one(30)),
        "polarity": experience.polarity(one(30), one(100), one(0.3)),
        "latency": experience.share_of(one(1.0)),
        "satisfaction": experience.satisfaction(one(35), one(10), one(3.5)),
    }
    assert experience.index(parts)[0] == pytest.approx(80)
    assert experience.index({"latency": parts["latency"]})[0] == pytest.approx(80)
    assert np.isnan(experience.index({"satisfaction": parts["satisfaction"]})[0])  # of a week: says nothing about this hour


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 500))
def test_more_complaints_than_expected_are_never_better_and_few_weigh_little(first: float, second: float, due: float) -> None:
    low, high = sorted((first, second))
    better, worse = experience.volume(one(low), one(due))[0], experience.volume(one(high), one(due))[0]
    assert 0 < worse <= better < 1
    assert experience.volume(one(1), one(0.1))[0] > 0.6  # one complaint at night is no crisis


def test_a_ruined_part_is_not_made_up_for() -> None:
    fine, ruined = one(0.99), one(0.02)
    parts: dict[experience.Part, np.ndarray] = {
        "volume": fine,
        "polarity": fine,
        "latency": fine,
        "failure": ruined,
        "satisfaction": fine,
    }
    assert experience.index(parts)[0] < 35  # the arithmetic mean would say 70


def test_what_names_say() -> None:
    said = {
        name: reading(SeriesKey("app", "pay", name))
        for name in ("latency_p99_ms", "page_load_ms", "error_rate", "pay_success_rate", "qps", "memory", "gc_ms", "cpu")
    }
    assert {name: kind.part for name, kind in said.items() if kind} == {
        "latency_p99_ms": "latency", "page_load_ms": "latency", "error_rate": "failure", "pay_success_rate": "failure",
    }  # fmt: skip
    assert reading(SeriesKey("idc", "sh-1", "error_rate")) is None


def test_failures_count_against_the_usual_but_not_below_what_users_notice() -> None:
    kind = reading(SeriesKey("app", "pay", "error_rate"))
    good = reading(SeriesKey("business", "pay", "success_rate"))
    assert kind is not None
    assert good is not None
    doubled = experience.measured(kind, one(0.002), one(0.001))[0]
    assert 1 < doubled < 1.2
    assert experience.measured(kind, one(0.2), one(0.001))[0] > 10
    assert experience.measured(good, one(80.0), one(99.0))[0] == pytest.approx(experience.measured(good, one(0.8), one(0.99))[0])


def test_the_command_prints_a_bad_hour_low_and_nothing_for_the_first_day(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    bad = range(1440 + 600, 1440 + 660)
    lines = [
        f"{START + 60 * minute},app,pay,{metric},{base * (6 if minute in bad else 1) * random.lognormal(0, 0.1):.5g}\n"
        for minute in range(2880)
        for metric, base in (("latency_ms", 90), ("error_rate", 0.005))
    ]
    (tmp_path / "metrics.csv").write_text("ts,layer,service,metric,value\n" + "".join(lines))
    result = CliRunner().invoke(command, [str(tmp_path), "--by", "hour"], catch_exceptions=False)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == 24
    points = {row["at"][11:13]: row["index"] for row in rows}
    assert points.pop("10") < 40
    assert all(75 < value < 85 for value in points.values())
    assert set(rows[0]["parts"]) == {"volume", "polarity", "latency", "failure"}
    assert json.loads(CliRunner().invoke(command, [str(tmp_path), "--by", "day"]).stdout)["index"] > 70
