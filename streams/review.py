"""What is said of an open incident at a moment: a Tracked in, the same with causes, counts, loss, level and words out.

Evidence is asked for once a moment and surge. Nothing later than `at` is used; times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from models.surge_bars import Bar
from models.topology import Topology
from streams import levels
from streams.emerging import said_before, said_newly
from streams.evidence import Evidence, examine
from streams.heat import Heat
from streams.history import History
from streams.incidents import Tracked, seconds, utc
from streams.loss import lost
from streams.page_words import category
from streams.records import Loss
from streams.slices import product_line


class Review:
    """Looks at incidents through one topology, in one language. `bars` are the series that feedback moved."""

    def __init__(self, topology: Topology, language: str) -> None:
        self.topology, self.language = topology, language
        self.bars: Sequence[Bar] = ()
        self._seen: dict[tuple[str, int, int], Evidence] = {}
        self._lost: tuple[tuple[tuple[str, ...], int, int], Loss | None] | None = None  # the last question and its answer

    def examine(self, history: History, service: str, onset: int, at: int) -> Evidence:
        """The evidence for a surge of `service` since `onset`, as known at `at`."""
        key = (service, onset, at)
        if key not in self._seen:
            self._seen = {past: seen for past, seen in self._seen.items() if past[2] == at}
            self._seen[key] = examine(history, self.topology, service, onset, at, self.language)
        return self._seen[key]

    def looked_at(self, history: History, tracked: Tracked, at: int) -> Tracked:
        """The incident as its metrics and changes explain it now. What explains it stays when a later look finds nothing."""
        incident = tracked.incident
        ranking = self.examine(history, incident.service, seconds(incident.onset), at).ranking
        if incident.verdict == "unexplained" or ranking.verdict == "explained":
            incident = msgspec.structs.replace(incident, verdict=ranking.verdict, causes=ranking.causes)
        incident = msgspec.structs.replace(incident, updated_at=utc(at))
        return self.counted(history, replace(tracked, incident=incident, reviewed=at), at)

    def weighed(self, history: History, tracked: Tracked, at: int) -> Tracked:
        """With what it comes to by now: complaints, the cost, and the level that follows."""
        tracked = self.costed(history, self.counted(history, tracked, at), tracked.last_hot)
        incident = tracked.incident
        seen = self.examine(history, incident.service, seconds(incident.onset), at)
        level = max(tracked.least, levels.level(tracked.base, incident, seen.before, seen.during))
        incident = msgspec.structs.replace(incident, level=level)
        return replace(tracked, incident=incident, weighed=max(tracked.weighed, tracked.base), least=level)

    def worded(self, history: History, tracked: Tracked, at: int) -> Tracked:
        """With what people read: typical complaints, who complains, what is new in them, why this level."""
        incident = tracked.incident
        seen = self.examine(history, incident.service, seconds(incident.onset), at)
        why = levels.reasons(incident, seen.before, seen.during, self.topology, self.language)
        line = product_line(incident.services, self.topology)
        spoken = said_before(history, incident.service, seconds(incident.onset), seen.before)
        incident = msgspec.structs.replace(
            incident,
            title=self._product_title(line) if line else incident.title,
            samples=seen.samples() or incident.samples,
            slice=seen.slice(self.language),
            emerging=said_newly(spoken, seen.during) or incident.emerging,
            reasons=(*why, *self._moved(incident.service, incident.category, at)),
        )
        return replace(tracked, incident=incident)

    def counted(self, history: History, tracked: Tracked, at: int) -> Tracked:
        """With the complaints about all it touches since the onset, and what was to be expected."""
        incident = tracked.incident
        onset = seconds(incident.onset)
        counts = history.counts(onset, at)
        touched = np.array([service in incident.services for service in counts.service], bool)
        complaints, expected = int(counts.negative[touched].sum()), tracked.rate * (at - onset)
        return replace(tracked, incident=msgspec.structs.replace(incident, complaints=complaints, expected=expected))

    def costed(self, history: History, tracked: Tracked, end: int) -> Tracked:
        """With the business lost up to `end`."""
        incident = tracked.incident
        asked = (incident.services, seconds(incident.onset), end)
        if self._lost is None or self._lost[0] != asked:
            self._lost = (asked, lost(history, self.topology, *asked))
        return replace(tracked, incident=msgspec.structs.replace(incident, loss=self._lost[1]))

    def title(self, heat: Heat) -> str:
        """What an incident that this surge opens is called."""
        name, english = self.topology.title(heat.service), self.language == "en"
        kind = category(heat.category, self.language) if heat.category != "other" else ""
        if english:
            return f"{name or 'No service named'}: complaints surge" + (f" ({kind})" if kind else "")
        return f"{name or '未指明服务'}{f'·{kind}' if kind not in ('', name) else ''}投诉激增"

    def _product_title(self, line: str) -> str:
        return f"Product line {line}: complaints surge" if self.language == "en" else f"产品线 {line} 投诉激增"

    def _moved(self, service: str, kind: str, at: int) -> list[str]:
        return [bar.words(at, self.language) for bar in self.bars if bar.touches(service, kind) and bar.in_force(at)]
