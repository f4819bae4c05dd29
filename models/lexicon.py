"""lexicon.yaml in, terms to look for out; and the matcher that finds them.

A term may mean several things at once (支付失败 is a payment problem, 差 an opinion): its roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

_HEAD_BITS = 20  # of a hash of two characters: some ten thousand heads collide seldom
SHIPPED = Path(__file__).parent / "data" / "lexicon.yaml"


class LexiconError(ValueError):
    """A lexicon file does not say what it should; the message names file and field."""


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category of problem: what says that something is wrong, and what only names the subject."""

    problems: str = ""
    terms: str = ""


class AspectTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an aspect is named, and words that name it together with an opinion."""

    terms: str = ""
    good: str = ""
    bad: str = ""


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of opinion."""

    good: str = ""
    bad: str = ""


class Role(NamedTuple):
    """What a term means: `kind` problem, subject, aspect, good, bad, neutral, severity, feature, advertising,
    or an intent."""

    kind: str
    name: str = ""


class Hit(NamedTuple):
    """A term found: text[start:end] and its roles."""

    start: int
    end: int
    roles: tuple[Role, ...]


class Lexicon(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The lexicon file."""

    categories: dict[str, Category]
    aspects: dict[str, AspectTerms]
    opinion: Opinion
    negators: str
    neutral: str
    intents: dict[str, str]
    chatter: str
    advertising: str
    severity: dict[str, str] = {}
    features: dict[str, str] = {}

    @cached_property
    def matcher(self) -> Matcher:
        """Finds every term but chatter."""
        roles: dict[str, list[Role]] = {}
        for terms, role in self._roles():
            for term in expand(terms):
                roles.setdefault(term, []).append(role)
        for term, means in roles.items():  # 物流太慢 hides the aspect 物流 and blames it
            if means[0].kind == "problem":
                heads = [roles.get(term[:end], []) for end in range(1, len(term))]
                means += [Role("bad", role.name) for found in heads for role in found if role.kind == "aspect"]
        return Matcher({term: tuple(dict.fromkeys(means)) for term, means in roles.items()})

    def _roles(self) -> Iterator[tuple[str, Role]]:
        for name, category in self.categories.items():
            yield category.problems, Role("problem", name)
            yield category.terms, Role("subject", name)
        for name, aspect in self.aspects.items():
            yield aspect.terms, Role("aspect", name)
            yield aspect.good, Role("good", name)
            yield aspect.bad, Role("bad", name)
        yield self.opinion.good, Role("good")
        yield self.opinion.bad, Role("bad")
        yield self.neutral, Role("neutral")
        yield self.advertising, Role("advertising")
        for name, terms in self.intents.items():
            yield terms, Role(name)
        for name, terms in self.severity.items():
            yield terms, Role("severity", name)
        for name, terms in self.features.items():
            yield terms, Role("feature", name)


class Matcher:
    """Finds literal terms in texts: at each place the longest that starts there; hits may overlap.

    By a place's first two characters, looked up for a whole batch at once, it is mostly ruled out.
    """

    def __init__(self, terms: Mapping[str, tuple[Role, ...]]) -> None:
        self._terms = terms
        self._heads = np.zeros(1 << _HEAD_BITS, bool)  # of terms of two characters or more, hashed
        self._single = np.zeros(0x10000, bool)  # terms of one character; none is outside the basic plane
        lengths: dict[str, set[int]] = {}
        for term in terms:
            lengths.setdefault(term[:2], set()).add(len(term))
            if len(term) == 1:
                self._single[min(ord(term), 0xFFFF)] = True
            else:
                self._heads[_head(*np.array([[ord(term[0])], [ord(term[1])]], np.uint32))] = True
        self._lengths = {head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()}

    def find(self, texts: Sequence[str]) -> list[list[Hit]]:
        """The hits in each text (lower case), ascending."""
        if not texts:
            return []
        joined = "\0".join(texts) + "\0"
        value = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
        possible = self._heads[_head(value[:-1], value[1:])] | self._single[np.minimum(value[:-1], 0xFFFF)]
        place = np.flatnonzero(possible)
        first = np.cumsum([0, *[len(text) + 1 for text in texts]])
        found: list[list[Hit]] = [[] for _ in texts]
        terms, lengths = self._terms, self._lengths
        owner = np.searchsorted(first, place, side="right") - 1
        for number, at, start in zip(owner.tolist(), place.tolist(), (place - first[owner]).tolist(), strict=True):
            for length in lengths.get(joined[at : at + 2], ()):
                roles = terms.get(joined[at : at + length])
                if roles is not None:
                    found[number].append(Hit(start, start + length, roles))
                    break
            else:
                if (roles := terms.get(joined[at])) is not None:
                    found[number].append(Hit(start, start + 1, roles))
        return found


def _head(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (first * np.uint32(0x9E3779B1) ^ second * np.uint32(0x85EBCA6B)) >> np.uint32(32 - _HEAD_BITS)


def expand(terms: str) -> Iterator[str]:
    """The literals that a list of terms stands for: [甲乙], (甲|乙) and x? written out, in lower case; within (…), too."""
    for term in terms.lower().split():
        if len(term) == 1:
            yield term
            continue
        for literal in product(*_alternatives(term)):
            if joined := "".join(literal):
                yield joined


_ATOM = re.compile(r"\[([^\]]+)\](\??)|\(([^)]+)\)(\??)|(.)(\??)")


def _alternatives(term: str) -> Iterable[tuple[str, ...]]:
    for either, either_maybe, words, words_maybe, one, one_maybe in _ATOM.findall(term):
        choices = tuple(either) or tuple(each for word in words.split("|") for each in expand(word)) or (one,)
        yield (*choices, "") if either_maybe or words_maybe or one_maybe else choices


def load_lexicon(path: Path = SHIPPED) -> Lexicon:
    """The lexicon in `path`. Raises LexiconError naming the field, OSError when it cannot be read."""
    import yaml

    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return msgspec.convert(tree, Lexicon)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: {error}") from error
