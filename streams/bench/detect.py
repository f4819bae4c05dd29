"""What one detection cycle costs: sizes in, a JSON object of figures out, beside a naive baseline in the same run.

A cycle is a minute of counts of every service and category, given to the correlator as the worker does; nothing but complaints is
known. The baseline keeps every minute there was
and calls what is beyond mean + 4 sigma of them, in numpy. Counts are made up: Poisson, services of uneven size, a rhythm of the
day.
"""

from __future__ import annotations

import math
import os
import pickle
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from models.topology import discover
from models.window import ChangeMark, MetricWindow
from streams.correlate import Correlator
from streams.history import ChannelCounts, MinuteCounts, Said

START = 20_454 * 86_400
DAY = 1440
SIGMAS = 4.0
_NONE = np.zeros(0, np.int64)
BASELINE_CYCLES = 10  # at most: each reads the whole history


class Cycles(msgspec.Struct, frozen=True):
    """Milliseconds of CPU a cycle after so many days of history, and how large the state is that it needs."""

    days: float
    median_ms: float
    p95_ms: float
    longest_ms: float
    megabytes: float
    bytes_a_series: float


class Report(msgspec.Struct, frozen=True):
    """What is printed."""

    services: int
    categories: int
    minutes: int
    records_a_minute: float
    detector: tuple[Cycles, ...]
    baseline: tuple[Cycles, ...]
    cpus: int


@click.command(name="detect")
@click.option("--services", default=1000, show_default=True, type=click.IntRange(1, 10_000), help="Services.")
@click.option("--categories", default=10, show_default=True, type=click.IntRange(1, 50), help="Categories of each.")
@click.option(
    "--minutes", default=60, show_default=True, type=click.IntRange(5, 1440), help="Cycles timed at each age of the state."
)
@click.option("--days", multiple=True, default=(1.0, 2.0), show_default=True, type=click.FloatRange(0.1, 90), help="Ages.")
@click.option("--per-minute", default=2.0, show_default=True, type=click.FloatRange(0.01), help="Records of a service a minute.")
def command(services: int, categories: int, minutes: int, days: tuple[float, ...], per_minute: float) -> None:
    """One detection cycle over all series: milliseconds and memory, after so many days of history.

    History is lived through minute by minute, untimed: about three minutes a day of 1,000 services.
    """
    world = _World(services, categories, per_minute)
    ages = sorted(days)
    ours = tuple(_detector(world, ages, minutes))
    naive = tuple(_baseline(world, age, min(minutes, BASELINE_CYCLES)) for age in ages)
    report = Report(services, categories, minutes, per_minute * services, ours, naive, len(os.sched_getaffinity(0)))
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))


class _World:
    """A History of complaints only, minute by minute; `rate` is the mean of a service's records in one."""

    def __init__(self, services: int, categories: int, rate: float) -> None:
        self._random = np.random.default_rng(5)
        size = self._random.gamma(1.0, 1.0, services)
        kinds = self._random.dirichlet(np.full(categories, 0.8), services)
        self._base = rate * (size / size.mean())[:, None] * kinds
        self.keys = [(f"s{service}", f"c{category}") for service in range(services) for category in range(categories)]
        self._current = MinuteCounts(_NONE, (), (), _NONE, _NONE)

    def draw(self, minute: int) -> NDArray[np.uint16]:
        """Records [series] of a minute."""
        rhythm = 1 + 0.6 * np.sin(2 * np.pi * (minute % DAY) / DAY)
        return np.asarray(self._random.poisson(self._base * rhythm).ravel(), np.uint16)

    def live(self, minute: int) -> None:
        """Lets that minute happen: three records in four blame."""
        total = self.draw(minute).astype(np.int64)
        places = np.flatnonzero(total)
        spoken = [self.keys[place] for place in places.tolist()]
        at, said = np.full(len(places), START + 60 * minute), total[places]
        self._current = MinuteCounts(at, [key[0] for key in spoken], [key[1] for key in spoken], said, (said * 3 + 1) // 4)

    def counts(self, start: int, end: int) -> MinuteCounts:
        """The minute that is going on."""
        return self._current

    def channels(self, start: int, end: int) -> ChannelCounts:
        """None is known."""
        return ChannelCounts(_NONE, (), _NONE)

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """None was measured."""
        return MetricWindow(_NONE, 60, (), np.zeros((0, 0)))

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """There was none."""
        return ()

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """No text is kept."""
        return ()


def _detector(world: _World, ages: Sequence[float], minutes: int) -> Iterator[Cycles]:
    correlator = Correlator(discover(("app", service) for service, _ in world.keys))
    minute = 0
    for age in ages:
        while minute < age * DAY:
            _cycle(correlator, world, minute)
            minute += 1
        state = len(pickle.dumps(correlator))
        taken = [_cycle(correlator, world, minute + further) for further in range(minutes)]
        minute += minutes
        click.echo(f"detector after {age} days: {1000 * float(np.median(taken)):.1f} ms a cycle", err=True)
        yield _cycles(age, taken, state, len(world.keys))


def _cycle(correlator: Correlator, world: _World, minute: int) -> float:
    """Seconds of CPU."""
    world.live(minute)
    at, began = START + 60 * minute, time.process_time()
    deque(correlator.advance(world, at, at + 60), maxlen=0)
    return time.process_time() - began


def _baseline(world: _World, age: float, minutes: int) -> Cycles:
    """Mean and deviation of every minute there was, per series, anew each minute. One day stands for all: it is read as often."""
    whole = math.ceil(age)
    day = np.array([world.draw(minute) for minute in range(DAY)])
    taken = []
    for minute in range(minutes):
        counts, began = world.draw(minute), time.process_time()
        sums = [(day.sum(axis=0), np.einsum("ij,ij->j", day, day, dtype=np.float64)) for _ in range(whole)]
        mean, square = (np.sum(part, axis=0) / (whole * DAY) for part in zip(*sums, strict=True))
        np.flatnonzero(counts > mean + SIGMAS * np.sqrt(np.maximum(square - mean**2, 0.0)))
        taken.append(time.process_time() - began)
    return _cycles(age, taken, whole * day.nbytes, len(world.keys))


def _cycles(age: float, taken: Sequence[float], size: int, series: int) -> Cycles:
    median, late, longest = np.percentile(1000 * np.array(taken), [50, 95, 100]).round(2).tolist()
    return Cycles(age, median, late, longest, round(size / 1e6, 2), round(size / series, 1))
