"""Nothing lost, nothing counted twice: workers, store and broker are killed (-9) while data flows; then everything is counted."""

from __future__ import annotations

import collections
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from workers import Line, until

from streams import records as r
from streams.local.parts import Parts
from streams.recordings import Line as Recorded
from streams.recordings import line as recorded
from streams.replay import Pace, send_lines
from streams.store import rollup
from streams.stored import end_offsets, lag

# kafka-python leaves sockets of a broker that died to the garbage collector.
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
START = 1_760_000_000 // 60 * 60  # epoch seconds of the oldest record
MINUTES = 40
TEXTS = ("付款失败，一直转圈，钱扣了订单没有", "客服不理人，等了半小时", "界面很好看，用着顺手", "登录不上，验证码收不到")
SERVICES = tuple(f"service-{number}" for number in range(12))


@dataclass
class Sent:
    """What the store has to hold in the end."""

    complaints: dict[str, tuple[int, str]] = field(default_factory=dict)  # id → (ts, service)
    points: dict[tuple[str, str, str, int], float] = field(default_factory=dict)  # (layer, service, metric, ts) → value
    bad: int = 0


def traffic(seed: int, complaints: int, points: int, sent: Sent) -> Iterator[Recorded]:
    """Lines in about event-time order: 3 % late, 3 % sent twice, 0.1 % malformed."""
    choose = random.Random(seed)
    total = complaints + points
    kinds = [True] * complaints + [False] * points
    choose.shuffle(kinds)
    again: collections.deque[Recorded] = collections.deque()
    for number, is_complaint in enumerate(kinds):
        at = START + number * MINUTES * 60 // total
        at -= choose.randrange(600) if choose.random() < 0.03 else 0
        if is_complaint:
            one = {"id": f"c{number}", "ts": at, "text": choose.choice(TEXTS), "service": choose.choice(SERVICES)}
            sent.complaints[str(one["id"])] = (at, str(one["service"]))
            found = recorded(one, r.COMPLAINTS)
        else:
            layer, topic = choose.choice((("business", r.METRICS), ("app", r.MONITORS_APP), ("idc", r.MONITORS_IDC)))
            service, metric, value = choose.choice(SERVICES), f"metric-{number % 97}", choose.randrange(1000)
            key = (layer, service, metric, at)
            value = int(sent.points.setdefault(key, value))  # the same point twice is the same value
            found = recorded({"ts": at, "layer": layer, "service": service, "metric": metric, "value": value}, topic)
        yield found
        if choose.random() < 0.03:
            again.append(found)
        if again and choose.random() < 0.03:
            yield again.popleft()
        if choose.random() < 0.001:
            sent.bad += 1
            yield found._replace(value=found.value.replace(b'"ts":', b'"when":'))
    yield from again


