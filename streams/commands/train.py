"""`huiyin train`: labelled files in, artefacts with their cards out."""

from __future__ import annotations

from pathlib import Path

import click

from models.artefact import SHIPPED


@click.command("train", short_help="Train the text models.")
@click.option("--task", type=click.Choice(["sentiment", "keywords"]), default="sentiment", show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("../shared/data/text"),
    show_default=True,
    help="Folder with shopping.csv.gz, takeaway.csv.gz, appstore_reviews.ndjson.gz, car_opinion.csv.gz; those there are used.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=SHIPPED, help="Folder for the artefact.")
@click.option("--force", is_flag=True, help="Install even a model that scores lower than the installed one.")
def command(task: str, data: Path, out: Path, force: bool) -> None:
    """Train a model, cross-validate it, and install it with its card unless it is worse than the one installed.

    The card goes to standard output. The same data give the same model, bit by bit.
    """
    import msgspec

    from models.corpus import CorpusError
    from models.keywords import build_idf
    from models.train import WorseModelError, train_sentiment

    try:
        card = (
            build_idf(out)
            if task == "keywords"
            else train_sentiment(data, out, force=force, say=lambda line: click.echo(line, err=True))
        )
    except (CorpusError, WorseModelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.format(msgspec.json.encode(card), indent=1))
