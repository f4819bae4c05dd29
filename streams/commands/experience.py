"""`huiyin experience DIR`: recorded history in, NDJSON of the experience index out."""

from __future__ import annotations

import datetime as dt
import math
import sys
from pathlib import Path
from typing import Any

import click

STEPS = {"minute": 60, "hour": 3600, "day": 86_400}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--by", type=click.Choice(list(STEPS)), default="hour", show_default=True, help="How long a slot is.")
@click.option("--service", default="", help="Only this service.")
def command(folder: Path, by: str, service: str) -> None:
    """Print how users fared with each service, 0 to 100.

    FOLDER holds any of complaints.ndjson[.gz], metrics.csv[.gz], followups.ndjson[.gz], services.yaml. Gives one JSON object a
    service and slot of local time: at, service, index (80: as usual there) and parts, each a share of 1: volume of complaints,
    polarity, latency, failure, satisfaction, as far as known. What is usual comes from up to seven days before, so the first day
    has no index. docs/judging.md says how each part is read.
    """
    import msgspec

    from models.topology import TopologyError
    from streams import config
    from streams.experience import days, slots, usual
    from streams.folder import Folder
    from streams.folder_csv import FolderError
    from streams.folder_past import FolderPast

    try:
        zone = config.load().timezone
        history = Folder(folder)
        past = FolderPast(history)
        first, last = history.span
        for midnight, start, end in days(first // 60 * 60, last // 60 * 60 + 60, zone):
            known = usual(past, midnight, first)
            if known is None:
                continue
            found = slots(past, known, start, end, STEPS[by])
            rows = (_row(found, row, column, zone) for column in range(len(found.times)) for row in range(len(found.services)))
            kept = [row for row in rows if row["index"] is not None and service in ("", row["service"])]
            sys.stdout.buffer.write(msgspec.json.Encoder().encode_lines(kept))
    except (FolderError, TopologyError, config.SettingError) as error:
        raise click.ClickException(str(error)) from error


def _row(found: Any, row: int, column: int, zone: dt.tzinfo) -> dict[str, Any]:
    points = float(found.points[row, column])
    parts = {name: float(share[row, column]) for name, share in found.parts.items()}
    return {
        "at": dt.datetime.fromtimestamp(int(found.times[column]), zone).isoformat(),
        "service": found.services[row],
        "index": round(points, 1) if math.isfinite(points) else None,
        "parts": {name: round(share, 3) for name, share in parts.items() if math.isfinite(share)},
    }
