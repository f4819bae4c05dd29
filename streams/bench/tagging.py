"""How fast texts are judged on one core, beside jieba with scikit-learn and SnowNLP: texts in, a JSON object of figures out.

The baselines give a polarity only (jieba words 1–2, TF-IDF, logistic regression, a batch at once; SnowNLP's naive Bayes, a
text at a time, as its page shows it); the tagger gives all fields. All are loaded and warm before the clock starts.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import click
import msgspec

from streams.bench import load

_WARM = 50  # texts judged before the clock starts
_LEARNT = 2_000  # texts the baseline learns its words from
_SLOWER = 5  # SnowNLP gets so many times fewer texts: it is far slower than the other baseline

Judge = Callable[[Sequence[str]], object]


class Rate(msgspec.Struct, frozen=True):
    """`texts` judged, so many a CPU second; the tagger is `times` as fast."""

    texts: int
    per_cpu_second: float
    times: float


class Report(msgspec.Struct, frozen=True):
    """What is printed. CPU seconds are counted, so that a busy machine slows neither side. `snownlp`: null when not installed."""

    texts: int
    mean_characters: float
    per_cpu_second: float
    jieba_scikit_learn: Rate
    snownlp: Rate | None


@click.command(name="tag")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--texts", default=20_000, show_default=True, type=click.IntRange(1000), help="Texts for the tagger.")
@click.option("--share", default=0.2, show_default=True, type=click.FloatRange(0.01, 1), help="Of them, what a baseline gets.")
def command(file: Path | None, texts: int, share: float) -> None:
    """Texts judged a second of one core, all fields, beside jieba with scikit-learn and SnowNLP (polarity only).

    FILE has a text a line; without it they are made up. SnowNLP is measured when it is installed (extra `bench`).
    """
    report = measure(_texts(file, texts), share, say=lambda line: click.echo(line, err=True))
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))


def measure(texts: Sequence[str], share: float, say: Callable[[str], None] = lambda _: None) -> Report:
    """The rates on `texts` (at least two); the baselines get their first `share`."""
    from models.tag import load_tagger

    fewer = max(int(len(texts) * share), 2)
    ours = _rate(load_tagger().judge, texts)
    say(f"tagger: {ours:,.0f} texts a CPU second")
    rates: list[Rate | None] = []
    for name, build, count in (
        ("jieba and scikit-learn", _jieba_scikit_learn, fewer),
        ("SnowNLP", _snownlp, max(fewer // _SLOWER, 2)),
    ):
        judge = build(texts[:_LEARNT])
        if judge is None:
            say(f"{name}: not installed, not measured (.venv/bin/python -m pip install snownlp)")
            rates.append(None)
            continue
        rate = _rate(judge, texts[:count])
        say(f"{name}: {rate:,.0f} texts a CPU second")
        rates.append(Rate(count, round(rate, 1), round(ours / rate, 2)))
    plain, snownlp = rates
    assert plain is not None
    return Report(len(texts), round(sum(map(len, texts)) / len(texts), 1), round(ours, 1), plain, snownlp)


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


def _rate(judge: Judge, texts: Sequence[str]) -> float:
    judge(texts[:_WARM])
    start = time.process_time()
    judge(texts)
    return len(texts) / (time.process_time() - start)


def _jieba_scikit_learn(texts: Sequence[str]) -> Judge:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from models.segment import reference_words

    reference_words(["热身"])
    vectorizer = TfidfVectorizer(analyzer=_words, min_df=1)
    model = make_pipeline(vectorizer, LogisticRegression())
    model.fit(texts, [number % 2 for number in range(len(texts))])  # any labels: only its speed is asked for
    judged: Judge = model.predict
    return judged


def _words(text: str) -> list[str]:
    import jieba

    words: list[str] = jieba.lcut(text)
    return [*words, *map("".join, pairwise(words))]


def _snownlp(_: Sequence[str]) -> Judge | None:
    if importlib.util.find_spec("snownlp") is None:
        return None
    from snownlp import SnowNLP

    return lambda texts: [SnowNLP(text).sentiments for text in texts]
