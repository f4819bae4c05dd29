"""A text, the channel it came through and the topology in, the service it is about out; '' when nothing tells.

Names, aliases, titles and keywords in the text, the most specific match first; where there is none, a channel that belongs to
one service alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from models.topology import Service, Topology

# What a service is called by, by how surely it means the service.
_NAME, _TITLE, _KEYWORD, _PRODUCT = 3, 3, 2, 1


class ServiceFinder:
    """The topology's words, made ready."""

    def __init__(self, topology: Topology | None) -> None:
        self._meaning: dict[str, tuple[int, str]] = {}
        services = list(topology.services.values()) if topology else []
        products = [service.product for service in services]
        for service in services:
            for term in service.keywords:
                self._add(term, _KEYWORD, service.name)
            for term in (service.title, *service.aliases):
                self._add(term, _TITLE, service.name)
            self._add(service.name, _NAME, service.name)
            if products.count(service.product) == 1:
                self._add(service.product, _PRODUCT, service.name)
        ordered = sorted(self._meaning, key=lambda term: (-len(term), term))
        self._pattern = re.compile("|".join(map(_bounded, ordered))) if ordered else None
        self._channels = _channels(services)
        self.words = tuple(sorted(term for term in self._meaning if not term.isascii()))

    def _add(self, term: str, weight: int, service: str) -> None:
        folded = term.strip().lower()
        if folded and self._meaning.get(folded, (0, ""))[0] < weight:
            self._meaning[folded] = (weight, service)

    def find(self, text: str, channel: str = "") -> str:
        """The service that `text` (lower case) is about, else the one that `channel` belongs to; '' when neither tells.

        The longest term wins; then what is said more often, then a name or title before a keyword, then what is said first.
        """
        found = [match.group() for match in self._pattern.finditer(text)] if self._pattern else []
        if not found:
            return self._channels.get(channel.strip().lower(), "") if channel else ""
        said: dict[str, int] = {}
        for term in found:
            said[self._meaning[term][1]] = said.get(self._meaning[term][1], 0) + 1
        best = max(found, key=lambda term: (len(term), said[self._meaning[term][1]], self._meaning[term][0]))
        return self._meaning[best][1]


def _channels(services: Iterable[Service]) -> dict[str, str]:
    """Channel (lower case) → the one service that claims it; a channel that several claim tells nothing."""
    claims: dict[str, set[str]] = {}
    for service in services:
        for channel in service.channels:
            claims.setdefault(channel.strip().lower(), set()).add(service.name)
    return {channel: names.pop() for channel, names in claims.items() if channel and len(names) == 1}


def _bounded(term: str) -> str:
    """Latin terms match whole words only: pay is not in payload."""
    before = r"(?<![a-z0-9_])" if re.match(r"[a-z0-9_]", term) else ""
    after = r"(?![a-z0-9_])" if re.search(r"[a-z0-9_]$", term) else ""
    return f"{before}{re.escape(term)}{after}"
