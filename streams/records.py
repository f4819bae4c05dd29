"""The records that move between stages: small, frozen, typed. Times are aware datetimes in UTC.

What Kafka carries is described by Complaint, Change and FollowUp (metric points go as columns: decode.py); the rest is what
the stages hand on: where a record came from (Origin), why one was refused (BadRecord), what tagging made of a complaint (Tagged).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from models.judgement import Cause
from models.tag import Judgement

Layer = Literal["business", "experience", "app", "idc"]
ChangeKind = Literal["release", "config", "change", "campaign"]
ChangeStage = Literal["", "gray", "full", "rollback", "start", "end"]
FollowUpStatus = Literal["open", "handling", "called_back", "closed"]

COMPLAINTS = "huiyin.complaints"
METRICS = "huiyin.metrics"
MONITORS_APP = "huiyin.monitors.app"
MONITORS_IDC = "huiyin.monitors.idc"
CHANGES = "huiyin.changes"
FOLLOWUPS = "huiyin.followups"
TAGGED = "huiyin.tagged"
INCIDENTS = "huiyin.incidents"
DEAD_LETTERS = "huiyin.dead_letters"
SOURCES = (COMPLAINTS, METRICS, MONITORS_APP, MONITORS_IDC, CHANGES, FOLLOWUPS)
SINKS = (TAGGED, INCIDENTS, DEAD_LETTERS)


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """What one user said, once, through one channel."""

    id: str
    ts: dt.datetime
    text: str
    channel: str = ""
    service: str = ""
    category: str = ""
    rating: int | None = None
    user: str = ""
    region: str = ""
    app_version: str = ""
    cohort: str = ""
    order: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A release, a configuration, any other change, or a campaign, at one of its stages."""

    id: str
    ts: dt.datetime
    kind: ChangeKind
    service: str
    title: str = ""
    operator: str = ""
    stage: ChangeStage = ""
    cohort: str = ""
    percent: float | None = None


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """A step in answering a complaint."""

    complaint: str
    ts: dt.datetime
    status: FollowUpStatus
    satisfaction: int | None = None
    note: str = ""


class Origin(msgspec.Struct, frozen=True):
    """Where in Kafka a record stood; `index` is its place in an array value, 0 for a single object."""

    topic: str
    partition: int
    offset: int
    index: int = 0


class BadRecord(msgspec.Struct, frozen=True):
    """A record that was refused: where it stood, why, and its payload (raw here, masked and cut before storage)."""

    origin: Origin
    reason: str
    payload: bytes


class Tagged(msgspec.Struct, frozen=True):
    """A complaint, its personal data masked, with what its text was judged to say."""

    complaint: Complaint
    judgement: Judgement


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Business lost during an incident: what was forecast, what came, and the interval of their difference."""

    service: str
    metric: str
    expected: float
    actual: float
    lost: float
    low: float
    high: float


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What users suffer from, since when, and why. The same id from the first message to the last."""

    id: str
    service: str
    services: tuple[str, ...]
    category: str
    level: int
    status: Literal["open", "resolved"]
    onset: dt.datetime
    opened_at: dt.datetime
    updated_at: dt.datetime
    resolved_at: dt.datetime | None = None
    complaints: int
    expected: float = 0.0
    samples: tuple[str, ...] = ()
    slice: str = ""
    verdict: Literal["explained", "unexplained"]
    causes: tuple[Cause, ...] = ()
    loss: Loss | None = None
    title: str = ""
    reasons: tuple[str, ...] = ()  # why this level, in words
    emerging: tuple[str, ...] = ()  # what is said that was not said before


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A warning that no surge of complaints carries; `kind` names the rule (streams.rules). One id from firing to resolved."""

    id: str
    kind: str
    service: str
    level: int
    status: Literal["firing", "resolved"]
    starts_at: dt.datetime
    updated_at: dt.datetime
    ends_at: dt.datetime | None = None
    value: float
    threshold: float
    title: str
    reasons: tuple[str, ...] = ()
    about: str = ""  # what within its kind it is about, the same each time it fires


class AlertEvent(msgspec.Struct, frozen=True):
    """A step in an alert's life, as it is told to people."""

    kind: Literal["firing", "resolved"]
    alert: Alert


class IncidentEvent(msgspec.Struct, frozen=True):
    """A step in an incident's life, to be stored, and sent to people when it is `told`."""

    kind: Literal["opened", "updated", "resolved"]
    incident: Incident
    told: bool = True
