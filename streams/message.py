"""What people on call read: an incident event in, a chat message out that fits one phone screen. Pure.

At most about 25 lines and 900 characters: complaints, fault, path, changes, loss, quotes, owner. Times are local.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.judgement import Cause, Step
from models.topology import Topology
from streams.notify.channel import Message
from streams.records import AlertEvent, Incident, IncidentEvent

QUOTES = 3
QUOTE_LENGTH = 48
PATH_STEPS = 4
CHANGES = 2
# A change less probable than this is named as a suspect, not as guilty.
GUILTY = 0.5

LEVELS: Mapping[str, Mapping[int, str]] = {
    "zh": {1: "提醒", 2: "警告", 3: "严重"},
    "en": {1: "Notice", 2: "Warning", 3: "Critical"},
}
LAYERS: Mapping[str, Mapping[str, str]] = {
    "zh": {"business": "业务", "experience": "体验", "app": "应用", "idc": "机房", "change": "变更"},
    "en": {"business": "business", "experience": "experience", "app": "application", "idc": "data centre", "change": "change"},
}
KINDS: Mapping[str, Mapping[str, str]] = {
    "zh": {"mentions": "负面舆情", "indicator": "指标异常", "silence": "静默", "subhealth": "亚健康"},
    "en": {"mentions": "Negative mentions", "indicator": "Indicator", "silence": "Silence", "subhealth": "Sub-health"},
}

# What users write must not become links, images, markup or mentions in the chat.
_INERT = str.maketrans("[]<>`*@#", "［］＜＞'＊＠＃")


@dataclass(frozen=True)
class Wording:
    """How messages are written: for whom (topology gives titles and owners), in which language and time zone."""

    topology: Topology
    language: str
    timezone: ZoneInfo

    def clock(self, moment: dt.datetime | float, reference: dt.datetime | None = None) -> str:
        """Local time to the minute; the date only where it differs from `reference`'s."""
        local = (dt.datetime.fromtimestamp(moment, dt.UTC) if isinstance(moment, int | float) else moment).astimezone(
            self.timezone
        )
        same_day = reference is not None and reference.astimezone(self.timezone).date() == local.date()
        return f"{local:%H:%M}" if same_day else f"{local:%m-%d %H:%M}"

    def minutes(self, seconds: float) -> str:
        """A duration in the largest unit that keeps it readable."""
        minutes = max(1, round(seconds / 60))
        zh = self.language == "zh"
        if minutes < 120:
            return f"{minutes} {'分钟' if zh else 'min'}"
        hours = seconds / 3600
        if hours < 48:
            return f"{hours:.1f} {'小时' if zh else 'h'}"
        return f"{hours / 24:.1f} {'天' if zh else 'days'}"

    def amount(self, number: float) -> str:
        """A count or a sum in three figures, in 万 and 亿 or thousands and millions; its unit is not known."""
        units = ((1e8, " 亿"), (1e4, " 万")) if self.language == "zh" else ((1e9, "bn"), (1e6, "m"))
        for size, unit in units:
            if abs(number) >= size:
                scaled = number / size
                return f"{scaled:,.0f}{unit}" if abs(scaled) >= 1000 else f"{scaled:.3g}{unit}"
        return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"

    def owners(self, incident: Incident) -> tuple[str, ...]:
        """Who answers for it: the owner of the service at fault, then of the one users name."""
        names = [cause.service for cause in incident.causes[:1] if incident.verdict == "explained"] + list(incident.services[:1])
        owners = [self.topology.services[name].owner for name in names if name in self.topology.services]
        return tuple(dict.fromkeys(owner for owner in owners if owner))


