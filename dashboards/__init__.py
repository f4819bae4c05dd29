"""Grafana dashboards as code: a language in, dashboards in Grafana's JSON out; `publish` sends them to a Grafana."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dashboards import overview, service
from dashboards.panels import Json

DASHBOARDS: Mapping[str, Callable[[str], Json]] = {overview.UID: overview.build, service.UID: service.build}


def build(language: str = "zh") -> dict[str, Json]:
    """Every dashboard by its uid, in `language` ('zh' or 'en')."""
    return {uid: make(language) for uid, make in DASHBOARDS.items()}
