"""./huiyin feedback"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping

import click

from streams.feedback import Feedback, FeedbackError


@click.command(name="feedback")
@click.argument("incident", required=False)
@click.option("--not-an-incident", "denied", is_flag=True, help="INCIDENT was none: the same again shall open nothing.")
@click.option("--missed", is_flag=True, help="Something was missed: needs --service and --at.")
@click.option("--service", default="", help="The service that users complained about.")
@click.option("--category", default="", help="The category, where only one was concerned.")
@click.option("--at", "moment", default="", metavar="TIME", help="When it began: RFC 3339 with offset.")
@click.option("--by", default="", help="Who says so.")
@click.option("--note", default="", help="Why.")
@click.option("--list", "listed", is_flag=True, help="Print all feedback and what it still does to the bars, as NDJSON.")
def command(incident: str | None, denied: bool, missed: bool, listed: bool, **given: str) -> None:
    """Say what the judging got wrong. A running worker takes it up by itself; saying it twice is saying it once.

    \b
    huiyin feedback INCIDENT --not-an-incident   the series' bar rises to 1.5 times what that incident had beyond the usual
    huiyin feedback --missed --service S --at T  the series' floor and significance fall to two thirds
    huiyin feedback --list

    Either fades with a half-life of 30 days. An incident on such a series says so among its reasons.
    """
    from contextlib import closing

    import msgspec

    from streams import feedback
    from streams.config import SettingError, load
    from streams.store.client import Store, StoreError, StoreUnavailable

    if [denied, missed, listed].count(True) != 1:
        raise click.UsageError("one of --not-an-incident, --missed and --list")
    try:
        said = None if listed else _said(incident or "", denied, given)
        with closing(Store(load().clickhouse_access("reader" if listed else "writer"))) as store:
            rows = [{"recorded": feedback.record(store, said)}] if said else feedback.in_force(store, dt.datetime.now(dt.UTC))
    except (FeedbackError, SettingError, StoreError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error
    sys.stdout.buffer.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _said(incident: str, denied: bool, given: Mapping[str, str]) -> Feedback:
    try:
        at = dt.datetime.fromisoformat(given["moment"]) if given["moment"] else None
    except ValueError as error:
        raise click.UsageError(f"--at {given['moment']}: not a time (RFC 3339 with offset)") from error
    missed = f"missed-{given['service']}-{given['category']}-{at.isoformat() if at else ''}"
    return Feedback(
        id=f"not-{incident}" if denied else missed,  # the same thing said again has the same id, and so is the same
        ts=dt.datetime.now(dt.UTC),
        verdict="not_an_incident" if denied else "missed",
        incident=incident,
        service=given["service"],
        category=given["category"],
        at=at,
        by=given["by"],
        note=given["note"],
    )
