"""The last step of each complaint of a day in, how the day's complaints were answered out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.digest_rows import Followed

OLDEST = 5


class Owed(NamedTuple):
    """A promise that nobody has kept yet, or a complaint that nobody has answered."""

    complaint: str
    since: dt.datetime
    status: str
    note: str
    text: str


class FollowUps(NamedTuple):
    """How the day's complaints were answered, by the day's end. `satisfaction` is the mean of those who gave one, or None."""

    statuses: Mapping[str, int]
    satisfaction: float | None
    oldest: tuple[Owed, ...]


def followed(rows: Sequence[Followed]) -> FollowUps:
    """Counts by status, mean satisfaction, and the promises that have waited longest."""
    pleased = [row.satisfaction for row in rows if row.satisfaction]
    waiting = sorted((row for row in rows if row.status in ("open", "handling")), key=lambda row: row.said)
    return FollowUps(
        statuses=Counter(row.status for row in rows),
        satisfaction=sum(pleased) / len(pleased) if pleased else None,
        oldest=tuple(Owed(row.complaint, row.said, row.status, row.promise, row.text) for row in waiting[:OLDEST]),
    )
