"""One's own models as the worker uses them: texts in, judgements out, by whatever is installed at the time.

A model that `./huiyin train` installs is used from the next batch on, without a restart. One that cannot be read, or does not
fit the code, leaves the models in use as they are, with a line in the log; at the start it is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from models.artefact import ArtefactError
from models.lexicon import LexiconError
from models.tag import Judgement, Tagger

log = logging.getLogger(__name__)


class Reloading:
    """What `load` gives, asked again when a card in the folder `own` changes. One thread's."""

    def __init__(self, load: Callable[[], Tagger], own: Path) -> None:
        """Errors as `load` (models.tag.load_tagger)."""
        self._load, self._own = load, own
        self._seen = _cards(own)
        self._tagger = load()

    def judge(self, texts: Sequence[str], services: Sequence[str] = (), channels: Sequence[str] = ()) -> list[Judgement]:
        """What each text says (models.tag.Tagger)."""
        found = _cards(self._own)
        if found != self._seen:
            self._seen = found
            self._reload()
        return self._tagger.judge(texts, services, channels)

    def _reload(self) -> None:
        try:
            self._tagger = self._load()
        except (ArtefactError, LexiconError, OSError) as error:
            log.warning("the models in use stay: %s", error)
        else:
            log.info("judging with the models in %s from here on", self._own)


def _cards(own: Path) -> frozenset[tuple[str, int, int]]:
    """Every card by path, time and size: a card is written after its arrays, so that it changes when all is there."""
    found = set()
    for card in own.glob("*/*.json"):
        try:
            status = card.stat()
        except FileNotFoundError:  # taken away since it was listed
            continue
        found.add((str(card), status.st_mtime_ns, status.st_size))
    return frozenset(found)
