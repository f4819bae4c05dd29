"""Complaints in, Tagged complaints out: judged in one batch, personal data masked; it is masked in other records too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from models.privacy import mask
from models.tag import Judgement
from streams.opaque import opaque
from streams.records import Change, Complaint, FollowUp, Tagged
from streams.wire import MAX_ARRAY

MAX_EVENT = 4_000_000  # bytes of one huiyin.tagged value; a single complaint is under 1 MB
ORDER_KEPT = 4  # characters at the end of an order number: enough to recognise one's own


class Judges(Protocol):
    """What tagging needs of models.tag.Tagger."""

    def judge(self, texts: Sequence[str], services: Sequence[str] = (), channels: Sequence[str] = ()) -> list[Judgement]:
        """One Judgement a text; a given service is kept."""


def tag(complaints: Sequence[Complaint], judges: Judges, token_key: str = "") -> list[Tagged]:
    """The same complaints, judged and masked, in the same order. A service or category that the collector gave is kept.

    Identifiers that are personal data become tokens under `token_key` (streams.opaque).
    """
    judgements = judges.judge([c.text for c in complaints], [c.service for c in complaints], [c.channel for c in complaints])
    return [Tagged(_masked(c, judgement, token_key), judgement) for c, judgement in zip(complaints, judgements, strict=True)]


def _masked(complaint: Complaint, judgement: Judgement, token_key: str) -> Complaint:
    order = opaque(complaint.order, token_key)
    return replace(
        complaint,
        id=opaque(complaint.id, token_key),
        text=judgement.text,
        service=complaint.service or judgement.service,
        category=complaint.category or judgement.category,
        user=mask(opaque(complaint.user, token_key)),
        region=mask(complaint.region),
        order=masked_order(order) if order == complaint.order else order,
    )


def masked_order(order: str) -> str:
    """An order number's last four characters behind a star; shorter ones whole."""
    return order if len(order) <= ORDER_KEPT else f"*{order[-ORDER_KEPT:]}"


def masked_change(change: Change) -> Change:
    """A change whose title and operator hold no personal data."""
    return replace(change, title=mask(change.title), operator=mask(change.operator))


def masked_followup(followup: FollowUp, token_key: str = "") -> FollowUp:
    """A follow-up whose note holds no personal data, and which names its complaint as that is stored."""
    return replace(followup, complaint=opaque(followup.complaint, token_key), note=mask(followup.note))


def events(tagged: Sequence[Tagged]) -> Iterator[bytes]:
    """Values for huiyin.tagged: JSON arrays of at most 1,000 objects (complaint and judgement in one) and MAX_EVENT bytes."""
    group: list[bytes] = []
    size = 0
    for one in tagged:
        encoded = msgspec.json.encode(_flat(one))
        if group and (len(group) == MAX_ARRAY or size + len(encoded) > MAX_EVENT):
            yield b"[" + b",".join(group) + b"]"
            group, size = [], 0
        group.append(encoded)
        size += len(encoded) + 1
    if group:
        yield b"[" + b",".join(group) + b"]"


def _flat(tagged: Tagged) -> dict[str, Any]:
    judged = msgspec.structs.asdict(tagged.judgement)
    return judged | msgspec.structs.asdict(tagged.complaint)
