"""What correlation asks of the past, whoever keeps it: ClickHouse for the live worker, memory for backtest and rank."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.window import ChangeMark, MetricWindow


class MinuteCounts(NamedTuple):
    """Complaints per minute as columns, ordered by minute: one row a (minute, service, category) that had any.

    `minute` is the epoch second the minute starts at; `total` counts everything said, `negative` what blames.
    """

    minute: NDArray[np.int64]
    service: Sequence[str]
    category: Sequence[str]
    total: NDArray[np.int64]
    negative: NDArray[np.int64]


class ChannelCounts(NamedTuple):
    """Everything said per minute and channel, as columns, ordered by minute (as MinuteCounts)."""

    minute: NDArray[np.int64]
    channel: Sequence[str]
    total: NDArray[np.int64]


class Said(NamedTuple):
    """One complaint as an incident shows and slices it (text already masked); `at` in epoch seconds."""

    id: str
    at: int
    text: str
    polarity: int
    service: str
    category: str
    channel: str
    region: str
    app_version: str
    cohort: str
    rating: int | None = None


class History(Protocol):
    """The past, by half-open ranges of epoch seconds [start, end). Empty `services` means all."""

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaint counts of every service."""

    def channels(self, start: int, end: int) -> ChannelCounts:
        """What was said in every channel."""

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Per-minute means of every series of these services and IDCs, all layers."""

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Changes to these services, oldest first."""

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """The newest `limit` complaints about a service (and category, unless empty), newest first."""
