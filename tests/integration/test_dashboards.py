"""Every query of every dashboard, its macros expanded as the plugin does, on the real ClickHouse over the demo's data."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clickhouse_driver import Client, errors
from shop import fill, incident, save

import dashboards
from models.judgement import Cause
from streams.config import Settings
from streams.demo.scenario import Scenario
from streams.records import Alert, AlertEvent
from streams.store import alerts
from streams.store.client import Store
from tests.grafana import expand

pytestmark = pytest.mark.integration
SCENARIO = Scenario(dt.date(2026, 3, 10), ZoneInfo("Asia/Shanghai"), seed=5, quiet_days=0)
START, END = SCENARIO.clock.at(13.5), SCENARIO.clock.at(15.0)  # packet loss from 14:05 to 14:50
TIME = ("DateTime", "Date")
ANNOTATION = {"time", "title", "text", "tags"}


@pytest.fixture(scope="module")
def grafana(settings: Settings) -> Client:
    """ClickHouse as Grafana sees it: the read-only role, no settings of ours."""
    fill(settings, SCENARIO, START - 5400, END)
    cause = Cause(kind="metric", layer="idc", service="sh-1", metric="packet_loss", score=1.0, probability=0.9)
    moment = dt.datetime.fromtimestamp(END - 60, dt.UTC)
    save(
        settings,
        incident(
            "pay",
            SCENARIO.clock.at(14.15),
            causes=(cause,),
            verdict="explained",
            services=("pay", "order"),
            reasons=("77 条投诉", "平时 3 条"),
            emerging=("扣款成功订单失败",),
        ),
        incident("order", SCENARIO.clock.at(14.2), status="resolved", resolved_at=moment, updated_at=moment),
    )
    fired = dt.datetime.fromtimestamp(START - 600, dt.UTC)
    alert = Alert(
        id="a", kind="subhealth", service="pay", level=1, status="firing", starts_at=fired, updated_at=fired, value=0.7,
        threshold=0.9, title="内存缓慢上升", reasons=("约 3 小时后到 90%",),
    )  # fmt: skip
    with closing(Store(settings.clickhouse_access("writer"))) as store:
        alerts.save(store, [AlertEvent("firing", alert)])
        at = list(range(START, END, 300))
        store.insert(
            "experience",
            {"step": [300] * len(at), "at": at, "service": ["pay"] * len(at), "points": [80.0] * (len(at) - 1) + [20.0],
             "volume": [0.8] * len(at), "latency": [None] * len(at)},
        )  # fmt: skip
    access = settings.clickhouse_access("grafana_ro")
    client = Client(access.host, port=access.port, user=access.user, password=access.password, database=access.database)
    yield client
    client.disconnect()


def _targets() -> list[Any]:
    found = []
    for uid, dashboard in dashboards.build("zh").items():
        panels = [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", []))]
        for panel in panels:
            for target in panel.get("targets", []):
                found.append(pytest.param(target, id=f"{uid}-{panel['id']}{target['refId']}"))
    return found


def _run(client: Client, sql: str) -> tuple[list[Any], list[tuple[str, str]]]:
    expanded = expand(sql, START, END, 60, {"service": "pay", "metric": "gmv"})
    rows, columns = client.execute(expanded, with_column_types=True)
    return rows, columns


@pytest.mark.parametrize("target", _targets())
def test_a_panels_query_gives_what_the_panel_draws(grafana: Client, target: dict[str, Any]) -> None:
    rows, columns = _run(grafana, target["rawSql"])
    names = [name for name, _ in columns]
    assert len(set(names)) == len(names)
    assert not [kind for _, kind in columns if "Map(" in kind or "Array(" in kind or "Tuple(" in kind]
    if names == ["time", "before"]:  # nothing was said the day before
        return
    assert rows
    if target["format"] == 0:
        first, kind = columns[0]
        assert first == "time"
        assert kind.startswith(TIME)
        times = [row[0] for row in rows]
        assert times == sorted(times)
        assert None not in times
        assert not [kind for _, kind in columns[1:] if kind.startswith(TIME)]
        assert [kind for _, kind in columns[1:] if "Int" in kind or "Float" in kind]


def test_the_numbers_are_the_ones_stored(grafana: Client, settings: Settings) -> None:
    service = dashboards.build("zh")["huiyin-service"]["panels"]
    total = sum(row[1] for row in _run(grafana, service[0]["targets"][0]["rawSql"])[0])
    moment = f"toDateTime({START}) AND ts < toDateTime({END})"
    assert total == grafana.execute(f"SELECT count() FROM complaints FINAL WHERE service = 'pay' AND ts >= {moment}")[0][0] > 50
    idc = _run(grafana, service[5]["targets"][0]["rawSql"])[0]
    assert max(row[2] for row in idc if row[1] == "sh-1 · packet_loss") > 1000  # per cent of its usual level
    assert {row[1].split(" · ")[0] for row in idc} == {"bj-1", "sh-1"}
    callees = {row[1] for row in _run(grafana, service[4]["targets"][0]["rawSql"])[0]}
    assert len(callees) == 8
    assert "bank-gw · error_rate" in callees


def test_the_overview_lists_every_service_and_its_open_incidents(grafana: Client) -> None:
    panels = {panel["title"]: panel["targets"][0]["rawSql"] for panel in dashboards.build("en")["huiyin-overview"]["panels"]}
    rows, columns = _run(grafana, panels["Services"])
    names = [name for name, _ in columns]
    table = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert len(table) == 15
    assert rows[0][0] in ("pay", "order")  # those with an open incident stand on top
    assert table["pay"]["open"] == 1
    assert table["pay"]["negative"] > table["search"]["negative"]
    assert table["bank-gw"]["page_load"] is None
    assert _run(grafana, panels["Open incidents"])[0] == [(1,)]


def test_incidents_alerts_and_the_experience_index_are_shown_with_their_reasons(grafana: Client) -> None:
    overview = {panel["title"]: panel["targets"][0]["rawSql"] for panel in dashboards.build("en")["huiyin-overview"]["panels"]}
    rows, columns = _run(grafana, overview["Incidents"])
    told = [dict(zip((name for name, _ in columns), row, strict=True)) for row in rows]
    assert {(one["reasons"], one["emerging"]) for one in told} == {("77 条投诉; 平时 3 条", "扣款成功订单失败"), ("", "")}
    rows, columns = _run(grafana, overview["Alerts beside complaint surges"])
    (alert,) = [dict(zip((name for name, _ in columns), row, strict=True)) for row in rows]
    assert (alert["service"], alert["threshold"], alert["reasons"]) == ("pay", 0.9, "约 3 小时后到 90%")
    rows, columns = _run(grafana, overview["Services"])
    table = {row[0]: dict(zip((name for name, _ in columns), row, strict=True)) for row in rows}
    assert (table["pay"]["experience_lowest"], table["search"]["experience"]) == (20.0, None)
    parts = dashboards.build("en")["huiyin-service"]["panels"][8]["targets"][1]["rawSql"]
    assert {row[1] for row in _run(grafana, parts)[0]} == {"volume"}


def test_annotations_and_variables_have_the_columns_grafana_reads(grafana: Client) -> None:
    for dashboard in dashboards.build("zh").values():
        for mark in dashboard["annotations"]["list"]:
            rows, columns = _run(grafana, mark["target"]["rawSql"])
            names = {name for name, _ in columns}
            assert names >= ANNOTATION
            assert all(kind.startswith("DateTime") for name, kind in columns if name in ("time", "timeEnd"))
        for variable in dashboard["templating"]["list"]:
            rows, _ = _run(grafana, variable["query"]["rawSql"])
            assert rows
    incidents = dashboards.build("zh")["huiyin-service"]["annotations"]["list"][0]["target"]["rawSql"]
    rows, columns = _run(grafana, incidents)
    (row,) = [dict(zip((name for name, _ in columns), row, strict=True)) for row in rows]
    assert row["timeEnd"] > row["time"]
    services = dashboards.build("zh")["huiyin-service"]["templating"]["list"][0]["query"]["rawSql"]
    assert ("pay", "支付") in _run(grafana, services)[0]


def test_grafanas_role_cannot_write(grafana: Client) -> None:
    with pytest.raises(errors.ServerException):
        grafana.execute("INSERT INTO topology (service) VALUES ('x')")
