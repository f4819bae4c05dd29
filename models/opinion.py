"""A text (masked, lower case) and its sentiment in; category of problem, intents, aspects and polarity out, by the lexicon."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

from models.aspects import aspects
from models.lexicon import Lexicon, expand
from models.marks import Mark, Marker, Reading

ANNOYED = "annoyed"  # the severity of a complaint that tells of no loss
CATCH_ALL = "other"  # the category of a complaint that fits no other
NEUTRAL_BAND = 0.2  # |sentiment| below it is no polarity: the probability of either side is under 60 %
# How far below 0 sentiment must be to count as blame where no word names a problem or speaks ill: the model has learnt
# from reviews, in which whoever asks or wishes is mostly dissatisfied, and off-topic talk resembles neither side.
_ABOUT_A_SERVICE, _OFF_TOPIC, _SPOKEN_WELL_OF, _ASKED_OR_WISHED = 0.4, 0.8, 0.8, 0.95
_CONTRAST = re.compile(r"但|不过|可惜|可是|就是|只是|除了|唯一")
_BLAMES, _ASKS = frozenset({"problem", "bad"}), frozenset({"question", "inquiry", "doubt", "suggestion"})
_FILLER = re.compile(r"[\W\d_]+|(.)\1{4,}|\[(?:图片|表情|微笑|笑哭|偷笑|捂脸|撇嘴)\]")
_CONTACT = re.compile(r"\[(?:微信号|QQ号|手机号)\]|https?:|\.com|点com")
# Before a question's word: it is told, not asked (不知道为什么, 看看有没有).
_TOLD = re.compile(r"(?:不知|不懂|不明白|不清楚|不晓得|不管|无论|不论|看看|(?<!想)知道|没有?)[^，。,.!?！？]{0,8}$")
_CLAUSE_END = re.compile(r"[，,。.!！?？;；~～\s、…\n]")


class Opinions(NamedTuple):
    """What a text says about what. `named`: the category is that of a problem the text names, not a guess."""

    category: str
    intents: tuple[str, ...]
    aspects: tuple[tuple[str, int], ...]
    polarity: int
    severity: str = ""
    named: bool = True


class OpinionMiner:
    """The lexicon, made ready."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._marker = Marker(lexicon)
        self._order = {name: place for place, name in enumerate(lexicon.categories)}
        self._severities = {name: place for place, name in enumerate(lexicon.severity)}
        longest_first = sorted(set(expand(lexicon.chatter)), key=len, reverse=True)
        self._chatter = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What the lexicon knows of each text (lower case)."""
        return self._marker.read(texts)

    def judge(self, reading: Reading, sentiment: float, service: str) -> Opinions:
        """What the text says, given its sentiment in [-1, 1] and the service it is about ('' unknown)."""
        text = reading.text
        if not text or text.isspace():
            return Opinions("", (), (), 0)
        if self._is_chatter(reading):
            return Opinions("", ("chatter",), (), 0)
        marks = reading.stated
        kinds = {mark.kind for mark in reading.marks}
        stated = {mark.kind for mark in marks}
        polarity = _polarity(sentiment, kinds, stated, service)
        blamed = polarity < 0 or ("problem" in stated and polarity == 0) or (polarity > 0 and _turns(text, marks))
        wished = _wishes(text, marks)
        found = {
            "complaint": blamed,
            "question": _asks(text, marks, states=bool(polarity) or blamed or wished),
            "suggestion": wished,
            "praise": polarity > 0,
        }
        category, named = self.category(marks) if blamed else ("", True)
        return Opinions(
            category=category,
            intents=tuple([name for name, holds in found.items() if holds]),
            aspects=aspects(text, reading.marks, polarity),
            polarity=polarity,
            severity=self._severity(reading.marks) if blamed else "",
            named=named,
        )

    def _severity(self, marks: Sequence[Mark]) -> str:
        named = {mark.name for mark in marks if mark.kind == "severity"}
        return min(named, key=self._severities.__getitem__, default=ANNOYED)

    def _is_chatter(self, reading: Reading) -> bool:
        text = reading.text
        if len(text) <= 40 and not _FILLER.sub("", self._chatter.sub("", text)):
            return True
        offers = {text[mark.start : mark.end] for mark in reading.marks if mark.kind == "advertising"}
        return bool(offers) and (_CONTACT.search(text) is not None or (len(offers) >= 2 and (len(text) > 20 or text.isascii())))

    def category(self, marks: Sequence[Mark]) -> tuple[str, bool]:
        """The category that the marks speak for, and whether one of them names its problem.

        Problems weigh three times what subjects weigh; the more specific (longer) term weighs more.
        """
        weights: dict[str, float] = {}
        named = False
        for start, end, kind, name, _ in marks:
            if kind == "problem":
                named = named or name != CATCH_ALL
                weight = 0.1 if name == CATCH_ALL else 3.0
                weights[name] = weights.get(name, 0.0) + weight * (end - start) ** 0.5
            elif kind == "subject":
                weights[name] = weights.get(name, 0.0) + (end - start) ** 0.5
        best = min(weights, key=lambda name: (-weights[name], self._order[name])) if weights else CATCH_ALL
        return best, named


def _polarity(sentiment: float, kinds: Set[str], stated: Set[str], service: str) -> int:
    if sentiment <= -_threshold(kinds, bool(stated & _BLAMES), service):
        return -1
    return int(sentiment >= NEUTRAL_BAND and ("good" in stated or not kinds & _ASKS))


def _threshold(kinds: Set[str], blames: bool, service: str) -> float:
    if blames:
        return NEUTRAL_BAND
    if "inquiry" in kinds:
        return float("inf")
    if kinds & {"question", "suggestion"}:
        return _ASKED_OR_WISHED
    if kinds & {"good", "doubt"}:
        return _SPOKEN_WELL_OF
    return _ABOUT_A_SERVICE if service or "subject" in kinds else _OFF_TOPIC


def _turns(text: str, marks: Sequence[Mark]) -> bool:
    """Whether praise turns to blame: after a word of contrast something is named that is wrong or bad."""
    turn = _CONTRAST.search(text)
    return turn is not None and any(mark.kind in _BLAMES and mark.start >= turn.end() for mark in marks)


def _asks(text: str, marks: Sequence[Mark], *, states: bool) -> bool:
    """A question's word that is not merely told; or a question mark where the text does not blame, praise or wish (states)."""
    if any(
        mark.kind in ("question", "inquiry") and not _TOLD.search(text[max(0, mark.start - 14) : mark.start]) for mark in marks
    ):
        return True
    kinds = {mark.kind for mark in marks}
    return "doubt" in kinds and not states and "rhetorical" not in kinds


def _wishes(text: str, marks: Sequence[Mark]) -> bool:
    """Whether something definite is wished for: no pleasantry (越来越好) stands in the wish's clause."""
    vague = [mark.start for mark in marks if mark.kind == "vague"]
    for mark in marks:
        if mark.kind == "suggestion":
            end = _CLAUSE_END.search(text, mark.end)
            last = end.start() if end else len(text)
            if not any(mark.start <= place <= last for place in vague):
                return True
    return False
