"""lexicon.yaml in, terms to look for out; and the matcher that finds them.

A term may mean several things at once (支付失败 is a payment problem, 差 an opinion): its roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
    """What a term means: `kind` problem, subject, aspect, good, bad, neutral, severity, or an intent."""

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

    @cached_property
    def matcher(self) -> Matcher:
        """Finds every term but chatter and advertising."""
        roles: dict[str, list[Role]] = {}
        for terms, role in self._roles():
            for term in expand(terms):
                roles.setdefault(term, []).append(role)
        for term, means in roles.items():  # 物流太慢 hides the aspect 物流 and blames it
            if means[0].kind == "problem":
                heads = [roles.get(term[:end], []) for end in range(1, len(term))]
                means += [Role("bad", role.name) for found in heads for role in found if role.kind == "aspect"]
        return Matcher({term: tuple(means) for term, means in roles.items()})

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
        for name, terms in self.intents.items():
            yield terms, Role(name)
        for name, terms in self.severity.items():
            yield terms, Role("severity", name)


class Matcher:
    """Finds literal terms in texts: at each place the longest that starts there; hits may overlap."""

    def __init__(self, terms: Mapping[str, tuple[Role, ...]]) -> None:
        self._terms = terms
        self._heads = {term[0] for term in terms}
        lengths: dict[str, set[int]] = {}
        for term in terms:
            lengths.setdefault(term[:2], set()).add(len(term))
        # By its first two characters a place is mostly ruled out; a term of one character stands under itself.
        self._lengths = {head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()}

    def find(self, text: str) -> list[Hit]:
        """The hits in `text` (lower case), ascending."""
        terms, lengths, heads = self._terms, self._lengths, self._heads
        found = []
        for start in [place for place, head in enumerate(text) if head in heads]:
            for length in lengths.get(text[start : start + 2], ()):
                roles = terms.get(text[start : start + length])
                if roles is not None:
                    found.append(Hit(start, start + length, roles))
                    break
            else:
                if (roles := terms.get(text[start])) is not None:
                    found.append(Hit(start, start + 1, roles))
        return found


def expand(terms: str) -> Iterator[str]:
    """The literals that a list of terms stands for: [甲乙], (甲|乙) and x? written out, in lower case."""
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
        choices = tuple(either) or tuple(words.split("|") if words else ()) or (one,)
        yield (*choices, "") if either_maybe or words_maybe or one_maybe else choices


def load_lexicon(path: Path = SHIPPED) -> Lexicon:
    """The lexicon in `path`. Raises LexiconError naming the field, OSError when it cannot be read."""
    import yaml

    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return msgspec.convert(tree, Lexicon)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: {error}") from error
