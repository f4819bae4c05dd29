"""Who is to blame: Deviations and a Topology in, Blame out. A service answers for what its callees and IDCs do not explain.

A(s) is the strongest deviation of an entity, weighted by how well its course matches the complaint's own symptoms. Blame is
A(s) less what an equally anomalous callee (or IDC) explains, more when several callers of s suffer, less when s receives few
of the calls or stands far from the complaint. The idea of blaming the deepest anomalous dependency: Hardt et al., "The
PetShop dataset" (CLeaR 2024) with their traversal baseline; explanation in proportion instead of cut-offs is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.causes_deviation import CEILING, THRESHOLD, Deviations
from models.topology import Topology

EXPLAINED = 0.9  # share of an anomaly that a callee with an equal one takes over
SHARPNESS = 1.5  # how quickly a lesser anomaly of the callee stops to explain
GROUND = 2.0  # how much more an IDC's anomaly explains than a service's: no service makes an IDC fail
COVERAGE = 0.3  # gain for each further caller that suffers as much, ...
MOST_COVERAGE = 2.0  # ... for this many at most
FLOW = 0.1  # power of the share of calls that a callee receives
UNMATCHED = 0.4  # weight of a series whose course is unlike every symptom
OTHER_METRIC = 0.7  # likeness of two series of different metrics at most
LOAD = 0.6  # weight of a count of calls: mostly a symptom
OUTCOME = 0.5  # weight of business and experience metrics: they say that it hurts, not why
PER_HOP = 0.97  # weight of each call between the complaint and the suspect
UNREACHED = 0.5  # weight of what the complaining service does not depend on


class Blame(NamedTuple):
    """`suspicion` per entity (the residual blame), `anomaly` per entity before explaining, `weight` per series."""

    suspicion: Mapping[str, float]
    anomaly: Mapping[str, float]
    weight: NDArray[np.float64]  # log1p(level) × likeness × kind, as `Deviations.keys`
    kind: NDArray[np.float64]  # the part of the weight that says what a series counts
    rows: Mapping[str, tuple[int, ...]]  # entity → its series
    best: Mapping[str, int]  # entity → its series with the largest weight
    reached: frozenset[str]  # what the complaining service depends on, itself included
    callers: Mapping[str, tuple[str, ...]]


def blame(found: Deviations, topology: Topology, service: str) -> Blame:
    """Residual blame of every service and IDC for what users of `service` complain about."""
    kind = _kind(found)
    weight = np.log1p(found.level) * _likeness(found, service) * kind
    anomaly: dict[str, float] = dict.fromkeys([*topology.services, *topology.idcs], 0.0)
    health = dict(anomaly)
    best: dict[str, int] = {}
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(found.keys):
        rows.setdefault(key.service, []).append(row)
        if key.service not in best or weight[row] > weight[best[key.service]]:
            best[key.service] = row
        anomaly[key.service] = max(anomaly.get(key.service, 0.0), float(weight[row]))
        if not found.load[row]:  # a callee that is merely called more, or less, explains nothing
            health[key.service] = max(health.get(key.service, 0.0), float(weight[row]))
    flow = _flow(found, service)
    reach = _reach(topology, service)
    callers = _callers(topology)
    suspicion = {}
    for name, own in anomaly.items():
        callees = [*topology.depends_on(name), *topology.idcs_of(name)]
        odds = [np.expm1(health.get(c, 0.0)) * (GROUND if c in topology.idcs else 1.0) for c in callees if c != name]
        ratio = min(1.0, max(odds, default=0.0) / np.expm1(own)) if own > 0.0 else 0.0
        suffering = (
            sorted((min(1.0, anomaly.get(c, 0.0) / own) for c in callers.get(name, ()) if c != name), reverse=True) if own else []
        )
        coverage = 1.0 + COVERAGE * min(sum(suffering[1:]), MOST_COVERAGE)
        near = PER_HOP ** reach[name] if name in reach else UNREACHED
        suspicion[name] = float(own * (1.0 - EXPLAINED * ratio**SHARPNESS) * coverage * near * flow.get(name, 1.0))
    return Blame(
        suspicion, anomaly, weight, kind, {name: tuple(own) for name, own in rows.items()}, best, frozenset(reach), callers
    )


def _likeness(found: Deviations, service: str) -> NDArray[np.float64]:
    """How well each series' course matches a symptom of the complaining service, in [UNMATCHED, 1]; 1 where it has none."""
    symptoms = [row for row, key in enumerate(found.keys) if key.service == service and found.level[row] > 0]
    if not symptoms:
        return np.ones(len(found.keys))
    courses = np.minimum(np.maximum(found.bad - THRESHOLD, 0.0), 2 * CEILING)
    length = np.linalg.norm(courses, axis=1)
    names = np.array([key.metric for key in found.keys])
    strongest = max(np.log1p(found.level[row]) for row in symptoms)
    likeness = np.zeros(len(found.keys))
    for row in symptoms:
        cosine = courses @ courses[row] / np.maximum(length * length[row], 1e-9)
        same = np.where(names == names[row], 1.0, OTHER_METRIC)
        likeness = np.maximum(likeness, cosine * same * np.log1p(found.level[row]) / strongest)
    return UNMATCHED + (1.0 - UNMATCHED) * likeness


def _kind(found: Deviations) -> NDArray[np.float64]:
    outcome = np.array([key.layer in ("business", "experience") for key in found.keys], bool)
    return np.where(found.load, LOAD, 1.0) * np.where(outcome, OUTCOME, 1.0)


def _flow(found: Deviations, service: str) -> dict[str, float]:
    """Entity → weight by the share of the complaining service's calls that it receives; absent where nothing counts calls."""
    counts: dict[str, dict[str, float]] = {}
    for row, key in enumerate(found.keys):
        if found.load[row]:
            counts.setdefault(key.service, {})[key.metric] = float(found.usual[row])
    own = counts.get(service, {})
    shares = {
        name: max((count / own[metric] for metric, count in metrics.items() if own.get(metric, 0.0) > 0.0), default=1.0)
        for name, metrics in counts.items()
    }
    return {name: min(1.0, share) ** FLOW for name, share in shares.items() if share > 0.0}


def _reach(topology: Topology, service: str) -> dict[str, int]:
    """Services and IDCs that `service` depends on, itself included → calls between."""
    hops = {name: len(path) - 1 for name, path in topology.reach(service).items()}
    for name, count in list(hops.items()):
        for idc in topology.idcs_of(name):
            hops[idc] = min(hops.get(idc, count + 1), count + 1)
    return hops


def _callers(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Whom a fault of a service or an IDC hurts: direct callers, or the services that run there."""
    hurt = dict(topology.callers)
    for service in topology.services.values():
        for idc in service.idcs:
            hurt[idc] = (*hurt.get(idc, ()), service.name)
    return hurt
