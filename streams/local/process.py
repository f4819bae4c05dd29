"""Part processes: a command in, a running process tied to this one out; asked to stop, then made to.

Start parts from the main thread, or one that lives as long as they should: see tether.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


class PartFailed(RuntimeError):
    """An embedded part did not start, or died; the message names the part and its log file."""


@dataclass(frozen=True)
class Part:
    """A running part: its process, and where it logs. `console` keeps what it says before its log is open."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    console: Path

    def failure(self) -> PartFailed | None:
        """Why the part is not running, or None while it is."""
        code = self.process.poll()
        if code is None:
            return None
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        lines = [line for line in self.console.read_text(encoding="utf-8", errors="replace").splitlines() if _telling(line)]
        said = f": {lines[-1][:300]}" if lines else ""
        return PartFailed(f"{self.name} ended ({how}){said}; see {self.log}")


def _telling(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("WARNING: ", "Logging "))


def spawn(
    name: str, command: Sequence[str | Path], *, folder: Path, logs: Path, environment: Mapping[str, str] | None = None
) -> Part:
    """Starts the command in `folder`, in a session of its own (the terminal's Ctrl-C does not reach it)."""
    logs.mkdir(parents=True, exist_ok=True)
    console = logs / f"{name.lower()}.console.log"
    tethered = [sys.executable, "-I", str(_TETHER), str(os.getpid()), *map(str, command)]
    with console.open("wb") as output:
        process = subprocess.Popen(
            tethered, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return Part(name, process, logs / f"{name.lower()}.log", console)


def wait_until(part: Part, answers: Callable[[], bool], seconds: float = 180) -> None:
    """Returns when the part answers. Raises PartFailed when it dies, or does not answer in time (it is then killed)."""
    deadline = time.monotonic() + seconds
    while not answers():
        if failure := part.failure():
            raise failure
        if time.monotonic() > deadline:
            stop(part, seconds=0)
            raise PartFailed(f"{part.name} did not answer within {seconds:.0f} s; see {part.log}")
        time.sleep(0.05)


def stop(part: Part, seconds: float = 20) -> None:
    """Asks the part to end and waits for it; what is left of its session after `seconds` is killed."""
    if part.process.poll() is None and seconds > 0:
        part.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            part.process.wait(seconds)
    kill(part)


def kill(part: Part) -> None:
    """kill -9 of the part and everything in its session."""
    with suppress(ProcessLookupError):
        os.killpg(part.process.pid, signal.SIGKILL)
    part.process.wait()
