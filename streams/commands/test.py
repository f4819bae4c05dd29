"""`test`: what CI runs, step by step, with the time of each."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "import-linter": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
}


@click.command()
@click.option("--unit", is_flag=True, help="Only the quick tests, which need no Kafka and no ClickHouse.")
@click.option("--soak", is_flag=True, help="Also the tests that take minutes.")
def command(unit: bool, soak: bool) -> None:
    """Run everything that CI runs: ruff, mypy, import-linter, and the tests on the real Kafka and ClickHouse.

    Every step runs even when one before it failed; the last line is pytest's. Exits non-zero when any step failed.
    """
    if unit and soak:
        raise click.UsageError("--unit and --soak exclude each other")
    outcomes = {name: _step(name, arguments)[:2] for name, arguments in CHECKS.items()}
    selection = "not integration and not soak" if unit else "" if soak else "not soak"
    passed, seconds, closing = _step("pytest", ["-m", "pytest", "-m", selection])
    outcomes["pytest"] = (passed, seconds)
    click.echo("", err=True)
    for name, (good, took) in outcomes.items():
        click.echo(f"{'passed' if good else 'FAILED'}  {name:<14}{took:7.1f} s", err=True)
    sys.stderr.flush()
    click.echo(closing)
    if not all(good for good, _ in outcomes.values()):
        raise SystemExit(1)


def _step(name: str, arguments: list[str]) -> tuple[bool, float, str]:
    """Runs one step, its output shown as it comes. Gives: passed, seconds, the last line."""
    click.echo(f"== {name}", err=True)
    begun, last = time.monotonic(), ""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        click.echo(line, nl=False, err=True)
        last = line.strip() or last
    good, seconds = process.wait() == 0, time.monotonic() - begun
    click.echo(f"== {name} {'passed' if good else 'FAILED'} in {seconds:.1f} s", err=True)
    return good, seconds, last
