"""`huiyin revenue DIR`: recorded weeks in, how revenue moves with the experience index as JSON out."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Say how revenue moves with the experience index.

    FOLDER holds metrics.csv[.gz] of at least three weeks with business metrics that count money or orders, and complaints,
    follow-ups and services.yaml as far as there are any. Prints one JSON object with a row a service: percent_per_point (change
    of revenue for one more point of the index), its 95 % interval, p of none (p_all: over all rows), weeks and hours used; or the
    reason why there is none. Hours, days of the week and weeks are taken out first. It says how they move together, not why.
    """
    import msgspec

    from models.topology import TopologyError
    from streams import config
    from streams.folder import Folder
    from streams.folder_csv import FolderError
    from streams.revenue import against_experience

    try:
        rows = against_experience(Folder(folder), config.load().timezone)
    except (FolderError, TopologyError, config.SettingError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.encode({"services": rows}).decode())
