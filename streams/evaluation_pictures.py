"""What was evaluated, as pictures: confusion matrices, calibration curves and speed in, SVG files out.

Text stays text, so that Chinese is drawn with the reader's fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from models.held_out import HeldOut, calibration_error, confusion, reliability
from streams.curves import BLUE, GREY, styled

_WORDS = {
    "zh": {
        "blame": "批评",
        "praise": "表扬",
        "said": "判为",
        "is": "实为",
        "probability": "给出的表扬概率",
        "share": "实际表扬占比",
        "error": "期望校准误差",
        "speed": "每核每秒文本数(对数轴)",
    },
    "en": {
        "blame": "blame",
        "praise": "praise",
        "said": "said",
        "is": "is",
        "probability": "probability of praise said",
        "share": "share that praises",
        "error": "expected calibration error",
        "speed": "texts a second of one core (logarithmic)",
    },
}


def draw(folder: Path, held_out: HeldOut, rates: Mapping[str, float], language: str) -> list[Path]:
    """Write confusion.svg, calibration.svg and speed.svg (texts a CPU second by name) into `folder`; their paths."""
    words = _WORDS[language]
    folder.mkdir(parents=True, exist_ok=True)
    with styled():
        return [
            _write(folder / "confusion.svg", (2.6 * len(held_out.domains), 2.7), lambda f: _confusion(f, held_out, words)),
            _write(folder / "calibration.svg", (5.2, 4.6), lambda figure: _calibration(figure, held_out, words)),
            _write(folder / "speed.svg", (6.4, 0.7 + 0.5 * len(rates)), lambda figure: _speed(figure, rates, words)),
        ]


def _write(path: Path, size: tuple[float, float], fill: Callable[[Figure], None]) -> Path:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasSVG(figure)
    fill(figure)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def _confusion(figure: Figure, held_out: HeldOut, words: Mapping[str, str]) -> None:
    panels: Sequence[Axes] = figure.subplots(1, len(held_out.domains), squeeze=False)[0]
    for number, (axes, name) in enumerate(zip(panels, held_out.domains, strict=True)):
        counts = confusion(held_out.of(number))
        share = counts / counts.sum(axis=1, keepdims=True).clip(1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1.3)
        for row in (0, 1):
            for column in (0, 1):
                axes.text(column, row, f"{counts[row, column]:,}\n{share[row, column]:.1%}", ha="center", va="center")
        axes.set_xticks([0, 1], [words["blame"], words["praise"]])
        axes.set_yticks([0, 1], [words["blame"], words["praise"]])
        axes.set_xlabel(words["said"])
        axes.set_ylabel(words["is"])
        axes.set_title(f"{name} {counts.trace() / counts.sum():.4f}")


def _calibration(figure: Figure, held_out: HeldOut, words: Mapping[str, str]) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    for number, name in enumerate(held_out.domains):
        bins = reliability(held_out.of(number))
        label = f"{name}: {words['error']} {calibration_error(bins):.3f}"
        axes.plot([each.said for each in bins], [each.true for each in bins], marker="o", markersize=3, linewidth=1, label=label)
    axes.set_xlabel(words["probability"])
    axes.set_ylabel(words["share"])
    axes.legend(frameon=False, fontsize=8)


def _speed(figure: Figure, rates: Mapping[str, float], words: Mapping[str, str]) -> None:
    axes = figure.subplots()
    bars = axes.barh(list(rates), list(rates.values()), color=[BLUE, *[GREY] * (len(rates) - 1)])
    axes.bar_label(bars, labels=[f"{rate:,.0f}" for rate in rates.values()], padding=3)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel(words["speed"])
