"""`replay` through the real Kafka: what a file holds is what the store holds, in order, at the speed asked for."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workers import ROOT, Line

from streams import records as r
from streams.replay import send

pytestmark = pytest.mark.integration
REVIEWS = ROOT.parent / "shared/data/text/appstore_reviews.ndjson.gz"


def replay(line: Line, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUIYIN_")} | {
        "HUIYIN_HOME": str(line.settings.home),
        "HUIYIN_DATABASE": line.store.database,
    }
    command = [sys.executable, "-m", "streams.cli", "replay", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_files_of_every_kind_are_merged_and_stored(line: Line, tmp_path: Path) -> None:
    line.start_worker()
    at = int(time.time()) - 1000
    complaints = [{"id": f"c{n}", "ts": at + n, "text": "收不到验证码", "service": f"s{n % 7}"} for n in range(300)]
    lines = [json.dumps(one, ensure_ascii=False) for one in complaints]
    lines.insert(100, '{"id": "broken", "ts": NaN}')
    with gzip.open(tmp_path / "complaints.ndjson.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    rows = [f"{at + n},{layer},pay,latency,{n},h{n % 3}" for n in range(100) for layer in ("business", "app", "idc")]
    (tmp_path / "metrics.csv").write_text(
        "ts,layer,service,metric,value,host\n" + "\n".join(rows) + f"\n{at + 101},app,pay,latency,much,h1\n"
    )
    (tmp_path / "changes.ndjson").write_text(json.dumps({"id": "d1", "ts": at, "kind": "config", "service": "pay"}))

    done = replay(line, *(str(tmp_path / name) for name in ("complaints.ndjson.gz", "metrics.csv", "changes.ndjson")), "--wait")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "603 records sent" in done.stderr
    assert (line.count("complaints"), line.count("metrics"), line.count("changes")) == (300, 300, 1)
    assert line.store.rows("SELECT sum(total) FROM complaints_1m FINAL") == [(300,)]
    assert line.store.rows("SELECT layer, count(), uniq(labels) FROM metrics FINAL GROUP BY layer ORDER BY layer") == [
        ("app", 100, 3),
        ("business", 100, 3),
        ("idc", 100, 3),
    ]
    reasons = [row[0] for row in line.store.rows("SELECT reason FROM dead_letters FINAL ORDER BY topic")]
    assert len(reasons) == 2 and "malformed" in reasons[0] and "$.value" in reasons[1]


def test_pace_is_kept(line: Line) -> None:
    records = [(r.METRICS, 1_772_280_000.0 + n, {"ts": 1_772_280_000 + n, "layer": "business"}) for n in range(100)]
    began = time.monotonic()
    assert send(records, line.settings.kafka_access(), speed=50) == 100
    assert time.monotonic() - began >= 99 / 50


def test_a_file_out_of_order_is_named_and_sorted_on_demand(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "late.ndjson"
    path.write_text('{"id": "x1", "ts": 1772280010, "text": "a"}\n{"id": "x2", "ts": 1772280000, "text": "b"}\n')
    done = replay(line, str(path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"Error: {path}: record 2 is older than the one before it; --sort")
    assert replay(line, str(path), "--sort").returncode == 0
    unknown = tmp_path / "unknown.ndjson"
    unknown.write_text('{"what": 1}\n')
    assert f"{unknown}:1: neither its fields nor the file's name tell the topic" in replay(line, str(unknown)).stderr


@pytest.mark.skipif(not REVIEWS.exists(), reason="the reviews are not beside the repository")
def test_the_real_reviews(line: Line) -> None:
    before = line.count("complaints")
    done = replay(line, str(REVIEWS), "--wait")
    assert done.returncode == 0, done.stderr
    assert line.count("complaints") - before >= 9_987
    query = "SELECT count(), countIf(polarity < 0), min(ts) FROM complaints FINAL WHERE channel = 'app_store'"
    count, negative, oldest = line.store.rows(query)[0]
    assert (count, oldest.year) == (9_987, 2016)
    assert 0 < negative < count
    assert line.stop_workers() == [0]
