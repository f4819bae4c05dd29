"""What the machines of streams.bench.incidents measure: a Plot in, a MetricWindow out, as clean or as poor as the condition says.

Conditions: plain; decoys (innocent releases around the onset); blips (the same, and short spikes of calm services); missing
(three series in ten absent, a tenth of all points gone); skew (the clocks of five services are off by one to three minutes).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.window import MetricWindow, Question, SeriesKey
from streams.bench.incidents import CALLS, LENGTH, SELLING, SHOP, START, Asked, Floats, Plot, asked, below, plot

MISSING, GAPS, SKEWED = 0.3, 0.1, 5
Series = dict[tuple[str, str, str], Floats]


class Planted(NamedTuple):
    """An incident as it is asked about, and what is true."""

    drawn: Plot
    window: MetricWindow
    question: Question


def planted(seed: int, kind: str, condition: str) -> Planted:
    """The incident of a seed, a kind and a condition: always the same."""
    drawn = plot(seed, kind, condition)
    told = asked(drawn, kind)
    series = {key: values[: told.end] for key, values in _measured(drawn).items()}
    _CONDITIONS[condition](drawn, told, series)
    keys = tuple(SeriesKey(*key) for key in series)
    window = MetricWindow(START + 60 * np.arange(told.end), 60, keys, np.stack(list(series.values())))
    changes = tuple(sorted(drawn.changes, key=lambda change: change.at))
    return Planted(drawn, window, Question(told.service, told.at, changes, told.cohorts))


def _measured(drawn: Plot) -> Series:
    hour = np.arange(LENGTH) / 60 % 24
    rhythm = 1.0 + 0.5 * np.sin((hour - 9) / 24 * 2 * np.pi)
    found: Series = {}
    for name in CALLS:
        found |= _service(drawn, name, rhythm)
    for name in SHOP.idcs:
        hurt = drawn.hurt[name]
        found["idc", name, "packet_loss"] = np.abs(0.0008 * _noise(drawn, 0.4)) + 0.02 * hurt
        found["idc", name, "rtt_ms"] = drawn.random.uniform(1, 9) * (1.0 + 0.6 * hurt) * _noise(drawn, 0.05)
        found["idc", name, "bandwidth_usage"] = 0.35 * rhythm * _noise(drawn, 0.06)
    return found


def _service(drawn: Plot, name: str, rhythm: Floats) -> Series:
    own, reached, mode, random = drawn.hurt[name], drawn.touched[name], drawn.mode.get(name, ""), drawn.random
    load = rhythm * random.uniform(40, 800)
    failing = own * (0.02 if mode in ("latency", "memory") else 0.12) + 0.05 * reached
    slow = 1.0 + own * (0.8 if mode == "errors" else 2.5) + 1.2 * reached
    busy = 0.25 * rhythm**0.7 * (1.0 + own * (1.5 if mode == "cpu" else 0.1))
    waiting = random.uniform(2, 30) * (1.0 + own * (6.0 if mode == "queue" else 0.3))
    found = {
        "qps": load * _noise(drawn, 0.05),
        "error_rate": 0.003 * _noise(drawn, 0.3) + failing * _noise(drawn, 0.15),
        "latency_p99_ms": random.uniform(30, 200) * rhythm**0.2 * slow * _noise(drawn, 0.08),
        "cpu_usage": np.clip(busy * _noise(drawn, 0.05), 0.0, 1.0),
        "mem_usage": np.clip(0.45 * _noise(drawn, 0.02) * (1.0 + own * (0.6 if mode == "memory" else 0.0)), 0.0, 1.0),
        "queue_length": np.rint(waiting * _noise(drawn, 0.15)),
    }
    series: Series = {("app", name, metric): values for metric, values in found.items()}
    if name in SELLING:
        lost = np.minimum(1.0, 0.5 * (own + reached) + drawn.sold[name])
        series["business", name, "success_rate"] = 0.985 - 0.15 * lost - np.abs(0.004 * (_noise(drawn, 1.0) - 1.0))
        series["business", name, "orders"] = np.rint(load * 3 * (1.0 - 0.4 * lost) * _noise(drawn, 0.06))
    return series


def _noise(drawn: Plot, scale: float) -> Floats:
    """Around 1: correlated in time, with a heavy tail."""
    quick = drawn.random.standard_t(5, LENGTH)
    slow = np.convolve(drawn.random.normal(0, 1, LENGTH + 14), np.ones(15) / 15**0.5, "valid")
    return np.asarray(np.clip(1.0 + scale * (0.8 * quick + 0.5 * slow), 0.05, None), np.float64)


def _plain(drawn: Plot, told: Asked, series: Series) -> None:
    """Nothing on top."""


def _decoys(drawn: Plot, told: Asked, series: Series) -> None:
    """Two innocent releases: somewhere, and of something that the complaining service calls."""
    origins = {name for _, name in drawn.origins}
    away = [name for name in CALLS if name not in origins]
    near = [name for name in below(told.service) if name in away]
    for number, pool in enumerate((away, near or away)):
        drawn.change(
            f"decoy-{number}", drawn.start + int(drawn.random.integers(-2, 2)), "release", str(drawn.random.choice(pool))
        )


def _blips(drawn: Plot, told: Asked, series: Series) -> None:
    _decoys(drawn, told, series)
    calm = [key for key in series if key[0] == "app" and key[1] not in drawn.felt and key[1] != told.service]
    for place in drawn.random.choice(len(calm), min(3, len(calm)), replace=False):
        minute = told.end - int(drawn.random.integers(3, 20))
        series[calm[int(place)]][minute : minute + int(drawn.random.integers(1, 4))] *= 3.0


def _missing(drawn: Plot, told: Asked, series: Series) -> None:
    """One sign at least is left where it began."""
    kept = {(name, metric) for _, name in drawn.origins for metric in ("latency_p99_ms", "packet_loss", "success_rate")}
    for key in list(series):
        if key[1:] not in kept and drawn.random.random() < MISSING:
            del series[key]
        else:
            series[key] = np.where(drawn.random.random(told.end) < GAPS, np.nan, series[key])


def _skew(drawn: Plot, told: Asked, series: Series) -> None:
    for name in drawn.random.choice(list(CALLS), SKEWED, replace=False):
        shift = int(drawn.random.choice([-3, -2, -1, 1, 2, 3]))
        empty = np.full(abs(shift), np.nan)  # a clock ahead has no first minutes, one behind no last ones
        for key in [key for key in series if key[1] == name]:
            values = series[key]
            series[key] = np.concatenate([empty, values[:-shift]] if shift > 0 else [values[-shift:], empty])


_CONDITIONS = {"plain": _plain, "decoys": _decoys, "blips": _blips, "missing": _missing, "skew": _skew}
