"""What is seen while it plays, on standard error: incidents as they open and resolve, under them the scenario's clock."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from streams.demo.events import Clock
from streams.message import LEVELS, Wording
from streams.records import Incident

COLOURS = {1: "yellow", 2: "dark_orange", 3: "red"}


class Watch:
    """The live view: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, clock: Clock, wording: Wording, console: Console) -> None:
        self._clock, self._wording, self._console = clock, wording, console
        self._seen: dict[str, tuple[str, int]] = {}
        self._told = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[sent]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=60 * clock.size, sent="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, at: float, count: int, incidents: Sequence[Incident]) -> None:
        """Moves the clock to `at` (epoch seconds) and tells what has changed with the incidents."""
        zh = self._wording.language == "zh"
        local = dt.datetime.fromtimestamp(at, self._clock.zone)
        phase = ("预热" if zh else "warm-up") if at < self._clock.day else ("场景" if zh else "scenario")
        still = sum(incident.status == "open" for incident in incidents)
        sent = f"{count:,} {'条' if zh else 'records'} · {still} {'个未恢复' if zh else 'open'}"
        self._progress.update(self._task, completed=at - self._clock.first, description=f"{phase} {local:%m-%d %H:%M}", sent=sent)
        if not self._console.is_terminal and time.monotonic() - self._told > 10:
            self._told = time.monotonic()
            self._console.print(f"{phase} {local:%m-%d %H:%M} · {sent}", highlight=False)
        for incident in incidents:
            self._tell(incident)

    def _tell(self, incident: Incident) -> None:
        zh = self._wording.language == "zh"
        state = (incident.status, incident.level)
        if self._seen.get(incident.id) == state:
            return
        if incident.id not in self._seen:
            self._line(incident, incident.opened_at, "发现 " if zh else "opened ")
        elif incident.status == "open":
            self._line(incident, incident.updated_at, "更新 " if zh else "now ")
        if incident.resolved_at:
            self._line(incident, incident.resolved_at, "恢复 " if zh else "resolved ", "green")
        self._seen[incident.id] = state

    def _line(self, incident: Incident, at: dt.datetime, word: str, colour: str = "") -> None:
        level = LEVELS[self._wording.language].get(incident.level, "")
        cause = incident.causes[0] if incident.causes and incident.verdict == "explained" else None
        why = f" ← {self._wording.topology.title(cause.service)} {cause.metric or cause.change}" if cause else ""
        line = f"{self._wording.clock(at)} {word}{level} {incident.title} · {incident.complaints}{why}"
        style = colour or COLOURS.get(incident.level, "white")
        self._progress.console.print(line, style=style, highlight=False, markup=False)
