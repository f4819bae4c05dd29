"""Lines in, Kafka records out: the one producer of recorded and made-up data, as fast as it goes or at a multiple of event time.

Lines leave in slices, each slice as arrays, one or more a partition: all partitions advance through event time together, so
that a worker's watermark does not run ahead of a quiet one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.broker import client_options
from streams.config import KafkaAccess
from streams.recordings import Line, line
from streams.topics import MAX_MESSAGE

CODECS = ("none", "gzip", "lz4", "zstd")  # kafka-python writes snappy only with a library we do not need otherwise
SLICE_SECONDS = 0.1  # of wall clock in a slice, when paced
_JOINED = 4_000_000  # bytes of an array, at most


class ReplayError(RuntimeError):
    """Kafka did not take a record, or is away."""


class Pace(msgspec.Struct, frozen=True):
    """How to send: `speed` × event time (None: as fast as it goes), up to `batch` records an array, compressed by `codec`."""

    speed: float | None = None
    batch: int = 500
    codec: str = "lz4"


def send(
    records: Iterable[tuple[str, float, Mapping[str, Any]]], access: KafkaAccess, *, speed: float | None = None, batch: int = 500
) -> int:
    """Sends (topic, epoch seconds, record) in this order; the number sent, all of them in Kafka. Raises ReplayError."""
    lines = (line(record, topic)._replace(at=at) for topic, at, record in records)
    return send_lines(lines, access, Pace(speed, batch))


def send_lines(
    lines: Iterable[Line], access: KafkaAccess, pace: Pace, told: Callable[[int, float], None] = lambda *_: None
) -> int:
    """As `send`; `told` hears the number sent and the event time reached (epoch seconds) after each slice."""
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    codec = None if pace.codec == "none" else pace.codec
    try:
        options = client_options(access) | {"compression_type": codec, "linger_ms": 5, "batch_size": 1_000_000}
        producer = KafkaProducer(**options, max_request_size=MAX_MESSAGE, acks="all", max_in_flight_requests_per_connection=1)
    except (KafkaError, OSError) as error:
        raise ReplayError(f"Kafka at {access.broker}: {error}") from error
    try:
        count, slices = 0, _Slices(producer, pace.batch)
        for lump in _cut(lines, pace):
            slices.send(lump)
            count += len(lump)
            told(count, lump[-1].at)
        slices.finish()
        return count
    except KafkaError as error:
        raise ReplayError(f"Kafka at {access.broker}: {error}") from error
    finally:
        with suppress(KafkaError):  # what could not be sent is told already
            producer.close(timeout=10)


def _cut(lines: Iterable[Line], pace: Pace) -> Iterable[list[Line]]:
    """Lines in lots to be sent at once: by number, and when paced by time, each no earlier than its time has come."""
    lump: list[Line] = []
    began = opened = time.monotonic()
    first: float | None = None
    for one in lines:
        first = one.at if first is None else first
        if pace.speed:
            due = began + (one.at - first) / pace.speed
            if lump and (due > time.monotonic() or time.monotonic() - opened > SLICE_SECONDS):
                yield lump
                lump, opened = [], time.monotonic()
            time.sleep(max(0.0, due - time.monotonic()))
        lump.append(one)
        if len(lump) >= 4 * pace.batch:
            yield lump
            lump, opened = [], time.monotonic()
    if lump:
        yield lump


@dataclass
class _Slices:
    """Sends slices: lines of a partition joined into arrays, in their order. At most two slices are on their way."""

    producer: Any
    batch: int
    _open: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    _sent: list[Any] = field(default_factory=list)

    def send(self, lump: list[Line]) -> None:
        """Hands a slice to the producer and waits for the one before it. Raises KafkaError."""
        before, self._sent = self._sent, []
        for one in lump:
            place = (one.topic, self._partition(one))
            held = self._open.setdefault(place, [])
            if held and (not one.sound or len(held) >= self.batch or sum(map(len, held)) + len(one.value) > _JOINED):
                self._flush(place)
            self._open.setdefault(place, []).append(one.value)
            if not one.sound:
                self._flush(place, alone=True)
        for place in list(self._open):
            self._flush(place)
        for future in before:
            future.get(timeout=120)

    def finish(self) -> None:
        """Waits until Kafka has everything. Raises KafkaError."""
        self.producer.flush()
        for future in self._sent:
            future.get(timeout=0)

    def _partition(self, one: Line) -> int:
        """As Kafka's own clients choose it for a record with this key."""
        from kafka.partitioner.default import murmur2

        return int(murmur2(one.key.encode()) & 0x7FFFFFFF) % len(self.producer.partitions_for(one.topic) or (0,))

    def _flush(self, place: tuple[str, int], alone: bool = False) -> None:
        values = self._open.pop(place, [])
        if values:
            value = values[0] if alone or self.batch == 1 else b"[" + b",".join(values) + b"]"
            self._sent.append(self.producer.send(place[0], value=value, partition=place[1]))
