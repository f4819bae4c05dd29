"""A data folder held by one process at a time: a lock that goes with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.local.process import PartFailed


class AlreadyRunning(PartFailed):
    """Another process keeps parts on this data folder."""

    def __init__(self, home: Path) -> None:
        remedy = "stop it with ./huiyin down, or set HUIYIN_HOME to another folder"
        super().__init__(f"{home} is in use by process {keeper(home)}; {remedy}")


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
def held(home: Path) -> Iterator[None]:
    """The data folder, ours alone; the lock goes with the process, however it ends."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
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