def render(event: IncidentEvent | AlertEvent, wording: Wording, *, first: bool = False) -> Message:
    """The message of one event. `first`: nothing was said of this incident before, so it is told in full."""
    if isinstance(event, AlertEvent):
        return _alert(event, wording)
    incident = event.incident
    full = first or event.kind == "opened"
    template = _templates().get_template(f"message.{wording.language}.md.j2")
    text = template.render(
        kind=event.kind, full=full, w=wording, i=incident, level=LEVELS[wording.language].get(incident.level, ""),
        layers=LAYERS[wording.language], top=_fault(incident), steps=_steps(incident), changes=_changes(incident),
        guilty=GUILTY, quotes=[cut(text) for text in incident.samples[: QUOTES if full else 1]],
        owners=wording.owners(incident),
    )  # fmt: skip
    return Message(f"{_mark(event, wording)} {incident.title}", _laid_out(text), wording.owners(incident))


def _alert(event: AlertEvent, wording: Wording) -> Message:
    alert, known = event.alert, wording.topology.services.get(event.alert.service)
    owners = (known.owner,) if known and known.owner else ()
    level = LEVELS[wording.language].get(alert.level, "")
    text = _templates().get_template(f"alert.{wording.language}.md.j2").render(
        kind=event.kind, a=alert, w=wording, level=level, owners=owners, kinds=KINDS[wording.language]
    )  # fmt: skip
    return Message(text.split("\n", 1)[0].removeprefix("### "), _laid_out(text), owners)


def merged(messages: Sequence[Message], wording: Wording) -> Message:
    """One message for many, where the robot's rate leaves no room for each: their titles, a line each."""
    head = f"{len(messages)} 条事件更新（合并发送）" if wording.language == "zh" else f"{len(messages)} incident updates, merged"
    owners = tuple(dict.fromkeys(owner for message in messages for owner in message.owners))
    lines = [f"- {message.title}" for message in messages]
    return Message(head, "\n".join([f"### {head}", *lines]), owners)


def _mark(event: IncidentEvent, wording: Wording) -> str:
    level = LEVELS[wording.language].get(event.incident.level, "")
    words = {"opened": level, "updated": f"更新·{level}", "resolved": "恢复"}
    if wording.language == "en":
        words = {"opened": level, "updated": f"Update, {level}", "resolved": "Resolved"}
    return f"【{words[event.kind]}】" if wording.language == "zh" else f"[{words[event.kind]}]"


def _fault(incident: Incident) -> Cause | None:
    return incident.causes[0] if incident.causes and incident.verdict == "explained" else None


def _steps(incident: Incident) -> Sequence[Step]:
    """The path as read, users' side first and the cause last; a long one keeps both ends."""
    top = _fault(incident)
    path = [step for step in reversed(top.path) if step.layer != "complaints"] if top else []  # those head the message
    return path if len(path) <= PATH_STEPS else [*path[: PATH_STEPS - 2], *path[-2:]]


def _changes(incident: Incident) -> Sequence[Cause]:
    found = [cause for cause in incident.causes if cause.kind == "change" and cause is not _fault(incident)]
    return found[:CHANGES]


def _laid_out(text: str) -> str:
    """Chat Markdown swallows single line breaks: two spaces break a line, an empty line parts headings, lists and quotes."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kinds = [line[0] if line[0] in "#->" else "" for line in lines]
    laid = lines[:1]
    for line, kind, before in zip(lines[1:], kinds[1:], kinds, strict=False):
        laid.append((("\n" if kind == "-" else "  \n") if kind == before else "\n\n") + line)
    return "".join(laid)


def cut(text: str) -> str:
    """What a user wrote, on one line, short, and inert in chat Markdown."""
    flat = " ".join(text.split()).translate(_INERT)
    return flat if len(flat) <= QUOTE_LENGTH else flat[: QUOTE_LENGTH - 1] + "…"


@cache
def _templates() -> Environment:
    # Markdown, not HTML: nothing to escape.
    environment = Environment(
        loader=PackageLoader("streams"), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, autoescape=False
    )
    environment.filters["about"] = _about
    environment.filters["inert"] = cut
    return environment


def _about(number: float) -> str:
    """A ratio as people say it."""
    return f"{number:.0f}" if number >= 3 else f"{number:.1f}"
