"""What holds panels together: rows, variables, annotations, links and the dashboard itself, in Grafana's JSON (schema 42)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.panels import DATASOURCE, TABLE, Json, target


def folded(title: str, panels: Sequence[Json], y: int) -> Json:
    """A row that hides its panels until it is opened."""
    return {
        "type": "row",
        "id": 0,
        "title": title,
        "collapsed": True,
        "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        "panels": list(panels),
    }


def variable(name: str, label: str, sql: str, **fields: Any) -> Json:
    """A template variable filled by a query: its first column is the value, its second (if any) what people read."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": dict(DATASOURCE),
        "query": {"refId": "var", "queryType": "sql", "rawSql": sql},
        "definition": sql,
        "refresh": 2,
        "sort": 0,
        "multi": False,
        "includeAll": False,
        **fields,
    }


def marks(name: str, sql: str, colour: str) -> Json:
    """An annotation query: time, timeEnd, title, text, tags."""
    return {
        "name": name,
        "datasource": dict(DATASOURCE),
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "target": target(sql, TABLE, "annotation"),
    }


def dashboard(uid: str, title: str, about: str, panels: Sequence[Json], **parts: Sequence[Json]) -> Json:
    """A whole dashboard. `parts` are variables, annotations and links; panels are numbered here."""
    inner = [panel for outer in panels for panel in outer.get("panels", [])]
    for count, panel in enumerate([*panels, *inner], start=1):
        panel["id"] = count
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["huiyin"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,  # a shared crosshair
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "schemaVersion": 42,
        "templating": {"list": list(parts.get("variables", ()))},
        "annotations": {"list": list(parts.get("annotations", ()))},
        "links": list(parts.get("links", ())),
        "panels": list(panels),
    }


def link(title: str, uid: str) -> Json:
    """A link to another of our dashboards, at the same time range."""
    return {
        "title": title,
        "type": "link",
        "icon": "dashboard",
        "tooltip": "",
        "url": f"/d/{uid}",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": False,
        "keepTime": True,
    }
