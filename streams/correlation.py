"""The correlation view: a History, a service and a stretch of time in; how each metric moves with the complaints out.

Judged on fluctuations from the expected curve (models.fluctuation), tested by models.correlation.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.correlation import TooShortError, links
from models.fluctuation import fluctuations
from models.topology import Topology
from models.window import MetricWindow
from streams.history import History

ALPHA = 0.05


class Correlated(msgspec.Struct, frozen=True, kw_only=True):
    """One metric beside the complaints. `exists` is q ≤ 0.05; `lead_seconds` is positive when the metric moves first."""

    layer: str
    service: str
    metric: str
    exists: bool
    direction: int  # +1: more complaints where it is above its curve; -1: where it is below
    r: float
    lead_seconds: int
    lead_low: int
    lead_high: int
    p: float
    q: float


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Complaints of which service (and category, unless ''), in [start, end), with lags up to `longest` seconds."""

    service: str
    category: str
    start: int
    end: int
    longest: int


class Curves(msgspec.Struct, frozen=True):
    """Fluctuations of the complaints and, row by row, of the metrics of `window`, on its times."""

    window: MetricWindow
    complaints: NDArray[np.float64]
    metrics: NDArray[np.float64]


def curves(history: History, topology: Topology, asked: Question) -> Curves:
    """What is to be compared: the metrics of all that the service stands on and of its callers (where
    services.yaml knows no edge: of everything). Raises TooShortError."""
    names = set(topology.reach(asked.service)) | set(topology.callers.get(asked.service, ()))
    names |= {idc for name in names for idc in topology.idcs_of(name)}
    known = any(service.depends_on or service.idcs for service in topology.services.values())
    window = history.metrics(sorted(names) if known else (), asked.start, asked.end)
    if not window.keys or len(window.times) < 2:
        raise TooShortError(f"no metric of {asked.service} in this stretch of time")
    counts = history.counts(asked.start, asked.end)
    wanted = np.array([service == asked.service for service in counts.service], bool)
    if asked.category:
        wanted &= np.array([category == asked.category for category in counts.category], bool)
    place = (counts.minute[wanted] - window.times[0]) // window.step
    inside = (place >= 0) & (place < len(window.times))
    complaints = np.bincount(place[inside], counts.negative[wanted][inside], len(window.times))
    moved = fluctuations(np.vstack([complaints[None, :], window.values]), window.step)
    return Curves(window, moved[0], moved[1:])


def correlated(found: Curves, longest: int) -> list[Correlated]:
    """One row a metric that ever moved, the surest first. Raises TooShortError."""
    moving = np.flatnonzero(found.metrics.any(axis=1))
    if not found.complaints.any():
        raise TooShortError("no complaint that blames in this stretch of time")
    judged = links(found.complaints, found.metrics[moving], found.window.step, longest)
    rows = [
        Correlated(
            layer=key.layer,
            service=key.service,
            metric=key.metric,
            exists=link.q <= ALPHA,
            direction=1 if link.r >= 0 else -1,
            r=round(link.r, 4),
            lead_seconds=link.lead,
            lead_low=link.low,
            lead_high=link.high,
            p=link.p,
            q=link.q,
        )
        for key, link in zip((found.window.keys[index] for index in moving), judged, strict=True)
    ]
    return sorted(rows, key=lambda row: (row.q, row.p, -abs(row.r)))
