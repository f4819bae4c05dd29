"""The command line: a word in, its module imported and run. Nothing else is imported, so that it starts fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from streams import __version__

# Command → (module under streams.commands, one line of help). Each module has a click command named `command`.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "The main job end to end on embedded parts: a day in a shop, its incidents, messages and pages."),
    "up": ("up", "Start the embedded Kafka and ClickHouse and keep them running."),
    "down": ("down", "Stop the embedded Kafka and ClickHouse."),
    "migrate": ("migrate", "Create or update the ClickHouse schema, the roles and the Kafka topics."),
    "worker": ("worker", "Run the stream worker: decode, tag, store, correlate, notify."),
    "replay": ("replay", "Send recorded NDJSON or CSV through Kafka, event time kept."),
    "tag": ("tag", "Judge texts: sentiment, service, category, intents, masked text."),
    "detect": ("detect", "Score each row of a time series for surges, causally."),
    "rank": ("rank", "Rank what caused a service's trouble at a time."),
    "impact": ("impact", "Say whether a change did harm."),
    "correlation": ("correlation", "Say which metrics move with a service's complaints, and who leads by how long."),
    "experience": ("experience", "How users fared with each service, 0 to 100, by minute, hour or day."),
    "revenue": ("revenue", "How revenue moves with the experience index over weeks."),
    "backtest": ("backtest", "Run detection, ranking and incident life cycle over recorded history."),
    "emerging": ("emerging", "What is said on a day that was not said before, from a file of complaints."),
    "digest": ("digest", "The day's sentiment digest per product, as a page and as a message."),
    "dashboards": ("dashboards", "Write the Grafana dashboards as JSON, or publish them."),
    "label": ("label", "Correct judgements: take what readers say, and ask them what is least certain."),
    "train": ("train", "Train the text models on labelled files and on corrections."),
    "gateway": ("gateway", "Serve HTTP: corrections, feedback, follow-ups in; health and figures out."),
    "evaluate": ("evaluate", "Print what the text models reach, field by field."),
    "feedback": ("feedback", "Say that an incident was none, or that one was missed."),
    "bench": ("bench", "Measure speed beside named baselines, in one run."),
    "test": ("test", "Run everything that CI runs."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"streams.commands.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="huiyin")
def main() -> None:
    """回音 Huiyin: what users suffer from and why, within seconds."""


if __name__ == "__main__":
    main(prog_name="huiyin")
