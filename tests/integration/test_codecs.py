"""Collectors compress: values written with each codec that Kafka knows are read and stored."""

from __future__ import annotations

import json
import time

import pytest
from aiokafka import AIOKafkaProducer
from workers import Line, until

from streams import records as r
from streams.stored import end_offsets, lag

pytestmark = pytest.mark.integration
CODECS = (None, "gzip", "snappy", "lz4", "zstd")


async def write(line: Line, codec: str | None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=line.settings.kafka_access().broker, compression_type=codec)
    await producer.start()
    for partition in range(3):
        ids = [f"{codec}-{partition}-{number}" for number in range(200)]
        array = [{"id": name, "ts": time.time(), "text": "付款一直转圈，退款也没有消息", "channel": str(codec)} for name in ids]
        await producer.send_and_wait(r.COMPLAINTS, json.dumps(array).encode(), partition=partition)
    await producer.stop()


async def test_every_codec_is_read(line: Line) -> None:
    worker = line.start_worker()
    for codec in CODECS:
        await write(line, codec)
    ends = end_offsets(line.settings.kafka_access())
    until(lambda: lag(ends, line.store) == 0, "all is stored")
    counts = dict(line.store.rows("SELECT channel, uniq(id) FROM complaints FINAL GROUP BY channel"))
    assert counts == {str(codec): 600 for codec in CODECS}
    assert line.count("dead_letters") == 0
    assert worker.poll() is None
    assert line.stop_workers() == [0]
