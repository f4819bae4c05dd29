"""The overview: every service's user experience in a table, the incidents still open, and whether data keep coming."""

from __future__ import annotations

from dashboards import queries_overview as queries
from dashboards import service
from dashboards.frame import dashboard, link, marks
from dashboards.panels import Json, Place, curves, number, override, rows
from dashboards.words import word

UID = "huiyin-overview"
# Negative mentions above the daily limit start the crisis plan; at half of it people are warned.
NEGATIVE_LIMIT = 100


def build(language: str) -> Json:
    """The dashboard in `language` ('zh' or 'en')."""

    def say(key: str) -> str:
        return word(key, language)

    to_service = {
        "title": say("service_dashboard"),
        "url": f"/d/{service.UID}?var-service=${{__data.fields.service}}&${{__url_time_range}}",
        "targetBlank": False,
    }
    linked = override("service", links=[to_service])
    panels = [
        *_figures(language),
        rows(say("services"), queries.SERVICE_TABLE, Place(0, 4, 24, 12), language, [linked, *_COLUMNS]),
        curves(say("by_service"), [queries.BY_SERVICE], Place(0, 16, 16, 9), language, stacked=True),
        rows(say("by_channel"), queries.BY_CHANNEL, Place(16, 16, 8, 9), language),
        rows(say("incidents"), queries.ALL_INCIDENTS, Place(0, 25, 24, 9), language, [linked]),
        rows(say("alerts"), queries.ALL_ALERTS, Place(0, 34, 24, 8), language, [linked]),
        curves(say("experience_worst"), [queries.EXPERIENCE_BY_SERVICE], Place(0, 42, 24, 9), language, top=100),
    ]
    return dashboard(
        UID,
        say("overview_dashboard"),
        say("overview_about"),
        panels,
        annotations=[marks(say("incidents"), queries.ALL_INCIDENT_MARKS, "red")],
        links=[link(say("service_dashboard"), service.UID)],
    )


def _figures(language: str) -> list[Json]:
    """The row on top: one figure a panel."""
    warned = [(None, "green"), (NEGATIVE_LIMIT / 2, "orange"), (NEGATIVE_LIMIT, "red")]
    shown: list[tuple[str, str, str, list[tuple[float | None, str]]]] = [
        ("open_incidents", queries.OPEN_COUNT, "short", [(None, "green"), (1, "red")]),
        ("negative", queries.NEGATIVE_IN_RANGE, "short", warned),
        ("voices", queries.TOTAL_IN_RANGE, "short", []),
        ("negative_share", queries.SHARE_IN_RANGE, "percentunit", []),
        ("dead_letters", queries.DEAD_COUNT, "short", [(None, "green"), (1, "orange")]),
        ("stored_through", queries.STORED_THROUGH, "dateTimeAsIso", []),
    ]
    return [
        number(word(key, language), sql, Place(4 * column, 0, 4, 4), unit, steps)
        for column, (key, sql, unit, steps) in enumerate(shown)
    ]


_COLUMNS = (
    override("negative_share", unit="percentunit", decimals=1, custom_cellOptions={"type": "gauge", "mode": "basic"}),
    override("sentiment", decimals=2),
    override("page_load", unit="ms", decimals=0),
    override("experience", decimals=0),
    override("experience_lowest", decimals=0),
    override(
        "open",
        thresholds={"mode": "absolute", "steps": [{"value": None, "color": "transparent"}, {"value": 1, "color": "red"}]},
        custom_cellOptions={"type": "color-background", "mode": "basic"},
    ),
)
