"""What judging hands on: a surge in a count, the causes ranked for it, the effect of a change.

Plain frozen records, so that they go as they are into messages, pages, JSON and ClickHouse. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Surge(msgspec.Struct, frozen=True, kw_only=True):
    """A count above what its own past explains. `level` 0 nothing, 1 notice, 2 warning, 3 critical; `score` in [0, 1]."""

    service: str
    category: str
    at: int
    onset: int
    observed: float
    expected: float
    score: float
    level: int
    window: int = 60


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a path from the complaint to the cause: which series deviated, since when, by how much (robust sigma)."""

    layer: str
    service: str
    metric: str
    onset: int | None
    deviation: float
    lag_seconds: int | None = None


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A suspect with its reasons. Kind metric fills `metric`, kind change `change`; `path` leads from it to the complaints."""

    kind: Literal["metric", "change"]
    layer: str
    service: str
    metric: str = ""
    change: str = ""
    score: float
    probability: float
    lead_seconds: int | None = None
    path: tuple[Step, ...] = ()
    evidence: tuple[str, ...] = ()


class Suspect(msgspec.Struct, frozen=True):
    """A service (or IDC) and how strongly it is suspected."""

    service: str
    score: float


class Ranking(msgspec.Struct, frozen=True):
    """Suspects and causes, best first. `verdict` is unexplained when nothing in the window earns the blame."""

    suspects: tuple[Suspect, ...]
    causes: tuple[Cause, ...]
    verdict: Literal["explained", "unexplained"]


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a change did harm. `effect` is relative, with its interval; `control` names the comparison or says why none."""

    harmful: bool
    score: float
    effect: float
    low: float
    high: float
    control: str
    checks: tuple[str, ...] = ()
