"""`huiyin evaluate`: the shipped text models' scores as a table, beside a plain baseline's where asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click


@click.command("evaluate", short_help="Print what the text models reach.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data/text"),
    show_default=True,
    help="Folder with the labelled sets that train reads; for the opinions the texts are looked up there.",
)
@click.option("--baseline", is_flag=True, help="Train scikit-learn's char 1-4-gram SVC on the same folds too (minutes).")
@click.option(
    "--folds", type=click.IntRange(1, 5), default=5, show_default=True, help="Folds of five that the baseline is trained on."
)
def command(data: Path, baseline: bool, folds: int) -> None:
    """Print accuracy per set (cross-validated when the model was trained, from its card) and, field by field, how far
    judgements agree with texts labelled by reading: those that rules were made on, and those held out.
    """
    from models.artefact import SHIPPED, ArtefactError, read_card
    from models.corpus import CorpusError

    try:
        card = read_card(SHIPPED, "sentiment")
        if card is None:
            raise click.ClickException("no sentiment model is installed; ./huiyin train makes one")
        _print("sentiment", card.scores)
        if baseline:
            _baseline(data, folds)
        _opinions(data)
    except (ArtefactError, CorpusError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _baseline(data: Path, count: int) -> None:
    from models.corpus import read_corpus
    from models.evaluate import baseline_scores

    _print("baseline", baseline_scores(read_corpus(data), count, say=lambda line: click.echo(line, err=True)))


def _print(model: str, scores: Mapping[str, Mapping[str, float]]) -> None:
    for name, score in scores.items():
        figures = f"accuracy {score['accuracy']:.4f}  macro-F1 {score['macro_f1']:.4f}"
        click.echo(f"{model:9} {name:12} {score['texts']:7.0f} texts  {figures}")


def _opinions(data: Path) -> None:
    from models.evaluate import OPINION_LABELS, agreements, labelled_texts, read_opinion_labels
    from models.tag import load_tagger

    tagger = load_tagger()
    for held_out, half in ((False, "seen"), (True, "held out")):
        labels = read_opinion_labels(OPINION_LABELS, held_out=held_out)
        for each in agreements(tagger, labels, labelled_texts(labels, data)):
            counts = f"{each.said:4} said {each.labelled:4} labelled"
            click.echo(f"opinion   {half:8} {each.field:18} {counts}  precision {each.precision:.3f}  recall {each.recall:.3f}")
