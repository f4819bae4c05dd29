"""rules.yaml: what is warned of besides surges. A file in, Rules out; a wrong one is named by line and field."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from models.yaml_source import compose, read_source

Level = Annotated[int, msgspec.Meta(ge=1, le=3)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_HOURS = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"
_FOR = r"^[1-9]\d{0,3}[mh]$"
_UNITS = {"m": 60, "h": 3600}


class RulesError(ValueError):
    """rules.yaml does not say what it should; the message names file, line and field."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of the file refuses: a field it does not know."""


class Days(Section, frozen=True, kw_only=True):
    """Local days beside those the country's calendar knows."""

    holidays: tuple[dt.date, ...] = ()
    workdays: tuple[dt.date, ...] = ()


class Mentions(Section, frozen=True, kw_only=True):
    """Negative mentions in one local day that start the crisis plan; `by` product (several services) or service."""

    enabled: bool = True
    limit: Annotated[int, msgspec.Meta(ge=1)] = 100
    by: Literal["product", "service"] = "product"
    level: Level = 3


class Indicator(Section, frozen=True, kw_only=True):
    """A metric that must not stay beyond a bound for a while, at the times that count."""

    name: Name
    metric: Name
    layer: Literal["business", "experience", "app", "idc"] = "business"
    services: tuple[str, ...] = ()  # none: all that have the metric
    below: float | None = None
    above: float | None = None
    duration: Annotated[str, msgspec.Meta(pattern=_FOR)] = msgspec.field(default="10m", name="for")
    days: tuple[Weekday, ...] = ()  # none: every day
    hours: Annotated[str, msgspec.Meta(pattern=_HOURS)] = "00:00-24:00"
    holidays: Literal["count", "skip", "only"] = "count"
    level: Level = 2

    @property
    def seconds(self) -> int:
        """How long the metric must have been beyond the bound."""
        return int(self.duration[:-1]) * _UNITS[self.duration[-1]]


class Silence(Section, frozen=True, kw_only=True):
    """Silence of a channel or service that talks: warned of when chance would bring it this seldom."""

    enabled: bool = True
    probability: Annotated[float, msgspec.Meta(gt=0, le=0.01)] = 1e-6
    level: Level = 2


class Subhealth(Section, frozen=True, kw_only=True):
    """A slow trend that will reach an unhealthy state: warned of ahead of it."""

    enabled: bool = True
    level: Level = 1


class Rules(Section, frozen=True, kw_only=True):
    """Everything rules.yaml may say; an absent file or part means the defaults."""

    calendar: Days = Days()
    mentions: Mentions = Mentions()
    indicators: tuple[Indicator, ...] = ()
    silence: Silence = Silence()
    subhealth: Subhealth = Subhealth()


def read_rules(path: Path | None) -> Rules:
    """The rules that the file at `path` describes; the defaults for None. Raises RulesError with file, line and field."""
    if path is None:
        return Rules()
    return parse_rules(read_source(path, RulesError), str(path))


def parse_rules(text: str, origin: str = "rules.yaml") -> Rules:
    """The rules that a rules.yaml describes. Raises RulesError with `origin`, line and field."""
    root = compose(text, origin, RulesError)
    if root is None:
        return Rules()
    try:
        rules = msgspec.convert(yaml.load(text, Loader=yaml.BaseLoader), Rules, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise RulesError(f"{origin}:{_line(root, path.rstrip('`'))}: {_field(path)}{reason}") from error
    for number, indicator in enumerate(rules.indicators):
        if (indicator.below is None) == (indicator.above is None):
            line = _line(root, f".indicators[{number}]")
            raise RulesError(f"{origin}:{line}: indicators[{number}]: needs one of below and above")
        if indicator.name in {other.name for other in rules.indicators[:number]}:
            line = _line(root, f".indicators[{number}].name")
            raise RulesError(f"{origin}:{line}: indicators[{number}].name: {indicator.name!r} is given twice")
    return rules


def _field(path: str) -> str:
    return f"{path.strip('`.')}: " if path.strip("`.") else ""


def _line(root: yaml.Node, path: str) -> int:
    """The line of the node at a msgspec path such as .indicators[0].below; of its nearest parent where it is missing."""
    node = root
    for part in re.findall(r"[^.\[\]]+", path):
        inner: Any = None
        if isinstance(node, yaml.SequenceNode) and part.isdecimal():
            inner = node.value[int(part)]
        elif isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == part), None)
        if inner is None:
            break
        node = inner
    return int(node.start_mark.line) + 1
