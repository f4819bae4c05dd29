"""Starts a worker and runs it until it is told to stop: settings in, exit status out.

It waits, with one line of notice, for a broker or a ClickHouse that is not there yet. On SIGTERM it stores and acknowledges what
it has and exits 0; when ClickHouse stays away too long it stops with one line and exits 1, and Kafka delivers again.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from models.artefact import ArtefactError
from models.lexicon import LexiconError
from models.tag import load_tagger
from models.topology import Topology, read_topology
from streams import topics
from streams.app import LANES, Wiring
from streams.config import Settings
from streams.cycle import Cycle
from streams.own_models import Reloading
from streams.sink import Sink
from streams.store.client import Store, StoreError, StoreUnavailable
from streams.store.corrections import Known
from streams.store.topology import save
from streams.stored import EndOffsets

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
RETRY_SECONDS = 2.0


class WorkerError(RuntimeError):
    """The worker cannot start, or had to stop."""


def run(settings: Settings) -> None:
    """Runs a worker until SIGTERM or SIGINT. Raises WorkerError, SettingError, TopologyError."""
    _log_to_stderr()
    topology = described(settings)
    stores = {name: Store(settings.clickhouse_access("writer")) for name in LANES}
    first = stores["complaints"]
    access = settings.kafka_access()
    _patiently(lambda: topics.create(access, settings.partitions, settings.replication), topics.TopicsError)
    _patiently(lambda: _check_schema(first), StoreUnavailable)
    save(first, topology)
    stopping = threading.Event()
    tagger, cycle, ends = own_tagger(settings, topology), Cycle(settings), EndOffsets(access)
    sinks = {name: Sink(stores[name], tagger, settings.store_patience, stopping, token_key=settings.token_key) for name in LANES}
    sinks["complaints"].corrections = Known(first)
    log.info("worker of group %s: Kafka at %s, ClickHouse at %s", settings.group, access.broker, first.access.host)
    with tempfile.TemporaryDirectory(prefix="huiyin-worker-") as data:
        processes = {name: sink.process for name, sink in sinks.items()}
        _serve(Wiring(settings, Path(data), processes, lambda: cycle.run(ends.read()), stopping))


def described(settings: Settings) -> Topology:
    """What services.yaml says; empty without one. Raises TopologyError with line and field."""
    return read_topology(settings.services_file) if settings.services_file else Topology()


def own_tagger(settings: Settings, topology: Topology) -> Reloading:
    """A tagger with the user's lexicon and models where settings name them. Raises WorkerError naming the file."""
    try:
        return Reloading(
            lambda: load_tagger(topology, lexicon=settings.lexicon_file, own=settings.models),
            settings.models,
        )
    except (LexiconError, ArtefactError, OSError) as error:
        raise WorkerError(str(error)) from error


def _patiently(attempt: Callable[[], _Result], away: type[Exception]) -> _Result:
    """The result, once `attempt` no longer raises `away`; a line for each new reason."""
    told = ""
    while True:
        try:
            return attempt()
        except away as error:
            if str(error) != told:
                log.warning("waiting: %s", error)
                told = str(error)
            time.sleep(RETRY_SECONDS)


def _check_schema(store: Store) -> None:
    try:
        found = store.rows("EXISTS TABLE dirty_minutes")
    except StoreError as error:
        raise WorkerError(str(error)) from error
    if found != [(1,)]:
        raise WorkerError(f"database {store.database} has no tables: run ./huiyin migrate")


def _serve(wiring: Wiring) -> None:
    import faust

    worker = faust.Worker(wiring.app(), quiet=True, redirect_stdouts=False, override_logging=False)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        if wiring.failure:
            raise WorkerError(wiring.failure) from end
        if end.code:
            raise WorkerError(f"the worker broke off: {worker.crash_reason!r}") from end
        log.info("worker stopped: what it had taken is stored")


def _log_to_stderr(quiet: Sequence[str] = ("aiokafka", "kafka")) -> None:
    """Our own notices; of the rest what is an error. Kafka clients call every retry an error: theirs only when critical."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("streams").setLevel(logging.INFO)
    for name in quiet:
        logging.getLogger(name).setLevel(logging.CRITICAL)
