"""`huiyin digest`: the day's sentiment digest per product, as a page and as a chat message."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.notify.channel import Message


@click.command(name="digest")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="Local day, YYYY-MM-DD (default: yesterday).")
@click.option("--product", default="", help="Only this product, as services.yaml names it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for the page and the message.",
)
@click.option(
    "--negative-limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Negative mentions a day above which a product is flagged.",
)
@click.option("--send", is_flag=True, help="Send the message to the configured chat channels, too.")
def command(date: dt.datetime | None, product: str, out: Path, negative_limit: int, send: bool) -> None:
    """Write the day's sentiment digest from ClickHouse.

    What users complain about that they did not in the 28 days before, over all and per product. Per product: volume and
    polarity against the seven days before, pain points with typical words, praise, suggestions, incidents with their
    cause, follow-up, negative mentions above the limit.

    Prints the paths of the page (HTML, self-contained) and of the chat message (Markdown, at most 4,096 bytes).
    """
    from streams import config
    from streams.store.client import StoreError, StoreUnavailable

    try:
        settings = config.load()
        day = date.date() if date else dt.datetime.now(settings.timezone).date() - dt.timedelta(days=1)
        message = _written(settings, day, product, negative_limit, out)
        if send:
            _send(settings, message)
    except (config.SettingError, StoreError, StoreUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error


def _written(settings: Settings, day: dt.date, product: str, limit: int, out: Path) -> Message:
    from streams import pages
    from streams.digest import gather
    from streams.message import Wording
    from streams.store import topology
    from streams.store.client import Store

    with closing(Store(settings.clickhouse_access("reader"))) as store:
        digest = gather(store, day, settings.timezone, product, limit)
        wording = Wording(topology.load(store), settings.language, settings.timezone)
    if product and not digest.products:
        raise click.UsageError(f"no product is called {product!r}")
    message = pages.digest_message(digest, wording)
    out.mkdir(parents=True, exist_ok=True)
    name = f"digest-{day}" + (f"-{product}" if product else "")
    for path, text in ((out / f"{name}.html", pages.digest_page(digest, wording)), (out / f"{name}.md", message.text + "\n")):
        path.write_text(text, encoding="utf-8")
        click.echo(path)
    return message


def _send(settings: Settings, message: Message) -> None:
    """Once to each channel. Raises click.ClickException when there is none, or one does not take it."""
    from streams.notify import configured
    from streams.notify.channel import Accepted, TransportError, post

    channels = configured(settings)
    if not channels:
        raise click.ClickException("no chat channel: set HUIYIN_DINGTALK_WEBHOOK (and HUIYIN_DINGTALK_SECRET)")
    for channel in channels:
        try:
            outcome = channel.parse(post(channel.build(message, time.time())))
        except TransportError as error:
            raise click.ClickException(f"{channel.name} cannot be reached: {error}") from error
        if not isinstance(outcome, Accepted):
            raise click.ClickException(f"{channel.name} did not take the digest: {outcome.reason}")
        click.echo(f"sent to {channel.name}", err=True)
