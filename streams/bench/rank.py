"""How fast and how well causes are ranked, beside BARO and N-Sigma in one run: a JSON object of figures out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import msgspec
import numpy as np

from models.causes import rank
from models.topology import Service, Topology
from models.window import MetricWindow, Question, SeriesKey
from streams.bench.incident_metrics import planted
from streams.bench.incidents import CONDITIONS, SHOP
from streams.bench.rank_baselines import Absent, baselines
from streams.bench.rank_quality import Case, Row, calm, development, faults, generated, orders
from streams.bench.reliability import Reliability, plot, reliability

ROUNDS = 5  # of which the quickest counts
DEVELOPMENT = Path(__file__).parents[3] / "shared" / "data" / "causes"


Places = dict[str, dict[str, float]]


class Report(msgspec.Struct, frozen=True):
    """What is printed. Seconds are of one ranking; quality is that of the culprit's place among services."""

    series: int
    steps: int
    seconds: dict[str, float]
    development: dict[str, Places]  # group of cases → ranker → AC@1, AC@3, Avg@5
    generated: Places  # faults of one service or IDC
    calm_unexplained: float | None
    incidents: list[Row]
    reliability: Reliability


@click.command(name="rank")
@click.option("--services", default=300, show_default=True, type=click.IntRange(2), help="Services ranked.")
@click.option("--metrics", default=20, show_default=True, type=click.IntRange(1), help="Metrics of each.")
@click.option("--hours", default=6, show_default=True, type=click.IntRange(1), help="History, by the minute.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1), help="Made-up incidents: 50 a seed.")
@click.option("--cases", type=click.Path(path_type=Path), default=DEVELOPMENT, help="Folder of development cases, if any.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Write the reliability diagram there, as SVG.")
def command(services: int, metrics: int, hours: int, seeds: int, cases: Path, picture: Path | None) -> None:
    """Rankings of causes: seconds and quality, beside BARO and N-Sigma in one run.

    Quality on incidents made up on the demonstration's shop (every layer, decoys, gaps, skewed clocks, nothing wrong), and on the
    development cases where they are at hand.
    """
    try:
        rankers = baselines()
    except Absent as absent:
        rankers = {}
        click.echo(str(absent), err=True)
    window, topology, asked = _large(services, metrics, hours * 60)
    seconds = {"huiyin": _seconds(partial(rank, window, topology, asked))}
    for name, ranker in rankers.items():
        seconds[name] = _seconds(partial(ranker, window, asked), rounds=1)
    click.echo(f"seconds of one ranking: {seconds}", err=True)
    rows, answers = generated(range(seeds))
    click.echo(f"{len(answers)} incidents judged", err=True)
    known = list(development(cases)) if cases.is_dir() else []
    quiet = calm(known)
    pairs = [(answer.probability, answer.came_true) for answer in (*answers, *faults(known), *quiet)]
    kept = reliability(pairs)
    if picture is not None:
        plot(kept, picture)
    report = Report(
        series=len(window.keys),
        steps=len(window.times),
        seconds=seconds,
        development={group: orders(some, rankers) for group, some in _groups(known).items()},
        generated=orders(_planted(seeds), rankers),
        calm_unexplained=round(float(np.mean([answer.verdict for answer in quiet])), 3) if quiet else None,
        incidents=rows,
        reliability=kept,
    )
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))


def _large(services: int, metrics: int, minutes: int) -> tuple[MetricWindow, Topology, Question]:
    """Noise around a level, each service calling up to three later ones, and a fault in one of them."""
    random = np.random.default_rng(1)
    names = [f"s{number}" for number in range(services)]
    keys = tuple(SeriesKey("app", name, f"m{metric}") for name in names for metric in range(metrics))
    values = random.lognormal(3, 1, (len(keys), 1)) * random.lognormal(0, 0.1, (len(keys), minutes))
    values[-metrics * (services // 2) : -metrics * (services // 2 - 1), -20:] *= 4
    calls = {
        name: tuple(names[int(callee)] for callee in set(random.integers(place + 1, services, 3)))
        for place, name in enumerate(names[:-1])
    }
    topology = Topology({name: Service(name, depends_on=calls.get(name, ())) for name in names})
    times = 1_767_225_600 + 60 * np.arange(minutes)
    return MetricWindow(times, 60, keys, values), topology, Question(names[0], int(times[-18]))


def _seconds(ranked: Callable[[], object], rounds: int = ROUNDS) -> float:
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        ranked()
        spent.append(time.perf_counter() - start)
    return round(min(spent), 3)


def _groups(cases: list[Case]) -> dict[str, list[Case]]:
    """By the system and load that the first parts of a case's name say."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault("_".join(case.name.split("_")[:2]) if "traffic" in case.name else case.name.split("_")[0], []).append(
            case
        )
    return found


def _planted(seeds: int) -> list[Case]:
    """Made-up faults of one service or IDC, as cases."""
    found = []
    for seed in range(seeds):
        for kind in ("app", "idc"):
            for condition in CONDITIONS:
                incident = planted(seed, kind, condition)
                found.append(Case(kind, incident.window, SHOP, incident.question, incident.drawn.culprits[0]))
    return found
