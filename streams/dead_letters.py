"""Refused records on their way to where people look for them: BadRecords in, masked rows and Kafka values out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from models.privacy import mask
from streams.records import BadRecord

MAX_PAYLOAD = 65_536  # bytes of a payload that are kept
MAX_REASON = 500  # characters
_MARGIN = 512  # bytes beyond the cut that are masked with the rest, so that no number is cut before it is recognised


class DeadLetter(msgspec.Struct, frozen=True):
    """A refused record as it is stored and sent; `size` (bytes) and `sha256` are those of the payload as it came."""

    topic: str
    partition: int
    offset: int
    index: int
    reason: str
    payload: str
    size: int
    sha256: str


def dead_letter(bad: BadRecord) -> DeadLetter:
    """The record with personal data masked, its payload cut at 64 KiB; bytes that are no UTF-8 are written as \\xNN."""
    size, digest = len(bad.payload), hashlib.sha256(bad.payload).hexdigest()
    text = mask(bad.payload[: MAX_PAYLOAD + _MARGIN].decode("utf-8", "backslashreplace"))
    kept = text.encode()[:MAX_PAYLOAD].decode("utf-8", "ignore")
    reason = mask(bad.reason)[:MAX_REASON]
    if size > MAX_PAYLOAD:
        reason += f" [cut from {size:,} bytes, sha256 {digest}]"
    origin = bad.origin
    return DeadLetter(origin.topic, origin.partition, origin.offset, origin.index, reason, kept, size, digest)


def columns(letters: Sequence[DeadLetter]) -> dict[str, list[object]]:
    """Columns for the dead_letters table."""
    names = ("topic", "partition", "offset", "index", "reason", "payload")
    return {name: [getattr(letter, name) for letter in letters] for name in names}
