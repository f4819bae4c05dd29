"""The scenario as files: a folder that `backtest`, `rank` and `replay` read (DESIGN §3), with the truth beside."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

from streams import records
from streams.demo.scenario import Scenario
from streams.demo.shop import services_yaml

LAYER = {records.MONITORS_APP: "app", records.MONITORS_IDC: "idc"}
FILES = {records.COMPLAINTS: "complaints.ndjson", records.CHANGES: "changes.ndjson", records.FOLLOWUPS: "followups.ndjson"}


def write(scenario: Scenario, folder: Path) -> list[Path]:
    """Writes the whole scenario but its malformed records, which the commands on folders refuse; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = scenario.clock
    lines: dict[str, list[bytes]] = {name: [] for name in FILES.values()}
    with folder.joinpath("metrics.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("ts", "layer", "service", "metric", "value", "cohort"))
        for topic, _, record in scenario.records(clock.first, clock.first + 60 * clock.size, malformed=False):
            if topic in FILES:
                lines[FILES[topic]].append(msgspec.json.encode(record) + b"\n")
            else:
                layer, cohort = LAYER.get(topic) or record["layer"], record.get("labels", {}).get("cohort", "")
                rows.writerow((record["ts"], layer, record["service"], record["metric"], record["value"], cohort))
    for name, content in lines.items():
        folder.joinpath(name).write_bytes(b"".join(content))
    return [*(folder / name for name in ("metrics.csv", *lines)), *write_truth(scenario, folder)]


def write_truth(scenario: Scenario, folder: Path) -> list[Path]:
    """Writes services.yaml and truth.json; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("services.yaml").write_text(services_yaml(), encoding="utf-8")
    folder.joinpath("truth.json").write_bytes(msgspec.json.format(msgspec.json.encode(scenario.truth), indent=1) + b"\n")
    return [folder / "services.yaml", folder / "truth.json"]
