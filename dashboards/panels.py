"""Parts of a dashboard in Grafana's own JSON (schema 42), one function a part; the tests hold it against Grafana's schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dashboards.words import WORDS, word

Json = dict[str, Any]

DATASOURCE: Mapping[str, str] = {"type": "grafana-clickhouse-datasource", "uid": "huiyin-clickhouse"}
PLUGIN_VERSION = "4.20.0"
TIME_SERIES, TABLE = 0, 1


class Place(NamedTuple):
    """Where a panel stands on Grafana's grid of 24 columns."""

    x: int
    y: int
    width: int
    height: int


def target(sql: str, shape: int = TIME_SERIES, ref: str = "A") -> Json:
    """One query, with everything that the plugin's back end needs to see."""
    return {
        "refId": ref,
        "datasource": dict(DATASOURCE),
        "pluginVersion": PLUGIN_VERSION,
        "editorType": "sql",
        "queryType": "timeseries" if shape == TIME_SERIES else "table",
        "format": shape,
        "rawSql": sql.strip(),
    }


def curves(title: str, queries: Sequence[str], place: Place, language: str, **custom: Any) -> Json:
    """A time series panel. `unit`, `log`, `stacked`, `top` of the axis and `colours` (field → colour) say how it is drawn."""
    log = bool(custom.get("log"))
    colours = [
        override(field, color={"mode": "fixed", "fixedColor": colour}) for field, colour in custom.get("colours", {}).items()
    ]
    return _panel(
        "timeseries",
        title,
        [target(sql, TIME_SERIES, "ABC"[number]) for number, sql in enumerate(queries)],
        place,
        options={
            "legend": {
                "displayMode": "table" if log else "list",
                "placement": "right",
                "showLegend": True,
                "calcs": ["min", "max"] if log else [],
                "width": 260,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        fieldConfig={
            "defaults": {
                "unit": custom.get("unit", "short"),
                "custom": _drawn(log, bool(custom.get("stacked"))),
                **({"min": 0, "max": custom["top"]} if "top" in custom else {}),
                "color": {"mode": "palette-classic"},
            },
            "overrides": [*renamed(queries, language), *colours],
        },
    ) | {"interval": "1m"}


def _drawn(log: bool, stacked: bool) -> Json:
    """Lines, from zero unless logarithmic."""
    scale: Json = {"scaleDistribution": {"type": "log", "log": 10}} if log else {"axisSoftMin": 0}
    drawn = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 60 if stacked else 8, "showPoints": "never", "spanNulls": False}
    return drawn | scale | ({"stacking": {"mode": "normal", "group": "A"}} if stacked else {})


def rows(title: str, sql: str, place: Place, language: str, overrides: Sequence[Json] = ()) -> Json:
    """A table panel."""
    return _panel(
        "table",
        title,
        [target(sql, TABLE)],
        place,
        options={"frameIndex": 0, "showHeader": True, "cellHeight": "sm"},
        fieldConfig={
            "defaults": {"custom": {"filterable": True, "align": "auto", "inspect": False}},
            "overrides": [*renamed([sql], language), *overrides],
        },
    )


def number(title: str, sql: str, place: Place, unit: str = "short", steps: Sequence[tuple[float | None, str]] = ()) -> Json:
    """One figure; `steps` colour it from each value upward."""
    return _panel(
        "stat",
        title,
        [target(sql, TABLE)],
        place,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "/.*/", "values": False},
            "colorMode": "background" if steps else "value",
            "graphMode": "none",
            "textMode": "value",
            "justifyMode": "center",
            "orientation": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        },
        fieldConfig={
            "defaults": {
                "unit": unit,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": colour} for value, colour in (steps or [(None, "blue")])],
                },
            },
            "overrides": [],
        },
    )


def override(field: str, **properties: Any) -> Json:
    """Properties of one column; `_` in a name stands for a dot (custom_width → custom.width)."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("custom_", "custom."), "value": value} for name, value in properties.items()],
    }


def renamed(queries: Sequence[str], language: str) -> list[Json]:
    """Overrides that show the columns' names in the reader's language."""
    return [
        override(name, displayName=word(name, language))
        for name in WORDS
        if any(f"AS {name}" in sql or f"{name}," in sql or f"{name}\n" in sql for sql in queries)
    ]


def _panel(kind: str, title: str, targets: Sequence[Json], place: Place, **rest: Json) -> Json:
    return {
        "type": kind,
        "id": 0,
        "title": title,
        "datasource": dict(DATASOURCE),
        "targets": list(targets),
        "gridPos": {"x": place.x, "y": place.y, "w": place.width, "h": place.height},
        **rest,
    }
