"""The demonstration's day: as rich as promised, the same for the same seed, true to its own truth, and apart from the judges."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from models.privacy import mask
from streams import records
from streams.decode import Delivery, decode
from streams.demo import shop
from streams.demo.files import write
from streams.demo.scenario import Scenario, Sent
from streams.folder import Folder

ZONE = ZoneInfo("Asia/Shanghai")
DAY = dt.date(2026, 3, 10)
JUDGES = ("models.surge", "models.causes", "models.impact", "streams.correlate", "streams.evidence", "streams.incidents")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(DAY, ZONE, seed=7, quiet_days=0)


@pytest.fixture(scope="module")
def day(scenario: Scenario) -> list[Sent]:
    return list(scenario.records(scenario.clock.day, scenario.clock.day + 86400))


def test_the_shop_is_as_large_as_promised(scenario: Scenario, day: list[Sent]) -> None:
    topology = shop.topology()
    measured: dict[str, set[str]] = defaultdict(set)
    for key, _ in scenario.series:
        measured[key.service].add(key.metric)
    assert len(topology.services) >= 12
    assert sum(name not in ("bj-sh-link",) for name in topology.idcs) == 2
    assert all(len(measured[name]) >= 8 for name in topology.services)
    assert all(topology.services[name].title and topology.services[name].keywords for name in topology.services)
    texts = [record["text"] for topic, _, record in day if topic == records.COMPLAINTS and record["text"]]
    assert 26_000 < len(texts) < 34_000
    assert len(set(texts)) > 0.4 * len(texts)
    assert {record["channel"] for topic, _, record in day if topic == records.COMPLAINTS and "channel" in record} > {
        "hotline", "app", "weibo", "app_store", "chat",
    }  # fmt: skip


def test_a_seed_gives_the_same_day_and_another_seed_another(scenario: Scenario, day: list[Sent]) -> None:
    again = Scenario(DAY, ZONE, seed=7, quiet_days=0)
    hour = list(again.records(again.clock.day, again.clock.day + 3600))
    assert hour == day[: len(hour)]
    other = Scenario(DAY, ZONE, seed=8, quiet_days=0)
    assert list(other.records(other.clock.day, other.clock.day + 3600)) != hour


def test_the_pipeline_takes_every_record_but_those_meant_to_be_wrong(scenario: Scenario, day: list[Sent]) -> None:
    by_topic: dict[str, list[bytes]] = defaultdict(list)
    for topic, _, record in day:
        by_topic[topic].append(msgspec.json.encode(record))
    now = scenario.clock.day + 2 * 86400
    bad = 0
    for topic, values in by_topic.items():
        joined = [
            Delivery(records.Origin(topic, 0, n), b"[" + b",".join(values[n : n + 1000]) + b"]")
            for n in range(0, len(values), 1000)
        ]
        if topic == records.COMPLAINTS:  # what is wrong travels alone, as `send` does it
            joined = [Delivery(records.Origin(topic, 0, n), value) for n, value in enumerate(values)]
        bad += len(decode(joined, now).bad)
    assert bad == scenario.malformed > 0
    assert by_topic.keys() == set(records.SOURCES)


def test_as_files_a_folder_takes_all_of_it(day: list[Sent], tmp_path: Path) -> None:
    again = Scenario(DAY, ZONE, seed=7, quiet_days=0)
    write(again, tmp_path)
    folder = Folder(tmp_path)
    good = [record for topic, _, record in day if topic == records.COMPLAINTS and not record["id"].startswith("wrong-")]
    assert again.malformed == 0 and len(folder.complaints) == len(good)
    assert folder.topology.services.keys() == shop.topology().services.keys()
    grey, _ = folder.table.cohort("gray")
    measured = {key for key, values in zip(grey.keys, grey.values, strict=True) if np.isfinite(values).any()}
    assert ("app", "cart", "error_rate") in measured and len(measured) < len(grey.keys)


def test_complaints_follow_their_fault_by_minutes(scenario: Scenario, day: list[Sent]) -> None:
    told = {event.name: event for event in scenario.truth}
    said: dict[str, list[float]] = defaultdict(list)
    for topic, at, record in day:
        if topic == records.COMPLAINTS:
            said[record.get("service", "")].append(at)
    loss = told["packet-loss"]
    times = np.array(said["pay"])
    before = ((times >= loss.begins - 1800) & (times < loss.begins)).sum()
    after = ((times >= loss.begins + 600) & (times < loss.begins + 2400)).sum()
    assert after > 4 * before
    for event in scenario.truth:
        if event.incident:
            assert event.begins < event.felt < event.ends
    assert told["slow-leak"].felt - told["slow-leak"].begins > 6 * 3600


def test_the_grey_release_hurts_only_its_cohort(scenario: Scenario, day: list[Sent]) -> None:
    told = {event.name: event for event in scenario.truth}["grey-release"]
    during = [
        record
        for topic, at, record in day
        if topic == records.COMPLAINTS and told.felt + 600 <= at < told.ends and record.get("service") == "cart"
    ]
    grey = sum(record.get("cohort") == "gray" for record in during if "cohort" in record)
    assert grey > 0.5 * sum("cohort" in record for record in during)
    errors = {cohort: values for (key, cohort), values in scenario.series.items() if key == ("app", "cart", "error_rate")}
    minute = (told.felt - scenario.clock.first) // 60 + 10
    assert errors["gray"][minute] > 0.1
    assert errors[""][minute] < 0.02


def test_personal_data_is_there_to_be_masked(day: list[Sent]) -> None:
    texts = [record["text"] for topic, _, record in day if topic == records.COMPLAINTS and record["text"]]
    masked = [mask(text) for text in texts]
    changed = [text for text, after in zip(texts, masked, strict=True) if text != after]
    assert len(changed) > 0.01 * len(texts)
    assert not [text for text in masked if any(run.isdigit() and len(run) >= 11 for run in _runs(text))]


def _runs(text: str) -> list[str]:
    return "".join(letter if letter.isdigit() else " " for letter in text).split()


def test_the_days_before_are_quiet() -> None:
    scenario = Scenario(DAY, ZONE, seed=7, quiet_days=1)
    first, day = scenario.clock.first, scenario.clock.day
    assert all(event.begins >= day for event in scenario.truth)
    sent = list(scenario.records(first, first + 7200))
    assert all(earlier[1] <= later[1] + 60 for earlier, later in pairwise(sent))
    assert not [record for topic, _, record in sent if topic == records.CHANGES and not record["id"].startswith("CHG-")]


def test_the_generator_knows_nothing_of_the_judges() -> None:
    folder = Path(shop.__file__).parent
    for name in ("shop", "events", "plot", "machines", "users", "voices", "scenario"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not [module for module in imported if module.startswith(JUDGES)]


def test_truth_is_plain_json(scenario: Scenario) -> None:
    told = json.loads(msgspec.json.encode(scenario.truth))
    assert {one["name"] for one in told} == {
        "packet-loss", "grey-release", "wrong-config", "innocent-deploy", "slow-leak", "praise-burst", "chatter",
    }  # fmt: skip
