"""The detection benchmark runs on a small world: figures of both sides, and a state that does not grow with history."""

from __future__ import annotations

import json

from click.testing import CliRunner

from streams.bench.detect import command


def test_figures_of_both_sides_and_a_state_as_large_after_five_hours_as_after_two() -> None:
    result = CliRunner().invoke(
        command,
        ["--services", "2", "--categories", "2", "--minutes", "5", "--days", "0.1", "--days", "0.2"],
        catch_exceptions=False,
    )
    report = json.loads(result.stdout)
    assert (report["services"], report["categories"], report["minutes"]) == (2, 2, 5)
    for side in ("detector", "baseline"):
        assert [cycles["days"] for cycles in report[side]] == [0.1, 0.2]
        assert all(0 < cycles["median_ms"] <= cycles["p95_ms"] <= cycles["longest_ms"] for cycles in report[side])
    young, old = (cycles["megabytes"] for cycles in report["detector"])
    assert old <= 1.2 * young + 0.1
