"""`huiyin emerging FILE`: what is said on a day that was not said before: recorded complaints in, topics out, best first."""

from __future__ import annotations

import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from streams.digest_emerging import Past


class _Topic(msgspec.Struct, frozen=True):
    """A line of output; `since` is the local day since which it is said as much."""

    day: dt.date
    service: str
    title: str
    phrases: tuple[str, ...]
    mentions: int
    lift: float
    since: dt.date
    quotes: tuple[str, ...]


@click.command(name="emerging")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Local day, YYYY-MM-DD (default: the last one in FILE).")
@click.option("--every-day", is_flag=True, help="Every day of FILE, each against the days before it.")
@click.option("--service", help="Only complaints about this service ('' for those that name none).")
@click.option("--each-service", is_flag=True, help="Services one by one instead of all together.")
@click.option("--days", default=28, show_default=True, type=click.IntRange(3), help="Days before it to compare with.")
def command(file: Path, day: dt.datetime | None, every_day: bool, service: str | None, each_service: bool, days: int) -> None:
    """New topics of what blames, among recorded complaints: NDJSON (.gz is read too) in, a JSON object a topic out.

    A topic has its title, the phrases it is made of, how many mention it, how many times as often as before, since when, and
    typical texts with personal data masked. Nothing is printed for a day that brought nothing new.
    """
    from streams import config
    from streams.folder_csv import FolderError

    if day and every_day:
        raise click.UsageError("--day and --every-day exclude each other")
    try:
        voices = _voices(file, config.load().timezone)
    except (FolderError, OSError, config.SettingError) as error:
        raise click.ClickException(str(error)) from error
    if service is not None and service not in voices:
        raise click.UsageError(f"{file} has nothing about a service {service!r}")
    chosen = {service: voices[service]} if service is not None else voices if each_service else {"": _together(voices)}
    said_on = sorted({date for past in chosen.values() for date in past})
    wanted = said_on if every_day else [day.date() if day else said_on[-1]] if said_on else []
    encoder = msgspec.json.Encoder()
    for topic in _topics(chosen, wanted, days):
        sys.stdout.buffer.write(encoder.encode(topic) + b"\n")


def _voices(file: Path, zone: dt.tzinfo) -> dict[str, Past]:
    """Masked texts of negative complaints by service and local day, in the order of time."""
    from models.tag import load_tagger
    from streams.folder_records import records
    from streams.records import COMPLAINTS

    found = sorted(records(file.parent, file.name, COMPLAINTS).complaints, key=lambda one: one.ts)
    judged = load_tagger().judge([one.text for one in found], [one.service for one in found])
    voices: dict[str, dict[dt.date, list[str]]] = defaultdict(lambda: defaultdict(list))
    for complaint, judgement in zip(found, judged, strict=True):
        if judgement.polarity < 0:
            voices[judgement.service][complaint.ts.astimezone(zone).date()].append(judgement.text)
    return {service: dict(past) for service, past in voices.items()}


def _together(voices: Mapping[str, Past]) -> Past:
    together: dict[dt.date, list[str]] = defaultdict(list)
    for past in voices.values():
        for date, texts in past.items():
            together[date] += texts
    return together


def _topics(voices: Mapping[str, Past], dates: Sequence[dt.date], days: int) -> Iterator[_Topic]:
    from streams.digest_emerging import new_topics

    for date in dates:
        for service, past in voices.items():
            for new in new_topics(past.get(date, ()), past, date, days):
                yield _Topic(date, service, new.title, new.phrases, new.mentions, round(new.lift, 1), new.since, new.quotes)
