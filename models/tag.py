"""One text in, one Judgement out: segmentation, sentiment, service, category, intents, aspects, keywords, masked text."""

from __future__ import annotations

import msgspec


class Aspect(msgspec.Struct, frozen=True):
    """Something praised (+1) or blamed (-1)."""

    name: str
    polarity: int


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says. `sentiment` is calibrated in [-1, 1]; `polarity` is -1, 0 or 1; `text` has personal data masked."""

    text: str
    sentiment: float
    polarity: int
    service: str = ""
    category: str = ""
    intents: tuple[str, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    keywords: tuple[str, ...] = ()
