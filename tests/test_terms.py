"""Terms: what stands in a text is found as by looking everywhere for everything, whatever the texts beside it hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.terms import Endings, Terms, join

LETTERS = st.text("不没有好吗a1😀", max_size=6)


def _longest(terms: list[str], text: str) -> list[tuple[int, int, int]]:
    found = []
    for start in range(len(text)):
        here = [(len(term), number) for number, term in enumerate(terms) if text.startswith(term, start)]
        if here:
            length, number = max(here)
            found.append((start, start + length, number))
    return found


@given(st.lists(LETTERS.filter(bool), unique=True, max_size=12), st.lists(LETTERS, max_size=5))
def test_finds_at_each_place_the_longest_term(terms: list[str], texts: list[str]) -> None:
    joined = join(texts)
    hits = Terms(terms).find(joined)
    owner = joined.owner(hits.start)
    found: list[list[tuple[int, int, int]]] = [[] for _ in texts]
    for text, *hit in zip(owner.tolist(), *(column.tolist() for column in hits), strict=True):
        first = int(joined.first[text])
        found[text].append((hit[0] - first, hit[1] - first, hit[2]))
    assert found == [_longest(terms, text) for text in texts]


@given(st.lists(LETTERS.filter(bool), unique=True, max_size=12), st.lists(LETTERS, max_size=5))
def test_says_whether_a_term_ends_before_a_place(terms: list[str], texts: list[str]) -> None:
    joined = join(texts)
    found = Endings(terms).before(joined, np.arange(len(joined.value))).tolist()
    for text, first in zip(texts, joined.first.tolist(), strict=False):
        seen = [text[:place].endswith(tuple(terms)) for place in range(len(text) + 1)]
        assert found[first : first + len(text) + 1] == seen


@pytest.mark.parametrize("terms", [[""], ["好", "好"], ["好\0"]])
def test_refuses_terms_that_cannot_be_found(terms: list[str]) -> None:
    with pytest.raises(ValueError, match="term"):
        Terms(terms)
