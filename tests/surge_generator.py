"""Complaint counts of a made-up shop for the surge tests: rates with rhythm and noise in, counts a minute out.

Rates drift and burst (a log-AR(1) per service and hour) on top of a daily and weekly rhythm; counts are Poisson given the
rate, so that they are negative-binomial-like overall. Events multiply the rate of some keys in some minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

START = 1_700_006_400 // 86_400 * 86_400 - 8 * 3600  # a local midnight
Key = tuple[str, str]


@dataclass(frozen=True)
class Event:
    """Rate × `factor` of the negative (or the other) records of services [first, last) from minute `start` for `length`."""

    start: int
    length: int
    factor: float
    services: tuple[int, int] = (0, 1)
    category: int | None = None
    negative: bool = True
    rest: bool = False
    ramp: bool = False


@dataclass(frozen=True)
class Shop:
    """The size and the noise of the shop; `dead` are stretches (start, length) in minutes in which nothing arrives."""

    days: float
    services: int = 12
    categories: int = 10
    per_day: float = 30_000
    negative_share: float = 0.6
    noise: float = 0.15
    events: tuple[Event, ...] = ()
    dead: tuple[tuple[int, int], ...] = ()
    seed: int = 0


def minutes(shop: Shop) -> Iterator[tuple[int, dict[Key, int], dict[Key, int]]]:
    """(epoch second, negative, total) of each minute, quiet minutes included."""
    random = np.random.default_rng(shop.seed)
    length = int(shop.days * 1440)
    size = random.dirichlet(np.full(shop.services, 1.5))
    kinds = random.dirichlet(np.full(shop.categories, 0.8), shop.services)
    hour = np.arange(24)
    rhythm = 0.15 + np.exp(-(((hour - 11) / 3.5) ** 2)) + 1.1 * np.exp(-(((hour - 20.5) / 2.5) ** 2))
    rhythm /= rhythm.mean()
    drift = np.zeros((shop.services, 1))
    base = shop.per_day / 1440 * size[:, None] * kinds
    for first in range(0, length, 60):
        drift = 0.7 * drift + random.normal(0, shop.noise * np.sqrt(1 - 0.49), drift.shape)
        weekday = (1.0, 1.0, 1.0, 1.0, 1.05, 1.2, 1.15)[(first // 1440) % 7]
        for minute in range(first, min(first + 60, length)):
            now, nxt = (minute // 60) % 24, (minute // 60 + 1) % 24
            part = (minute % 60) / 60
            rate = base * np.exp(drift) * ((1 - part) * rhythm[now] + part * rhythm[nxt]) * weekday
            negative, rest = rate * shop.negative_share, rate * (1 - shop.negative_share)
            for event in shop.events:
                _apply(event, minute, negative, rest)
            alive = not any(start <= minute < start + span for start, span in shop.dead)
            yield START + minute * 60, *_named(random.poisson(negative * alive), random.poisson(rest * alive))


def _apply(event: Event, minute: int, negative: np.ndarray, rest: np.ndarray) -> None:
    if not event.start <= minute < event.start + event.length:
        return
    grown = (minute - event.start) / event.length if event.ramp else 1.0
    factor = 1 + (event.factor - 1) * grown
    part = (slice(*event.services), slice(None) if event.category is None else event.category)
    if event.negative:
        negative[part] *= factor
    if event.rest:
        rest[part] *= factor


def _named(negative: np.ndarray, rest: np.ndarray) -> tuple[dict[Key, int], dict[Key, int]]:
    blame = {(f"s{s}", f"c{c}"): int(negative[s, c]) for s, c in zip(*np.nonzero(negative), strict=True)}
    total = {(f"s{s}", f"c{c}"): int(negative[s, c] + rest[s, c]) for s, c in zip(*np.nonzero(negative + rest), strict=True)}
    return blame, total
