"""Bytes in, records or BadRecords out. Pure: the clock is an argument, and no input raises.

A Kafka value holds one JSON object or an array of 1 to 1,000. It is decoded whole; only when that fails is it taken apart,
so that a bad element costs nobody but itself. Metric points leave as columns, because there are a hundred thousand a second.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from streams import records as r
from streams import wire
from streams.series import Refused, Series, check_filled, series_of

EARLIEST = int(dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp() * 1000)  # epoch milliseconds
TOLERANCE = 86_400_000  # milliseconds that a collector's clock may run ahead
# Epoch numbers below this are seconds (until the year 5138), above it milliseconds (since 1973): no overlap in valid times.
SECONDS_BELOW = 100_000_000_000

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NULL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # but not after an escaped backslash
_PAYLOAD_ERRORS = (Refused, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_Record = TypeVar("_Record", r.Complaint, r.Change, r.FollowUp)


class Delivery(NamedTuple):
    """A Kafka value and where it stood."""

    origin: r.Origin
    payload: bytes


@dataclass(frozen=True)
class Points:
    """Metric points as columns of equal length; `ts` in epoch milliseconds."""

    ts: list[int] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    value: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Decoded:
    """What a batch of Kafka values held, each kind in the order it came; `latest`: (topic, partition) → newest ts, epoch ms."""

    complaints: list[r.Complaint] = field(default_factory=list)
    points: Points = field(default_factory=Points)
    changes: list[r.Change] = field(default_factory=list)
    followups: list[r.FollowUp] = field(default_factory=list)
    bad: list[r.BadRecord] = field(default_factory=list)
    latest: dict[tuple[str, int], int] = field(default_factory=dict)


def decode(deliveries: Iterable[Delivery], now: float) -> Decoded:
    """Every record of these values, good or bad, once. `now` is epoch seconds; never raises on input."""
    into = Decoded()
    for delivery in deliveries:
        source = SOURCES[delivery.origin.topic]
        try:
            found = source.many.decode(delivery.payload)
            _file(found if isinstance(found, list) else [found], delivery, source, now, into)
        except _PAYLOAD_ERRORS as error:
            _decode_apart(delivery, source, now, into, str(error))
    return into


def _decode_apart(whole: Delivery, source: Source, now: float, into: Decoded, reason: str) -> None:
    """The slow path: each element alone. `reason` is what the whole value was refused for."""
    try:
        elements = wire.split_array(whole.payload)
    except ValueError as error:
        elements, reason = None, str(error)
    if elements is None:  # no array, or one whose end cannot be found
        into.bad.append(r.BadRecord(whole.origin, reason, whole.payload))
        return
    for index, element in enumerate(elements):
        part = Delivery(msgspec.structs.replace(whole.origin, index=index), element)
        try:
            _file([source.one.decode(element)], part, source, now, into)
        except _PAYLOAD_ERRORS as error:
            into.bad.append(r.BadRecord(part.origin, str(error), element))


def _file(found: Sequence[Any], delivery: Delivery, source: Source, now: float, into: Decoded) -> None:
    """Adds all of `found` to its kind, or raises and adds none."""
    _check_nulls(delivery.payload)
    times = [_milliseconds(shape.ts) for shape in found]
    _check_times(times, now)
    source.add(found, times, delivery.origin.topic, into)
    place = (delivery.origin.topic, delivery.origin.partition)
    into.latest[place] = max(*times, into.latest.get(place, 0))


def _check_nulls(payload: bytes) -> None:
    """JSON can write a null character only like this; stored, it would cut strings short in whatever reads them as C does."""
    if rb"\u0000" in payload and _NULL.search(payload):
        raise Refused("holds a null character (\\u0000)")


def _milliseconds(moment: wire.Moment) -> int:
    if isinstance(moment, dt.datetime):
        return round(moment.timestamp() * 1000)
    return round(moment if abs(moment) >= SECONDS_BELOW else moment * 1000)


def _check_times(times: Sequence[int], now: float) -> None:
    if min(times) < EARLIEST:
        raise Refused("ts is before 2000-01-01")
    if max(times) > now * 1000 + TOLERANCE:
        raise Refused("ts is more than a day in the future")


def _points(found: Sequence[wire.WirePoint], times: list[int], topic: str, into: Decoded) -> None:
    series = [series_of(topic, point.layer, point.service, point.metric, bytes(point.labels)) for point in found]
    into.points.ts.extend(times)
    into.points.series.extend(series)
    into.points.value.extend([point.value for point in found])


def _records(kind: type[_Record], required: tuple[str, ...], found: Sequence[Any], times: list[int]) -> list[_Record]:
    read = []
    for shape, time in zip(found, times, strict=True):
        for name in required:
            check_filled(name, getattr(shape, name))
        values = {name: value for name, value in msgspec.structs.asdict(shape).items() if value is not None}
        read.append(kind(**(values | {"ts": _EPOCH + dt.timedelta(milliseconds=time)})))
    return read


def _complaints(found: Sequence[wire.WireComplaint], times: list[int], _topic: str, into: Decoded) -> None:
    into.complaints.extend(_records(r.Complaint, ("id", "text"), found, times))


def _changes(found: Sequence[wire.WireChange], times: list[int], _topic: str, into: Decoded) -> None:
    into.changes.extend(_records(r.Change, ("id", "service"), found, times))


def _followups(found: Sequence[wire.WireFollowUp], times: list[int], _topic: str, into: Decoded) -> None:
    into.followups.extend(_records(r.FollowUp, ("complaint",), found, times))


_Add = Callable[[Any, list[int], str, Decoded], None]


@dataclass(frozen=True)
class Source:
    """How to read a topic: its shape, alone or in arrays, and the step that checks shapes and adds them to their kind."""

    one: msgspec.json.Decoder[Any]
    many: msgspec.json.Decoder[Any]
    add: _Add


def _source(shape: type[msgspec.Struct], add: _Add) -> Source:
    array = Annotated[list[shape], msgspec.Meta(min_length=1, max_length=wire.MAX_ARRAY)]  # type: ignore[valid-type]
    return Source(msgspec.json.Decoder(shape), msgspec.json.Decoder(shape | array), add)


SOURCES: Mapping[str, Source] = {
    r.COMPLAINTS: _source(wire.WireComplaint, _complaints),
    r.METRICS: _source(wire.WirePoint, _points),
    r.MONITORS_APP: _source(wire.WirePoint, _points),
    r.MONITORS_IDC: _source(wire.WirePoint, _points),
    r.CHANGES: _source(wire.WireChange, _changes),
    r.FOLLOWUPS: _source(wire.WireFollowUp, _followups),
}
