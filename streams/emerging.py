"""What an incident's users say that was not said before: complaints before and during it in, up to three phrases out."""

from __future__ import annotations

from collections.abc import Sequence

from models.emerging import emerging
from streams.history import History, Said

MOST = 3
# A topic names an incident when this share of its complaints is about it.
SHARE = 0.1
# Of phrases called new, so many may be wrong: more than in a digest, since something is known to have happened.
FALSE_SHARE = 0.05
# The time before is cut into so many equal parts, as a digest's past is into days: what comes and goes is not new.
PARTS = 12
# Where fewer texts than these were said in the usual stretch before, weeks of them are read (seconds), but no more than so many.
FEW, WEEKS, MOST_SAID = 200, 28 * 86_400, 2_000


def said_before(history: History, service: str, onset: int, before: Sequence[Said]) -> Sequence[Said]:
    """What blamed the service before its surge: `before`, or four weeks of it where that is little."""
    if len(before) >= FEW:
        return before
    return [one for one in history.said(service, "", onset - WEEKS, onset, MOST_SAID) if one.polarity < 0]


def said_newly(before: Sequence[Said], during: Sequence[Said]) -> tuple[str, ...]:
    """Titles of the topics that are new in `during`, the most significant first; empty rather than guessed.

    Pure. With less than about a hundred texts in `before` hardly anything is sure.
    """
    if not before or not during:
        return ()
    first, last = min(one.at for one in before), max(one.at for one in before)
    parts: list[list[str]] = [[] for _ in range(PARTS)]
    for one in before:
        parts[(one.at - first) * PARTS // (last - first + 1)].append(one.text)
    return tuple(topic.title for topic in emerging([one.text for one in during], parts, SHARE, FALSE_SHARE))[:MOST]
