"""Texts in, their words out: rjieba (jieba-rs, compiled, jieba's own dictionary and HMM) on the hot path.

`reference_words` is jieba itself, kept to measure agreement; it is slow to import and ten times slower to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

import rjieba

# A user's word counts as often as the dictionary's frequent ones, so that it is kept whole: jieba's suggest_freq
# asks for the least frequency that does, and never less than the word has.
_KEPT_WHOLE = 3


class Segmenter:
    """jieba's dictionary and the user's words."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._cut: Callable[[str], list[str]] = rjieba.cut
        unknown = [word for word in sorted(set(words)) if len(word) > 1 and not rjieba.has_word(word)]
        if unknown:  # a dictionary of its own takes 0.2 s to load
            own = rjieba.Jieba()
            for word in unknown:
                own.add_word(word, max(own.suggest_freq(word), _KEPT_WHOLE), "n")
            self._cut = own.cut

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text in order; joined they are the text. No text may hold a lone surrogate."""
        cut = self._cut
        return [cut(text) for text in texts]


def agreement(texts: Sequence[str]) -> float:
    """The share of jieba's words, by place, that the fast path cuts alike."""
    fast, reference = _places(Segmenter().cut(texts)), _places(reference_words(texts))
    return len(fast & reference) / max(len(reference), 1)


def _places(words: Sequence[Sequence[str]]) -> set[tuple[int, int, int]]:
    """Of each word its text, where it begins and where it ends."""
    ends = [list(accumulate(map(len, cut), initial=0)) for cut in words]
    return {(text, *place) for text, found in enumerate(ends) for place in pairwise(found)}


def reference_words(texts: Sequence[str], words: Iterable[str] = ()) -> list[list[str]]:
    """The same by jieba."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42.1 has invalid escapes and imports pkg_resources
        import jieba

    jieba.setLogLevel(60)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    for word in words:
        tokenizer.add_word(word)
    return [tokenizer.lcut(text) for text in texts]
