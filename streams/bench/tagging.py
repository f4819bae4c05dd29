"""How fast texts are judged on one core, beside jieba with scikit-learn: texts in, a JSON object of figures out.

The baseline gives a polarity only (jieba words 1–2, TF-IDF, logistic regression, a batch at once); the tagger gives all
fields. Both are loaded and warm before the clock starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import click
import msgspec

from streams.bench import load

_WARM = 200  # texts judged before the clock starts
_LEARNT = 2_000  # texts the baseline learns its words from


class Report(msgspec.Struct, frozen=True):
    """What is printed: CPU seconds are counted, so that a busy machine does not slow either side."""

    texts: int
    mean_characters: float
    per_cpu_second: float
    baseline_texts: int
    baseline_per_cpu_second: float
    ratio: float


@click.command(name="tag")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--texts", default=20_000, show_default=True, type=click.IntRange(1000), help="Texts for the tagger.")
@click.option("--share", default=0.2, show_default=True, type=click.FloatRange(0.01, 1), help="Of them, what the baseline gets.")
def command(file: Path | None, texts: int, share: float) -> None:
    """Texts judged a second of one core, beside jieba with scikit-learn. FILE has a text a line; without it they are made up."""
    from models.tag import load_tagger

    found = _texts(file, texts)
    fewer = found[: max(int(len(found) * share), 1)]
    ours = _rate(load_tagger().judge, found)
    click.echo(f"tagger: {ours:,.0f} texts a CPU second", err=True)
    plain = _rate(_baseline(found[:_LEARNT]), fewer)
    characters = sum(map(len, found)) / len(found)
    report = Report(len(found), round(characters, 1), round(ours, 1), len(fewer), round(plain, 1), round(ours / plain, 2))
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))


def _texts(file: Path | None, count: int) -> list[str]:
    if file is None:
        return [str(record["text"]) for _, _, record in load.complaints(count, 0, count)]
    try:
        found = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()][:count]
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: {error}") from error
    if len(found) < 2:
        raise click.ClickException(f"{file}: at least two texts are needed")
    return found


def _rate(judge: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    judge(texts[:_WARM])
    start = time.process_time()
    judge(texts)
    return len(texts) / (time.process_time() - start)


def _baseline(texts: Sequence[str]) -> Callable[[Sequence[str]], object]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from models.segment import reference_words

    reference_words(["热身"])
    vectorizer = TfidfVectorizer(analyzer=_words, min_df=1)
    model = make_pipeline(vectorizer, LogisticRegression())
    model.fit(texts, [number % 2 for number in range(len(texts))])  # any labels: only its speed is asked for
    judged: Callable[[Sequence[str]], object] = model.predict
    return judged


def _words(text: str) -> list[str]:
    import jieba

    words: list[str] = jieba.lcut(text)
    return [*words, *map("".join, pairwise(words))]
