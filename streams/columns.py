"""Records in, the columns of their ClickHouse tables out. Pure. Times become epoch milliseconds, absent scores 0."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from streams.decode import Points
from streams.records import Change, FollowUp, Tagged

Columns = Mapping[str, Sequence[Any]]


def complaints(tagged: Sequence[Tagged]) -> Columns:
    """Table complaints."""
    said = [one.complaint for one in tagged]
    judged = [one.judgement for one in tagged]
    return {
        "ts": [_milliseconds(c.ts) for c in said],
        "id": [c.id for c in said],
        "text": [c.text for c in said],
        "channel": [c.channel for c in said],
        "service": [c.service for c in said],
        "category": [c.category for c in said],
        "rating": [c.rating or 0 for c in said],
        "user": [c.user for c in said],
        "region": [c.region for c in said],
        "app_version": [c.app_version for c in said],
        "cohort": [c.cohort for c in said],
        "order_id": [c.order for c in said],
        "sentiment": [j.sentiment for j in judged],
        "polarity": [j.polarity for j in judged],
        "intents": [j.intents for j in judged],
        "aspects": [[aspect.name for aspect in j.aspects] for j in judged],
        "aspect_polarities": [[aspect.polarity for aspect in j.aspects] for j in judged],
        "keywords": [j.keywords for j in judged],
        "severity": [j.severity for j in judged],
        "accepted": [[one.name for one in j.acceptance] for j in judged],
        "accepted_polarities": [[one.verdict for one in j.acceptance] for j in judged],
    }


def metrics(points: Points) -> Columns:
    """Table metrics."""
    return {
        "layer": [series.layer for series in points.series],
        "service": [series.service for series in points.series],
        "metric": [series.metric for series in points.series],
        "labels": [series.labels for series in points.series],
        "cohort": [series.cohort for series in points.series],
        "ts": points.ts,
        "value": points.value,
    }


def changes(found: Sequence[Change]) -> Columns:
    """Table changes."""
    names = ("id", "kind", "service", "title", "operator", "stage", "cohort", "percent")
    return {"ts": [_milliseconds(c.ts) for c in found]} | {name: [getattr(c, name) for c in found] for name in names}


def followups(found: Sequence[FollowUp]) -> Columns:
    """Table followups."""
    return {
        "complaint": [f.complaint for f in found],
        "ts": [_milliseconds(f.ts) for f in found],
        "status": [f.status for f in found],
        "satisfaction": [f.satisfaction or 0 for f in found],
        "note": [f.note for f in found],
    }


def _milliseconds(time: dt.datetime) -> int:
    return round(time.timestamp() * 1000)
