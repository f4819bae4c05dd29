"""./huiyin bench"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

# Subcommand → (module, one line of help). Each module has a click command named `command`.
MEASUREMENTS: Mapping[str, tuple[str, str]] = {
    "ingest": ("streams.bench.ingest", "Complaints and metric points a second, from Kafka to visible in ClickHouse."),
    "detect": ("streams.bench.detect", "One detection cycle over all series: milliseconds, memory, beside mean + 4 sigma."),
    "rank": ("streams.bench.rank", "Seconds and quality of ranking causes, beside BARO and N-Sigma."),
    "tag": ("streams.bench.tagging", "Texts judged a second of one core, beside jieba with scikit-learn."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MEASUREMENTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MEASUREMENTS:
            return None
        command: click.Command = importlib.import_module(MEASUREMENTS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in MEASUREMENTS.items()])


@click.group(cls=_Lazy)
def command() -> None:
    """Measure speed beside named baselines, in one run: JSON on standard output, progress on standard error."""
