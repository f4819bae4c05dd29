"""The correlator over a whole small world: what is found, joined, explained and left alone; and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from worlds import World

from models.surge import SurgeDetector
from models.topology import parse_topology
from streams import incidents
from streams.backtest import finished
from streams.commands.backtest import command
from streams.correlate import Correlator
from streams.folder import Folder
from streams.heat import Heat, HeatWatch
from streams.records import IncidentEvent
from streams.review import Review

T = 1_767_283_200  # 2026-01-01 16:00 UTC
DAYS = 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of a shop with six episodes, as a folder."""
    folder = tmp_path_factory.mktemp("world")
    World(24, days=DAYS).write(folder)
    return folder


@pytest.fixture(scope="module")
def history(world: Path) -> Folder:
    """The folder, read once."""
    return Folder(world)


@pytest.fixture(scope="module")
def events(history: Folder) -> list[IncidentEvent]:
    """All that happens in it."""
    start, end = history.span
    return list(Correlator(history.topology).advance(history, start // 60 * 60, end + 60))


def test_every_fault_is_one_incident_and_praise_is_none(world: Path, events: Sequence[IncidentEvent]) -> None:
    episodes = [e for e in json.loads((world / "truth.json").read_text()) if e["kind"] != "praise"]
    rows = finished(events)
    hits = [[row for row in rows if _within(row["opened_at"], e) and set(row["services"]) & set(e["services"])] for e in episodes]
    assert all(hits), [e for e, hit in zip(episodes, hits, strict=True) if not hit]
    assert len(rows) <= 1.2 * len(episodes)
    for episode, (first, *_) in zip(episodes, hits, strict=True):
        if episode["culprits"]:
            assert first["verdict"] == "explained"
        else:
            assert first["verdict"] == "unexplained" and not any(c["probability"] >= 0.5 for c in first["causes"])
    right = [
        hit[0]["causes"][0].get("change") or hit[0]["causes"][0]["service"]
        for e, hit in zip(episodes, hits, strict=True)
        if e["culprits"]
    ]
    assert (
        sum(name in e["culprits"] for name, e in zip(right, [e for e in episodes if e["culprits"]], strict=True))
        >= len(right) - 1
    )


def _within(opened_at: str, episode: dict[str, int]) -> bool:
    return episode["start"] <= datetime.fromisoformat(opened_at).timestamp() <= episode["end"] + 600


def test_nothing_later_is_known_when_an_event_is_told(history: Folder, events: Sequence[IncidentEvent]) -> None:
    start = history.span[0] // 60 * 60
    middle = int(events[len(events) // 2].incident.updated_at.timestamp())
    early = list(Correlator(history.topology).advance(history, start, middle))
    assert early == [event for event in events if event.incident.updated_at.timestamp() <= middle]


def test_the_product_line_is_named_when_most_of_it_suffers(history: Folder, events: Sequence[IncidentEvent]) -> None:
    incident = next(event.incident for event in events if event.kind == "opened" and event.incident.service)
    at = incidents.seconds(incident.opened_at)
    lines = [
        f"- {{name: {name}, product: {product}}}" for name, product in ((incident.service, "till"), ("b", "till"), ("c", "app"))
    ]
    review = Review(parse_topology("services:\n" + "\n".join(lines)), "en")
    for services, title in (
        ((incident.service, "b"), "Product line till: complaints surge"),
        ((incident.service, "c"), incident.title),
    ):
        tracked = incidents.restored(msgspec.structs.replace(incident, services=services), at)
        assert review.worded(history, tracked, at).incident.title == title


def test_a_restart_goes_on_where_the_first_run_stopped(history: Folder, events: Sequence[IncidentEvent]) -> None:
    start, end = history.span[0] // 60 * 60, history.span[1] + 60
    opened = next(event for event in events if event.kind == "opened" and event.incident.opened_at.timestamp() > start + 86_400)
    cut = int(opened.incident.opened_at.timestamp()) + 300
    before = [event.incident for event in events if event.incident.updated_at.timestamp() <= cut]
    known = {incident.id: incident for incident in before}
    again = Correlator(history.topology)
    again.fold(history, start, cut)
    again.resume(cut, known.values())
    after = list(again.advance(history, cut, end))
    later = [event for event in events if event.incident.updated_at.timestamp() > cut]
    key = [(event.incident.id, event.incident.updated_at) for event in later if event.kind != "updated"]
    assert [(event.incident.id, event.incident.updated_at) for event in after if event.kind != "updated"] == key
    assert any(event.incident.id == opened.incident.id and event.kind == "resolved" for event in after)


def _watched(rates: np.ndarray[tuple[int], np.dtype[np.float64]], seed: int = 5) -> list[list[Heat]]:
    watch, random = HeatWatch(SurgeDetector()), np.random.default_rng(seed)
    hot = []
    for minute, count in enumerate(random.poisson(rates).tolist()):
        counts = {("pay", "refund"): count} if count else {}
        hot.append(watch.advance(T + 60 * minute, counts, counts))
    return hot


def test_a_burst_cools_soon_after_its_end_and_the_next_one_is_another() -> None:
    minutes = np.arange(2 * 1440)
    rates = 0.1 * (1 + 0.7 * np.sin((minutes / 60 - 9) / 24 * 2 * np.pi))
    for begin in (1500, 1700):
        rates[begin : begin + 30] = 4.0
    hot = _watched(rates)
    on = [minute for minute, heats in enumerate(hot) if heats]
    assert min(on) in range(1500, 1508) and not any(1570 <= minute < 1700 for minute in on)
    second = next(hot[minute][0] for minute in on if minute >= 1700)
    assert abs(second.onset - (T + 1700 * 60)) <= 300 and second.category == "refund"
    assert not any(minute > 1770 for minute in on)


def test_the_command_prints_what_the_correlator_finds_without_metrics_too(world: Path, tmp_path: Path) -> None:
    lines = (world / "complaints.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "complaints.ndjson").write_bytes(b"".join(lines[: len(lines) // 2]))
    (tmp_path / "services.yaml").write_bytes((world / "services.yaml").read_bytes())
    result = CliRunner().invoke(command, [str(tmp_path), "--out", str(tmp_path / "incidents.ndjson")])
    assert result.exit_code == 0 and result.stdout == "", result.output
    rows = [json.loads(line) for line in (tmp_path / "incidents.ndjson").read_text(encoding="utf-8").splitlines()]
    assert rows and {row["verdict"] for row in rows} == {"unexplained"}
    for row in rows:
        assert row["services"][0] == row["service"] and row["samples"] and row["complaints"] > row["expected"]
        assert row["opened_at"] > row["onset"] and row["loss"] is None and row["causes"] == []


def test_bad_input_is_one_line_and_a_failure(tmp_path: Path) -> None:
    (tmp_path / "complaints.ndjson").write_text('{"id": "1"}\n', encoding="utf-8")
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert result.exit_code == 1 and "complaints.ndjson" in result.output and result.stdout == ""
    assert CliRunner().invoke(command, [str(tmp_path / "absent")]).exit_code == 2
