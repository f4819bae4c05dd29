"""`huiyin label`: what readers say a complaint says in, kept and shown in what is stored; what to look at next out."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from streams.config import Settings


@click.command(name="label")
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be taken and keep nothing.")
@click.option("--uncertain", type=click.IntRange(1, 100_000), metavar="N", help="The N stored complaints judged least certainly.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="With --uncertain: of this local day and later.")
@click.option("--export", is_flag=True, help="All corrections so far.")
def command(file: Path | None, dry_run: bool, uncertain: int | None, since: dt.datetime | None, export: bool) -> None:
    """Correct judgements.

    FILE (- is standard input) holds a JSON object a line: `complaint` (its id) or `text`, and what is right of `polarity`
    (-1, 0, 1), `service`, `category`, `intents` (complaint, question, suggestion, praise, chatter), perhaps `by` and `ts`.
    Leave out what you did not look at; repeating what was judged confirms it. The newest correction of a field wins.

    Good lines are kept, bad ones are named and end the command with status 1. The stored complaint and its rollups follow at
    once, the models with ./huiyin train --task adapt, category or service. Without ClickHouse corrections go to
    corrections.ndjson in HUIYIN_MODELS, and each needs its text.

    \b
    ./huiyin label --uncertain 50 > look.ndjson    read, correct, leave out what is not clear
    ./huiyin label look.ndjson
    """
    if sum((file is not None, uncertain is not None, export)) != 1:
        raise click.UsageError("give a FILE of corrections (or -), or --uncertain N, or --export")
    if (since and not uncertain) or (dry_run and file is None):
        raise click.UsageError("--since goes with --uncertain, --dry-run with a FILE")
    from streams import config
    from streams.corrections_kept import KeptError, kept
    from streams.store.client import StoreError, StoreUnavailable

    try:
        settings = config.load()
        if file is not None:
            _take(settings, file, dry_run)
        elif uncertain is not None:
            _print(_uncertain(settings, uncertain, since))
        else:
            _print(kept(settings))
    except (config.SettingError, KeptError, StoreError, StoreUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error


def _take(settings: Settings, file: Path, dry_run: bool) -> None:
    from streams.corrections import parse
    from streams.corrections_kept import keep

    name = "standard input" if str(file) == "-" else str(file)
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    taken, refused = keep(settings, parse(data, dt.datetime.now(dt.UTC)), dry_run=dry_run)
    for error in refused:
        click.echo(f"{name}:{error}", err=True)
    click.echo(f"{taken} {'would be taken' if dry_run else 'taken'}, {len(refused)} refused")
    if refused:
        raise click.exceptions.Exit(1)


def _uncertain(settings: Settings, limit: int, since: dt.datetime | None) -> list[Any]:
    from streams.store.client import Store
    from streams.store.corrections import uncertain

    with closing(Store(settings.clickhouse_access("reader"))) as store:
        return list(uncertain(store, limit, since.replace(tzinfo=settings.timezone) if since else None))


def _print(records: list[Any]) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.Encoder().encode_lines(records))
    sys.stdout.buffer.flush()
