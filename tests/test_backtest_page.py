"""The page of a backtest: incidents, bands and what other settings call; self-contained, escaped, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from models.surge import SurgeSettings
from streams.backtest_curves import band
from streams.backtest_trials import OTHERS, Called, compared, trials
from streams.commands.backtest import command
from streams.folder import Folder

START = 1_773_072_000  # local midnight in Shanghai
DAYS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of two services' complaints; an hour of payment failures, a small burst about search, a change."""
    path = tmp_path_factory.mktemp("weeks")
    random = np.random.default_rng(5)
    rates = {"pay": np.full(DAYS * 1440, 0.08), "search": np.full(DAYS * 1440, 0.02)}
    rates["pay"][3 * 1440 + 600 : 3 * 1440 + 660] += 1.5
    rates["search"][3 * 1440 + 900 : 3 * 1440 + 910] += 0.7
    said: list[dict[str, object]] = []
    tagged: list[dict[str, object]] = []
    for service, rate in rates.items():
        for minute, count in enumerate(random.poisson(rate).tolist()):
            for _ in range(count):
                name = f"c{len(said)}"
                said.append({"id": name, "ts": START + 60 * minute, "text": "x", "service": service, "channel": "app"})
                tagged.append(
                    {"id": name, "sentiment": -0.9, "polarity": -1, "service": service, "category": "", "text": "<b>坏了"}
                )
    for name, rows in (("complaints", said), ("tagged", tagged)):
        (path / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    change = {"id": "REL-1", "ts": START + 3 * 86_400, "kind": "release", "service": "pay"}
    (path / "changes.ndjson").write_text(json.dumps(change) + "\n")
    (path / "services.yaml").write_text(
        "services:\n- {name: pay, title: '<支付>'}\n- {name: search, title: 搜索}\n", encoding="utf-8"
    )
    return path


def test_the_command_draws_a_page_that_needs_nothing_else(folder: Path, tmp_path: Path) -> None:
    page, alerts = tmp_path / "page.html", tmp_path / "alerts.ndjson"
    result = CliRunner().invoke(command, [str(folder), "--page", str(page), "--alerts", str(alerts), "--language", "en"])
    assert result.exit_code == 0, result.output
    incidents = [json.loads(line) for line in result.stdout.splitlines()]
    assert "pay" in {row["service"] for row in incidents}
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|(src|href)=\"(https?:|//)", html)
    assert "<支付>" not in html
    assert "&lt;支付&gt;" in html
    assert all(name in html for name in OTHERS)
    pictures = re.findall(r"<svg.*?</svg>", html, re.S)
    assert len(pictures) >= 4
    for picture in pictures:
        ElementTree.fromstring(picture)
    assert alerts.exists()


def test_a_lower_floor_finds_more_and_a_higher_one_less(folder: Path) -> None:
    history = Folder(folder)
    found, usual = trials(history, (START, START + DAYS * 86_400), SurgeSettings(), lambda done, of: None)
    by_name = {trial.name: trial for trial in found}
    assert [one.service for one in by_name[""].called].count("pay") == 1
    assert len(by_name["floor 5"].called) >= len(by_name[""].called) >= len(by_name["floor 15"].called)
    assert not by_name["floor 5"].lost
    surge = next(one for one in by_name[""].called if one.service == "pay")
    assert START + 3 * 86_400 + 36_000 <= surge.start <= START + 3 * 86_400 + 37_800
    rate = usual.expected["pay"][-12:]
    assert 3 < np.nanmean(rate) < 8  # 0.08 a minute


def test_lost_and_added_are_told_apart() -> None:
    base = [Called("pay", 0, 600, 2), Called("search", 9000, 9600, 1)]
    other = compared("x", [Called("pay", 1200, 1800, 1), Called("cart", 0, 60, 1)], base)
    assert (other.kept, [one.service for one in other.lost], [one.service for one in other.added]) == (1, ["search"], ["cart"])


def test_the_band_holds_ordinary_hours_also_where_they_vary_more_than_chance() -> None:
    random = np.random.default_rng(1)
    usual = np.full(720, 12.0)
    plain = random.poisson(usual).astype(float)
    bursty = random.negative_binomial(4, 4 / (4 + usual)).astype(float)
    for said in (plain, bursty):
        low, high = band(said, usual)
        assert 0.9 < ((said >= low) & (said <= high)).mean() <= 1.0
    assert band(bursty, usual)[1][0] > band(plain, usual)[1][0]
