"""A batch of Kafka values in, stored rows out, in an order that no kill can bend.

decode → tag → raw rows and dead letters → mark the minutes touched → record the progress; only then is the batch acknowledged.
Every step may be done twice: rows carry their own key, marks and progress only add. So when ClickHouse fails, the whole write is
done again; when ClickHouse or tagging refuses, the batch is taken apart until the record at fault is alone, a dead letter.

    StoreUnavailable   away: waited out with backoff, while nothing is acknowledged and so nothing more is fetched
    StoreLost          away for longer than the sink's patience: stop, and Kafka delivers again
    StoreError         refused: the table itself is wrong (raised on), or one record is (dead letter)
    UnjudgedError      a fault in tagging: one record is to blame (dead letter)
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from streams import columns, dead_letters, tagging
from streams import records as r
from streams.columns import Columns
from streams.dead_letters import DeadLetter
from streams.decode import Delivery, decode
from streams.lane import Outgoing
from streams.store import progress, rollup
from streams.store.client import Store, StoreError, StoreUnavailable
from streams.store.corrections import Known
from streams.store.progress import PartitionProgress
from streams.wire import split_array

log = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0  # seconds between attempts, doubled each time


class StoreLost(Exception):
    """ClickHouse stayed away for longer than the sink waits, or the worker was told to stop meanwhile."""


class UnjudgedError(Exception):
    """Tagging failed on some text of a batch."""


@dataclass(frozen=True)
class Write:
    """All that one batch puts into the store, and what goes to Kafka after it."""

    tables: dict[str, Columns]
    letters: Sequence[DeadLetter]
    minutes: dict[rollup.Source, list[int]]  # source → epoch seconds of the minutes touched
    outgoing: Sequence[Outgoing]


@dataclass
class Sink:
    """Stores batches, one after another, in one thread."""

    store: Store
    judges: tagging.Judges
    patience: float  # seconds
    stopping: threading.Event
    clock: Callable[[], float] = time.time
    token_key: str = ""  # under which personal identifiers become tokens
    corrections: Known | None = None  # what readers said of complaints that come again
    _latest: dict[tuple[str, int], int] = field(default_factory=dict)

    def process(self, deliveries: Sequence[Delivery]) -> list[Outgoing]:
        """Stores the batch; gives what Kafka shall carry on. Raises StoreLost, or StoreError when a table is wrong."""
        if self.corrections is not None:
            self._patiently(self.corrections.refresh)
        outgoing = self._store(deliveries)
        reached = self._reached(deliveries)
        self._patiently(lambda: progress.record_all(self.store, reached))
        return outgoing

    def _store(self, deliveries: Sequence[Delivery]) -> list[Outgoing]:
        try:
            write = self._prepare(deliveries)
        except UnjudgedError as error:
            return self._take_apart(deliveries, str(error))
        try:
            self._patiently(lambda: self._write(write))
        except StoreError as error:
            for table, rows in write.tables.items():
                self._check_table(table, list(rows))
            return self._take_apart(deliveries, f"the store refused it: {error}")
        return list(write.outgoing)

    def _prepare(self, deliveries: Sequence[Delivery], bad: Sequence[r.BadRecord] = ()) -> Write:
        now = self.clock()
        decoded = decode(deliveries, now)
        tagged = self._tag(decoded.complaints)
        letters = [dead_letters.dead_letter(one) for one in (*decoded.bad, *bad)]
        for place, latest in decoded.latest.items():  # a clock that runs ahead must not carry the watermark with it
            self._latest[place] = max(self._latest.get(place, 0), min(latest, int(now * 1000)))
        tables = {
            "complaints": columns.complaints(tagged),
            "metrics": columns.metrics(decoded.points),
            "changes": columns.changes([tagging.masked_change(change) for change in decoded.changes]),
            "followups": columns.followups([tagging.masked_followup(one, self.token_key) for one in decoded.followups]),
        }
        minutes: dict[rollup.Source, list[int]] = {
            "complaints": _minutes(tables["complaints"]["ts"]),
            "metrics": _minutes(tables["metrics"]["ts"]),
        }
        outgoing = [Outgoing(r.TAGGED, None, value) for value in tagging.events(tagged)]
        outgoing += [Outgoing(r.DEAD_LETTERS, None, msgspec.json.encode(letter)) for letter in letters]
        return Write(tables, letters, minutes, outgoing)

    def _tag(self, complaints: Sequence[r.Complaint]) -> list[r.Tagged]:
        try:
            tagged = tagging.tag(complaints, self.judges, self.token_key) if complaints else []
            return self.corrections.correct(tagged) if self.corrections else tagged
        except Exception as error:  # a fault in judging one text must not stop all others, again and again
            log.exception("a batch of %d complaints could not be judged: looking for the one", len(complaints))
            raise UnjudgedError(f"it could not be judged: {error!r}") from error

    def _reached(self, deliveries: Sequence[Delivery]) -> list[PartitionProgress]:
        ends: dict[tuple[str, int], int] = {}
        for origin, _ in deliveries:
            ends[origin.topic, origin.partition] = origin.offset + 1
        return [PartitionProgress(*place, end, self._latest.get(place, 0) / 1000) for place, end in ends.items()]

    def _write(self, write: Write) -> None:
        for table, rows in write.tables.items():
            self.store.insert(table, rows)
        self.store.insert("dead_letters", dead_letters.columns(write.letters))
        for source, minutes in write.minutes.items():
            rollup.mark(self.store, source, minutes)

    def _patiently(self, action: Callable[[], None]) -> None:
        """Does it, waiting while ClickHouse is away. Raises StoreLost, StoreError."""
        since, wait = time.monotonic(), FIRST_WAIT
        while True:
            try:
                action()
            except StoreUnavailable as error:
                away = time.monotonic() - since
                if away > self.patience:
                    raise StoreLost(f"ClickHouse was away for {away:.0f} s: {error}") from error
                if wait == FIRST_WAIT:
                    log.warning("ClickHouse is away, consumption pauses: %s", error)
                if self.stopping.wait(wait * random.uniform(0.5, 1.5)):
                    raise StoreLost(f"stopped while ClickHouse was away: {error}") from error
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                if wait > FIRST_WAIT:
                    log.warning("ClickHouse is back after %.0f s, consumption goes on", time.monotonic() - since)
                return

    def _take_apart(self, deliveries: Sequence[Delivery], reason: str) -> list[Outgoing]:
        """Halves until the record that is to blame is alone; it becomes a dead letter."""
        parts = _halves(deliveries)
        if parts:
            return [out for part in parts for out in self._store(part)]
        origin, payload = deliveries[0]
        alone = self._prepare([], [r.BadRecord(origin, reason, payload)])
        self._patiently(lambda: self._write(alone))
        return list(alone.outgoing)

    def _check_table(self, table: str, names: Sequence[str]) -> None:
        """Raises StoreError when the table would refuse any row (missing, other columns, no right): no record is to blame."""
        listed = ", ".join(f"`{name}`" for name in names)
        self.store.execute(f"INSERT INTO `{table}` ({listed}) SELECT {listed} FROM `{table}` LIMIT 0")  # noqa: S608  our own names


def _halves(deliveries: Sequence[Delivery]) -> list[Sequence[Delivery]]:
    """The batch in two; a single value in its elements; nothing when it is a single record."""
    if len(deliveries) == 1:
        origin, payload = deliveries[0]
        try:
            elements = split_array(payload) or []
        except ValueError:  # decoding refused the whole of it already
            elements = []
        deliveries = [Delivery(msgspec.structs.replace(origin, index=i), element) for i, element in enumerate(elements)]
        if len(deliveries) <= 1:
            return [deliveries] if deliveries and deliveries[0].payload != payload else []
    middle = len(deliveries) // 2
    return [deliveries[:middle], deliveries[middle:]]


def _minutes(times: Sequence[int]) -> list[int]:
    minutes: list[int] = (np.unique(np.asarray(times, dtype=np.int64) // 60_000) * 60).tolist()
    return minutes
