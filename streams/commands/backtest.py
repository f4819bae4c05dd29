"""`huiyin backtest DIR`: recorded history in; NDJSON incidents, and if wanted alerts and a page, out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.folder_csv import FolderError

if TYPE_CHECKING:
    from streams.backtest_page import Judged
    from streams.config import Settings
    from streams.folder import Folder

Bar = Callable[[str], Callable[[int, int], None]]
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=_FILE, help="Write here, not to standard output.")
@click.option("--alerts", type=_FILE, help="Run the rules (rules.yaml), too, and write what they warn of here, as NDJSON.")
@click.option("--page", type=_FILE, help="Draw it: each service's weeks, incidents, and what other settings would have called.")
@click.option(
    "--language", type=click.Choice(["zh", "en"]), default=None, help="Of titles, slices and the page; default: the setting."
)
def command(folder: Path, out: Path | None, alerts: Path | None, page: Path | None, language: str | None) -> None:
    """Run detection, ranking and incident life cycle over recorded history.

    FOLDER holds any of complaints.ndjson[.gz], metrics.csv[.gz], changes.ndjson, services.yaml; with tagged.ndjson (what
    `tag` printed for the complaints) texts are not judged again. Gives one JSON object an incident, in the order they opened: id,
    service, services, category, level, opened_at, resolved_at, complaints, samples, verdict and causes as known when it
    opened, loss. The code is the live worker's, over history instead of the clock.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from models.calendar import CalendarError
    from models.topology import TopologyError
    from streams import config
    from streams.folder import Folder
    from streams.rules.config import RulesError

    try:
        settings = config.load()
        settings = msgspec.structs.replace(settings, language=language or settings.language)
        history = Folder(folder)
        with Progress(console=Console(stderr=True), transient=True) as shown:

            def bar(name: str) -> Callable[[int, int], None]:
                task = shown.add_task(name, total=None)
                return lambda done, of: shown.update(task, completed=done, total=of)

            incidents = _incidents(history, settings, bar)
            warned = _alerts(history, settings, bar) if alerts else None
            if page:
                _draw(history, settings, (incidents, warned), page, bar)
    except (FolderError, TopologyError, RulesError, CalendarError, config.SettingError) as error:
        raise click.ClickException(str(error)) from error
    _written(incidents, out)
    if alerts:
        _written(warned or [], alerts)


def _incidents(history: Folder, settings: Settings, bar: Bar) -> list[dict[str, Any]]:
    from streams.backtest import backtest
    from streams.correlate import Correlator
    from streams.cycle import local_days
    from streams.rules.config import read_rules

    days = local_days(settings, read_rules(settings.rules_file))
    correlator = Correlator(history.topology, language=settings.language, calendar=days)
    return backtest(history, correlator, bar("incidents, days"))


def _alerts(history: Folder, settings: Settings, bar: Bar) -> list[dict[str, Any]]:
    from streams.backtest import alerted
    from streams.cycle import local_days
    from streams.rules.config import read_rules
    from streams.rules.watch import RuleWatch

    rules = read_rules(settings.rules_file)
    watch = RuleWatch(history.topology, rules, local_days(settings, rules), language=settings.language)
    return alerted(history, watch, bar("rules, days"))


def _draw(history: Folder, settings: Settings, found: tuple[Any, Any], path: Path, bar: Bar) -> None:
    from models.surge import SurgeSettings
    from streams.backtest import span_of
    from streams.backtest_page import Judged, backtest_page
    from streams.backtest_trials import trials
    from streams.cycle import local_days
    from streams.message import Wording
    from streams.rules.config import read_rules

    span = span_of(history)
    tried, usual = trials(
        history, span, SurgeSettings(calendar=local_days(settings, read_rules(settings.rules_file))), bar("other settings")
    )
    judged: Judged = Judged(found[0], None if found[1] is None else len(found[1]), tried, usual)
    wording = Wording(history.topology, settings.language, settings.timezone)
    path.write_text(backtest_page(history, span, judged, wording), encoding="utf-8")


def _written(rows: Sequence[Mapping[str, Any]], out: Path | None) -> None:
    import msgspec

    body = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    if out:
        out.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)
