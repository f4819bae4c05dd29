"""A text's marks and polarity in, what it praises (+1) or blames (-1) out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.marks import SIGNS, Mark

_CLAUSE_END = re.compile(r"[，,。.!！?？;；~～\s、…\n]+")
_SHORT = 24  # characters of a text that is all about the aspect it names, whatever stands near
_AND = re.compile(r"[和与跟及、/+]|还有|以及|也|都")
_REACH = 8  # characters between an aspect and the opinion about it


def aspects(text: str, marks: Sequence[Mark], polarity: int) -> tuple[tuple[str, int], ...]:
    """Each aspect named takes the nearest opinion in its clause, else, in a short text, the polarity of the whole."""
    sums: dict[str, float] = {}
    opinions: list[tuple[int, int, int]] = []
    named: list[tuple[int, int, str]] = []
    for start, end, kind, name, denied in marks:
        sign = SIGNS.get(kind)
        if sign is not None:
            sign = -sign if denied else sign
            opinions.append((start, end, sign))
            if name and kind != "problem":
                sums[name] = sums.get(name, 0.0) + 2 * sign
        elif kind == "aspect":
            named.append((start, end, name))
    whole = 0.5 * polarity if len(text) <= _SHORT else 0.0
    for place, (start, end, name) in enumerate(named, start=1):
        rival = len(text)
        if place < len(named) and not _AND.match(text, end):
            rival = next((other[0] for other in named[place:] if other[0] >= end), rival)
        sums[name] = sums.get(name, 0.0) + (_nearest(text, (start, end), opinions, rival) or whole)
    return tuple([(name, 1 if total > 0 else -1) for name, total in sums.items() if total])


def _nearest(text: str, aspect: tuple[int, int], opinions: Sequence[tuple[int, int, int]], rival: int) -> int:
    """The sign of the opinion nearest to the aspect without a clause's end between; an opinion that follows is preferred.

    One that follows the next aspect, from `rival` on, is said of that one.
    """
    best, chosen = _REACH + 1, 0
    for start, end, sign in opinions:
        follows = start >= aspect[1]
        if follows and start > rival:
            continue
        low, high = (aspect[1], start) if follows else (end, aspect[0])
        distance = 0 if low > high else high - low + (0 if follows else 2)
        if distance < best and (low > high or not _CLAUSE_END.search(text, low, high)):
            best, chosen = distance, sign
    return chosen
