"""One worker on the real parts: what it stores, what it refuses, how it waits and how it stops."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Any

import pytest
from workers import Line, until

from models.tag import Judgement, load_tagger
from streams import records as r
from streams.broker import client_options
from streams.decode import Delivery
from streams.local.parts import Parts
from streams.sink import Sink
from streams.store.client import Store
from streams.stored import end_offsets, lag

# kafka-python leaves sockets of a broker that died to the garbage collector.
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def produce(line: Line, topic: str, values: Iterable[bytes]) -> None:
    from kafka import KafkaProducer

    with closing(KafkaProducer(**client_options(line.settings.kafka_access()), max_request_size=10_000_000)) as producer:
        for value in values:
            producer.send(topic, value=value)
        producer.flush()


def consume(line: Line, topic: str) -> list[Any]:
    from kafka import KafkaConsumer

    with closing(KafkaConsumer(topic, **client_options(line.settings.kafka_access()), auto_offset_reset="earliest")) as consumer:
        polled = [message for _ in range(10) for batch in consumer.poll(300).values() for message in batch]
        return [json.loads(message.value) for message in polled]


def is_stored(line: Line) -> Callable[[], bool]:
    ends = end_offsets(line.settings.kafka_access())
    return lambda: lag(ends, line.store) == 0


def complaint(number: int, **other: object) -> dict[str, object]:
    return {"id": f"c{number}", "ts": NOW.isoformat(), "text": "付款失败，一直转圈", "service": "pay"} | other


def test_good_and_bad_of_every_topic(line: Line) -> None:
    worker = line.start_worker()
    at = NOW.timestamp()
    personal = complaint(2, text="打我电话13812345678", user="13912345678", order="20260101123456")
    array = [complaint(1), personal, {**complaint(3), "ts": "1970-01-01T00:00:00Z"}, complaint(4, rating=9)]
    produce(line, r.COMPLAINTS, [
        json.dumps(array).encode(),
        json.dumps(complaint(5, text="字" * 1_700_000), ensure_ascii=False).encode(),
        json.dumps([complaint(n) for n in range(10, 1011)]).encode(),
        b"\xff\xfe not json, call 13712345678",
        b"",
    ])  # fmt: skip
    point = {"ts": at, "service": "pay", "metric": "orders", "value": 5}
    produce(line, r.METRICS, [json.dumps([point | {"layer": "business"}, point | {"layer": "idc"}]).encode()])
    produce(line, r.MONITORS_IDC, [json.dumps(point | {"service": "bj-1", "labels": {"cohort": "gray", "a": "1"}}).encode()])
    produce(
        line,
        r.CHANGES,
        [json.dumps({"id": "d1", "ts": at, "kind": "release", "service": "pay", "operator": "13612345678"}).encode()],
    )
    produce(line, r.FOLLOWUPS, [json.dumps({"complaint": "c1", "ts": at, "status": "closed", "satisfaction": 4}).encode()])
    until(is_stored(line), "all is stored")

    rows = line.store.rows("SELECT id, text, user, order_id, service, polarity FROM complaints FINAL ORDER BY id")
    assert [row[0] for row in rows] == ["c1", "c2"]
    assert rows[1][3] == "*3456"
    assert "138" not in rows[1][1] and "139" not in rows[1][2]
    assert line.store.rows("SELECT layer, service, labels, cohort, value FROM metrics FINAL ORDER BY layer") == [
        ("business", "pay", "", "", 5.0),
        ("idc", "bj-1", '{"a":"1","cohort":"gray"}', "gray", 5.0),
    ]
    assert "136" not in line.store.rows("SELECT operator FROM changes FINAL")[0][0]
    assert line.store.rows("SELECT complaint, satisfaction FROM followups FINAL") == [("c1", 4)]

    letters = line.store.rows("SELECT topic, offset, `index`, reason, payload FROM dead_letters FINAL ORDER BY topic, reason")
    reasons = " | ".join(f"{topic}#{index} {reason}" for topic, _, index, reason, _ in letters)
    for expected in (
        "complaints#2 ts is before 2000", "complaints#3 Expected `int` <= 5", "length <= 100000", "more than 1,000 records",
        "malformed", "truncated", "metrics#1 layer 'idc' does not belong",
    ):  # fmt: skip
        assert expected in reasons
    assert len(letters) == 7
    assert all(len(letter[4].encode()) <= 65_536 and "13712345678" not in letter[4] for letter in letters)
    assert "5,100,0" in reasons and "sha256" in reasons

    sent = consume(line, r.DEAD_LETTERS)
    assert sorted(letter["reason"] for letter in sent) == sorted(letter[3] for letter in letters)
    tagged = [one for event in consume(line, r.TAGGED) for one in event]
    assert sorted(one["id"] for one in tagged) == ["c1", "c2"]
    assert {"sentiment", "polarity", "category", "keywords", "text", "ts"} <= set(tagged[0])
    assert worker.poll() is None


def test_a_row_that_the_store_refuses_becomes_a_dead_letter(line: Line) -> None:
    line.store.execute("ALTER TABLE complaints ADD CONSTRAINT sane CHECK id != 'poison'")
    try:
        produce(line, r.COMPLAINTS, [json.dumps([complaint(n) for n in range(20, 25)] + [complaint(0, id="poison")]).encode()])
        until(is_stored(line), "all is stored")
    finally:
        line.store.execute("ALTER TABLE complaints DROP CONSTRAINT sane")
    assert line.store.rows("SELECT count() FROM complaints FINAL WHERE id IN ('c20', 'c21', 'c22', 'c23', 'c24')") == [(5,)]
    letters = line.store.rows("SELECT `index`, reason FROM dead_letters FINAL WHERE reason LIKE '%the store refused it%'")
    assert len(letters) == 1 and letters[0][0] == 5


class Stumbling:
    """Judges as the real one, but fails on one word."""

    def __init__(self) -> None:
        self.tagger = load_tagger()

    def judge(self, texts: Sequence[str], services: Sequence[str] = (), channels: Sequence[str] = ()) -> list[Judgement]:
        if any("绊倒" in text for text in texts):
            raise IndexError("stumbled")
        return self.tagger.judge(texts, services, channels)


def test_a_text_that_tagging_fails_on_becomes_a_dead_letter(line: Line) -> None:
    with closing(Store(line.settings.clickhouse_access("writer"))) as store:
        sink = Sink(store, Stumbling(), 1.0, threading.Event())
        values = [[complaint(50_000), complaint(50_001, text="绊倒")], [complaint(50_002)]]
        deliveries = [Delivery(r.Origin(r.COMPLAINTS, 99, n), json.dumps(value).encode()) for n, value in enumerate(values)]
        sent = sink.process(deliveries)
    letters = line.store.rows("SELECT offset, `index`, reason FROM dead_letters FINAL WHERE partition = 99")
    assert letters == [(0, 1, "it could not be judged: IndexError('stumbled')")]
    assert sum(len(json.loads(out.value)) for out in sent if out.topic == r.TAGGED) == 2
    assert line.store.rows("SELECT offset FROM ingest_progress FINAL WHERE partition = 99") == [(2,)]


def test_consumption_pauses_while_the_store_is_away(line: Line, parts: Parts) -> None:
    before = line.count("complaints")
    parts.kill_clickhouse()
    for start in range(1000, 6000, 100):
        produce(line, r.COMPLAINTS, [json.dumps([complaint(n) for n in range(start, start + 100)]).encode()])
    time.sleep(5)
    parts.start_clickhouse()
    until(is_stored(line), "all is stored")
    assert line.count("complaints") == before + 5000
    assert "is away, consumption pauses" in line.said(line.workers[0])
    assert "is back after" in line.said(line.workers[0])


def committed(line: Line) -> dict[tuple[str, int], int]:
    """What the workers' group has acknowledged."""
    from kafka import KafkaAdminClient

    with KafkaAdminClient(**client_options(line.settings.kafka_access())) as admin:
        offsets = admin.list_group_offsets([line.settings.group])[line.settings.group]
    return {(place.topic, place.partition): one.offset for place, one in offsets.items() if one.offset > 0}


