"""A text and the lexicon in, marks out: each term found with what it means here, perhaps denied (不, 没).

Good that is only wished for (希望, 如果) is no mark, nor is a fault that is only asked about (烧机油吗).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from models.lexicon import Hit, Lexicon, expand

# Reversals that only look like a negation.
_NO_NEGATION = (
    *("动不动", "是不是", "能不能", "会不会", "要不", "不是", "有没有", "好不", "特别", "个别", "分别", "级别", "识别", "差别"),
    *("区别", "告别", "类别", "性别"),
)
# As good as something else it is not: 没有别家好.
_NOT_AS = re.compile(r"没有?[^，。,.!！?？\s]{1,6}$")
_CLAUSE_END = re.compile(r"[，,。.!！?？;；~～\s、…\n]")
_BLAMES = frozenset({"problem", "bad"})
_ASKED = re.compile(r"[\u4e00-\u9fff]{0,1}(?:吗|么(?!多|高|大|差))")  # 油耗高吗: not stated, asked
_OPINIONS = frozenset({"good", "bad", "problem", "suggestion"})


class Mark(NamedTuple):
    """text[start:end] means `kind` (models.lexicon.Role), here perhaps denied."""

    start: int
    end: int
    kind: str
    name: str
    denied: bool


class Reading(NamedTuple):
    """A text (lower case), its marks by place, and how many of its terms name a problem that is not denied."""

    text: str
    marks: list[Mark]
    problems: int

    @property
    def stated(self) -> list[Mark]:
        """The marks that are not denied."""
        return [mark for mark in self.marks if not mark.denied]


class Marker:
    """The lexicon, made ready."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._matcher = lexicon.matcher
        self._negators = tuple(sorted(set(expand(lexicon.negators)), key=len, reverse=True))

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The marks of each text (lower case)."""
        return [self._read(text, hits) for text, hits in zip(texts, self._matcher.find(texts), strict=True)]

    def _read(self, text: str, hits: Sequence[Hit]) -> Reading:
        marks: list[Mark] = []
        problems, wished = 0, -1  # up to where the present clause only wishes
        compares, asks = "没" in text, "吗" in text or "么" in text
        for start, end, roles in hits:
            first = roles[0].kind
            if asks and first in _BLAMES and _ASKED.match(text, end):
                continue
            denied = first in _OPINIONS and self._denied(text, start)
            problems += first == "problem" and not denied
            for kind, name in roles:
                if kind == "good":
                    if start > wished:
                        worse = compares and _NOT_AS.search(text, max(0, start - 8), start) is not None
                        marks.append(Mark(start, end, kind, name, denied or worse))
                    continue
                if kind in ("wish", "suggestion"):
                    clause = _CLAUSE_END.search(text, end)
                    wished = clause.start() if clause else len(text)
                marks.append(Mark(start, end, kind, name, denied))
        return Reading(text, marks, problems)

    def _denied(self, text: str, start: int) -> bool:
        before = text[max(0, start - 4) : start]
        return before.endswith(self._negators) and not before.endswith(_NO_NEGATION)
