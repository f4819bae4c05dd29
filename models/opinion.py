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
# Owners among themselves tell of faults in general, ask and advise: only what is clearly on one side is praise or blame.
_AMONG_OWNERS, _OWNERS_HELP, _OWNERS_PRAISE = 0.9, 0.98, 0.5
_CONTRAST = re.compile(r"但|不过|可惜|可是|就是|只是|除了|唯一")
_WISHES_WELL = 0.95  # sentiment of a wish that is made out of liking (希望越做越好)
_QUESTIONS = frozenset({"question", "inquiry", "doubt"})
_BLAMES, _ASKS = frozenset({"problem", "bad"}), _QUESTIONS | {"suggestion"}
_FILLER = re.compile(r"[\W\d_]+|(.)\1{4,}|\[(?:图片|表情|微笑|笑哭|偷笑|捂脸|撇嘴)\]")
_CONTACT = re.compile(r"\[(?:微信号|QQ号|手机号)\]|https?:|\.com|点com")
# Before a question's word: it is told, not asked (不知道为什么, 看看有没有).
_TOLD = re.compile(r"(?:不知|不懂|不明白|不清楚|不晓得|不管|无论|不论|看看|(?<!想)知道|没有?)[^，。,.!?！？]{0,8}$")
# Words of a conversation, which reports and headlines of a fault (发动机漏油) do not have.
_TALK = re.compile(r"[你我咱俺他她这那了就都也还吗吧呢啊哦呀哪谁?？，,。!！、]|如果|的话|建议|可以|一般|正常|其实|应该|觉得")
_ADVISES = re.compile(r"[你您]|正常|不用|没事|建议|就可以|如果|的话|除非|只要")
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
        self._chatter_begins = frozenset(term[0] for term in longest_first)
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
        among_owners = "trade" in reading.kinds and _TALK.search(text) is not None
        if among_owners:
            polarity = _among_owners(reading, sentiment)
            blamed, states = polarity < 0, polarity != 0 or sentiment <= -_ABOUT_A_SERVICE
        else:
            polarity, blamed = _side(reading, sentiment, service)
            states = blamed or polarity != 0
        wished = (blamed or not among_owners) and "suggestion" in reading.stated_kinds and _wishes(text, reading.stated)
        found = {
            "complaint": blamed,
            "question": _asks(reading, states=states or wished),
            "suggestion": wished,
            "praise": polarity > 0,
        }
        category, named = self.category(reading.stated) if blamed else ("", True)
        return Opinions(
            category=category,
            intents=tuple([name for name, holds in found.items() if holds]),
            aspects=aspects(text, reading.marks, polarity),
            polarity=polarity,
            severity=self._severity(reading) if blamed else "",
            named=named,
        )

    def _severity(self, reading: Reading) -> str:
        if "severity" not in reading.kinds:
            return ANNOYED
        named = {mark.name for mark in reading.marks if mark.kind == "severity"}
        return min(named, key=self._severities.__getitem__)

    def _is_chatter(self, reading: Reading) -> bool:
        text = reading.text
        if len(text) <= 40 and self._may_be_chatter(text) and not _FILLER.sub("", self._chatter.sub("", text)):
            return True
        if "advertising" not in reading.kinds:
            return False
        offers = {text[mark.start : mark.end] for mark in reading.marks if mark.kind == "advertising"}
        return _CONTACT.search(text) is not None or (len(offers) >= 2 and (len(text) > 20 or text.isascii()))

    def _may_be_chatter(self, text: str) -> bool:
        """False where the first character belongs neither to chatter nor to filler."""
        first = text[0]
        return not first.isalpha() or first in self._chatter_begins or text.startswith(first * 5)

    def category(self, marks: Sequence[Mark]) -> tuple[str, bool]:
        """The category that the marks speak for, and whether one of them names its problem.

        Problems weigh three times what subjects weigh; the more specific (longer) term weighs more, and what it holds nothing.
        """
        weights: dict[str, float] = {}
        named, begin, reach = False, 0, 0
        for start, end, kind, name, _ in marks:
            if kind == "problem":
                if end <= reach and start > begin:
                    continue
                begin, reach = start, end
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
    wishes_well = sentiment >= _WISHES_WELL and not kinds & _QUESTIONS
    return int(sentiment >= NEUTRAL_BAND and ("good" in stated or not kinds & _ASKS or wishes_well))


def _side(reading: Reading, sentiment: float, service: str) -> tuple[int, bool]:
    """Polarity, and whether something is blamed: a problem stated without polarity, or one that praise turns to."""
    stated = reading.stated_kinds
    polarity = _polarity(sentiment, reading.kinds, stated, service)
    blamed = polarity < 0 or ("problem" in stated and polarity == 0) or (polarity > 0 and _turns(reading))
    return polarity, blamed


def _among_owners(reading: Reading, sentiment: float) -> int:
    helps = bool(reading.kinds & _ASKS) or _ADVISES.search(reading.text) is not None
    stated = reading.stated_kinds
    if sentiment <= -(_OWNERS_HELP if helps else _AMONG_OWNERS):
        return -1 if stated & _BLAMES and "inquiry" not in stated else 0
    return int(sentiment >= _OWNERS_PRAISE and "good" in stated)


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


def _turns(reading: Reading) -> bool:
    """Whether praise turns to blame: after a word of contrast something is named that is wrong or bad."""
    if not reading.stated_kinds & _BLAMES:
        return False
    turn = _CONTRAST.search(reading.text)
    return turn is not None and any(mark.kind in _BLAMES and mark.start >= turn.end() for mark in reading.stated)


def _asks(reading: Reading, *, states: bool) -> bool:
    """A question's word that is not merely told; or a question mark where the text does not blame, praise or wish (states)."""
    wanted = reading.stated_kinds & {"question", "inquiry"}
    if not states and "rhetorical" not in reading.stated_kinds:
        wanted |= reading.stated_kinds & {"doubt"}
    return bool(wanted) and any(
        mark.kind in wanted and not _TOLD.search(reading.text[max(0, mark.start - 14) : mark.start]) for mark in reading.stated
    )


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
