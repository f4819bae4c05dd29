"""./huiyin worker"""

from __future__ import annotations

import signal
import sys

import click


@click.command(name="worker")
def command() -> None:
    """Run a stream worker: Kafka → decode → tag → ClickHouse, and on the leader correlate and notify.

    Start as many as there is work; they share the partitions, and one of them leads. Missing topics are created. SIGTERM
    stores and acknowledges what is in hand and ends with status 0.

    \b
    HUIYIN_BROKER, HUIYIN_CLICKHOUSE_WRITER   where the parts are (default: those of ./huiyin up)
    HUIYIN_SERVICES        services.yaml (default: the one here, if any)
    HUIYIN_RULES           rules.yaml: daily limits, indicators, silence (default: the one here, if any)
    HUIYIN_GROUP           consumer group (default: huiyin)
    HUIYIN_CYCLE_SECONDS   between two looks for incidents (default: 5)
    HUIYIN_STORE_PATIENCE  seconds to wait for a ClickHouse that is away, before stopping with status 1 (default: 300)
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # nothing is in hand until the worker takes over

    from models.calendar import CalendarError
    from models.topology import TopologyError
    from streams.config import SettingError, load
    from streams.rules.config import RulesError
    from streams.worker import WorkerError, run

    try:
        run(load())
    except (SettingError, CalendarError, RulesError, TopologyError, WorkerError) as error:
        raise click.ClickException(str(error)) from error
