"""How fast records go from Kafka to ClickHouse, beside the baseline: sizes in, a JSON object of figures out.

Everything runs here: embedded Kafka and ClickHouse, one worker, and then one baseline worker, one after the other. Topics are
filled first. The clock runs from the first rows seen in ClickHouse to the last, so start-up is left out on both sides.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
import msgspec

from streams import topics
from streams.bench import baseline, load
from streams.broker import client_options
from streams.config import Settings
from streams.config import load as load_settings
from streams.local.parts import running
from streams.local.process import PartFailed
from streams.replay import send
from streams.store.client import Store
from streams.store.schema import migrate

SPAN = 3600  # seconds of event time that the load covers
POLL = 0.05  # seconds between two looks at the count


class Figure(msgspec.Struct, frozen=True):
    """Records a second of the worker and of the baseline, and how many of each were timed."""

    records: int
    per_second: float
    baseline_records: int
    baseline_per_second: float
    ratio: float


class Report(msgspec.Struct, frozen=True):
    """What is printed."""

    complaints: Figure
    points: Figure
    cpus: int


@click.command(name="ingest")
@click.option("--complaints", default=100_000, show_default=True, type=click.IntRange(1000), help="Complaints for the worker.")
@click.option("--points", default=2_000_000, show_default=True, type=click.IntRange(1000), help="Metric points for the worker.")
@click.option("--share", default=0.1, show_default=True, type=click.FloatRange(0.001, 1), help="Of it, what the baseline gets.")
def command(complaints: int, points: int, share: float) -> None:
    """Complaints and metric points a second, from Kafka to visible in ClickHouse, beside a one-event-a-record Faust agent."""
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as folder:
        home = Path(folder)
        try:
            with running(home, load_settings().cache, say=_say):
                report = _measure(load_settings({"HUIYIN_HOME": str(home)}), complaints, points, share)
        except PartFailed as error:
            raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.format(msgspec.json.encode(report)))


def _measure(settings: Settings, complaints: int, points: int, share: float) -> Report:
    store = Store(settings.clickhouse_access("admin"))
    migrate(store, settings.retention_days)
    topics.create(settings.kafka_access())
    start = int(time.time()) - SPAN
    figures = {}
    for kind, table, made, count in (
        ("complaints", "complaints", load.complaints, complaints),
        ("points", "metrics", load.points, points),
    ):
        few = max(int(count * share) // baseline.ROWS, 2) * baseline.ROWS
        store.execute(baseline.TABLES[kind])
        _say(f"filling Kafka with {count:,} {kind}, and {few:,} for the baseline")
        send(made(count, start, SPAN), settings.kafka_access(), batch=1000)
        _fill_baseline(settings, kind, made(few, start, SPAN))
        with _process(settings, "streams.cli", "worker"):
            speed = _timed(store, table, count)
        with _process(settings, "streams.bench.baseline", kind):
            slow = _timed(store, f"baseline_{kind}", few)
        figures[kind] = Figure(count, round(speed), few, round(slow), round(speed / slow, 1))
    return Report(figures["complaints"], figures["points"], len(os.sched_getaffinity(0)))


def _fill_baseline(settings: Settings, kind: str, records: Iterable[load.Sent]) -> None:
    from kafka import KafkaAdminClient, KafkaProducer

    options = client_options(settings.kafka_access())
    with KafkaAdminClient(**options) as admin:
        admin.create_topics({baseline.topic(kind): {"num_partitions": 4, "replication_factor": 1}}, wait_for_metadata=True)
    with closing(KafkaProducer(**options, linger_ms=20, batch_size=500_000, compression_type="lz4")) as producer:
        for number, (_, _, record) in enumerate(records):
            producer.send(baseline.topic(kind), value=msgspec.json.encode(record), partition=number % 4)
        producer.flush()


@contextmanager
def _process(settings: Settings, *module: str) -> Iterator[None]:
    environment = os.environ | {"HUIYIN_HOME": str(settings.home)}
    process = subprocess.Popen([sys.executable, "-m", *module], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _timed(store: Store, table: str, wanted: int) -> float:
    """Rows a second from the first seen to the last."""
    first, began, told = 0, 0.0, time.monotonic()
    while True:
        count = int(store.rows(f"SELECT count() FROM `{table}`")[0][0])  # noqa: S608  our own names
        now = time.monotonic()
        if count and not first:
            first, began = count, now
        if count >= wanted:
            return (count - first) / (now - began) if count > first else float("nan")
        if now - told > 5:
            told = now
            _say(f"{table}: {count:,} of {wanted:,}")
        time.sleep(POLL)


def _say(text: str) -> None:
    click.echo(text, err=True)