def test_sigterm_acknowledges_what_is_stored_and_no_more(line: Line) -> None:
    before = line.count("complaints")
    produce(
        line, r.COMPLAINTS, [json.dumps([complaint(n) for n in range(s, s + 100)]).encode() for s in range(10_000, 20_000, 100)]
    )
    assert line.stop_workers() == [0]
    stored = line.store.rows("SELECT topic, partition, offset FROM ingest_progress FINAL WHERE partition != 99")
    assert committed(line) == {(topic, partition): offset for topic, partition, offset in stored if topic in r.SOURCES}
    worker = line.start_worker()
    until(is_stored(line), "all is stored")
    assert line.count("complaints") == before + 10_000
    until(lambda: "partitions are ours" in line.said(worker), "the worker works")
    assert line.stop_workers() == [0]


def test_a_store_that_stays_away_ends_the_worker_with_one_line(line: Line, parts: Parts) -> None:
    worker = line.start_worker(HUIYIN_STORE_PATIENCE="2")
    until(lambda: line.store.rows("SELECT count() FROM ingest_progress")[0][0] > 0, "the line has worked")
    produce(line, r.COMPLAINTS, [json.dumps(complaint(30_000)).encode()])
    until(is_stored(line), "all is stored")
    parts.kill_clickhouse()
    produce(line, r.COMPLAINTS, [json.dumps(complaint(30_001)).encode()])
    assert worker.wait(60) == 1
    assert "Error: ClickHouse was away for" in line.said(worker).splitlines()[-1]
    parts.start_clickhouse()
    line.start_worker()
    until(is_stored(line), "delivered again")
    assert line.stop_workers() == [0]


def test_a_broker_that_comes_late(line: Line, parts: Parts) -> None:
    parts.kill_kafka()
    worker = line.start_worker()
    until(lambda: "waiting: Kafka at" in line.said(worker), "one line of notice")
    parts.start_kafka()
    produce(line, r.COMPLAINTS, [json.dumps(complaint(40_000)).encode()])
    until(is_stored(line), "all is stored")
    assert line.said(worker).count("waiting:") == 1
    assert line.stop_workers() == [0]
