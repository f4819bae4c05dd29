"""The Faust worker, as a record passes: Kafka → lane → sink → acknowledgement; and, on the leader, the correlation cycle.

Faust brings partitions, rebalancing and leader election. It does not batch, decode or acknowledge here: its `take` acknowledges a
batch whose insert failed, an exception in an agent acknowledges the event, and a decode failure loses the payload. So values come
raw, agents only hand events to a lane without acknowledging them (`noack`), and the lane acknowledges in order after the insert.
Faust's own wait for unacknowledged events has no end when ClickHouse is away: `stream_wait_empty=False`, and a drain of ours.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faust
from kafka.errors import KafkaError

from streams import records as r
from streams.broker import faust_options
from streams.config import Settings
from streams.decode import Delivery
from streams.lane import Held, Lane, Outgoing
from streams.sink import StoreLost
from streams.store.client import StoreError, StoreUnavailable
from streams.topics import MAX_MESSAGE

log = logging.getLogger(__name__)

# Lane → its topics. A lane's rows end in tables that no other lane writes, and keep the order they had in their partition.
LANES: Mapping[str, tuple[str, ...]] = {
    "complaints": (r.COMPLAINTS,),
    "metrics": (r.METRICS, r.MONITORS_APP, r.MONITORS_IDC),
    "changes": (r.CHANGES, r.FOLLOWUPS),
}
FAULT_SECONDS = 60.0  # after a fault in judging: each try folds weeks of history again
DRAIN_SECONDS = 8.0  # for a rebalance or a stop; below the session timeout, so that the broker does not give up on the worker


@dataclass
class Wiring:
    """What a worker is made of. `stores`: lane → the step that stores a batch; `cycle`: one look for incidents. Both block."""

    settings: Settings
    data: Path
    stores: Mapping[str, Callable[[Sequence[Delivery]], Sequence[Outgoing]]]
    cycle: Callable[[], object]
    stopping: threading.Event  # set when nothing may wait any longer
    failure: str = ""  # why the worker stopped, when it did not stop by order

    def app(self) -> faust.App:
        """The app, ready to be run by a faust.Worker."""
        app = faust.App(self.settings.group, **_options(self.settings, self.data))
        lanes = [Lane(name, self.stores[name], partial(_publish, app)) for name in LANES]
        for lane in lanes:
            _receive(app, lane, LANES[lane.name])
            self._store(app, lane)
        self._correlate(app)
        self._drain_before_leaving(app, lanes)
        return app

    def _store(self, app: faust.App, lane: Lane) -> None:
        @app.task  # type: ignore[untyped-decorator]
        async def store() -> None:
            try:
                await lane.run()
            except (StoreLost, StoreError) as error:
                lane.closed = True
                self._stop(str(error))

    def _correlate(self, app: faust.App) -> None:
        """A timer never runs twice at once, and a thread of its own keeps its connections."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="cycle")
        away = ""

        @app.timer(interval=self.settings.cycle_seconds, on_leader=True)  # type: ignore[untyped-decorator]
        async def correlate() -> None:
            nonlocal away
            try:
                await asyncio.get_running_loop().run_in_executor(thread, self.cycle)
                if away:
                    log.warning("looking for incidents again")
                away = ""
            except (StoreUnavailable, KafkaError) as error:
                if not away:
                    log.warning("no look for incidents for now: %s", error)
                away = str(error)
            except StoreError as error:
                self._stop(str(error))
            except Exception:  # a fault in judging must not keep records from being stored
                log.exception("no look for incidents this time; the next in %.0f s", FAULT_SECONDS)
                await asyncio.sleep(FAULT_SECONDS)

    def _stop(self, reason: str) -> None:
        """Stops the worker from inside: nothing more is acknowledged, and Kafka delivers it again to the next."""
        if not self.failure:
            self.failure = reason
            self.stopping.set()
            signal.raise_signal(signal.SIGTERM)

    def _drain_before_leaving(self, app: faust.App, lanes: Sequence[Lane]) -> None:
        """Before partitions go to another worker, and before a stop: what was taken is stored, acknowledged and committed."""

        async def drain(*_: Any, **__: Any) -> None:
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await asyncio.gather(*(lane.drain() for lane in lanes))
            except TimeoutError:
                log.warning("leaving with events unacknowledged: Kafka delivers them again")
            await app.commit(r.SOURCES)

        async def drain_and_stop(*_: Any, **__: Any) -> None:
            await drain()
            self.stopping.set()

        async def tell(_app: faust.App, assigned: set[Any], **__: Any) -> None:
            ours = sum(place.topic in r.SOURCES for place in assigned)
            log.info("%d partitions are ours", ours)

        app.on_partitions_assigned.connect(tell, weak=False)
        app.on_partitions_revoked.connect(drain, weak=False)
        app.on_before_shutdown.connect(drain_and_stop, weak=False)


def _options(settings: Settings, data: Path) -> dict[str, Any]:
    return faust_options(settings.kafka_access()) | {
        "datadir": data,
        "store": "memory://",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "web_enabled": False,
        "topic_partitions": 1,
        "topic_replication_factor": settings.replication,
        "broker_commit_interval": 1.0,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 3.0,
        "broker_max_poll_records": 500,
        "stream_buffer_maxsize": 200,  # events of up to 10 MB
        "stream_wait_empty": False,
        "producer_compression_type": "lz4",
        "producer_max_request_size": MAX_MESSAGE,
    }


def _receive(app: faust.App, lane: Lane, topics: Iterable[str]) -> None:
    source = app.topic(*topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    @app.agent(source, name=lane.name)  # type: ignore[untyped-decorator]
    async def receive(stream: faust.StreamT) -> None:
        async for event in stream.noack().events():
            message = event.message
            origin = r.Origin(message.topic, message.partition, message.offset)
            await lane.put(Held(Delivery(origin, message.value or b""), event, stream))


async def _publish(app: faust.App, outgoing: Sequence[Outgoing]) -> None:
    sent = [await app.topic(out.topic, value_serializer="raw").send(key=out.key, value=out.value) for out in outgoing]
    for delivered in sent:
        await delivered
