"""Sub-health: what worsens slowly, long before a threshold speaks. Ten-minute means in, a Creep a series out. Pure.

A series is held against the same time of earlier days, in logarithms, after what its service's own load explains is taken out. It
creeps when it has gone further than a random walk of its own half-hour steps would (so no autocorrelation, however strong, looks
like a trend), steadily rather than in a jump, in the direction that hurts, and would reach its limit within a day at that pace.
The limit is what people set by hand: 90 % of a resource, five failures in a hundred, or twice the usual.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.causes_vocabulary import meaning
from models.experience import Reading, reading
from models.window import MetricWindow, SeriesKey

Floats = NDArray[np.float64]

BLOCK = 600  # seconds averaged
DAY = 86_400 // BLOCK
DAYS = 3  # earlier days compared with, as many as are known
SPANS = (36, 72)  # blocks: six hours and twelve; what worsens faster is seen by complaints and by thresholds
STEPS = 6  # parts of a span: all but one must lie higher than the part before
JUMP = 0.5  # of the growth in one of them
HALF_HOUR = 3
SIGMAS = 4.0  # of the random walk: once in 30,000 looks by chance, before the other conditions
LEAST_STEP = 0.005  # a series wanders by half a per cent in half an hour at least
LEAST_GROWTH = 0.08
FULL, FAILING, TWICE = 0.9, 0.05, 2.0
SMALL = 0.01

_RESOURCE = re.compile(r"mem|heap|disk|cpu|util|usage|used|satur|thread|handle|(^|_)fds?(_|$)|pool|conn(ection)?s?(_|$)", re.I)
_BACKLOG = re.compile(r"queue|backlog|(^|_)lag|pending|gc_|_gc|pause|packet_loss|retransmit", re.I)


class Creep(NamedTuple):
    """A series that left `usual` at `since` (epoch seconds), is at `now`, and in `hours` at `limit`, in its own unit."""

    key: SeriesKey
    since: int
    now: float
    usual: float
    limit: float
    hours: float


class _Sign(NamedTuple):
    """What the name of a series says of how it hurts: as a resource, as `reading` says, else by piling up."""

    resource: bool
    kind: Reading | None

    @property
    def failure(self) -> bool:
        """Whether it is a share of what failed, or of what did not."""
        return self.kind is not None and self.kind.part == "failure"


class _Scale(NamedTuple):
    """Trouble on a logarithmic scale, a row a series; more is worse. `whole` is 1 or 100 for shares, `size` counts as nothing."""

    trouble: Floats
    whole: Floats
    size: Floats


def creeping(means: MetricWindow) -> list[Creep]:
    """What creeps at the end of these ten-minute means, the nearest to its limit first; [] for less than a day and a half."""
    width = means.values.shape[1]
    if width < DAY + SPANS[0] + HALF_HOUR:
        return []
    signs = [_sign(key) for key in means.keys]
    recent = np.isfinite(means.values[:, -SPANS[0] :]).mean(axis=1) >= 0.9
    rows = [row for row, sign in enumerate(signs) if sign is not None and recent[row]]
    if not rows:
        return []
    chosen = [sign for row in rows if (sign := signs[row]) is not None]
    scale = _scaled(means.values[rows], chosen)
    own = scale.trouble - _moved_by_load(scale.trouble, means, rows)
    spans, growth = _creeps(own - _usual(own))
    found = []
    for place in np.flatnonzero(spans).tolist():
        one = _Scale(*(part[place] for part in scale))
        found += _told(means, rows[place], chosen[place], one, (int(spans[place]), float(growth[place])))
    return sorted(found, key=lambda creep: creep.hours)


@lru_cache(maxsize=50_000)
def _sign(key: SeriesKey) -> _Sign | None:
    """None for what nobody suffers from: load, and what has no known direction."""
    kind = reading(key) if key.layer != "idc" else None
    resource = kind is None and bool(_RESOURCE.search(key.metric))
    return _Sign(resource, kind) if kind or resource or _BACKLOG.search(key.metric) else None


def _scaled(values: Floats, signs: Sequence[_Sign]) -> _Scale:
    top = np.nanmax(values, axis=1)
    whole, size = np.where(top <= 1.0, 1.0, 100.0), SMALL * np.maximum(np.abs(top), 1e-9)
    failure = np.array([sign.failure for sign in signs])
    good = np.array([sign.kind is not None and sign.kind.good for sign in signs])
    share = values / whole[:, None]
    share = np.clip(np.where(good[:, None], 1 - share, share), 0.0, 1.0) + SMALL
    size = np.where(failure, SMALL, size)
    return _Scale(np.log(np.where(failure[:, None], share, np.maximum(values, 0.0) + size[:, None])), whole, size)


def _told(means: MetricWindow, row: int, sign: _Sign, scale: _Scale, creep: tuple[int, float]) -> list[Creep]:
    """The creep in the series' own unit, unless its limit is more than a day away or behind it."""
    span, growth = creep
    now = float(np.nanmean(scale.trouble[-HALF_HOUR:]))
    usual, whole, size = now - growth, float(scale.whole), float(scale.size)
    if sign.resource and np.nanmax(means.values[row]) <= 100.0:
        limit = max(float(np.log(FULL * whole + size)), usual + LEAST_GROWTH)
    else:
        limit = max(float(np.log(FAILING + SMALL)) if sign.failure else -np.inf, usual + float(np.log(TWICE)))
    hours = (limit - now) / growth * span * BLOCK / 3600
    if not 0 < hours <= 24:
        return []

    def value(trouble: float) -> float:
        plain = float(np.exp(trouble)) - size
        if not sign.failure:
            return plain
        return whole * (1 - plain if sign.kind is not None and sign.kind.good else plain)

    return [Creep(means.keys[row], int(means.times[-span]), value(now), value(usual), value(limit), hours)]


