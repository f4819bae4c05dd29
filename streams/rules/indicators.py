"""Business indicators that must not stay beyond a bound: DAU/MAU below 15 % for half an hour, on given days and hours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.window import SeriesKey
from streams.records import Alert
from streams.rules.asked import Asked
from streams.rules.config import Indicator

# A value counts until the next one, for this long (seconds) at most: metrics may come every few minutes.
CARRIED = 3600
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def firing(asked: Asked) -> list[Alert]:
    """One alert an indicator and service that was beyond the bound for the whole of its duration."""
    return [alert for indicator in asked.config.indicators for alert in _beyond(asked, indicator)]


def counts_at(asked: Asked, indicator: Indicator, at: int) -> bool:
    """Whether the indicator is looked at in the minute that begins at `at`."""
    local = asked.calendar.local(at)
    first, last = indicator.hours.split("-")
    if indicator.days and _WEEKDAYS[local.weekday()] not in indicator.days:
        return False
    if not first <= f"{local:%H:%M}" < last:
        return False
    holiday = indicator.holidays != "count" and asked.calendar.kind(local.date()) == "holiday"
    return indicator.holidays == "count" or holiday == (indicator.holidays == "only")


def _beyond(asked: Asked, indicator: Indicator) -> list[Alert]:
    start = asked.at - indicator.seconds
    if not (counts_at(asked, indicator, start) and counts_at(asked, indicator, asked.at - 60)):
        return []
    known = asked.topology.idcs if indicator.layer == "idc" else asked.topology.services
    services = indicator.services or tuple(known)
    if not services:
        return []
    window = asked.history.metrics(services, start - CARRIED, asked.at)
    begun = int(np.searchsorted(window.times, start))
    return [
        _alert(asked, indicator, key, float(value))
        for key, values in zip(window.keys, window.values, strict=True)
        if key.layer == indicator.layer
        and key.metric == indicator.metric
        and (value := _lasting(indicator, values, begun)) is not None
    ]


def _lasting(indicator: Indicator, values: NDArray[np.float64], begun: int) -> float | None:
    """The newest value, when every one since `begun`, and the one in force then, is beyond the bound; else None."""
    known = np.flatnonzero(np.isfinite(values))
    within, before = known[known >= begun], known[known < begun]
    if not len(within) or (within[0] > begun and not len(before)):
        return None
    judged = values[np.concatenate([before[-1:] if within[0] > begun else before[:0], within])]
    beyond = judged < indicator.below if indicator.below is not None else judged > (indicator.above or 0.0)
    return float(judged[-1]) if beyond.all() else None


def _alert(asked: Asked, indicator: Indicator, key: SeriesKey, value: float) -> Alert:
    under = indicator.below is not None
    bound = indicator.below if indicator.below is not None else indicator.above or 0.0
    title = asked.topology.title(key.service)
    word = asked.words("低于" if under else "高于", "below" if under else "above")
    owner = asked.topology.services[key.service].owner if key.service in asked.topology.services else ""
    return asked.alert(
        f"{indicator.name}:{key.service}", key.service, level=indicator.level, since=asked.at - indicator.seconds,
        measured=(value, bound),
        words=(
            asked.words(f"{title}：{indicator.name}{word} {bound:g}", f"{title}: {indicator.name} {word} {bound:g}"),
            asked.words(f"{key.metric} 现为 {value:.4g}，已连续 {indicator.duration} {word} {bound:g}",
                        f"{key.metric} is {value:.4g}, {word} {bound:g} for {indicator.duration}"),
            *((asked.words(f"负责人：{owner}", f"Owner: {owner}"),) if owner else ()),
        ),
    )  # fmt: skip
