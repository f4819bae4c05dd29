"""One text in, one Judgement out: segmentation, sentiment, service, category, intents, aspects, keywords, masked text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.lexicon import Hit, Lexicon
    from models.topology import Topology


class Aspect(msgspec.Struct, frozen=True):
    """Something praised (+1) or blamed (-1)."""

    name: str
    polarity: int


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says; `text` has personal data masked, mark-up and invisible characters left out.

    `sentiment` in [-1, 1] is the model's own, calibrated. `polarity` is -1, 0 or 1 and weighs the problems named as well,
    so that it may be -1 where sentiment is about 0. `severity` of a complaint: money_lost, cannot_use or annoyed.
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


_BATCH = 1024  # texts judged at once: large enough for numpy, small enough for the cache
_READ = 5_000  # characters of a text that are judged; all of it is masked
# What a named problem takes from the log-odds of praise for the polarity. Not for the sentiment: in cross-validation on
# labelled reviews, which name problems in praise too, its accuracy falls by 0.0004 to 0.0022.
_PROBLEM_LOG_ODDS = 1.0
_PROBLEMS_COUNTED = 2


class Tagger:
    """The models and the lexicon, made ready for one topology. Made by load_tagger; not shared between threads."""

    def __init__(self, topology: Topology | None, lexicon: Lexicon, artefacts: Path, own_category: Path | None) -> None:
        from models.category import load_category
        from models.keywords import load_keywords
        from models.opinion import OpinionMiner
        from models.segment import Segmenter
        from models.sentiment import load_sentiment
        from models.service import ServiceFinder

        self._services = ServiceFinder(topology)
        self._segmenter = Segmenter(self._services.words)
        self._sentiment = load_sentiment(artefacts)
        self._keywords = load_keywords(artefacts)
        self._miner = OpinionMiner(lexicon)
        self._category = load_category(own_category) if own_category else None

    def judge(self, texts: Sequence[str], services: Sequence[str] = ()) -> list[Judgement]:
        """What each text says, in order. `services`, when given, is as long as `texts`; a name that is not '' is kept."""
        if services and len(services) != len(texts):
            raise ValueError(f"{len(services)} services for {len(texts)} texts")
        found: list[Judgement] = []
        for start in range(0, len(texts), _BATCH):
            found += self._judge(texts[start : start + _BATCH], services[start : start + _BATCH])
        return found

    def _judge(self, texts: Sequence[str], services: Sequence[str]) -> list[Judgement]:
        from models.features import batch_features
        from models.normalise import plain, simplified
        from models.privacy import mask

        masked = [mask(plain(text)) for text in texts]
        shown = [simplified(text[:_READ]) for text in masked]
        batch = batch_features(shown, self._segmenter.cut(shown))
        lowered = [text.lower() for text in shown]
        read = [self._miner.problems(text) for text in lowered]
        log_odds = self._sentiment.log_odds(batch.features)
        problems = np.minimum([count for _, count in read], _PROBLEMS_COUNTED)
        sentiment, leaning = _balance(log_odds), _balance(log_odds - _PROBLEM_LOG_ODDS * problems)
        keywords = self._keywords.pick(batch)
        given = services or [""] * len(texts)
        rows = zip(
            masked, lowered, [hits for hits, _ in read], zip(sentiment, leaning, strict=True), given, keywords, strict=True
        )
        found = [self._judgement(*row) for row in rows]
        if self._category is None:
            return found
        own = self._category.judge(batch.features)
        return [msgspec.structs.replace(each, category=category) for each, category in zip(found, own, strict=True)]

    def _judgement(
        self, text: str, lowered: str, hits: list[Hit], balance: tuple[float, float], service: str, keywords: tuple[str, ...]
    ) -> Judgement:
        sentiment, leaning = balance
        service = service or self._services.find(lowered)
        opinions = self._miner.judge(lowered, hits, leaning, service)
        return Judgement(
            text=text,
            sentiment=sentiment,
            polarity=opinions.polarity,
            service=service,
            category=opinions.category,
            intents=opinions.intents,
            aspects=tuple([Aspect(name, sign) for name, sign in opinions.aspects]),
            keywords=keywords,
            severity=opinions.severity,
        )


def load_tagger(
    topology: Topology | None = None,
    *,
    lexicon: Path | None = None,
    artefacts: Path | None = None,
    own_category: Path | None = None,
) -> Tagger:
    """A tagger for the services of `topology`, with the shipped lexicon and models unless others are named.

    `own_category` is a folder that `./huiyin train --task category` wrote: its categories then replace the lexicon's.

    Raises LexiconError or ArtefactError, each naming the file.
    """
    from models.artefact import SHIPPED
    from models.lexicon import SHIPPED as SHIPPED_LEXICON
    from models.lexicon import load_lexicon

    return Tagger(topology, load_lexicon(lexicon or SHIPPED_LEXICON), artefacts or SHIPPED, own_category)


def _balance(log_odds: NDArray[np.float64]) -> list[float]:
    """Log-odds → [-1, 1] as 2P-1 = tanh(log-odds / 2)."""
    rounded: list[float] = np.round(np.tanh(log_odds / 2), 4).tolist()
    return rounded
