"""Curves as SVG: aligned columns of numbers in, one self-contained picture out, panels above each other on one time axis.

Text stays text (drawn with the reader's fonts), so that Chinese needs no font on this machine.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import dates
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

STEPS = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440)  # minutes between two ticks
RED, BLUE, GREY, ORANGE = "#c8372d", "#2b6cb0", "#8a94a0", "#c26a00"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "huiyin",
    "font.family": ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#c9d0d8",
    "xtick.color": "#5c6773",
    "ytick.color": "#5c6773",
    "axes.titlecolor": "#1f2933",
}
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a font of the reader's need not be here


class Line(NamedTuple):
    """One curve; NaN is a gap. `look`: line, dashes or area."""

    values: NDArray[np.float64]
    colour: str = BLUE
    look: str = "line"


class Panel(NamedTuple):
    """One panel: a title above its curves; `high` panels get more room."""

    title: str
    lines: tuple[Line, ...]
    high: bool = False


class Mark(NamedTuple):
    """A moment marked through all panels (epoch seconds), with a short label on top."""

    at: float
    label: str
    colour: str = ORANGE


class Axis(NamedTuple):
    """The shared axis: epoch seconds of each value, the zone to read them in, and the span to shade."""

    times: NDArray[np.int64]
    zone: dt.tzinfo
    shaded: tuple[float, float] | None = None


@contextmanager
def styled() -> Iterator[None]:
    """The look of every picture, for what is drawn and written inside; a glyph that only readers have is no warning."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def stacked(axis: Axis, panels: Sequence[Panel], marks: Sequence[Mark] = (), width: float = 8.6) -> str:
    """An `<svg>` of the panels, `width` inches wide. Each value of each line belongs to axis.times at the same place."""
    heights = [1.5 if panel.high else 0.7 for panel in panels]
    margin = 0.36
    total = sum(heights) + margin * (len(panels) + 1)
    with styled():
        figure = Figure(figsize=(width, total))
        FigureCanvasSVG(figure)
        top = total - margin * 0.8
        for number, (panel, height) in enumerate(zip(panels, heights, strict=True)):
            top -= height
            axes = figure.add_axes((0.55 / width, top / total, 1 - 0.7 / width, height / total))
            _draw(axes, axis, panel, number == 0, marks)
            axes.tick_params(labelbottom=number == len(panels) - 1)
            top -= margin
        return _svg(figure)


def _draw(axes: Any, axis: Axis, panel: Panel, first: bool, marks: Sequence[Mark]) -> None:
    when = dates.date2num(axis.times.astype("datetime64[s]"))
    for line in panel.lines:
        if line.look == "area":
            axes.fill_between(when, line.values, color=line.colour, alpha=0.25, linewidth=0)
        axes.plot(when, line.values, color=line.colour, linewidth=1.1, linestyle="--" if line.look == "dashes" else "-")
    axes.set_title(panel.title, loc="left", fontsize=9.5, pad=12 if first and marks else 3)
    axes.set_xlim(when[0], when[-1])
    if axis.shaded:
        start, end = (dates.date2num(np.datetime64(round(at), "s")) for at in axis.shaded)
        axes.axvspan(start, end, color=RED, alpha=0.07, linewidth=0)
    for mark in marks:
        at = dates.date2num(np.datetime64(round(mark.at), "s"))
        axes.axvline(at, color=mark.colour, linewidth=1, linestyle=":")
        if first:
            axes.text(at, 1.02, mark.label, transform=axes.get_xaxis_transform(), color=mark.colour, fontsize=8.5, ha="center")
    low, high = axes.get_ylim()
    axes.set_ylim(0 if 0 <= low < 0.5 * high else low, high)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    marked = ticks(float(axis.times[0]), float(axis.times[-1]), axis.zone)
    axes.set_xticks([dates.date2num(moment) for moment in marked], [f"{moment:%H:%M}" for moment in marked])
    axes.grid(axis="y", color="#e6eaee", linewidth=0.6)


def ticks(start: float, end: float, zone: dt.tzinfo) -> list[dt.datetime]:
    """At most seven round moments of local time between two epoch seconds."""
    step = next((minutes for minutes in STEPS if (end - start) / 60 / minutes <= 6), STEPS[-1])
    first = dt.datetime.fromtimestamp(start, zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    count = int((end - midnight.timestamp()) // (60 * step)) + 1
    moments = [midnight + dt.timedelta(minutes=step * number) for number in range(count)]
    return [moment for moment in moments if moment >= first]


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
