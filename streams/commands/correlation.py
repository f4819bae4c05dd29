"""`huiyin correlation DIR --service S`: how each metric moves with the complaints, as NDJSON, and as a picture."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.moment import Moment

if TYPE_CHECKING:
    from models.topology import Topology
    from streams.correlation import Correlated, Curves, Question
    from streams.history import History

DRAWN = 6  # metrics in the picture, the surest first
STORED_DAYS = 7  # looked at unless told otherwise


@click.command("correlation")
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--service", required=True, help="The service that users complain about.")
@click.option("--category", default="", help="Only complaints of this category.")
@click.option("--between", nargs=2, type=Moment(), help="Start and end; default: all of the folder, or the last 7 days stored.")
@click.option("--lag", default=30, show_default=True, type=click.IntRange(1, 720), help="Longest lead or lag looked at, minutes.")
@click.option("--plot", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Draw the surest links as SVG.")
def command(
    folder: Path | None, service: str, category: str, between: tuple[int, int] | None, lag: int, plot: Path | None
) -> None:
    """Say which metrics move with a service's complaints, which way, and who leads by how long.

    FOLDER is as for `rank`; without it, what is stored in ClickHouse. One JSON object a metric, the surest first: exists
    (q ≤ 0.05 after all metrics tested), direction, r, lead_seconds (positive: the metric moves before the complaints) with its
    interval, p, q. Compared are fluctuations from the expected curves, and a p-value holds for series that remember their past.
    """
    import msgspec

    from models.correlation import TooShortError
    from models.topology import TopologyError
    from streams.config import SettingError, load
    from streams.correlation import Question, correlated, curves
    from streams.folder_csv import FolderError
    from streams.store.client import StoreError, StoreUnavailable

    try:
        history, topology, span = _opened(folder)
        start, end = between or span
        asked = Question(service=service, category=category, start=start, end=end, longest=60 * lag)
        if service not in topology.services:
            raise click.UsageError(f"--service {service}: not among {', '.join(topology.services) or 'none'}")
        found = curves(history, topology, asked)
        rows = correlated(found, asked.longest)
        if plot:
            plot.write_text(_picture(found, rows, asked, load().timezone), encoding="utf-8")
    except (FolderError, TopologyError, SettingError, TooShortError, StoreError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error
    sys.stdout.buffer.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _opened(folder: Path | None) -> tuple[History, Topology, tuple[int, int]]:
    """The history asked, its topology, and the stretch of time looked at unless another is given."""
    if folder is not None:
        from streams.folder import Folder

        history = Folder(folder)
        start, end = history.span
        return history, history.topology, (start, end + 1)
    from streams.config import load
    from streams.store import progress, topology
    from streams.store.client import Store
    from streams.store.history import StoredHistory

    store = Store(load().clickhouse_access("reader"))
    through = progress.correlated_through(store)
    if through is None:
        raise click.ClickException("nothing has been stored and correlated yet; name a FOLDER, or replay some data first")
    return StoredHistory(store), topology.load(store), (through - STORED_DAYS * 86_400, through)


def _picture(found: Curves, rows: Sequence[Correlated], asked: Question, zone: dt.tzinfo) -> str:
    """The complaints' fluctuation above those of the metrics that move with them most surely."""
    from streams import curves

    index = {(key.layer, key.service, key.metric): row for row, key in enumerate(found.window.keys)}
    panels = [curves.Panel(f"{asked.service} complaints", (curves.Line(found.complaints, curves.RED),), high=True)]
    for row in rows[:DRAWN]:
        values = found.metrics[index[row.layer, row.service, row.metric]]
        leads = f"{'leads' if row.lead_seconds >= 0 else 'lags'} by {abs(row.lead_seconds) // 60} min"
        title = f"{row.layer} {row.service}.{row.metric}: r {row.r:+.2f}, {leads}, q {row.q:.2g}"
        panels.append(curves.Panel(title, (curves.Line(values, curves.BLUE if row.exists else curves.GREY),)))
    return curves.stacked(curves.Axis(found.window.times, zone), panels)
