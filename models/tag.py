"""One text in, one Judgement out: segmentation, sentiment, service, category, intents, aspects, acceptance, masked text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.garbage import uncollected
from models.opinion import CATCH_ALL

if TYPE_CHECKING:
    from models.features import Batch
    from models.lexicon import Lexicon
    from models.opinion import Opinions
    from models.topology import Topology


class Aspect(msgspec.Struct, frozen=True):
    """Something praised (+1) or blamed (-1)."""

    name: str
    polarity: int


class Acceptance(msgspec.Struct, frozen=True):
    """A version or feature by the name it is given, and whether it is accepted (+1) or rejected (-1)."""

    name: str
    verdict: int


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says; `text` has personal data masked, mark-up and invisible characters left out.

    `sentiment` in [-1, 1] is the model's own, calibrated. `polarity` is -1, 0 or 1 and weighs the problems named as well,
    so that it may be -1 where sentiment is about 0. `severity` of a complaint: money_lost, cannot_use or annoyed. `acceptance`:
    versions by number, one that has none as models.acceptance.NEWEST, features by the word that names them.
    """

    text: str
    sentiment: float
    polarity: int
    service: str = ""
    category: str = ""
    intents: tuple[str, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    keywords: tuple[str, ...] = ()
    severity: str = ""
    acceptance: tuple[Acceptance, ...] = ()


_BATCH = 1024  # texts judged at once: large enough for numpy, small enough for the cache
_TELLING = 30  # n-grams of a text, eight characters or so, from which on what it resembles says something
_READ = 5_000  # characters of a text that are judged; all of it is masked
# What a named problem takes from the log-odds of praise for the polarity. Not for the sentiment: in cross-validation on
# labelled reviews, which name problems in praise too, its accuracy falls by 0.0004 to 0.0022.
_PROBLEM_LOG_ODDS = 1.0
_PROBLEMS_COUNTED = 2


class Tagger:
    """The models and the lexicon, made ready for one topology. Made by load_tagger; not shared between threads."""

    def __init__(self, topology: Topology | None, lexicon: Lexicon, artefacts: Path, own: Path | None) -> None:
        from models.keywords import load_keywords
        from models.opinion import OpinionMiner
        from models.own import load_models
        from models.segment import Segmenter
        from models.service import ServiceFinder

        self._services = ServiceFinder(topology)
        self._segmenter = Segmenter(self._services.words)
        self._models = load_models(artefacts, own)
        self._keywords = load_keywords(artefacts)
        self._miner = OpinionMiner(lexicon)
        self._categories = frozenset(lexicon.categories)

    def judge(self, texts: Sequence[str], services: Sequence[str] = (), channels: Sequence[str] = ()) -> list[Judgement]:
        """What each text says, in order. `services` and `channels`, when given, are as long as `texts`.

        A service that is not '' is kept. Else its text tells, then its channel, then one's own trained model; else it stays ''.
        """
        for name, given in (("services", services), ("channels", channels)):
            if given and len(given) != len(texts):
                raise ValueError(f"{len(given)} {name} for {len(texts)} texts")
        found: list[Judgement] = []
        for start in range(0, len(texts), _BATCH):
            part = slice(start, start + _BATCH)
            with uncollected():
                found += self._judge(texts[part], services[part], channels[part])
        return found

    def _judge(self, texts: Sequence[str], services: Sequence[str], channels: Sequence[str]) -> list[Judgement]:
        from models.acceptance import acceptance
        from models.features import batch_features
        from models.normalise import plain, simplified
        from models.privacy import mask

        masked = [mask(plain(text)) for text in texts]
        shown = [simplified(text[:_READ]) for text in masked]
        batch = batch_features(shown, self._segmenter.cut(shown))
        lowered = [text.lower() for text in shown]
        read = self._miner.read(lowered)
        log_odds = self._models.sentiment.log_odds(batch)
        problems = np.minimum([reading.problems for reading in read], _PROBLEMS_COUNTED)
        sentiment, leaning = _balance(log_odds), _balance(log_odds - _PROBLEM_LOG_ODDS * problems)
        keywords = self._keywords.pick(batch)
        about = self._about(lowered, services, channels, batch)
        opinions = [self._miner.judge(*row) for row in zip(read, leaning, about, strict=True)]
        accepted = [acceptance(*row) for row in zip(read, opinions, strict=True)]
        category = self._category(opinions, batch)
        said = zip(about, category, opinions, accepted, strict=True)
        return [_judgement(*row) for row in zip(masked, sentiment, said, keywords, strict=True)]

    def _category(self, opinions: Sequence[Opinions], batch: Batch) -> list[str]:
        """One's own model's category of each text, else the lexicon's.

        Where a complaint names a subject but no problem, its category must be what it resembles too, else it stays unknown; where
        it names neither, it has the category that it resembles, else the catch-all.
        """
        if self._models.category is not None:
            return self._models.category.judge(batch.features)
        found = [each.category for each in opinions]
        unnamed = [place for place, each in enumerate(opinions) if each.category and not each.named]
        if unnamed and self._models.problems is not None:
            for place, name in zip(unnamed, self._models.problems.guess(batch.features, unnamed), strict=True):
                if found[place] != CATCH_ALL:
                    found[place] = found[place] if name == found[place] else ""
                elif name in self._categories and batch.features.size[place] >= _TELLING:
                    found[place] = name
        return found

    def _about(self, texts: Sequence[str], services: Sequence[str], channels: Sequence[str], batch: Batch) -> list[str]:
        """The service of each text (lower case)."""
        nothing = [""] * len(texts)
        rows = zip(texts, services or nothing, channels or nothing, strict=True)
        found = [given or self._services.find(text, channel) for text, given, channel in rows]
        if self._models.service is None or all(found):
            return found
        return [known or guessed for known, guessed in zip(found, self._models.service.judge(batch.features), strict=True)]


def _judgement(
    text: str, sentiment: float, said: tuple[str, str, Opinions, Sequence[tuple[str, int]]], keywords: tuple[str, ...]
) -> Judgement:
    service, category, opinions, accepted = said
    return Judgement(
        text=text,
        sentiment=sentiment,
        polarity=opinions.polarity,
        service=service,
        category=category,
        intents=opinions.intents,
        aspects=tuple([Aspect(name, sign) for name, sign in opinions.aspects]),
        keywords=keywords,
        severity=opinions.severity,
        acceptance=tuple([Acceptance(name, verdict) for name, verdict in accepted]),
    )


def load_tagger(
    topology: Topology | None = None,
    *,
    lexicon: Path | None = None,
    artefacts: Path | None = None,
    own: Path | None = None,
) -> Tagger:
    """A tagger for the services of `topology`, with the shipped lexicon and models unless others are named.

    `own` is a folder of models trained on one's own labels (models.own): its categories then replace the lexicon's, its services
    are asked where neither text nor channel tells, and its sentiment corrects the shipped one.

    Raises LexiconError or ArtefactError, each naming the file.
    """
    from models.artefact import SHIPPED
    from models.lexicon import SHIPPED as SHIPPED_LEXICON
    from models.lexicon import load_lexicon

    return Tagger(topology, load_lexicon(lexicon or SHIPPED_LEXICON), artefacts or SHIPPED, own)


def _balance(log_odds: NDArray[np.float64]) -> list[float]:
    """Log-odds → [-1, 1] as 2P-1 = tanh(log-odds / 2)."""
    rounded: list[float] = np.round(np.tanh(log_odds / 2), 4).tolist()
    return rounded