class Chaos:
    """Kills and restarts, seeded; each kill lets things run for a while after the restart."""

    def __init__(self, line: Line, parts: Parts, seed: int) -> None:
        self.line, self.parts, self.choose = line, parts, random.Random(seed)
        self.done: list[str] = []

    def run(self, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            time.sleep(self.choose.uniform(1, 5))
            getattr(self, kind)()
            self.done.append(kind)

    def worker(self) -> None:
        victim = self.choose.choice([worker for worker in self.line.workers if worker.poll() is None])
        victim.kill()
        victim.wait()
        self.line.start_worker()

    def store(self) -> None:
        self.parts.kill_clickhouse()
        time.sleep(self.choose.uniform(0, 3))
        self.parts.start_clickhouse()

    def broker(self) -> None:
        self.parts.kill_kafka()
        time.sleep(self.choose.uniform(0, 2))
        self.parts.start_kafka()
        for worker in list(self.line.workers):  # one that gave up would be started again by whoever runs it
            if worker.poll() is not None:
                self.line.start_worker()


def deliver(line: Line, parts: Parts, size: tuple[int, int], seconds: float, kills: tuple[str, ...]) -> Sent:
    """Sends while killing, waits until all is stored, refreshes rollups; what was sent."""
    sent = Sent()
    for _ in range(2):
        line.start_worker()
    seed = 20260301
    lines = list(traffic(seed, *size, sent))
    pace = Pace(speed=MINUTES * 60 / seconds, batch=400)
    sending = threading.Thread(target=send_lines, args=(lines, line.settings.kafka_access(), pace))
    sending.start()
    chaos = Chaos(line, parts, seed)
    chaos.run(kills)
    sending.join(300)
    assert not sending.is_alive()
    ends = end_offsets(line.settings.kafka_access())
    until(lambda: keep_two(line) and lag(ends, line.store) == 0, "all is stored", 120)
    line.stop_workers()
    while rollup.refresh(line.store):
        pass
    assert chaos.done == list(kills)
    return sent


def keep_two(line: Line) -> bool:
    """What a supervisor does: a worker that ended by itself is started again."""
    if sum(worker.poll() is None for worker in line.workers) < 2:
        line.start_worker()
    return True


def check(line: Line, sent: Sent) -> None:
    rows = line.store.rows("SELECT id, toUnixTimestamp(ts), service FROM complaints FINAL")
    assert len(rows) == len(sent.complaints)
    assert {row[0]: (row[1], row[2]) for row in rows} == sent.complaints
    points = line.store.rows("SELECT count(), sum(value), min(value), max(value) FROM metrics FINAL")[0]
    values = np.array(list(sent.points.values()))
    assert points == (len(values), values.sum(), values.min(), values.max())
    assert line.count("dead_letters") == sent.bad

    said = collections.Counter((at // 60 * 60, service) for at, service in sent.complaints.values())
    query = "SELECT toUnixTimestamp(minute), service, sum(total) FROM complaints_1m FINAL GROUP BY 1, 2 HAVING sum(total) > 0"
    assert {(minute, service): total for minute, service, total in line.store.rows(query)} == dict(said)
    measured: dict[tuple[str, str, str, int], list[float]] = collections.defaultdict(list)
    for (layer, service, metric, at), value in sent.points.items():
        measured[layer, service, metric, at // 60 * 60].append(value)
    query = "SELECT layer, service, metric, toUnixTimestamp(minute), points, sum, min, max FROM metrics_1m FINAL"
    assert {tuple(row[:4]): tuple(row[4:]) for row in line.store.rows(query)} == {
        key: (len(found), sum(found), min(found), max(found)) for key, found in measured.items()
    }


def tagged_ids(line: Line) -> set[str]:
    from kafka import KafkaConsumer, TopicPartition

    from streams.broker import client_options

    consumer = KafkaConsumer(**client_options(line.settings.kafka_access()), auto_offset_reset="earliest")
    places = [TopicPartition(r.TAGGED, number) for number in consumer.partitions_for_topic(r.TAGGED)]
    ends = consumer.end_offsets(places)
    consumer.assign(places)
    found: set[str] = set()
    while any(consumer.position(place) < ends[place] for place in places):
        for batch in consumer.poll(500).values():
            found.update(one["id"] for message in batch for one in json.loads(message.value))
    consumer.close()
    return found


def test_kills_lose_and_double_nothing(line: Line, parts: Parts) -> None:
    kills = ("worker", "store", "worker", "broker", "store")
    sent = deliver(line, parts, size=(50_000, 160_000), seconds=30, kills=kills)
    assert len(sent.complaints) + len(sent.points) > 200_000
    check(line, sent)
    assert tagged_ids(line) == set(sent.complaints)


@pytest.mark.soak
def test_many_kills_lose_and_double_nothing(line: Line, parts: Parts) -> None:
    kills = ("worker", "store", "worker", "broker") * 8
    sent = deliver(line, parts, size=(300_000, 1_500_000), seconds=400, kills=kills)
    check(line, sent)
