"""Dashboards validate against Grafana's schemas, and publishing speaks Grafana's API."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import dashboards
from dashboards.publish import PublishError, Source, publish
from streams.commands.dashboards import command
from tests.grafana import SHARED, serving

SOURCE = Source("127.0.0.1", 9000, "grafana_ro", "pass-word", "huiyin")
needs_schemas = pytest.mark.skipif(not SHARED.is_dir(), reason="Grafana's schemas are not beside the repository")


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


@needs_schemas
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("uid", dashboards.DASHBOARDS)
def test_every_dashboard_validates_against_grafanas_schemas(uid: str, language: str) -> None:
    import jsonschema

    dashboard = json.loads(json.dumps(dashboards.build(language)[uid]))
    jsonschema.validate(dashboard, json.loads((SHARED / "dashboard-v1.patched.jsonschema.json").read_text()))
    for panel in _panels(dashboard):
        if panel["type"] == "row":
            continue
        schema = json.loads((SHARED / "panels" / f"{panel['type']}.jsonschema.json").read_text())
        jsonschema.validate(panel["options"], {**schema, "$ref": "#/definitions/Options"})
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            jsonschema.validate(custom, {**schema, "$ref": "#/definitions/FieldConfig"})


@pytest.mark.parametrize("uid", dashboards.DASHBOARDS)
def test_targets_carry_what_the_plugin_needs_and_panels_do_not_overlap(uid: str) -> None:
    dashboard = dashboards.build("zh")[uid]
    taken: set[tuple[int, int]] = set()
    identifiers = [panel["id"] for panel in _panels(dashboard)]
    assert len(set(identifiers)) == len(identifiers)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    targets = [one for panel in _panels(dashboard) for one in panel.get("targets", [])]
    targets += [mark["target"] for mark in dashboard["annotations"]["list"]]
    for one in targets:
        assert one.keys() >= {"refId", "datasource", "pluginVersion", "editorType", "queryType", "format", "rawSql"}
        assert one["editorType"] == "sql"
    assert dashboard["graphTooltip"] == 1


@pytest.mark.loopback
@needs_schemas
@pytest.mark.parametrize("prefix", ["", "/grafana"])
def test_publishing_twice_keeps_one_of_each(prefix: str) -> None:
    built = dashboards.build("zh")
    with serving(prefix) as (url, grafana):
        first = publish(url, "secret", SOURCE, built, "回音")
        second = publish(url + "/", "secret", SOURCE, built, "回音")
    assert first == second == [f"{url}/d/huiyin-overview", f"{url}/d/huiyin-service"]
    assert {kind: len(kept) for kind, kept in grafana.kept.items()} == {"datasources": 1, "folders": 1, "dashboards": 2}
    assert grafana.kept["datasources"]["huiyin-clickhouse"]["secureJsonData"] == {"password": "pass-word"}
    assert all(kept["version"] == 2 and kept["folderUid"] == "huiyin" for kept in grafana.kept["dashboards"].values())


@pytest.mark.loopback
@needs_schemas
def test_what_goes_wrong_is_one_clear_line() -> None:
    built = dashboards.build("zh")
    with serving() as (url, _), pytest.raises(PublishError, match=r"^Grafana at http://127\.0\.0\.1:\d+: Unauthorized$"):
        publish(url, "wrong", SOURCE, built, "回音")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(PublishError, match="nobody answers") as refused:
            publish(f"http://admin:hidden@127.0.0.1:{held.getsockname()[1]}", "", SOURCE, built, "回音")
        assert "hidden" not in str(refused.value)
    with serving("/elsewhere") as (url, _), pytest.raises(PublishError):
        publish(url.removesuffix("/elsewhere"), "secret", SOURCE, built, "回音")
    with pytest.raises(PublishError, match="GRAFANA_TOKEN"):
        publish("http://127.0.0.1:1", "", SOURCE, built, "回音")
    with pytest.raises(PublishError, match="must look like"):
        publish("grafana:3000", "secret", SOURCE, built, "回音")


def test_the_command_writes_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    written = [json.loads(Path(line).read_text(encoding="utf-8")) for line in result.stdout.splitlines()]
    assert [one["uid"] for one in written] == list(dashboards.DASHBOARDS)
