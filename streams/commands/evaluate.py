"""`huiyin evaluate`: what the text models reach, as a table and as pictures, beside named baselines where asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

CATEGORIES = "car_complaints_2020.csv.gz"
_TEXTS = 4_000  # whose judging is timed and whose words are compared, drawn from all sets
_SHARE = 0.25  # of them, what the slow baselines judge


@click.command("evaluate", short_help="Print and draw what the text models reach.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data/text"),
    show_default=True,
    help="Folder with the labelled sets that train reads; for the opinions the texts are looked up there.",
)
@click.option("--baseline", is_flag=True, help="Train and score the named baselines on the same folds too (minutes).")
@click.option(
    "--folds", type=click.IntRange(1, 5), default=5, show_default=True, help="Folds of five that baselines are judged on."
)
@click.option("--limit", type=click.IntRange(10), help="Texts of each label of each set that baselines get; all without it.")
@click.option(
    "--categories",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of texts with categories, as for train --task category; without it the public one in --data, if there.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for pictures (SVG).")
def command(data: Path, baseline: bool, folds: int, limit: int | None, categories: Path | None, out: Path | None) -> None:
    """Print accuracy and calibration per set (cross-validated when the model was trained), field by field how far
    judgements agree with texts labelled by reading (those that rules were made on, and those held out), one's own
    categories on texts held out, how far words are cut as jieba cuts them, and the speed of one core beside jieba with
    scikit-learn and SnowNLP.

    --baseline adds character 1-4-gram SVC, jieba 1-2-gram SVC and LR (one per set) and SnowNLP as it comes (on 500 texts a
    set); for categories jieba 1-2-gram LR. --out draws confusion matrices, calibration and speed.
    """
    from models.artefact import ArtefactError
    from models.corpus import CorpusError, read_corpus
    from models.held_out import read_held_out

    try:
        held_out = read_held_out()
        _sentiment()
        corpus = read_corpus(data)
        if baseline:
            from models.baselines import baseline_scores

            for name, scores in baseline_scores(corpus, folds, limit, say=_say).items():
                _print(name, scores)
        _opinions(data)
        _categories(categories or data / CATEGORIES, baseline)
        _segmentation(corpus.texts)
        rates = _speed(corpus.texts)
        if out is not None:
            from streams.config import load
            from streams.evaluation_pictures import draw

            for path in draw(out, held_out, rates, load().language):
                _say(f"{path}")
    except (ArtefactError, CorpusError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _say(line: str) -> None:
    click.echo(line, err=True)


def _sentiment() -> None:
    from models.artefact import SHIPPED, read_card
    from models.held_out import calibration_error, read_held_out, reliability

    card, held_out = read_card(SHIPPED, "sentiment"), read_held_out()
    if card is not None:
        _print("huiyin", card.scores)
    for number, name in enumerate(held_out.domains):
        error = calibration_error(reliability(held_out.of(number)))
        click.echo(f"calibration {'huiyin':20} {name:12} expected calibration error {error:.4f}")


def _print(model: str, scores: Mapping[str, Mapping[str, float]]) -> None:
    for name, score in scores.items():
        click.echo(f"sentiment   {model:20} {name:12} {_figures(score)}")


def _figures(score: Mapping[str, float]) -> str:
    return f"{score['texts']:7,.0f} texts  accuracy {score['accuracy']:.4f}  macro-F1 {score['macro_f1']:.4f}"


def _opinions(data: Path) -> None:
    from models.evaluate import OPINION_LABELS, agreements, labelled_texts, read_opinion_labels
    from models.tag import load_tagger

    tagger = load_tagger()
    for held_out, half in ((False, "seen"), (True, "held out")):
        labels = read_opinion_labels(OPINION_LABELS, held_out=held_out)
        for each in agreements(tagger, labels, labelled_texts(labels, data)):
            counts = f"{each.said:4} said {each.labelled:4} labelled"
            click.echo(f"opinion     {half:20} {each.field:18} {counts}  precision {each.precision:.3f} recall {each.recall:.3f}")


def _categories(file: Path, baseline: bool) -> None:
    from models.labelled import joined, read_labelled
    from models.score_category import score
    from models.train_features import features

    if not file.exists():
        return
    labelled = joined({file.name: read_labelled(file)})
    split, reached, _ = score(features(labelled.texts).rows, labelled)
    found = {"huiyin": reached}
    if baseline:
        from models.baselines import category_baseline

        found["jieba words 1-2, LR"] = category_baseline(labelled)
    for name, scores in found.items():
        click.echo(f"category    {name:20} {split:12} {_figures(scores)}")


def _segmentation(texts: tuple[str, ...]) -> None:
    from models.segment import agreement

    drawn = _drawn(texts)
    click.echo(f"words       {'rjieba as jieba':20} {agreement(drawn):.4f} of the words of {len(drawn):,} texts")


def _drawn(texts: tuple[str, ...]) -> list[str]:
    import numpy as np

    return [texts[row] for row in np.random.default_rng(0).permutation(len(texts))[:_TEXTS]]


def _speed(texts: tuple[str, ...]) -> dict[str, float]:
    """Texts a CPU second by name, printed and returned."""
    from streams.bench.tagging import measure

    report = measure(_drawn(texts), _SHARE, _say)
    rates = {"huiyin tag": report.per_cpu_second, "jieba + scikit-learn": report.jieba_scikit_learn.per_cpu_second}
    if report.snownlp is not None:
        rates["SnowNLP"] = report.snownlp.per_cpu_second
    for name, rate in rates.items():
        click.echo(
            f"speed       {name:20} {rate:9,.0f} texts a second of one core, {report.mean_characters:.0f} characters a text"
        )
    return rates
