"""Both embedded parts as one: a data folder in, Kafka and ClickHouse answering out; stopped together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.config import Endpoints
from streams.local import clickhouse, kafka
from streams.local.endpoints import LOOPBACK, choose_endpoints
from streams.local.folder import held
from streams.local.process import Part, PartFailed, kill, stop


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
    """Both parts on `home`, started and at the end stopped. Raises AlreadyRunning, JarsUnavailable, SettingError, and PartFailed
    when one does not start, or has died by the end."""
    home, cache = home.absolute(), cache.absolute()
    with held(home):
        parts = Parts(home, cache, choose_endpoints(home, say), java, say)
        parts.start()
        try:
            yield parts
        except Exception:
            if failure := parts.failure():  # then this is likely why
                say(str(failure))
            raise
        else:
            if failure := parts.failure():
                raise failure
        finally:
            parts.stop()


@contextmanager
def running(home: Path, cache: Path, *, java: str = "", say: Callable[[str], None] = _say) -> Iterator[Endpoints]:
    """Both parts on `home` for as long as the block runs; see `started`."""
    with started(home, cache, java=java, say=say) as parts:
        yield parts.endpoints
