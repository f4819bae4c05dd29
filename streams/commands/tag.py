"""`huiyin tag FILE|-`: complaints in, one judged object a line out, in the same order.

Input is read in whatever pieces arrive and judged piece by piece, so that a stream without end is answered as it comes.
The first bad line ends the run: everything before it has been answered, nothing after it is.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from models.artefact import ArtefactError
from models.lexicon import LexiconError
from models.tag import Acceptance, Aspect, Judgement, Tagger, load_tagger

_PIECE = 1 << 20  # bytes


class _Text(msgspec.Struct):
    """What is read of a complaint."""

    text: str
    id: str | int = ""
    service: str = ""
    channel: str = ""


class _Judged(msgspec.Struct):
    """What is written of it."""

    id: str | int
    sentiment: float
    polarity: int
    service: str
    category: str
    intents: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    keywords: tuple[str, ...]
    text: str
    severity: str
    acceptance: tuple[Acceptance, ...]


class _BadLineError(ValueError):
    """A line cannot be read; the message says where and why."""


@click.command("tag", short_help="Judge texts.")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--services", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="services.yaml: names to look for."
)
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A lexicon instead of HUIYIN_LEXICON, and of the shipped one.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of models that train made from your labels (category, service, sentiment), instead of HUIYIN_MODELS.",
)
@click.option("--plain", is_flag=True, help="A text a line instead of JSON (the rule for .txt files).")
def command(file: Path, services: Path | None, lexicon: Path | None, models: Path | None, plain: bool) -> None:
    """Judge complaints: sentiment, polarity, service, category, intents, aspects, keywords, severity, acceptance; data masked.

    FILE holds one JSON object a line with `text` and, if known, `id`, `service` and `channel` (.gz is read too), or plain text a
    line (.txt, or --plain); - is standard input, answered as it arrives. One JSON object a line comes back in the same
    order. A bad line ends the run with its number; the lines before it have been answered.
    """
    tagger = _tagger(services, lexicon, models)
    name = "standard input" if str(file) == "-" else str(file)
    as_text = plain or file.name.removesuffix(".gz").endswith(".txt")
    try:
        with _opened(file) as stream:
            for lines, first in _pieces(stream):
                _answer(tagger, lines, first, name, as_text)
    except (OSError, EOFError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise click.ClickException(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    except _BadLineError as error:
        raise click.ClickException(str(error)) from error


def _tagger(services: Path | None, lexicon: Path | None, models: Path | None) -> Tagger:
    from models.topology import TopologyError, read_topology
    from streams.config import SettingError, load

    try:
        settings = load()
        topology = read_topology(services) if services else None
        return load_tagger(topology, lexicon=lexicon or settings.lexicon_file, own=models or settings.models)
    except SettingError as error:
        raise click.UsageError(str(error)) from error
    except (TopologyError, LexiconError, ArtefactError, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    if str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]


def _pieces(stream: BinaryIO) -> Iterator[tuple[list[bytes], int]]:
    """Complete lines as they arrive, with the number of the first."""
    read = getattr(stream, "read1", stream.read)
    rest, number = b"", 1
    while piece := read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        if lines:
            yield lines, number
            number += len(lines)
    if rest:
        yield [rest], number


def _answer(tagger: Tagger, lines: list[bytes], first: int, name: str, as_text: bool) -> None:
    texts: list[_Text] = []
    bad: _BadLineError | None = None
    for number, line in enumerate(lines, start=first):
        try:
            if as_text:
                texts.append(_Text(line.rstrip(b"\r").decode("utf-8"), str(number)))
            elif line.strip():
                texts.append(_DECODER.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad = _BadLineError(f"{name}:{number}: {error}")
            break
    judgements = tagger.judge([each.text for each in texts], [each.service for each in texts], [each.channel for each in texts])
    out = [_judged(text, judgement) for text, judgement in zip(texts, judgements, strict=True)]
    sys.stdout.buffer.write(_ENCODER.encode_lines(out))
    sys.stdout.buffer.flush()
    if bad:
        raise bad


def _judged(text: _Text, judgement: Judgement) -> _Judged:
    return _Judged(
        text.id,
        judgement.sentiment,
        judgement.polarity,
        judgement.service,
        judgement.category,
        judgement.intents,
        judgement.aspects,
        judgement.keywords,
        judgement.text,
        judgement.severity,
        judgement.acceptance,
    )


_DECODER = msgspec.json.Decoder(_Text)
_ENCODER = msgspec.json.Encoder()
