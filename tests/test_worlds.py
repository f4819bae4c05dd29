"""Whole worlds through the backtest, four days each: what a long run must reach. Minutes; the figures are in docs/judging.md."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from worlds_other import OtherWorld

from streams.backtest import finished
from streams.correlate import Correlator
from streams.folder import Folder

GRACE = 600  # seconds after an episode's end in which its incident may open


@pytest.mark.soak
@pytest.mark.parametrize(("topology", "noticed", "sure"), [("full", 0.7, 0.8), ("none", 0.4, 0.4)])
def test_a_world_unlike_the_demonstrations(tmp_path: Path, topology: str, noticed: float, sure: float) -> None:
    OtherWorld(12, topology).write(tmp_path)
    history = Folder(tmp_path)
    start, end = history.span
    rows = finished(Correlator(history.topology).advance(history, start // 60 * 60, end + 60))
    episodes = json.loads((tmp_path / "truth.json").read_text())
    seen = Counter(number for row in rows if (number := _episode(row, episodes)) is not None)
    first = {_episode(row, episodes): row for row in reversed(rows)}
    faults = [(episode, first[n]) for n, episode in enumerate(episodes) if n in seen and episode["culprits"]]
    waves = [first[n] for n, episode in enumerate(episodes) if n in seen and episode["kind"] == "wave"]
    assert not any(episodes[number]["kind"] == "praise" for number in seen)
    assert sum(seen.values()) >= 0.9 * len(rows)
    assert sum(seen.values()) <= 1.2 * len(seen)
    assert len(seen) >= noticed * sum(episode["kind"] != "praise" for episode in episodes)
    assert sum(_named(row) in episode["culprits"] for episode, row in faults) >= sure * len(faults)
    assert all(row["verdict"] == "unexplained" for row in waves)


def _episode(row: dict[str, Any], episodes: list[dict[str, Any]]) -> int | None:
    """The place of the episode that an incident tells of, None for a false one."""
    opened = dt.datetime.fromisoformat(str(row["opened_at"])).timestamp()
    for number, episode in enumerate(episodes):
        touched = not row["service"] or set(row["services"]) & set(episode["services"])
        if touched and episode["start"] <= opened <= episode["end"] + GRACE:
            return number
    return None


def _named(row: dict[str, Any]) -> str:
    """What is blamed first; '' when nothing is."""
    if row["verdict"] != "explained":
        return ""
    cause = row["causes"][0]
    return str(cause["change"] if cause["kind"] == "change" else cause["service"])
