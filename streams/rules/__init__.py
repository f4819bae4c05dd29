"""Warnings that no surge of complaints carries, by kind. Nothing is discovered: a rule is what stands in RULES.

Each is called every STEP seconds of event time and answers with everything that is wrong by it then (see asked.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.records import Alert
from streams.rules import indicators, mentions, silence, subhealth
from streams.rules.asked import Asked

Rule = Callable[[Asked], list[Alert]]

RULES: Mapping[str, Rule] = {
    "mentions": mentions.firing,
    "indicator": indicators.firing,
    "silence": silence.firing,
    "subhealth": subhealth.firing,
}
# The end of these is no news: a day's count ends with the day.
UNTOLD_ENDS = frozenset({"mentions"})
