"""`impact DIR --change ID`: whether a change did harm, as JSON on standard output."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from models.impact import Grey, ImpactError, impact
from models.topology import TopologyError
from streams.folder import Folder
from streams.folder_csv import FolderError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--change", "name", required=True, help="Id of the change, as in changes.ndjson.")
@click.option("--language", type=click.Choice(("zh", "en")), default="zh", show_default=True, help="Of the checks.")
def command(folder: Path, name: str, language: str) -> None:
    """Say whether a change did harm.

    FOLDER holds metrics.csv[.gz] (ts,layer,service,metric,value), changes.ndjson[.gz] and, where known, services.yaml and
    complaints.ndjson[.gz]. Prints harmful, score in [0, 1], the relative effect with its 95 % interval, the control that was
    used (or why none), and the three checks: control group, single variable, whole life cycle.
    """
    try:
        history = Folder(folder)
        stages = [mark for mark in history.marks if mark.id == name]
        if not stages:
            known = ", ".join(dict.fromkeys(mark.id for mark in history.marks)) or "none"
            raise click.UsageError(f"--change {name}: not in changes.ndjson of {folder} (it has {known})")
        change = stages[0]
        split = history.table.cohort(change.cohort) if change.cohort else None
        counts = history.cohorts(change.service, change.at)
        grey = Grey(*split, counts) if split else None
        found = impact(history.table.window, history.topology, change, history.marks, grey, language)
    except (FolderError, TopologyError, ImpactError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.encode(found).decode())
