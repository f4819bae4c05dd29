"""`down`: ends the process that keeps the embedded parts of a data folder."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import click

from streams import config
from streams.local.folder import keeper

PATIENCE = 60


@click.command()
def command() -> None:
    """Stop the embedded Kafka and ClickHouse of the data folder (HUIYIN_HOME), however they were started."""
    try:
        home = config.load().home
    except config.SettingError as error:
        raise click.ClickException(str(error)) from error
    process = keeper(home)
    if process is None:
        click.echo(f"nothing is running on {home}", err=True)
        return
    click.echo(f"stopping the parts of {home} (process {process})", err=True)
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while keeper(home) is not None:
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {process} did not stop within {PATIENCE} s")
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        for _ in range(100):  # the folder is free a moment before the process is gone
            os.kill(process, 0)
            time.sleep(0.05)
    click.echo("stopped", err=True)
