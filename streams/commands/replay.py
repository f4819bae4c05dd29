"""./huiyin replay"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from streams.records import SOURCES
from streams.replay import CODECS


@click.command(name="replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--topic", type=click.Choice(SOURCES), help="Topic of every record. Without it, a record's fields tell.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Times event time. Without it, as fast as it goes.")
@click.option(
    "--batch", type=click.IntRange(1, 1000), default=500, show_default=True, help="Records in one Kafka value, at most."
)
@click.option("--codec", type=click.Choice(CODECS), default="lz4", show_default=True, help="Compression.")
@click.option("--sort", is_flag=True, help="Sort records by time first, in memory. Without it, each file must be in order.")
@click.option("--wait", is_flag=True, help="End only when workers have stored and rolled up all in Kafka.")
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    files: tuple[Path, ...], topic: str | None, speed: float | None, batch: int, codec: str, sort: bool, wait: bool
) -> None:
    """Send recorded FILES through Kafka: NDJSON of any topic, CSV of metrics (ts,layer,service,metric,value; further columns are
    labels), plain or .gz.

    Event time is kept; several files are merged by it. A line that cannot be read is sent as it is: the worker puts it among
    the dead letters.
    """
    from kafka.errors import KafkaError

    from streams import topics
    from streams.config import SettingError, load
    from streams.recordings import RecordingError, read
    from streams.replay import Pace, ReplayError, send_lines
    from streams.store.client import StoreError, StoreUnavailable
    from streams.stored import wait_until_stored

    try:
        settings = load()
        access = settings.kafka_access()
        topics.create(access, settings.partitions, settings.replication)
        began = time.monotonic()
        count = send_lines(read(files, topic or "", sort), access, Pace(speed, batch, codec), _progress())
        click.echo(f"{count:,} records sent in {time.monotonic() - began:.1f} s", err=True)
        if wait:
            wait_until_stored(settings, lambda left: click.echo(left, err=True))
            click.echo(f"stored after {time.monotonic() - began:.1f} s", err=True)
    except (SettingError, RecordingError, ReplayError, topics.TopicsError, KafkaError, StoreError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error


def _progress(every: float = 1.0) -> Callable[[int, float], None]:
    """Says how far it has come, once a second: over the same line on a terminal."""
    told = time.monotonic()

    def tell(count: int, at: float) -> None:
        nonlocal told
        if time.monotonic() - told < every:
            return
        told = time.monotonic()
        reached = dt.datetime.fromtimestamp(at, dt.UTC).isoformat(" ", "seconds")
        end = "\r" if sys.stderr.isatty() else "\n"
        print(f"{count:,} records, event time {reached}", end=end, file=sys.stderr, flush=True)

    return tell
