"""A lane: events in as they come, batches out to a worker thread one after another, acknowledged only when they are stored.

Each Kafka partition belongs to one lane and a lane keeps the order of arrival. That matters twice: the later of two versions of a
record wins in the store, and Faust commits the highest offset it saw acknowledged, so that an acknowledgement ahead of an older,
unstored event would lose that event. Memory is bounded by bytes: a full lane stops taking, Faust's buffers fill, fetching pauses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import faust

from streams.decode import Delivery


class Outgoing(NamedTuple):
    """A Kafka record that storing a batch gave rise to."""

    topic: str
    key: bytes | None
    value: bytes


Process = Callable[[Sequence[Delivery]], Sequence[Outgoing]]


class Held(NamedTuple):
    """An event that is not acknowledged yet, and how to acknowledge it."""

    delivery: Delivery
    event: faust.EventT
    stream: faust.StreamT


@dataclass
class Lane:
    """`process` stores a batch (it blocks, in the lane's thread); `publish` sends what came of it and waits for Kafka."""

    name: str
    process: Process
    publish: Callable[[Sequence[Outgoing]], Awaitable[None]]
    batch_bytes: int = 4_000_000
    linger: float = 0.2  # seconds that a batch waits for company
    closed: bool = False  # no batch will be stored any more
    _waiting: deque[Held] = field(default_factory=deque)
    _bytes: int = 0
    _busy: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, held: Held) -> None:
        """Takes an event; waits while the lane is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < 2 * self.batch_bytes)
            self._waiting.append(held)
            self._bytes += _weight(held)
            self._changed.notify_all()

    async def run(self) -> None:
        """Works until cancelled. Whatever `process` raises ends the lane, its batch unacknowledged."""
        with ThreadPoolExecutor(1, thread_name_prefix=self.name) as thread:
            loop = asyncio.get_running_loop()
            while True:
                batch = await self._take()
                outgoing = await loop.run_in_executor(thread, self.process, [held.delivery for held in batch])
                await self.publish(outgoing)
                for held in batch:
                    await held.stream.ack(held.event)
                async with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    async def drain(self) -> None:
        """Returns when everything taken so far is acknowledged."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.closed or not (self._waiting or self._busy))

    async def _take(self) -> list[Held]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            try:
                async with asyncio.timeout(self.linger):
                    await self._changed.wait_for(lambda: self._bytes >= self.batch_bytes)
            except TimeoutError:
                pass
            self._busy = True
            batch: list[Held] = []
            taken = 0
            while self._waiting and taken < self.batch_bytes:
                batch.append(self._waiting.popleft())
                taken += _weight(batch[-1])
            self._bytes -= taken
            self._changed.notify_all()
            return batch


def _weight(held: Held) -> int:
    return len(held.delivery.payload) + 500  # bytes; what an event itself takes
