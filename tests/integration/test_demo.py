"""The whole demonstration: what it plays is stored to the last record, found, told and shown, and nothing is left running."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams import config

pytestmark = pytest.mark.integration
COMMAND = [sys.executable, "-m", "streams.cli", "demo"]


def _environment(tmp_path: Path) -> dict[str, str]:
    cache = config.load({name: value for name, value in os.environ.items() if name == "HUIYIN_CACHE"}).cache
    return config.child_environment({"HUIYIN_HOME": str(tmp_path / "home"), "HUIYIN_CACHE": str(cache)})


def test_a_day_is_played_found_told_and_shown(tmp_path: Path) -> None:
    out = tmp_path / "out"
    played = subprocess.run(
        [*COMMAND, "--speed", "100000", "--out", str(out)],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr[-3000:]
    counts = {
        kind: (int(sent.replace(",", "")), sign, int(stored.replace(",", "")))
        for kind, sent, sign, stored in re.findall(r"(\w+) ([\d,]+) ([=≠]) ([\d,]+)", played.stdout)
    }
    assert counts.keys() == {"complaints", "metrics", "changes", "followups", "dead_letters"}
    assert all(sign == "=" and sent == stored > 0 for sent, sign, stored in counts.values())
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    found = [line for line in played.stdout.splitlines() if "发现" in line and "│" in line]
    assert len(found) >= 4  # of the five faults
    assert "用户感到前" in played.stdout  # sub-health was warned of ahead of the leak
    pages = list((out / "incidents").glob("*.html"))
    assert len(pages) >= 4
    index = (out / "index.html").read_text(encoding="utf-8")
    assert all(one["title"] in index for one in truth)
    assert all(f"incidents/{page.name}" in index for page in pages)
    assert "用户声音日报" in (out / "digest.html").read_text(encoding="utf-8")
    assert list((out / "messages").glob("*.md"))
    assert {path.stem for path in (out / "dashboards").glob("*.json")} == {"huiyin-overview", "huiyin-service"}
    assert not (out / "parts").exists()


def test_interrupted_it_leaves_nothing_running(tmp_path: Path) -> None:
    out = tmp_path / "out"
    playing = subprocess.Popen([*COMMAND, "--out", str(out)], env=_environment(tmp_path), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "logs" / "worker.console.log").exists():
        assert time.monotonic() < deadline
        assert playing.poll() is None
        time.sleep(0.2)
    playing.send_signal(signal.SIGINT)
    assert playing.wait(timeout=60) != 0
    assert not _running(str(out))


def _running(folder: str) -> list[str]:
    left = []
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if folder in process.read_text(errors="replace") or folder in process.with_name("cmdline").read_text(
                errors="replace"
            ):
                left.append(process.parent.name)
        except OSError:
            continue
    return left


def test_a_dry_run_writes_what_backtest_reads(tmp_path: Path) -> None:
    written = subprocess.run(
        [*COMMAND, "--dry-run", "--out", str(tmp_path / "shop")],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    names = {Path(line).name for line in written.stdout.splitlines()}
    assert names == {"metrics.csv", "complaints.ndjson", "changes.ndjson", "followups.ndjson", "services.yaml", "truth.json"}
