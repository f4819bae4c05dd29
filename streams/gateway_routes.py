"""What the gateway answers: a body in, a Response or a Problem out. Blocking; each runs in a thread of the Backend.

A body is one JSON object, an array of up to 1,000, or up to 10,000 lines of NDJSON. What is right of it is taken; what is not is
listed by number and makes the answer 422.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import choose_encoder

from models.privacy import mask
from streams import corrections, feedback
from streams.broker import client_options
from streams.config import Settings
from streams.decode import Delivery, decode
from streams.gateway_metrics import Figures
from streams.pieces import pieces
from streams.records import FOLLOWUPS, Origin
from streams.store import corrections as corrections_table
from streams.store.client import Store, StoreUnavailable
from streams.tagging import masked_followup

THREADS = 4
KAFKA_SECONDS = 10.0
MAX_LINES = 10_000  # of a body


class Problem(Exception):
    """An answer that is no success (RFC 9457): status, what is wrong, and members of its own."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more


class Backend:
    """ClickHouse and Kafka as the routes use them: a Store a thread, one producer, counts of requests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter("huiyin_gateway_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway")
        self._local = threading.local()
        self._stores: list[Store] = []
        self._lock, self._connecting = threading.Lock(), threading.Lock()
        self._producer: Any = None
        self.registry.register(Figures(self.store))

    async def run(self, answer: Callable[[Backend, bytes, str], web.Response], body: bytes, accept: str) -> web.Response:
        """What `answer` says, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, answer, self, body, accept)

    def store(self) -> Store:
        """This thread's connection. Raises SettingError."""
        found: Store | None = getattr(self._local, "store", None)
        if found is None:
            found = self._local.store = Store(self.settings.clickhouse_access("gateway"))
            with self._lock:
                self._stores.append(found)
        return found

    def send(self, topic: str, values: Sequence[bytes]) -> None:
        """To Kafka, acknowledged by all replicas in sync. Raises StoreUnavailable."""
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        access = self.settings.kafka_access()
        try:
            with self._connecting:
                if self._producer is None:
                    self._producer = KafkaProducer(**client_options(access), acks="all")
            sent = [self._producer.send(topic, value=value) for value in values]
            for one in sent:
                one.get(timeout=KAFKA_SECONDS)
        except (KafkaError, OSError) as error:
            raise StoreUnavailable(f"Kafka at {access.broker}: {error}") from error

    def count(self, method: str, path: str, status: int) -> None:
        """Note an answer; `path` as the route has it, '' for none of ours."""
        self._requests.labels(f"{method} {path}" if path else "none", str(status)).inc()

    def close(self) -> None:
        """Let go of everything, when what is in hand is done."""
        self._threads.shutdown()
        for store in self._stores:
            store.close()
        if self._producer is not None:
            self._producer.close(timeout=5)


def take_corrections(backend: Backend, body: bytes, _accept: str) -> web.Response:
    """Keeps corrections; stored judgements and rollups follow."""
    parsed = corrections.parse(_bounded(body), dt.datetime.now(dt.UTC))
    taken, refused = corrections_table.save(backend.store(), parsed)
    return _outcome(200, taken, [(error.line, error.reason) for error in refused])


def take_feedback(backend: Backend, body: bytes, _accept: str) -> web.Response:
    """Keeps feedback on incidents. Without `id` it is known by its content, without `ts` it is of this moment."""
    now, taken = dt.datetime.now(dt.UTC), 0
    refused: list[tuple[int, str]] = []
    for number, raw in _pieces(body):
        try:
            given = msgspec.json.decode(raw, type=dict[str, Any])
            known = {"id": hashlib.sha256(raw).hexdigest()[:24], "ts": now.isoformat()} | given
            feedback.record(backend.store(), msgspec.convert(known, feedback.Feedback))
            taken += 1
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, feedback.FeedbackError) as error:
            refused.append((number, mask(str(error))))
    return _outcome(200, taken, refused)


def take_followups(backend: Backend, body: bytes, _accept: str) -> web.Response:
    """Sends follow-ups to Kafka, where the worker takes them."""
    given = _pieces(body)
    deliveries = [Delivery(Origin(FOLLOWUPS, 0, number), raw) for number, raw in given]
    found = decode(deliveries, time.time())
    encoder = msgspec.json.Encoder()
    backend.send(FOLLOWUPS, [encoder.encode(masked_followup(one)) for one in found.followups])
    return _outcome(202, len(found.followups), [(bad.origin.offset, mask(bad.reason)) for bad in found.bad])


def health(backend: Backend, _body: bytes, _accept: str) -> web.Response:
    """200 when ClickHouse answers; StoreUnavailable makes it 503."""
    backend.store().rows("SELECT 1")
    return web.json_response({"status": "ok"})


def metrics(backend: Backend, _body: bytes, accept: str) -> web.Response:
    """Figures for Prometheus, as OpenMetrics where that is accepted."""
    encode, kind = choose_encoder(accept)
    return web.Response(body=encode(backend.registry), headers={"Content-Type": kind})


def _bounded(body: bytes) -> bytes:
    """The body, unless an answer about each of its lines would be larger than itself."""
    if body.count(b"\n") > MAX_LINES or body.count(b"\r") > MAX_LINES:
        raise Problem(413, f"more than {MAX_LINES:,} lines: send several bodies", taken=0)
    return body


def _pieces(body: bytes) -> list[tuple[int, bytes]]:
    try:
        return pieces(_bounded(body))
    except ValueError as error:
        raise Problem(422, str(error), taken=0) from error


def _outcome(status: int, taken: int, refused: Sequence[tuple[int, str]]) -> web.Response:
    if refused:
        listed = [{"number": number, "reason": reason} for number, reason in refused]
        raise Problem(422, f"{taken} taken, {len(refused)} refused", taken=taken, refused=listed)
    if not taken:
        raise Problem(422, "the body holds no record", taken=0)
    return web.json_response({"taken": taken}, status=status)


# (method, path) → what answers. OPEN: paths that need no token.
ROUTES: Mapping[tuple[str, str], Callable[[Backend, bytes, str], web.Response]] = {
    ("POST", "/api/v1/corrections"): take_corrections,
    ("POST", "/api/v1/feedback"): take_feedback,
    ("POST", "/api/v1/followups"): take_followups,
    ("GET", "/metrics"): metrics,
    ("GET", "/healthz"): health,
}
OPEN = frozenset({"/healthz"})
