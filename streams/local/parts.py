"""Both embedded parts as one: a data folder in, Kafka and ClickHouse answering out; stopped together."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streams.config import ROLES, Endpoints, read_endpoints
from streams.local import clickhouse, kafka
from streams.local.process import Part, PartFailed, kill, stop

LOOPBACK = "127.0.0.1"


class AlreadyRunning(PartFailed):
    """Another process keeps parts on this data folder."""

    def __init__(self, home: Path) -> None:
        remedy = "stop it with ./huiyin down, or set HUIYIN_HOME to another folder"
        super().__init__(f"{home} is in use by process {keeper(home)}; {remedy}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Parts:
    """Both parts on a data folder. `kill_*` and `start_*` are for tests of crashes: same folder, same ports."""

    home: Path
    cache: Path
    endpoints: Endpoints
    java: str = ""
    say: Callable[[str], None] = _say
    kafka: Part | None = None
    clickhouse: Part | None = None

    def start(self) -> None:
        """Starts both side by side and waits until each answers. Raises JarsUnavailable, PartFailed."""
        try:
            self.kafka = kafka.launch(self.home, self.cache, self.endpoints, java=self.java, say=self.say)
            self.say(f"starting Kafka on {self.endpoints.broker}")
            self.clickhouse = clickhouse.launch(self.home, self.endpoints)
            self.say(f"starting ClickHouse on {LOOPBACK}:{self.endpoints.clickhouse_port}")
            clickhouse.wait(self.clickhouse, self.endpoints)
            kafka.wait(self.kafka, self.endpoints)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops both; nothing is left running."""
        for part in (self.kafka, self.clickhouse):
            if part:
                stop(part)

    def failure(self) -> PartFailed | None:
        """The first part that is not running, and why; None while both run."""
        return next((failure for part in (self.kafka, self.clickhouse) if part and (failure := part.failure())), None)

    def kill_kafka(self) -> None:
        """kill -9."""
        if self.kafka:
            kill(self.kafka)

    def kill_clickhouse(self) -> None:
        """kill -9."""
        if self.clickhouse:
            kill(self.clickhouse)

    def start_kafka(self) -> None:
        """Starts Kafka again after it ended, on the same ports, and waits until it answers."""
        self.kafka = kafka.start(self.home, self.cache, self.endpoints, java=self.java, say=self.say)

    def start_clickhouse(self) -> None:
        """Starts ClickHouse again after it ended, on the same ports, and waits until it answers."""
        self.clickhouse = clickhouse.start(self.home, self.endpoints)


@contextmanager
def started(home: Path, cache: Path, *, java: str = "", say: Callable[[str], None] = _say) -> Iterator[Parts]:
    """Both parts on `home`, started and at the end stopped. Raises AlreadyRunning, JarsUnavailable, PartFailed, SettingError."""
    home, cache = home.absolute(), cache.absolute()
    with _held(home):
        parts = Parts(home, cache, _choose_endpoints(home, say), java, say)
        parts.start()
        try:
            yield parts
        finally:
            parts.stop()


@contextmanager
def running(home: Path, cache: Path, *, java: str = "", say: Callable[[str], None] = _say) -> Iterator[Endpoints]:
    """Both parts on `home` for as long as the block runs; see `started`."""
    with started(home, cache, java=java, say=say) as parts:
        yield parts.endpoints


def keeper(home: Path) -> int | None:
    """The process that keeps parts on this data folder, or None."""
    try:
        handle = os.open(home / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(handle, 32, 0).strip() or 0) or None
    finally:
        os.close(handle)
    return None


@contextmanager
def _held(home: Path) -> Iterator[None]:
    """The data folder, ours alone; the lock goes with the process, however it ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PartFailed(f"the data folder {home} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(home) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _choose_endpoints(home: Path, say: Callable[[str], None]) -> Endpoints:
    """The recorded ports and passwords where the ports are still free, else new ones, recorded (mode 600)."""
    path = home / "endpoints.json"
    recorded = read_endpoints(path)
    if recorded and all(map(_free, _ports(recorded))):
        return recorded
    if recorded:
        say("a recorded port is taken by another program: choosing new ones")
    broker, controller, native, http = _free_ports(4)
    endpoints = Endpoints(
        broker=f"{LOOPBACK}:{broker}",
        kafka_controller_port=controller,
        clickhouse_host=LOOPBACK,
        clickhouse_port=native,
        clickhouse_http_port=http,
        passwords=recorded.passwords if recorded else {role: secrets.token_urlsafe(24) for role in ROLES},
    )
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(endpoints)))
    partial.replace(path)
    return endpoints


def _ports(endpoints: Endpoints) -> list[int]:
    broker = int(endpoints.broker.rsplit(":", 1)[1])
    return [broker, endpoints.kafka_controller_port, endpoints.clickhouse_port, endpoints.clickhouse_http_port]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ports in TIME_WAIT are free for a server
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
