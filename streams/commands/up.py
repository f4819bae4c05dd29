"""`up`: the embedded Kafka and ClickHouse, kept running until told to stop."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import click

from streams import config
from streams.config import Endpoints
from streams.local.folder import AlreadyRunning, keeper
from streams.local.jars import JarsUnavailable
from streams.local.parts import Parts, started
from streams.local.process import PartFailed

LAST_LINE = "export HUIYIN_BROKER="


class _Asked(Exception):
    """SIGINT or SIGTERM came."""


@click.command()
@click.option("--detach", is_flag=True, help="Return when both answer and leave them running; ./huiyin down stops them.")
def command(detach: bool) -> None:
    """Start the embedded Kafka and ClickHouse, wait until each answers, say how to connect, and keep them running.

    Ctrl-C or SIGTERM stops both. The data folder is .huiyin (HUIYIN_HOME): data, logs and endpoints.json, which the other
    commands read. Ports are chosen once and kept. Ends with an error when a part dies.
    """
    try:
        settings = config.load()
        if detach:
            _detached(settings.home)
            return
        signal.signal(signal.SIGTERM, _asked)
        signal.signal(signal.SIGINT, _asked)
        with started(settings.home, settings.cache, java=settings.java) as parts:
            click.echo(connections(settings.home, parts.endpoints))
            click.echo("running; Ctrl-C or ./huiyin down stops both", err=True)
            _watch(parts)
    except _Asked:
        click.echo("stopped", err=True)
    except (PartFailed, JarsUnavailable, config.SettingError) as error:
        raise click.ClickException(str(error)) from error


def connections(home: Path, endpoints: Endpoints) -> str:
    """How to reach both, as lines to read and lines to copy into a shell. The passwords are in endpoints.json (mode 600)."""
    return f"""Kafka       {endpoints.broker}
ClickHouse  {endpoints.clickhouse_host}:{endpoints.clickhouse_port} (native), \
http://{endpoints.clickhouse_host}:{endpoints.clickhouse_http_port}, users {", ".join(config.EMBEDDED_USERS.values())}
Passwords   {home / "endpoints.json"}
Logs        {home / "logs"}

export HUIYIN_HOME={home}
{LAST_LINE}{endpoints.broker}"""


def _asked(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Asked


def _watch(parts: Parts) -> None:
    """Returns when a part has died."""
    while not parts.failure():
        time.sleep(0.5)


def _detached(home: Path) -> None:
    """Runs `up` in a session of its own and returns when it has printed how to connect."""
    if keeper(home):
        raise AlreadyRunning(home)
    log = home / "logs" / "up.log"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.parent.mkdir(exist_ok=True)
        errors = log.open("wb")
    except OSError as error:
        raise PartFailed(f"the data folder {home} cannot be written: {error.strerror}") from error
    with errors:
        keeping = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "up"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, text=True,
        )  # fmt: skip
    assert keeping.stdout is not None
    with log.open(encoding="utf-8", errors="replace") as progress:
        while not select.select([keeping.stdout], [], [], 0.2)[0]:
            click.echo(progress.read(), nl=False, err=True)
        for line in keeping.stdout:
            click.echo(line, nl=False)
            if line.startswith(LAST_LINE):
                click.echo(f"running as process {keeping.pid}; its log is {log}; ./huiyin down stops it", err=True)
                return
        said = progress.read().strip().splitlines()
    raise PartFailed(said[-1].removeprefix("Error: ") if said else f"the parts did not start; see {log}")
