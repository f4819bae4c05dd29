"""What readers say, on the real ClickHouse and Kafka: into the table, stored judgements, rollups, the model, the next text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner
from workers import Line

from models.tag import load_tagger
from streams.broker import client_options
from streams.commands import label, tag, train
from streams.decode import Delivery
from streams.gateway import application
from streams.records import COMPLAINTS, FOLLOWUPS, Origin
from streams.sink import Sink
from streams.store import corrections, progress, rollup
from streams.store.client import Store

pytestmark = pytest.mark.integration

START = 1_772_438_400  # 2026-03-02 08:00 UTC
THINGS = ["手机", "衣服", "酒店", "水果", "耳机", "电脑", "外卖", "书本", "软件", "空调", "窗帘", "台灯"]
LIKED, DISLIKED = ("拉满了", "直接封神"), ("咕咕了", "又摆烂")  # a team's own words
TEXTS = [(f"这次的{thing}{word}", 1 if word in LIKED else -1) for word in LIKED + DISLIKED for thing in THINGS]
TOKEN = "a token of thirty characters.."


def said(place: int, text: str) -> bytes:
    return json.dumps({"id": f"c{place}'\\", "ts": START + 60 * (place % 3), "text": text, "service": "shop"}).encode()


DELIVERIES = [Delivery(Origin(COMPLAINTS, 0, place), said(place, text)) for place, (text, _) in enumerate(TEXTS)]
CORRECTIONS = [{"complaint": f"c{place}'\\", "polarity": sign, "category": "own"} for place, (_, sign) in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def sink(line: Line) -> Iterator[Sink]:
    """A sink as the complaints lane has it; all of TEXTS is stored and rolled up."""
    with closing(Store(line.settings.clickhouse_access("writer"))) as store:
        made = Sink(store, load_tagger(), 60, threading.Event(), corrections=corrections.Known(store))
        made.process(DELIVERIES)
        rollup.refresh(store)
        yield made


def environment(line: Line, folder: Path) -> dict[str, str]:
    return {
        "HUIYIN_HOME": str(line.settings.home),
        "HUIYIN_DATABASE": line.store.database,
        "HUIYIN_MODELS": str(folder / "models"),
        "HUIYIN_GATEWAY_TOKEN": TOKEN,
    }


def stored(line: Line) -> dict[str, tuple[int, float, str, str]]:
    rows = line.store.rows("SELECT id, polarity, sentiment, service, category FROM complaints FINAL")
    return {row[0]: row[1:] for row in rows}


def negatives(line: Line) -> list[tuple[int, int]]:
    return [
        (int(total), int(negative))
        for total, negative in line.store.rows(
            "SELECT sum(total), sum(negative) FROM complaints_per_minute GROUP BY minute ORDER BY minute"
        )
    ]


def test_from_a_correction_by_id_to_the_next_text(line: Line, sink: Sink, tmp_path: Path) -> None:
    env = environment(line, tmp_path)
    file = tmp_path / "said.ndjson"
    unknown = {"complaint": "unknown", "polarity": 1}
    file.write_text("\n".join(json.dumps(one) for one in [*CORRECTIONS, unknown]), encoding="utf-8")
    tried = CliRunner().invoke(label.command, [str(file), "--dry-run"], env=env)
    assert tried.stdout == f"{len(TEXTS)} would be taken, 1 refused\n" and line.count("corrections") == 0
    for _ in range(2):  # a second time changes nothing
        taken = CliRunner().invoke(label.command, [str(file)], env=env)
        assert (taken.exit_code, taken.stdout) == (1, f"{len(TEXTS)} taken, 1 refused\n")
        assert f"{file}:{len(TEXTS) + 1}: complaint 'unknown' is not stored" in taken.stderr
        assert line.count("corrections") == 2 * len(TEXTS)
        assert line.store.rows("SELECT max(versions) FROM (SELECT count() AS versions FROM complaints GROUP BY id)")[0][0] <= 2
    wanted = {one["complaint"]: (one["polarity"], float(str(one["polarity"])), "shop", "own") for one in CORRECTIONS}
    assert stored(line) == wanted
    rollup.refresh(sink.store)
    assert negatives(line) == [(16, 8)] * 3

    sink.process(DELIVERIES)  # Kafka delivers again
    rollup.refresh(sink.store)
    assert stored(line) == wanted and negatives(line) == [(16, 8)] * 3

    old = {"complaint": CORRECTIONS[0]["complaint"], "polarity": -1, "ts": START}
    assert CliRunner().invoke(label.command, ["-"], input=json.dumps(old), env=env).exit_code == 0
    assert stored(line) == wanted

    text = "你们的发货又摆烂"
    before = CliRunner().invoke(tag.command, ["-", "--plain"], input=text, env=env)
    trained = CliRunner().invoke(train.command, ["--task", "adapt"], env=env)
    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout)["data"]["corrections"] == len(TEXTS)
    after = CliRunner().invoke(tag.command, ["-", "--plain"], input=text, env=env)
    assert json.loads(after.stdout)["sentiment"] < json.loads(before.stdout)["sentiment"]


def test_what_is_least_certain_is_asked_for_once_and_without_what_was_answered(line: Line, sink: Sink, tmp_path: Path) -> None:
    env = environment(line, tmp_path)
    fresh = ["还没想好", "还没想好", "非常满意，下次还来", "太差了，再也不来了"]
    sink.process([Delivery(Origin(COMPLAINTS, 0, 1000 + place), said(1000 + place, text)) for place, text in enumerate(fresh)])
    asked = CliRunner().invoke(label.command, ["--uncertain", "10", "--since", "2026-03-02"], env=env)
    found = [json.loads(row) for row in asked.stdout.splitlines()]
    assert [one["text"] for one in found] == sorted(set(fresh), key=lambda text: abs(load_tagger().judge([text])[0].sentiment))
    assert CliRunner().invoke(label.command, ["--uncertain", "10", "--since", "2026-03-03"], env=env).stdout == ""
    given = CliRunner().invoke(label.command, ["-"], input=asked.stdout, env=env)
    assert given.stdout == f"{len(found)} taken, 0 refused\n"
    left = CliRunner().invoke(label.command, ["--uncertain", "10"], env=env).stdout.splitlines()
    assert [json.loads(row)["text"] for row in left] == ["还没想好"]  # said by another, too


async def test_over_http(line: Line, sink: Sink, tmp_path: Path) -> None:
    from kafka import KafkaConsumer

    settings = msgspec.structs.replace(line.settings, gateway_token=TOKEN)
    right = {"Authorization": f"Bearer {TOKEN}"}
    async with TestClient(TestServer(application(settings))) as client:
        assert (await client.get("/healthz")).status == 200
        given = [{"complaint": CORRECTIONS[0]["complaint"], "service": "pay"}, {"complaint": "unknown", "polarity": 1}]
        answer = await client.post("/api/v1/corrections", json=given, headers=right)
        assert answer.status == 422 and (await answer.json())["taken"] == 1
        assert stored(line)[str(CORRECTIONS[0]["complaint"])][2] == "pay"
        missed = {"verdict": "missed", "service": "pay", "at": "2026-03-02T08:00:00+08:00", "note": "电话13812345678"}
        for _ in range(2):
            answer = await client.post("/api/v1/feedback", json=missed, headers=right)
            assert (answer.status, await answer.json()) == (200, {"taken": 1})
        assert line.store.rows("SELECT service, note FROM feedback FINAL") == [("pay", "电话[手机号]")]
        followup = {"complaint": "c1", "ts": START, "status": "closed", "satisfaction": 5, "note": "电话13812345678"}
        assert (await client.post("/api/v1/followups", json=followup, headers=right)).status == 202
        progress.record(sink.store, COMPLAINTS, 0, 1004, START + 120)
        progress.set_correlated_through(sink.store, START)
        accept = {"Accept": "application/openmetrics-text"}
        answer = await client.get("/metrics", headers=right | accept)
        figures = (await answer.text()).splitlines()
        assert answer.content_type == "application/openmetrics-text" and figures[-1] == "# EOF"
        assert "huiyin_correlation_lag_seconds 120.0" in figures
        assert 'huiyin_feedback_stored{verdict="missed"} 1.0' in figures
        assert 'huiyin_gateway_requests_total{route="POST /api/v1/feedback",status="200"} 2.0' in figures
    options = client_options(line.settings.kafka_access())
    with closing(KafkaConsumer(FOLLOWUPS, auto_offset_reset="earliest", consumer_timeout_ms=20_000, **options)) as sent:
        assert json.loads(next(iter(sent)).value)["note"] == "电话[手机号]"
