"""A service's weeks as SVG: negative complaints an hour in its usual band, incidents, changes, and what other settings call."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import dates
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from streams.curves import ORANGE, RED, styled

LEVELS = {1: "#d4a800", 2: ORANGE, 3: RED}
BAND = 1.96  # standard deviations: 95 % of a normal distribution
MOST_DAYS = 10  # labelled on the axis
MOST_CHANGES = 60
LEFT, ROW = 0.95, 0.14  # inches: the margin that holds names, and a row of dots

Floats = NDArray[np.float64]


class Shade(NamedTuple):
    """An incident: from when to when (epoch seconds), and its level."""

    start: float
    end: float
    level: int


class Weeks(NamedTuple):
    """What is drawn of one service. `hours`: epoch seconds each hour begins at; `dots`: a row of moments a setting, by name."""

    hours: NDArray[np.int64]
    negative: Floats
    usual: Floats
    incidents: Sequence[Shade]
    changes: Sequence[int]
    dots: Sequence[tuple[str, Sequence[int]]]


def band(negative: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """The range of about 95 % of ordinary hours: Poisson times how much more than that this series varies (robustly)."""
    known = np.isfinite(usual) & (usual > 0)
    if not known.any():
        return usual, usual
    squares = (negative[known] - usual[known]) ** 2 / usual[known]
    more = max(1.0, float(np.median(squares)) / 0.455)  # the median of a chi-square of one degree of freedom
    margin = BAND * np.sqrt(more * np.maximum(usual, 0.0))
    return np.maximum(usual - margin, 0.0), usual + margin


def drawn(weeks: Weeks, zone: dt.tzinfo, width: float) -> str:
    """An `<svg>`, `width` inches wide."""
    rows = ROW * len(weeks.dots)
    height = 1.75 + rows
    with styled():
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        axes: Any = figure.add_axes((LEFT / width, (0.3 + rows) / height, 1 - (LEFT + 0.1) / width, 1.35 / height))
        _curve(axes, weeks)
        _days(axes, weeks.hours, zone)
        if weeks.dots:
            _dots(figure.add_axes((LEFT / width, 0.02, 1 - (LEFT + 0.1) / width, rows / height), sharex=axes), weeks)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _curve(axes: Any, weeks: Weeks) -> None:
    when = _numbers(weeks.hours + 1800)
    low, high = band(weeks.negative, weeks.usual)
    axes.fill_between(when, low, high, color="#8a94a0", alpha=0.28, linewidth=0)
    axes.plot(when, weeks.usual, color="#5c6773", linewidth=0.7, linestyle="--")
    axes.plot(when, weeks.negative, color=RED, linewidth=0.8)
    for shade in weeks.incidents:
        start, end = _numbers(np.array([shade.start, max(shade.end, shade.start + 3600)]))
        axes.axvspan(start, end, color=LEVELS.get(shade.level, ORANGE), alpha=0.35, linewidth=0)
    for at in _numbers(np.array(weeks.changes[:MOST_CHANGES], np.float64)):
        axes.axvline(at, color=ORANGE, linewidth=0.7, linestyle=":")
    axes.set_xlim(when[0], when[-1])
    axes.set_ylim(0, None)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.grid(axis="y", color="#e6eaee", linewidth=0.6)


def _dots(axes: Any, weeks: Weeks) -> None:
    """A row a setting, the first on top."""
    for row, (_, moments) in enumerate(weeks.dots):
        axes.plot(_numbers(np.array(moments, np.float64)), [-row] * len(moments), ".", color="#2b6cb0", markersize=4)
    axes.set_yticks([-row for row in range(len(weeks.dots))], [name for name, _ in weeks.dots], fontsize=5)
    axes.set_ylim(-len(weeks.dots) + 0.4, 0.6)
    axes.tick_params(labelbottom=False, bottom=False, left=False)
    for side in ("bottom", "left"):
        axes.spines[side].set_visible(False)


def _days(axes: Any, hours: NDArray[np.int64], zone: dt.tzinfo) -> None:
    first, last = (dt.datetime.fromtimestamp(int(at), zone).date() for at in (hours[0], hours[-1]))
    every = max(1, -(-(last - first).days // MOST_DAYS))
    marked = [
        dt.datetime.combine(first + dt.timedelta(days=day), dt.time(), zone) for day in range(1, (last - first).days + 1, every)
    ]
    axes.set_xticks(_numbers(np.array([day.timestamp() for day in marked])), [f"{day:%m-%d}" for day in marked])


def _numbers(times: NDArray[Any]) -> Floats:
    """Epoch seconds as matplotlib's days."""
    return np.asarray(dates.date2num(times.astype("datetime64[s]")), np.float64)
