"""What the shop's machines measure: planted events in, one array a series out, a value a minute.

A service's trouble is its own plus what reaches it from the services it calls (shop.LEAN), minutes later; latency, errors,
success rates and volumes follow from it, on top of the day's rhythm and of noise that remembers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.window import SeriesKey
from streams.demo.events import Event
from streams.demo.shop import BUSINESS, LATENCY, LEAN, PAGE_LOAD, Array, callees_first, drift, topology

Series = dict[tuple[SeriesKey, str], Array]  # the second part of the key is the cohort, '' for everybody


def trouble(events: Sequence[Event], size: int) -> Mapping[str, Array]:
    """How ill each service is at each minute, 0…1: of itself and through what it calls."""
    own = {name: np.zeros(size) for name in topology().services}
    for event in events:
        for service, ill in event.impaired:
            own[service] = own[service] + ill
    total: dict[str, Array] = {}
    for name in callees_first():
        reached = own[name].copy()
        for callee in topology().depends_on(name):
            weight, lag = LEAN.get((name, callee), (0.2, 0))
            reached[lag:] += weight * total[callee][: size - lag]
        total[name] = np.clip(reached, 0, 1)
    return total


def measure(events: Sequence[Event], pace: Array, seed: np.random.SeedSequence) -> Series:
    """Every series of the shop over the scenario. `pace` is the day's rhythm (mean 1)."""
    ill = trouble(events, len(pace))
    entities = (*topology().services, *topology().idcs)
    found: Series = {}
    for name, child in zip(entities, seed.spawn(len(entities)), strict=True):
        random = np.random.default_rng(child)
        if name in topology().services:
            found |= _service(name, ill[name], pace, random)
        else:
            found |= _network(name, pace, random)
    found[SeriesKey("app", "cart", "error_rate"), "gray"] = _noisy(
        np.full(len(pace), 0.0023), 0.3, np.random.default_rng(seed.spawn(1)[0])
    )
    for event in events:
        for sign in event.signatures:
            place = (sign.key, sign.cohort)
            found[place] = np.maximum(found[place] * sign.factor + sign.offset, 0.0)
    for place in [place for place in found if place[0].metric in ("cpu", "memory", "saturation")]:
        found[place] = np.minimum(found[place], 0.99)
    return found


def _service(name: str, ill: Array, pace: Array, random: np.random.Generator) -> Series:
    size = len(pace)
    busy = pace * np.exp(0.05 * drift(random, size, 0.97) + 0.015 * random.standard_normal(size))
    volume = BUSINESS[name]
    calls = 1.6 * volume.per_minute * busy * (1 - 0.25 * ill)
    success = np.clip(volume.success * (1 + 0.004 * drift(random, size)) * (1 - 0.45 * ill), 0, 0.9999)
    done = random.poisson(volume.per_minute * busy * (1 - 0.4 * ill)).astype(np.float64)
    app = {
        "qps": calls / 60,
        "latency_p99_ms": _noisy(LATENCY[name] * (1 + 0.18 * busy) * (1 + 5 * ill), 0.06, random),
        "error_rate": _noisy(0.002 * (1 + 0.1 * busy) + 0.16 * ill, 0.12, random),
        "cpu": 0.16 + 0.2 * busy + 0.12 * ill + 0.012 * drift(random, size),
        "memory": 0.52 + 0.03 * busy + 0.008 * drift(random, size, 0.98),
        "gc_ms": _noisy(14 + 9 * busy, 0.12, random),
        "saturation": np.abs(0.12 + 0.17 * busy + 0.45 * ill + 0.012 * drift(random, size)),
    }
    found: Series = {(SeriesKey("app", name, metric), ""): values for metric, values in app.items()}
    found[SeriesKey("business", name, volume.metric), ""] = done
    found[SeriesKey("business", name, volume.rate), ""] = success
    if volume.money:
        amount = done * success * volume.money * np.exp(0.05 * random.standard_normal(size))
        found[SeriesKey("business", name, "gmv" if name != "refund" else "refund_amount"), ""] = amount
    if name in PAGE_LOAD:
        found[SeriesKey("experience", name, "page_load_ms"), ""] = _noisy(
            PAGE_LOAD[name] * (1 + 0.08 * busy) * (1 + 1.6 * ill), 0.03, random
        )
    return found


def _network(name: str, pace: Array, random: np.random.Generator) -> Series:
    size = len(pace)
    measured = {
        "packet_loss": _noisy(np.full(size, 0.02), 0.35, random),  # per cent
        "tcp_retransmit": _noisy(np.full(size, 0.15), 0.2, random),  # per cent
        "rtt_ms": _noisy(np.full(size, 28.0 if name == "bj-sh-link" else 1.2) * (1 + 0.05 * pace), 0.04, random),
        "bandwidth_util": np.clip(0.1 + 0.22 * pace + 0.015 * drift(random, size), 0.01, 0.99),
        "dns_ms": _noisy(np.full(size, 4.0), 0.1, random),
    }
    return {(SeriesKey("idc", name, metric), ""): values for metric, values in measured.items()}


def _noisy(level: Array, sigma: float, random: np.random.Generator) -> Array:
    """`level` with lognormal noise, two thirds of which (in standard deviation) the minutes share."""
    remembered, fresh = drift(random, len(level)), random.standard_normal(len(level))
    return np.asarray(level * np.exp(sigma * (0.67 * remembered + 0.74 * fresh)), dtype=np.float64)
