"""The commands rank and impact as a user calls them: a folder in, JSON out, one clear line on bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streams.cli import main

START, FAULT = 1_700_000_040, 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("case")
    random = np.random.default_rng(0)
    lines = ["ts,layer,service,metric,value"]
    for service in ("shop", "stock"):
        for metric, level in (("latency_ms", 30.0), ("error_rate", 0.01), ("cpu", 0.4)):
            values = level * random.lognormal(0, 0.1, 300)
            if metric != "cpu":
                values[FAULT + (service == "shop") :] *= 8 if service == "stock" else 5
            lines += [f"{START + 60 * minute},app,{service},{metric},{value:.6g}" for minute, value in enumerate(values)]
    (path / "metrics.csv").write_text("\n".join(lines) + "\n")
    (path / "services.yaml").write_text("services: [{name: shop, depends_on: [stock]}, {name: stock}]\n")
    change = {"id": "r7", "ts": START + 60 * FAULT - 20, "kind": "release", "service": "stock", "stage": "full"}
    (path / "changes.ndjson").write_text(json.dumps(change) + "\n")
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("at", [str(START + 60 * FAULT), "2023-11-15T10:15:00+08:00", f"{START + 60 * FAULT}000"])
def test_rank_prints_suspects_causes_and_verdict(folder: Path, at: str) -> None:
    code, out, err = run("rank", folder, "--service", "shop", "--at", at)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["verdict"] == "explained"
    assert answer["suspects"][0]["service"] == "stock"
    cause = answer["causes"][0]
    assert (cause["kind"], cause["change"], cause["layer"]) == ("change", "r7", "app")
    assert [step["service"] for step in cause["path"]] == ["stock", "shop", "shop"]
    assert sum(suspect["score"] for suspect in answer["suspects"]) <= 1.001


def test_evidence_comes_in_english_too(folder: Path) -> None:
    answer = json.loads(run("rank", folder, "--service", "shop", "--at", START + 60 * FAULT, "--language", "en")[1])
    assert all(line.isascii() for line in answer["causes"][0]["evidence"])


def test_impact_prints_the_judgement(folder: Path) -> None:
    code, out, err = run("impact", folder, "--change", "r7")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["harmful"] is True
    assert 0.5 <= answer["score"] <= 1
    assert answer["low"] <= answer["effect"] <= answer["high"]
    assert answer["control"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rank", "{}", "--service", "ghost", "--at", START), "ghost"),
        (("rank", "{}", "--service", "shop", "--at", "teatime"), "teatime"),
        (("rank", "{}/nowhere", "--service", "shop", "--at", START), "no such folder"),
        (("impact", "{}", "--change", "r8"), "r7"),
    ],
)
def test_bad_input_is_one_clear_line_on_standard_error(folder: Path, arguments: tuple[object, ...], said: str) -> None:
    code, out, err = run(*(str(argument).format(folder) for argument in arguments))
    assert code != 0
    assert out == ""
    assert said in err.strip().splitlines()[-1]
    assert "Traceback" not in err


def test_a_broken_file_names_itself(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text((folder / "metrics.csv").read_text() + "oops,app,shop,cpu,1\n")
    code, _, err = run("rank", tmp_path, "--service", "shop", "--at", START)
    assert code == 1
    assert "metrics.csv:1802: 'oops' is not a time" in err


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gray release of pay that hurts its cohort alone: three days and two hours by the five minutes, metrics by cohort."""
    path = tmp_path_factory.mktemp("gray")
    random = np.random.default_rng(0)
    before, after = 3 * 288, 24
    at = START + 300 * before
    lines = ["ts,layer,service,metric,value,cohort"]
    for cohort in ("", "early"):
        values = 100 * random.lognormal(0, 0.05, before + after)
        values[before + 1 :] *= 1.6 if cohort else 1.0
        lines += [f"{START + 300 * step},app,pay,latency_ms,{value:.6g},{cohort}" for step, value in enumerate(values)]
    (path / "metrics.csv").write_text("\n".join(lines) + "\n")
    (path / "services.yaml").write_text("services: [{name: pay, keywords: [支付], depends_on: [bank]}, {name: bank}]\n")
    changes = [
        {"id": "g1", "ts": at, "kind": "release", "service": "pay", "stage": "gray", "cohort": "early"},
        {"id": "g1", "ts": at + 5400, "kind": "release", "service": "pay", "stage": "full"},
        {"id": "c2", "ts": at - 1200, "kind": "config", "service": "bank"},
    ]
    (path / "changes.ndjson").write_text("".join(json.dumps(change) + "\n" for change in changes))
    said = [(at - 1000 * n, "" if n % 10 else "early") for n in range(1, 61)] + [(at + 60 * n, "early") for n in range(1, 25)]
    complaints = [
        {"id": f"c{n}", "ts": ts, "text": "支付一直失败，太差了", "service": "pay", "cohort": cohort}
        for n, (ts, cohort) in enumerate(said)
    ]
    (path / "complaints.ndjson").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in complaints))
    return path


def test_impact_of_a_gray_release_shows_the_three_checks_and_the_relative_risk(gray: Path) -> None:
    code, out, err = run("impact", gray, "--change", "g1", "--language", "en")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["harmful"] is True
    assert answer["low"] <= 0.6 <= answer["high"]
    checks = "\n".join(answer["checks"])
    assert "difference in differences" in answer["control"]  # control group
    assert "not a single variable: also changed within an hour: c2" in checks
    assert "life cycle: watched for 120 min" in checks
    assert "stages: gray → full" in checks
    assert "relative risk of complaints in early" in checks


def test_impact_without_a_cohort_names_earlier_days_as_its_control(gray: Path) -> None:
    change = {"id": "c3", "ts": START + 300 * 3 * 288 - 1200, "kind": "config", "service": "pay"}
    (gray / "changes.ndjson").write_text(json.dumps(change) + "\n")
    answer = json.loads(run("impact", gray, "--change", "c3", "--language", "en")[1])
    assert answer["control"] == "control: the same hours of earlier days"
    assert any("single variable: no other change" in line for line in answer["checks"])
