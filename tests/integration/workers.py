"""Worker processes on the real parts, for tests: started, killed, read; and waiting until something holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streams.config import Settings
from streams.store.client import Store

ROOT = Path(__file__).parents[2]


def until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Returns when `true()`; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.1)


@dataclass
class Line:
    """Settings of a fresh line, its store as admin, and its workers."""

    settings: Settings
    store: Store
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, **extra: str) -> subprocess.Popen[bytes]:
        """A worker process; its standard error is in `said()`."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUIYIN_")} | {
            "HUIYIN_HOME": str(self.settings.home),
            "HUIYIN_DATABASE": self.store.database,
            "HUIYIN_GROUP": self.settings.group,
            "HUIYIN_CYCLE_SECONDS": "1",
            "OMP_NUM_THREADS": "1",
        }
        with (self.folder / f"worker-{len(self.workers)}.log").open("wb") as log:
            command = [sys.executable, "-m", "streams.cli", "worker"]
            worker = subprocess.Popen(command, cwd=ROOT, env=environment | extra, stderr=log, stdout=log)
        self.workers.append(worker)
        return worker

    def said(self, worker: subprocess.Popen[bytes]) -> str:
        """What a worker wrote."""
        return (self.folder / f"worker-{self.workers.index(worker)}.log").read_text()

    def stop_workers(self) -> list[int]:
        """Ends those that run, by SIGTERM; their exit statuses."""
        running = [worker for worker in self.workers if worker.poll() is None]
        for worker in running:
            worker.send_signal(signal.SIGTERM)
        return [worker.wait(60) for worker in running]

    def count(self, table: str) -> int:
        """Rows of a table, duplicates merged."""
        return int(self.store.rows(f"SELECT count() FROM {table} FINAL")[0][0])
