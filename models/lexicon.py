"""lexicon.yaml in, terms to look for and what they mean out.

A term may mean several things at once (支付失败 is a payment problem, 差 an opinion): its roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import NamedTuple

import msgspec

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
    def roles(self) -> dict[str, tuple[Role, ...]]:
        """Every term but chatter, with what it means."""
        roles: dict[str, list[Role]] = {}
        for terms, role in self._given():
            for term in expand(terms):
                roles.setdefault(term, []).append(role)
        for term, means in roles.items():  # 物流太慢 hides the aspect 物流 and blames it
            if means[0].kind == "problem":
                heads = [roles.get(term[:end], []) for end in range(1, len(term))]
                means += [Role("bad", role.name) for found in heads for role in found if role.kind == "aspect"]
        return {term: tuple(dict.fromkeys(means)) for term, means in roles.items()}

    def _given(self) -> Iterator[tuple[str, Role]]:
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
        lexicon = msgspec.convert(tree, Lexicon)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: {error}") from error
    if bad := [term for term in (*lexicon.roles, lexicon.negators, lexicon.chatter) if "\0" in term]:
        raise LexiconError(f"{path}: a term with a NUL: {bad[0]!r}")
    return lexicon
