"""Seeded incidents on the demonstration's shop: a seed, a kind and a condition in; what was planted and measured out.

Of the shop only the call graph is taken. Nothing is shared with the ranker or with the demonstration's scenario. A fault
starts somewhere, runs up the calls with a lag a hop, and users of a service that feels it complain up to ten minutes later
(after a slow leak, up to an hour). A wave of complaints without a fault has no culprit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.topology import Topology, read_topology
from models.window import ChangeMark

Floats = NDArray[np.float64]

SHOP: Topology = read_topology(Path(__file__).parents[1] / "demo" / "services.yaml")
CALLS = {name: service.depends_on for name, service in SHOP.services.items()}
RUNS_IN = {name: service.idcs for name, service in SHOP.services.items()}
SELLING = ("checkout", "pay", "order", "refund", "search", "coupon", "user", "delivery")  # count a business outcome
START = 1_767_225_600  # epoch second of the first minute
LENGTH = 44 * 60  # minutes, most of them before the fault
FEEBLE = 0.3  # share of a fault below which a service does not feel it
KINDS = ("app", "idc", "business", "release", "config", "grey", "two_faults", "two_changes", "leak_release", "nothing")
CONDITIONS = ("plain", "decoys", "blips", "missing", "skew")


@dataclass
class Plot:
    """What goes wrong. Arrays are by the minute, as shares of a full fault."""

    random: np.random.Generator
    start: int  # minute of the fault
    hurt: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(LENGTH) for name in (*CALLS, *SHOP.idcs)})  # inside
    touched: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(LENGTH) for name in CALLS})  # by what it calls
    sold: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(LENGTH) for name in CALLS})  # business alone
    mode: dict[str, str] = field(default_factory=dict)  # service → errors, latency, cpu, queue or memory
    felt: dict[str, float] = field(default_factory=dict)  # entity → share of the fault that reaches it
    changes: list[ChangeMark] = field(default_factory=list)
    origins: tuple[tuple[str, str], ...] = ()  # (layer, entity) where it began
    culprits: tuple[str, ...] = ()  # entities or changes that did it

    def change(self, name: str, minute: int, kind: str, service: str, cohort: str = "") -> None:
        """Some seconds before the minute."""
        at = START + 60 * minute - int(self.random.integers(1, 50))
        self.changes.append(ChangeMark(name, at, kind, service, "", "gray" if cohort else "full", cohort))


class Asked(NamedTuple):
    """Who complains, since when (epoch seconds), up to which minute metrics are known, and complaints per cohort."""

    service: str
    at: int
    end: int
    cohorts: dict[str, tuple[int, int]]


def plot(seed: int, kind: str, condition: str) -> Plot:
    """The fault of a kind, without what the condition adds."""
    random = np.random.default_rng([seed, KINDS.index(kind), CONDITIONS.index(condition)])
    drawn = Plot(random, LENGTH - 90 - int(random.integers(0, 30)))
    if kind == "idc":
        name = str(random.choice(list(SHOP.idcs)))
        drawn.hurt[name][drawn.start :] = random.uniform(0.6, 1.5)
        first = {n: 0.9 for n in CALLS if name in RUNS_IN[n]}
        for service, share in first.items():
            drawn.touched[service] = drawn.hurt[name] * share
        drawn.origins, drawn.culprits = (("idc", name),), (name,)
        _spread(drawn, first, drawn.touched)
        drawn.felt[name] = 1.0
    elif kind == "business":
        name = str(random.choice(SELLING))
        drawn.sold[name][drawn.start :] = random.uniform(0.5, 1.0)
        drawn.origins, drawn.culprits, drawn.felt = (("business", name),), (name,), {name: 1.0}
    elif kind != "nothing":
        names = _faulty(random, kind)
        for name in names:
            _break(drawn, name, kind)
        _spread(drawn, dict.fromkeys(names, 1.0), drawn.hurt)
        drawn.origins = tuple(("app", name) for name in names)
        drawn.culprits = names if kind in ("app", "two_faults") else (_guilty(drawn, names[0], kind),)
    return drawn


def asked(drawn: Plot, kind: str) -> Asked:
    """Who complains of it, and when."""
    random = drawn.random
    able = [name for name in CALLS if drawn.felt.get(name, 0.0) >= 0.45] or list(CALLS)
    if kind == "two_faults":
        able = [name for name in able if all(origin in below(name) for _, origin in drawn.origins)]
    service = drawn.origins[0][1] if kind in ("business", "grey") else str(random.choice(able))
    minute = drawn.start + int(random.integers(0, 11)) + (45 if kind == "leak_release" else 0)
    end = minute + int(random.integers(4, 10))
    if kind == "grey":
        cohorts = {"grey": (int(random.integers(8, 30)), 3), "": (int(random.integers(3, 9)), 45)}
    else:
        cohorts = {"grey": (int(random.integers(0, 4)), 4), "": (int(random.integers(15, 60)), 50)}
    return Asked(service, START + 60 * minute + int(random.integers(0, 60)), end, cohorts)


def routes(drawn: Plot, service: str) -> Iterator[list[tuple[str, str]]]:
    """Every way the fault took: (layer, entity) from an origin up to the complaining service, through what felt it."""
    for origin in drawn.origins:
        stack = [[origin]]
        while stack:
            path = stack.pop()
            here = path[-1][1]
            if here == service:
                yield path
                continue
            above = [n for n in CALLS if here in (*CALLS[n], *RUNS_IN[n]) and drawn.felt.get(n, 0.0) >= FEEBLE]
            stack += [[*path, ("app", name)] for name in above if ("app", name) not in path]


def below(name: str) -> list[str]:
    """What a service calls, however far, itself first."""
    return list(SHOP.reach(name))


def _faulty(random: np.random.Generator, kind: str) -> tuple[str, ...]:
    """One service, or two of which neither calls the other while something calls both."""
    if kind != "two_faults":
        return (str(random.choice(list(CALLS))),)
    pairs = [
        (one, other)
        for one in CALLS
        for other in CALLS
        if one < other and one not in below(other) and other not in below(one)
        if any(one in CALLS[name] and other in CALLS[name] for name in CALLS)
    ]
    return pairs[int(random.integers(len(pairs)))]


def _break(drawn: Plot, name: str, kind: str) -> None:
    minutes = np.arange(LENGTH) - drawn.start
    if kind == "leak_release":  # slowly, so that users feel it three quarters of an hour later
        drawn.hurt[name], drawn.mode[name] = np.clip(minutes / 60, 0.0, None), "memory"
        return
    rise = np.clip((minutes + 1) / int(drawn.random.integers(1, 4)), 0.0, 1.0)
    drawn.hurt[name] = rise * drawn.random.uniform(0.6, 1.5) * (0.15 if kind == "grey" else 1.0)
    drawn.mode[name] = str(drawn.random.choice(["errors", "latency", "cpu", "queue"]))


def _spread(drawn: Plot, first: dict[str, float], courses: dict[str, Floats]) -> None:
    """Runs up the calls; each caller feels a part, a little later."""
    drawn.felt = dict(first)
    course = {name: courses[name] for name in first}
    frontier = list(first)
    while frontier:
        name = frontier.pop(0)
        for caller in (n for n in CALLS if name in CALLS[n]):
            share = drawn.felt[name] * float(drawn.random.uniform(0.6, 0.9))
            if share > drawn.felt.get(caller, 0.0) and share >= FEEBLE:
                later = int(drawn.random.integers(0, 3))
                course[caller] = np.concatenate([np.zeros(later), course[name][: LENGTH - later]]) * share / drawn.felt[name]
                drawn.touched[caller] = np.maximum(drawn.touched[caller], course[caller])
                drawn.felt[caller] = share
                frontier.append(caller)


def _guilty(drawn: Plot, service: str, kind: str) -> str:
    """The change that did it, and an innocent one to the same service some time before, or when it had just begun."""
    before = int(drawn.random.integers(0, 4))
    if kind == "two_changes":
        drawn.change("innocent-twin", drawn.start + int(drawn.random.choice([-25, -18, -12, 6])), "config", service)
    cohort = "grey" if kind == "grey" else ""
    drawn.change("guilty", drawn.start - before, "config" if kind == "config" else "release", service, cohort)
    return "guilty"
