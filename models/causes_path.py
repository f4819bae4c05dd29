"""By which way a cause reached the users: Blame and a Topology in, the steps from the cause to the complaint out.

Of all ways down the call graph the one is taken that leads through services that are themselves anomalous; a call through a
normal service costs as much as several through anomalous ones.
"""

from __future__ import annotations

import heapq

from models.causes_blame import Blame
from models.causes_deviation import Deviations
from models.judgement import Step
from models.topology import Topology

NORMAL = 1.0  # anomaly below which a service counts as normal on the way (log1p of sigma, weighted: about 2 sigma)
DETOUR = 3.0  # calls through anomalous services that one through a normal service is worth
COMPLAINTS = "complaints"


def way(topology: Topology, blamed: Blame, service: str, entity: str) -> tuple[str, ...]:
    """Entities from `entity` up to `service`, both included; these two alone where no calls lead there."""
    queue: list[tuple[float, tuple[str, ...]]] = [(0.0, (service,))]
    done: set[str] = set()
    while queue:
        cost, path = heapq.heappop(queue)
        here = path[-1]
        if here == entity:
            return path[::-1]
        if here in done:
            continue
        done.add(here)
        for following in (*topology.depends_on(here), *topology.idcs_of(here)):
            if following not in done:
                normal = following != entity and blamed.anomaly.get(following, 0.0) < NORMAL
                heapq.heappush(queue, (cost + (DETOUR if normal else 1.0), (*path, following)))
    return (entity, service) if entity != service else (service,)


def steps(found: Deviations, blamed: Blame, entities: tuple[str, ...], row: int | None, at: int) -> tuple[Step, ...]:
    """The path from series `row` of the first entity to the complaint (the last step, at `at`), each with its own onset.

    `lag_seconds` counts from the onset of the cause. The deviation of the complaint itself is 0: its surge is judged elsewhere.
    """
    service = entities[-1]
    rows = [row] if row is not None else []
    rows += [best for entity in entities[1:-1] if (best := blamed.best.get(entity)) is not None and found.level[best] > 0]
    for outcome in (False, True):  # the complaining service: its own health first, then what its business shows
        if outcome or service != entities[0] or row is None or not found.telling[row]:
            symptom = _strongest(found, service, outcome, rows)
            rows += [] if symptom is None else [symptom]
    origin = found.onset(row) if row is not None else None
    path = [_step(found, index, origin) for index in rows]
    lag = at - origin if origin is not None else None
    return (*path, Step(layer=COMPLAINTS, service=service, metric=COMPLAINTS, onset=at, deviation=0.0, lag_seconds=lag))


def _strongest(found: Deviations, service: str, outcome: bool, taken: list[int]) -> int | None:
    """The strongest deviation of the service, of outcomes or of its own health, that is not yet on the path."""
    inner = any(found.keys[row].service == service for row in taken)
    rows = [
        index
        for index, key in enumerate(found.keys)
        if key.service == service
        and (key.layer in ("business", "experience")) == outcome
        and found.level[index] > 0
        and index not in taken
        and (found.telling[index] or not inner)
    ]
    return max(rows, key=lambda index: float(found.level[index]), default=None)


def _step(found: Deviations, row: int, origin: int | None) -> Step:
    key, onset = found.keys[row], found.onset(row)
    lag = onset - origin if onset is not None and origin is not None else None
    deviation = round(float(found.level[row]), 2)
    return Step(layer=key.layer, service=key.service, metric=key.metric, onset=onset, deviation=deviation, lag_seconds=lag)
