"""`huiyin train`: labelled files in, artefacts with their cards out."""

from __future__ import annotations

from pathlib import Path

import click

from models.artefact import SHIPPED, Card


@click.command("train", short_help="Train the text models.")
@click.option("--task", type=click.Choice(["sentiment", "category", "keywords"]), default="sentiment", show_default=True)
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data/text"),
    show_default=True,
    help="Folder with shopping.csv.gz, takeaway.csv.gz, appstore_reviews.ndjson.gz, car_opinion.csv.gz; those there are used.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the artefact: by default the shipped one, for category a folder of your own (.huiyin/category).",
)
@click.option("--force", is_flag=True, help="Install even a model that scores lower than the installed one.")
def command(task: str, file: Path | None, data: Path, out: Path | None, force: bool) -> None:
    """Train a model, score it on texts held out, and install it with its card unless it is worse than the one installed.

    --task category takes a FILE of your own labels (CSV or NDJSON with text, category and perhaps date) and is used by
    `tag --own-category`. The card goes to standard output. The same data give the same model, bit by bit.
    """
    import msgspec

    from models.corpus import CorpusError
    from models.train import WorseModelError

    if (task == "category") != (file is not None):
        raise click.UsageError("--task category needs a FILE of texts with categories; the other tasks take none")
    try:
        card = _train(task, file, data, out, force)
    except (CorpusError, WorseModelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.format(msgspec.json.encode(card), indent=1))


def _train(task: str, file: Path | None, data: Path, out: Path | None, force: bool) -> Card:
    from models.keywords import build_idf
    from models.train import train_sentiment
    from models.train_category import train_category

    if file is not None:
        return train_category(file, out or Path(".huiyin/category"), force=force, say=_say)
    if task == "keywords":
        return build_idf(out or SHIPPED)
    return train_sentiment(data, out or SHIPPED, force=force, say=_say)


def _say(line: str) -> None:
    click.echo(line, err=True)
