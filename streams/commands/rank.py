"""`rank DIR --service S --at T`: what caused a service's trouble, as JSON on standard output."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from models.causes import rank
from models.topology import TopologyError
from models.window import Question
from streams.commands.moment import Moment
from streams.folder import Folder
from streams.folder_csv import FolderError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--service", required=True, help="The service that users complain about.")
@click.option("--at", required=True, type=Moment(), help="Since when: epoch seconds or RFC 3339.")
@click.option("--language", type=click.Choice(("zh", "en")), default="zh", show_default=True, help="Of the evidence.")
def command(folder: Path, service: str, at: int, language: str) -> None:
    """Rank what caused the trouble of a service.

    FOLDER holds metrics.csv[.gz] (ts,layer,service,metric,value) and, where known, services.yaml, changes.ndjson[.gz] and
    complaints.ndjson[.gz]. Prints {"suspects", "causes", "verdict"}, best first; "unexplained" when nothing earns the blame.
    """
    try:
        history = Folder(folder)
        topology = history.topology
        window = history.table.window
        if service not in topology.services and service not in {key.service for key in window.keys}:
            raise click.UsageError(f"--service {service}: neither services.yaml nor metrics.csv of {folder} knows it")
        ranking = rank(window, topology, Question(service, at, history.marks, history.cohorts(service, at), language))
    except (FolderError, TopologyError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.encode(ranking).decode())
