"""What a rule is asked, and how it answers: Asked in, Alerts out.

A rule is one file with `firing(asked) -> list[Alert]`: everything that is wrong by it at `at`, each time anew, with no memory of
its own. streams.rules.watch makes a life of it: an id, a start, an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.calendar import Calendar
from models.topology import Topology
from streams.history import History
from streams.incidents import utc
from streams.records import Alert
from streams.rules.config import Rules
from streams.rules.heard import Heard


@dataclass(frozen=True)
class Asked:
    """The past up to epoch second `at` (nothing at or after it may be used), and the settings to judge it by."""

    history: History
    topology: Topology
    config: Rules
    at: int
    language: str = "zh"
    calendar: Calendar = field(default_factory=Calendar)
    heard: Heard = field(default_factory=Heard)

    def words(self, zh: str, en: str) -> str:
        """Whichever is in the language asked for."""
        return zh if self.language == "zh" else en

    def alert(
        self, about: str, service: str, *, level: int, since: int, measured: tuple[float, float], words: Sequence[str]
    ) -> Alert:
        """An alert that fires at `at`. `about` says what it is about, unique within the rule, and the same each time it
        fires; `since` is when that began (epoch seconds); `measured` the value and its threshold; `words` title and reasons."""
        return Alert(
            id=about,
            kind="",
            service=service,
            level=level,
            status="firing",
            starts_at=utc(since),
            updated_at=utc(self.at),
            value=measured[0],
            threshold=measured[1],
            title=words[0],
            reasons=tuple(words[1:]),
        )
