"""The correlation view: what is planted is found, with its lead and direction; what is not is not; through the command too."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from models.correlation import Link, TooShortError, links
from models.fluctuation import fluctuations
from streams.cli import main

DAYS, STEP = 7, 60
LENGTH = DAYS * 1440
Array = NDArray[np.float64]


def judged(complaints: Array, series: Array) -> list[Link]:
    return links(fluctuations(complaints[None, :], STEP)[0], fluctuations(series, STEP), STEP, 1800)


def planted(random: np.random.Generator, lag: int, sign: float) -> tuple[Array, Array]:
    """Five stretches in which a metric moves by 4 sigma and complaints follow `lag` minutes later."""
    metric, complaints = random.normal(size=(1, LENGTH)), random.poisson(0.5, LENGTH).astype(float)
    for start in random.choice(np.arange(100, LENGTH - 200, 150), 5, replace=False):
        metric[0, start : start + 40] += 4 * sign
        complaints[start + lag : start + lag + 40] += random.poisson(3, 40)
    return complaints, metric


@pytest.mark.parametrize(("lag", "sign"), [(0, 1.0), (7, 1.0), (12, -1.0)])
def test_planted_link_is_found_with_lead_and_direction(lag: int, sign: float) -> None:
    (link,) = judged(*planted(np.random.default_rng(lag), lag, sign))
    assert link.p < 0.01
    assert np.sign(link.r) == sign
    assert abs(link.lead - 60 * lag) <= 120
    assert link.low <= 60 * lag <= link.high


def test_a_metric_that_follows_the_complaints_has_a_negative_lead() -> None:
    complaints, metric = planted(np.random.default_rng(3), 0, 1.0)
    (link,) = judged(complaints, np.roll(metric, 10, axis=1))
    assert abs(link.lead + 600) <= 120


def remembering(random: np.random.Generator, rows: int) -> Array:
    """Random series that remember their past (AR(1), 0.97), under one daily rhythm for all."""
    noise, found = random.normal(size=(rows, LENGTH)), np.empty((rows, LENGTH))
    found[:, 0] = noise[:, 0]
    for minute in range(1, LENGTH):
        found[:, minute] = 0.97 * found[:, minute - 1] + noise[:, minute]
    return np.asarray(found + 20 * np.sin(2 * np.pi * np.arange(LENGTH) / 1440))


def test_neither_memory_nor_a_shared_rhythm_makes_a_link() -> None:
    random = np.random.default_rng(7)
    found = judged(remembering(random, 1)[0], remembering(random, 200))
    assert np.mean([link.p < 0.05 for link in found]) < 0.12
    assert not [link for link in found if link.q <= 0.05]


def test_one_coincidence_is_no_certainty() -> None:
    complaints, metric = np.random.default_rng(1).normal(size=(2, 1, LENGTH))
    complaints[0, 5000:5040] += 6
    metric[0, 5000:5040] += 6
    (link,) = judged(complaints[0], metric)
    assert abs(link.r) > 0.5
    assert link.p > 1e-3


def test_gaps_and_still_series_do_not_link() -> None:
    complaints, metric = planted(np.random.default_rng(2), 5, 1.0)
    still, gone = np.full((1, LENGTH), 3.0), np.full((1, LENGTH), np.nan)
    metric[0, 2000:2600] = np.nan
    found = judged(complaints, np.vstack([metric, still, gone]))
    assert found[0].p < 0.01
    assert [link.p for link in found[1:]] == [1.0, 1.0]


def test_too_short_says_how_much_is_needed() -> None:
    with pytest.raises(TooShortError, match="give 720 or more"):
        links(np.ones(300), np.ones((1, 300)), 60, 1800)


def folder(path: Path) -> Path:
    random = np.random.default_rng(5)
    complaints, metric = planted(random, 6, 1.0)
    other = random.normal(size=LENGTH)
    start, length = 1_772_400_000, 4 * 1440
    with gzip.open(path / "metrics.csv.gz", "wt", encoding="utf-8") as lines:
        lines.write("ts,layer,service,metric,value\n")
        for minute in range(length):
            lines.write(f"{start + 60 * minute},app,bank,latency,{100 + metric[0, minute]:.3f}\n")
            lines.write(f"{start + 60 * minute},app,pay,cpu,{40 + other[minute]:.3f}\n")
    (path / "services.yaml").write_text(
        "services:\n- {name: pay, keywords: [付款], depends_on: [bank]}\n- {name: bank}\n", encoding="utf-8"
    )
    with (path / "complaints.ndjson").open("w", encoding="utf-8") as lines:
        for minute in np.flatnonzero(complaints[:length]):
            for number in range(int(complaints[minute])):
                row = {"id": f"{minute}-{number}", "ts": start + 60 * int(minute), "text": "付款一直失败，太差了"}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def test_command_names_who_leads_and_draws_it(tmp_path: Path) -> None:
    picture = tmp_path / "links.svg"
    result = CliRunner().invoke(main, ["correlation", str(folder(tmp_path)), "--service", "pay", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert (rows[0]["service"], rows[0]["metric"], rows[0]["exists"], rows[0]["direction"]) == ("bank", "latency", True, 1)
    assert abs(rows[0]["lead_seconds"] - 360) <= 120
    assert not rows[1]["exists"]
    assert "bank.latency" in picture.read_text(encoding="utf-8")


def test_command_refuses_an_unknown_service_in_a_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["correlation", str(folder(tmp_path)), "--service", "nowhere"])
    assert result.exit_code != 0
    assert "nowhere: not among pay, bank" in result.stderr
