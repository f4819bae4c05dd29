"""What is known about a surge at a moment: History in, an Evidence out. The same for live and backtest.

Looks at the metrics of what the services stand on (all they call, the IDCs of that, and their callers), the changes before
the onset, who complains and in which words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.causes import rank
from models.judgement import Ranking
from models.topology import Topology, completed
from models.window import MetricWindow, Question
from streams.history import History, Said
from streams.quotes import typical
from streams.slices import in_words, narrowest

# Metrics and changes from this long before the onset are looked at (seconds).
METRICS_BEFORE = 3 * 86_400 + 6 * 3600
CHANGES_BEFORE = 6 * 3600
# What was measured within this long before the onset exists (seconds).
MEASURED_BEFORE = 1800
# Who usually complains: this long before the onset (seconds), widened tenfold where few did.
USUAL_BEFORE = 24 * 3600
FEW_USUAL = 30
MOST_SAID = 400
MOST_USUAL = 2000


@dataclass(frozen=True)
class Evidence:
    """The causes ranked for a surge, and who complained: in it and before it, how many of those in it were to be expected."""

    ranking: Ranking
    before: Sequence[Said]
    during: Sequence[Said]
    expected: float

    def slice(self, language: str) -> str:
        """The slice of users that explains the surge, in words; '' when none does."""
        return in_words(narrowest(self.before, self.during, self.expected), language)

    def samples(self) -> tuple[str, ...]:
        """Typical complaints."""
        return typical([said.text for said in self.during])


def examine(history: History, topology: Topology, service: str, onset: int, at: int, language: str) -> Evidence:
    """What explains the surge of `service` ('' for complaints that name none) since `onset`, as far as known at `at`."""
    during = _negative(history.said(service, "", onset, at, MOST_SAID))
    before = usual(history, service, onset)
    ranking = _ranking(history, topology, service, (onset, at), cohorts(before, during), language)
    return Evidence(ranking, before, during, _expected(before, onset, at, len(during)))


def usual(history: History, service: str, onset: int) -> list[Said]:
    """Complaints about a service before its surge, enough to say who usually complains."""
    before = _negative(history.said(service, "", onset - USUAL_BEFORE, onset, MOST_USUAL))
    if len(before) < FEW_USUAL:
        before = _negative(history.said(service, "", onset - 10 * USUAL_BEFORE, onset, MOST_USUAL))
    return before


def cohorts(before: Sequence[Said], during: Sequence[Said]) -> Mapping[str, tuple[int, int]]:
    """Cohort ('' is everyone outside one) → how many complained in the surge, and before it."""
    now, then = Counter(said.cohort for said in during), Counter(said.cohort for said in before)
    return {cohort: (now[cohort], then[cohort]) for cohort in now.keys() | then.keys()}


def _ranking(
    history: History,
    topology: Topology,
    service: str,
    span: tuple[int, int],
    counts: Mapping[str, tuple[int, int]],
    language: str,
) -> Ranking:
    onset, at = span
    ground = completed(topology, _measured(history, topology, onset), service)
    names = set(ground.reach(service)) | set(ground.callers.get(service, ()))
    idcs = {idc for name in names for idc in ground.idcs_of(name)}
    wanted = tuple(sorted((names | idcs) - {""}))
    if not wanted:
        return Ranking((), (), "unexplained")
    window = _known(history.metrics(wanted, onset - METRICS_BEFORE, at))
    changes = history.changes(wanted, onset - CHANGES_BEFORE, at)
    return rank(window, ground, Question(service, onset, changes, counts, language))


def _known(window: MetricWindow) -> MetricWindow:
    """From the first to the last time at which anything was measured: a short history looks short, whoever keeps it."""
    known = np.flatnonzero(np.isfinite(window.values).any(axis=0))
    if not len(known):
        return window._replace(times=window.times[:0], values=window.values[:, :0])
    kept = slice(int(known[0]), int(known[-1]) + 1)
    return window._replace(times=window.times[kept], values=window.values[:, kept])


def _measured(history: History, topology: Topology, onset: int) -> set[tuple[str, str]]:
    """(layer, service) of all that was measured of late, asked for only where services.yaml leaves calls or IDCs unsaid."""
    if topology.idcs and any(service.depends_on for service in topology.services.values()):
        return set()
    return {(key.layer, key.service) for key in history.metrics((), onset - MEASURED_BEFORE, onset).keys}


def _negative(said: Sequence[Said]) -> list[Said]:
    return [one for one in said if one.polarity < 0]


def _expected(before: Sequence[Said], onset: int, at: int, during: int) -> float:
    if not before:
        return 0.0
    reached = onset - min(said.at for said in before)
    return min(float(during), len(before) * (at - onset) / max(reached, 3600))
