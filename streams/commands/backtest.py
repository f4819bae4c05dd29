"""`huiyin backtest DIR`: recorded history in, NDJSON incidents out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streams.folder_csv import FolderError


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write here, not to standard output.")
@click.option("--language", type=click.Choice(["zh", "en"]), default=None, help="Of titles and slices; default: the setting.")
def command(folder: Path, out: Path | None, language: str | None) -> None:
    """Run detection, ranking and incident life cycle over recorded history.

    FOLDER holds any of complaints.ndjson[.gz], metrics.csv[.gz], changes.ndjson, services.yaml. Gives one JSON object an
    incident, in the order they opened: id, service, services, category, level, opened_at, resolved_at, complaints, samples,
    verdict and causes as known when it opened, loss. The code is the live worker's, over history instead of the clock.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from models.topology import TopologyError
    from streams.backtest import backtest
    from streams.config import SettingError, load
    from streams.correlate import Correlator
    from streams.folder import Folder

    try:
        settings = load()
        history = Folder(folder)
        correlator = Correlator(history.topology, language=language or settings.language, timezone=settings.timezone)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("days", total=None)
            rows = backtest(history, correlator, lambda done, days: bar.update(task, completed=done, total=days))
    except (FolderError, TopologyError, SettingError) as error:
        raise click.ClickException(str(error)) from error
    body = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    if out:
        out.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)
