"""The service-correlation view: what users say of a service, above what it and what it stands on measure, on one time axis."""

from __future__ import annotations

from dashboards import queries
from dashboards.frame import dashboard, folded, link, marks, variable
from dashboards.panels import Json, Place, curves, rows
from dashboards.words import word

UID = "huiyin-service"


def build(language: str) -> Json:
    """The dashboard in `language` ('zh' or 'en')."""

    def say(key: str) -> str:
        return word(key, language)

    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return dashboard(
        UID,
        say("service_dashboard"),
        say("service_about"),
        _panels(language),
        variables=[
            variable("service", say("service"), queries.SERVICES),
            variable("metric", say("metric"), queries.METRICS, multi=True, includeAll=True, current=everything),
        ],
        annotations=[
            marks(say("incidents"), queries.INCIDENT_MARKS, "red"),
            marks(say("changes"), queries.CHANGE_MARKS, "orange"),
        ],
        links=[link(say("overview_dashboard"), "huiyin-overview")],
    )


def _panels(language: str) -> list[Json]:
    def say(key: str) -> str:
        return word(key, language)

    def relative(key: str, sql: str, place: Place) -> Json:
        """Metrics of any size beside each other, in percent of what is usual."""
        return curves(say(key), [sql], place, language, unit="percent", log=True)

    colours = {"total": "blue", "negative": "red", "before": "text"}
    experience = [queries.EXPERIENCE, queries.EXPERIENCE_PARTS]
    value = curves("$metric", [queries.VALUE], Place(0, 73, 12, 7), language)
    return [
        curves(say("complaints"), [queries.COMPLAINTS, queries.DAY_BEFORE], Place(0, 0, 24, 7), language, colours=colours),
        curves(say("negative_share"), [queries.NEGATIVE_SHARE], Place(0, 7, 24, 4), language, unit="percentunit"),
        relative("business", queries.BUSINESS, Place(0, 11, 24, 7)),
        relative("app", queries.APP, Place(0, 18, 24, 8)),
        relative("callees", queries.CALLEES, Place(0, 26, 24, 8)),
        relative("idc", queries.IDC, Place(0, 34, 24, 8)),
        rows(say("incidents"), queries.INCIDENTS, Place(0, 42, 24, 7), language),
        rows(say("alerts"), queries.ALERTS, Place(0, 49, 24, 5), language),
        curves(say("experience_parts"), experience, Place(0, 54, 24, 8), language, top=100, colours={"experience": "blue"}),
        rows(say("said"), queries.SAID, Place(0, 62, 16, 10), language),
        rows(say("slices"), queries.SLICES, Place(16, 62, 8, 10), language),
        folded(say("values"), [value | {"repeat": "metric", "repeatDirection": "h", "maxPerRow": 2}], 72),
    ]