def _moved_by_load(trouble: Floats, means: MetricWindow, rows: Sequence[int]) -> Floats:
    """What of each row moves with its service's load (least squares over what came before the spans, never beyond 1.5 : 1)."""
    loads: dict[str, Floats] = {}
    for key, values in zip(means.keys, means.values, strict=True):
        if (
            key.layer != "idc"
            and key.service not in loads
            and meaning(key).load
            and np.isfinite(values).all()
            and values.min() >= 0
        ):
            loads[key.service] = np.log(values + SMALL * max(float(values.max()), 1e-9))
    flat = np.zeros(trouble.shape[1])
    load = np.stack([loads.get(means.keys[row].service, flat) for row in rows])
    known = np.isfinite(trouble)
    known[:, -SPANS[0] :] = False
    points = np.maximum(known.sum(axis=1), 1)[:, None]
    middles = (np.where(known, part, 0.0).sum(axis=1, keepdims=True) / points for part in (load, trouble))
    x, y = (np.where(known, part - middle, 0.0) for part, middle in zip((load, trouble), middles, strict=True))
    slope = (x * y).sum(axis=1) / np.maximum((x * x).sum(axis=1), 1e-12)
    return np.asarray(np.clip(slope, 0.0, 1.5)[:, None] * load, np.float64)


def _usual(trouble: Floats) -> Floats:
    """The median of the same half hours of earlier days, NaN where no day is known."""
    known = np.isfinite(trouble)
    weight, total = (_around(part) for part in (known.astype(np.float64), np.where(known, trouble, 0.0)))
    smooth = np.where(weight >= HALF_HOUR, total / np.maximum(weight, 1), np.nan)
    days = min(DAYS, (trouble.shape[1] - 1) // DAY)
    earlier = np.full((days, *trouble.shape), np.nan)
    for day in range(1, days + 1):
        earlier[day - 1, :, day * DAY :] = smooth[:, : -day * DAY]
    earlier.sort(axis=0)  # what is not known stands last
    count = np.isfinite(earlier).sum(axis=0)
    low, high = (np.take_along_axis(earlier, np.maximum(place, 0)[None], axis=0)[0] for place in ((count - 1) // 2, count // 2))
    return np.asarray((low + np.where(count % 2 == 1, low, high)) / 2, np.float64)


def _around(values: Floats) -> Floats:
    """Sums over each column and HALF_HOUR columns to either side."""
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (HALF_HOUR + 1, HALF_HOUR)), "edge")
    total[:, : HALF_HOUR + 1] = 0.0
    return np.asarray(total[:, 2 * HALF_HOUR + 1 :] - total[:, : -2 * HALF_HOUR - 1])


def _creeps(distance: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Of each row, over how many blocks and how far the distance from earlier days creeps; 0 where it does not."""
    halves = distance[:, distance.shape[1] % HALF_HOUR :].reshape(len(distance), -1, HALF_HOUR).mean(axis=2)
    halves = halves[:, np.isfinite(halves).any(axis=0)]
    spans, found = np.zeros(len(distance), np.int64), np.zeros(len(distance))
    if halves.shape[1] * HALF_HOUR < SPANS[0]:
        return spans, found
    steps = np.nan_to_num(np.diff(halves, axis=1))
    wander = 1.4826 * np.median(np.abs(steps - np.median(steps, axis=1, keepdims=True)), axis=1)
    for span in SPANS:
        parts = distance[:, -span:]
        if np.isnan(parts).all(axis=0).any():
            continue
        levels = np.median(parts.reshape(len(distance), STEPS, -1), axis=2)  # NaN where a gap is: not judged
        rises, growth = np.diff(levels, axis=1), levels[:, -1] - levels[:, 0]
        steady = ((rises > 0).sum(axis=1) >= STEPS - 2) & (rises[:, -1] > 0) & (rises.max(axis=1) <= JUMP * growth)
        lasts = (levels[:, -1] >= LEAST_GROWTH) & (distance[:, -HALF_HOUR:].mean(axis=1) >= levels[:, -2])
        walk = np.maximum(wander, LEAST_STEP) * np.sqrt(span * (STEPS - 1) / STEPS / HALF_HOUR)
        creeps = steady & lasts & (growth >= np.maximum(SIGMAS * walk, LEAST_GROWTH)) & (spans == 0)
        spans[creeps], found[creeps] = span * (STEPS - 1) // STEPS, growth[creeps]
    return spans, found
