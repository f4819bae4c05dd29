"""`huiyin demo`: the main job, end to end, on the embedded parts."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.demo.scenario import Scenario


@click.command(name="demo")
@click.option(
    "--speed", type=click.FloatRange(min=1), default=900.0, show_default=True, help="The shown day's speed, times real time."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed, another day with the same plot.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/demo"),
    show_default=True,
    help="Folder for all that is written.",
)
@click.option("--keep", is_flag=True, help="Keep the data of the embedded parts (OUT/parts) and say how to look at them.")
@click.option(
    "--dry-run", is_flag=True, help="Start nothing: write the scenario and its truth as files that backtest and rank read."
)
def command(speed: float, seed: int, out: Path, keep: bool, dry_run: bool) -> None:
    """Play a day in a shop through Kafka, ClickHouse and a real worker, and show what each user of Huiyin gets.

    Yesterday in a shop of 15 services, with faults planted: packet loss in a data centre that hits payment, a bad grey
    release, a wrong setting, an innocent deploy, a slow leak; and a burst of praise and idle talk that are none. Incidents
    appear as they open and resolve. It ends with a table of what was planted and what was found, and writes
    OUT/index.html: chat messages, a page per incident, the day's digest, dashboards (published if GRAFANA_URL is set).

    Starts a Kafka, a ClickHouse and a worker of its own, on free ports, and stops them; nothing of yours is touched.
    """
    from streams import config
    from streams.demo.run import yesterday
    from streams.demo.scenario import Scenario

    try:
        settings = config.load()
        scenario = Scenario(yesterday(settings.timezone), settings.timezone, seed)
        if dry_run:
            from streams.demo.files import write

            for path in write(scenario, out):
                click.echo(path)
            return
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell's background job it would be ignored
        _play(settings, scenario, speed, out, keep)
    except (config.SettingError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _play(settings: Settings, scenario: Scenario, speed: float, out: Path, keep: bool) -> None:
    from rich.console import Console

    from streams.demo import run, tell
    from streams.demo.files import write_truth
    from streams.demo.shop import topology
    from streams.demo.stage import standing, take_down
    from streams.demo.watch import Watch
    from streams.local.jars import JarsUnavailable
    from streams.local.process import PartFailed
    from streams.message import Wording
    from streams.replay import ReplayError
    from streams.store.client import StoreError, StoreUnavailable
    from streams.store.schema import SchemaError
    from streams.topics import TopicsError

    wording = Wording(topology(), settings.language, settings.timezone)
    console = Console(stderr=True)
    write_truth(scenario, out)
    try:
        with standing(settings, out, lambda text: console.print(text, style="dim", highlight=False)) as stage:
            result = run.play(stage, scenario, run.Options(speed, out), Watch(scenario.clock, wording, console))
            written = tell.write_all(result, scenario, stage.settings, out, wording)
    except (PartFailed, JarsUnavailable, ReplayError, StoreError, StoreUnavailable, SchemaError, TopicsError) as error:
        raise click.ClickException(str(error)) from error
    tell.show(result, wording, Console(width=None if sys.stdout.isatty() else 140))
    for address in written.published:
        click.echo(address)
    click.echo(out / "index.html")
    if keep:
        click.echo(f"HUIYIN_HOME={out / 'parts'} ./huiyin up", err=True)
    else:
        take_down(out)
