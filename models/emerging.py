"""What is said today that was not said before: texts of today and of earlier days in, topics with readable titles out. Pure.

Phrases (models.emerging_phrases) that today's texts hold are counted in the past, those beyond what their past explains are
found (models.emerging_significance), and those said together are one topic (models.emerging_topics).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from models.emerging_phrases import phrases, prepared
from models.emerging_significance import compared, discovered
from models.emerging_topics import Phrase, Topic, topics

__all__ = ["Topic", "emerging"]

# The least texts that make a topic, and the least share of the day's texts: what one in a thousand says is no news of the day.
LEAST, LEAST_SHARE = 3, 0.001
# Of the phrases called new, so many may be wrong (false discovery rate); and the odds of each are so many times those before.
FALSE_SHARE, ODDS = 0.01, 3.0
# Phrases are first looked for in so many texts of the past, which drops the many that are plainly usual.
SCREEN = 2_000
# So many phrases at most are counted in the whole past: those that rise most on the screen.
MOST = 300


def emerging(
    today: Sequence[str], before: Sequence[Sequence[str]], share: float = LEAST_SHARE, false_share: float = FALSE_SHARE
) -> tuple[Topic, ...]:
    """The topics that are new in `today`'s texts against the days `before` (oldest first), the most significant first.

    Texts are masked already. Days may be samples, since shares are compared. A topic is said in LEAST texts and `share` of
    today's; `false_share` of the phrases called new may be wrong. Empty when nothing is new or no past is known.
    """
    least = max(LEAST, round(share * len(today)))
    if len(today) < least or not any(before):
        return ()
    now, past = prepared(today), [prepared(day) for day in before]
    named = phrases(now, least)
    every = [text for day in past for text in day]
    screen = _Texts(every[:: max(1, -(-len(every) // SCREEN))])
    usual = np.array([screen.count(name) for name in named.names]) / len(screen)
    rises = np.flatnonzero(named.counts >= usual * len(now))
    rises = rises[np.argsort(-(named.counts[rises] / (usual[rises] * len(now) + 1)), kind="stable")][:MOST].tolist()
    if not rises:
        return ()
    here, there, day = _Texts(now), _Texts(every), np.repeat(np.arange(len(past)), [len(each) for each in past])
    holding = {named.names[row]: frozenset(here.holding(named.names[row])) for row in rises}
    before_counts = np.array([np.bincount(day[list(there.holding(name))], minlength=len(past)) for name in holding])
    today_counts = np.array([len(each) for each in holding.values()])
    judged = compared(today_counts, len(now), before_counts, np.array([len(each) for each in past]))
    new = discovered(judged.chance, named.looked, false_share) & (judged.odds >= np.log(ODDS))
    found = [
        Phrase(name, texts, float(judged.lift[row]), float(judged.z[row]), int(judged.lasted[row]), bool(new[row]))
        for row, (name, texts) in enumerate(holding.items())
    ]
    return topics(found, now)


class _Texts:
    """Many texts as one string, so that a phrase is looked for at the speed of memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._whole = "\n".join(texts)
        self._starts = np.cumsum([0, *(len(text) + 1 for text in texts)]).tolist()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def holding(self, phrase: str) -> Iterator[int]:
        """The texts that hold `phrase`, ascending."""
        at = self._whole.find(phrase)
        while at >= 0:
            text = bisect_right(self._starts, at) - 1
            yield text
            at = self._whole.find(phrase, self._starts[text + 1])

    def count(self, phrase: str) -> int:
        """How many texts hold it."""
        return sum(1 for _ in self.holding(phrase))
