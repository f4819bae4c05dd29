"""`huiyin train`: labelled files and corrections in, artefacts with their cards out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from models.artefact import Card
    from streams.config import Settings

SERVICE_PRECISION = 0.95  # a service that is guessed wrong misleads the search for causes: better none
OWN = ("category", "service", "adapt")  # learnt from one's own labels, into one's own folder


@click.command("train", short_help="Train the text models.")
@click.option("--task", type=click.Choice(["sentiment", "keywords", "problems", *OWN]), default="sentiment", show_default=True)
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data/text"),
    show_default=True,
    help="For sentiment: folder with shopping.csv.gz, takeaway.csv.gz, appstore_reviews.ndjson.gz, car_opinion.csv.gz; those"
    " there are used.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the artefact: by default the shipped one; for category, service and adapt a folder in HUIYIN_MODELS.",
)
@click.option("--force", is_flag=True, help="Install even a model that scores lower than the installed one.")
def command(task: str, file: Path | None, data: Path, out: Path | None, force: bool) -> None:
    """Train a model, score it on texts held out, and install it with its card unless it is worse than the one in use.

    \b
    category, service   one's own labels replace the lexicon's categories, or tell the service where no word does:
                        FILE (CSV or NDJSON with text, category or service, perhaps date) and the corrections so far
    adapt               corrected polarities adapt the shipped sentiment model: FILE (as label takes it), else the corrections
                        so far
    sentiment, keywords, problems   the shipped models anew, from the sets in --data, the dictionary and the lexicon

    Workers and `tag` use what is in HUIYIN_MODELS; a running worker from its next batch on. The card goes to standard output.
    The same data give the same model, bit by bit.
    """
    import msgspec

    from models.adapt import AdaptError
    from models.artefact import ArtefactError
    from models.corpus import CorpusError
    from models.train import WorseModelError
    from streams import config
    from streams.corrections_kept import KeptError
    from streams.store.client import StoreError, StoreUnavailable

    if file is not None and task not in OWN:
        raise click.UsageError(f"--task {task} takes no FILE")
    try:
        card = _own(task, file, out, force) if task in OWN else _shipped(task, data, out, force)
    except (
        *(AdaptError, ArtefactError, CorpusError, WorseModelError, OSError),
        *(config.SettingError, KeptError, StoreError, StoreUnavailable),
    ) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.format(msgspec.json.encode(card), indent=1))


def _shipped(task: str, data: Path, out: Path | None, force: bool) -> Card:
    from models.artefact import SHIPPED
    from models.keywords import build_idf
    from models.train import train_sentiment
    from models.train_problems import train_problems

    if task == "keywords":
        return build_idf(out or SHIPPED)
    if task == "problems":
        return train_problems(data, out or SHIPPED, say=_say)
    return train_sentiment(data, out or SHIPPED, force=force, say=_say)


def _own(task: str, file: Path | None, out: Path | None, force: bool) -> Card:
    from streams import config

    settings = config.load()
    if task == "adapt":
        return _adapted(settings, file, out or settings.models / "sentiment", force)
    return _classified(settings, task, file, out or settings.models / task, force)


def _adapted(settings: Settings, file: Path | None, out: Path, force: bool) -> Card:
    from models.adapt import adapt
    from streams.corrections_kept import from_file, kept

    found = [one for one in (from_file(file) if file else kept(settings)) if one.polarity is not None]
    _say(f"{len(found)} texts with a corrected polarity")
    return adapt([one.text for one in found], [one.polarity or 0 for one in found], out, force=force)


def _classified(settings: Settings, field: str, file: Path | None, out: Path, force: bool) -> Card:
    from models.labelled import Row, read_labelled
    from models.train_category import train_category
    from streams.corrections_kept import kept
    from streams.store.client import StoreUnavailable

    given = {file.name: read_labelled(file, field)} if file else {}
    try:
        said = [(one, getattr(one, field)) for one in kept(settings)]
    except StoreUnavailable as error:
        if not file:
            raise
        _say(f"without the corrections: {error}")
        said = []
    corrections = [Row("", one.text, label) for one, label in said if label]
    if corrections or not given:
        given["corrections"] = corrections
    return train_category(given, out, precision=SERVICE_PRECISION if field == "service" else None, force=force, say=_say)


def _say(line: str) -> None:
    click.echo(line, err=True)
