"""A text (masked, lower case) and its sentiment in; category of problem, intents, aspects and polarity out, by the lexicon."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

from models.lexicon import Hit, Lexicon, expand

ANNOYED = "annoyed"  # the severity of a complaint that tells of no loss
CATCH_ALL = "other"  # the category of a complaint that fits no other
NEUTRAL_BAND = 0.2  # |sentiment| below it is no polarity: the probability of either side is under 60 %
# How far below 0 sentiment must be to count as blame where no word names a problem or speaks ill: the model has learnt
# from reviews, in which whoever asks or wishes is mostly dissatisfied, and off-topic talk resembles neither side.
_ABOUT_A_SERVICE, _OFF_TOPIC, _SPOKEN_WELL_OF, _ASKED_OR_WISHED = 0.4, 0.8, 0.8, 0.95
_CONTRAST = re.compile(r"但|不过|可惜|可是|就是|只是|除了")
_SHORT = 24  # characters of a text that is all about the aspect it names, whatever stands near
_BLAMES, _WISHES = frozenset({"problem", "bad"}), frozenset({"suggestion"})
_CLAUSE_END = re.compile(r"[，,。.!！?？;；~～\s、…\n]+")
_FILLER = re.compile(r"[\W\d_]+|(.)\1{4,}|\[(?:图片|表情|微笑|笑哭|偷笑|捂脸|撇嘴)\]")
_CONTACT = re.compile(r"\[(?:微信号|QQ号|手机号)\]|https?:|\.com|点com")
_REACH = 8  # characters between an aspect and the opinion about it
# Reversals that only look like a negation.
_NO_NEGATION = ("动不动", "是不是", "能不能", "会不会", "要不", "不是")


class Opinions(NamedTuple):
    """What a text says about what."""

    category: str
    intents: tuple[str, ...]
    aspects: tuple[tuple[str, int], ...]
    polarity: int
    severity: str = ""


class OpinionMiner:
    """The lexicon, made ready."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._matcher = lexicon.matcher
        self._order = {name: place for place, name in enumerate(lexicon.categories)}
        self._severities = {name: place for place, name in enumerate(lexicon.severity)}
        self._negators = tuple(sorted(set(expand(lexicon.negators)), key=len, reverse=True))
        longest_first = sorted(set(expand(lexicon.chatter)), key=len, reverse=True)
        self._chatter = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._advertising = re.compile("|".join(map(re.escape, sorted(set(expand(lexicon.advertising)), key=len, reverse=True))))

    def problems(self, text: str) -> tuple[list[Hit], int]:
        """All hits in `text`, and how many of them name a problem that is not denied."""
        hits = self._matcher.find(text)
        return hits, sum(1 for hit in hits if hit.roles[0].kind == "problem" and not self._denied(text, hit.start))

    def judge(self, text: str, hits: Sequence[Hit], sentiment: float, service: str) -> Opinions:
        """What `text` with its `hits` says, given its sentiment in [-1, 1] and the service it is about ('' unknown)."""
        if not text or text.isspace():
            return Opinions("", (), (), 0)
        if self._is_chatter(text):
            return Opinions("", ("chatter",), (), 0)
        kinds = {kind for hit in hits for kind, _ in hit.roles}
        blames = self._stated(text, hits, _BLAMES)
        polarity = 1 if sentiment >= NEUTRAL_BAND else -1 if sentiment <= -_threshold(kinds, bool(blames), service) else 0
        blamed = polarity < 0 or ("problem" in blames and polarity == 0) or (polarity > 0 and self._but(text, hits))
        intents = self._intents(kinds, polarity, blamed, "suggestion" in self._stated(text, hits, _WISHES))
        category = (self._category(text, hits) if blamed or not polarity else "") or (CATCH_ALL if blamed else "")
        severity = self._severity(hits) if blamed else ""
        return Opinions(category, intents, self._aspects(text, hits, polarity), polarity, severity)

    @staticmethod
    def _intents(kinds: Set[str], polarity: int, blamed: bool, wished: bool) -> tuple[str, ...]:
        asked = kinds & {"question", "inquiry"} or ("doubt" in kinds and not polarity and not blamed)
        found = {"complaint": blamed, "question": asked, "suggestion": wished, "praise": polarity > 0}
        return tuple([name for name, holds in found.items() if holds])

    def _stated(self, text: str, hits: Sequence[Hit], kinds: Set[str]) -> set[str]:
        """Those of `kinds` that are among the hits and not denied."""
        return {kind for hit in hits for kind, _ in hit.roles if kind in kinds and not self._denied(text, hit.start)}

    def _but(self, text: str, hits: Sequence[Hit]) -> bool:
        """Whether praise turns to blame: after a word of contrast something is named that is wrong or bad."""
        turn = _CONTRAST.search(text)
        return turn is not None and bool(self._stated(text, [hit for hit in hits if hit.start >= turn.end()], _BLAMES))

    def _severity(self, hits: Sequence[Hit]) -> str:
        named = {name for hit in hits for kind, name in hit.roles if kind == "severity"}
        return min(named, key=self._severities.__getitem__, default=ANNOYED)

    def _is_chatter(self, text: str) -> bool:
        if len(text) <= 40 and not _FILLER.sub("", self._chatter.sub("", text)):
            return True
        if not (text.isascii() or _CONTACT.search(text) or len(text) > 20):
            return False
        offers = set(self._advertising.findall(text))
        return len(offers) >= 2 or (bool(offers) and _CONTACT.search(text) is not None)

    def _category(self, text: str, hits: Sequence[Hit]) -> str:
        """Problems weigh three times what subjects weigh; the more specific (longer) term weighs more."""
        weights: dict[str, float] = {}
        for start, end, roles in hits:
            for kind, name in roles:
                if kind == "problem" and not self._denied(text, start):
                    weight = 0.1 if name == CATCH_ALL else 3.0
                    weights[name] = weights.get(name, 0.0) + weight * (end - start) ** 0.5
                elif kind == "subject":
                    weights[name] = weights.get(name, 0.0) + (end - start) ** 0.5
        return min(weights, key=lambda name: (-weights[name], self._order[name])) if weights else ""

    def _denied(self, text: str, start: int) -> bool:
        before = text[max(0, start - 4) : start]
        return before.endswith(self._negators) and not before.endswith(_NO_NEGATION)

    def _aspects(self, text: str, hits: Sequence[Hit], polarity: int) -> tuple[tuple[str, int], ...]:
        """Each aspect named takes the nearest opinion in its clause, else, in a short text, the polarity of the whole."""
        sums: dict[str, float] = {}
        opinions = []
        for start, end, roles in hits:
            for kind, name in roles:
                if kind in ("good", "bad", "problem"):
                    sign = (1 if kind == "good" else -1) * (-1 if self._denied(text, start) else 1)
                    opinions.append((start, end, sign))
                    if name and kind != "problem":
                        sums[name] = sums.get(name, 0.0) + 2 * sign
        whole = 0.5 * polarity if len(text) <= _SHORT else 0.0
        for start, end, roles in hits:
            for kind, name in roles:
                if kind == "aspect":
                    sums[name] = sums.get(name, 0.0) + (_nearest(text, (start, end), opinions) or whole)
        return tuple((name, 1 if total > 0 else -1) for name, total in sums.items() if total)


def _threshold(kinds: Set[str], blames: bool, service: str) -> float:
    if blames:
        return NEUTRAL_BAND
    if "inquiry" in kinds:
        return float("inf")
    if kinds & {"question", "suggestion"}:
        return _ASKED_OR_WISHED
    if kinds & {"good", "doubt"}:
        return _SPOKEN_WELL_OF
    return _ABOUT_A_SERVICE if service or kinds & {"subject", "aspect"} else _OFF_TOPIC


def _nearest(text: str, aspect: tuple[int, int], opinions: Sequence[tuple[int, int, int]]) -> int:
    """The sign of the opinion nearest to the aspect without a clause's end between; an opinion that follows is preferred."""
    best, chosen = _REACH + 1, 0
    for start, end, sign in opinions:
        follows = start >= aspect[1]
        low, high = (aspect[1], start) if follows else (end, aspect[0])
        distance = 0 if low > high else high - low + (0 if follows else 2)
        if distance < best and (low > high or not _CLAUSE_END.search(text, low, high)):
            best, chosen = distance, sign
    return chosen
