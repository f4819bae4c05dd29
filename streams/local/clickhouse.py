"""The embedded ClickHouse: a data folder, ports and passwords in, the engine answering on the loopback out."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from string import Template
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener
from xml.sax.saxutils import escape

from streams.config import Endpoints
from streams.local.jars import DEPLOY
from streams.local.process import Part, spawn, wait_until


def launch(home: Path, endpoints: Endpoints) -> Part:
    """Starts the engine without waiting for it; config.xml and users.xml are written anew, mode 600."""
    folder = home / "clickhouse"
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "users.xml"
    log = home / "logs" / "clickhouse.log"
    _write(users, "clickhouse-users.xml", {role: _sha256(password) for role, password in endpoints.passwords.items()})
    _write(
        folder / "config.xml",
        "clickhouse-config.xml",
        {
            "tcp_port": str(endpoints.clickhouse_port),
            "http_port": str(endpoints.clickhouse_http_port),
            "users": str(users),
            "log": str(log),
        },
    )
    engine = Path(__file__).with_name("clickhouse_engine.py")
    return spawn("ClickHouse", [sys.executable, "-I", engine, folder / "data"], folder=folder, logs=home / "logs")


def wait(part: Part, endpoints: Endpoints) -> None:
    """Returns when both ports answer. Raises PartFailed."""
    wait_until(part, lambda: _answers(endpoints))


def start(home: Path, endpoints: Endpoints) -> Part:
    """Starts the engine and waits until it answers. Raises PartFailed."""
    part = launch(home, endpoints)
    wait(part, endpoints)
    return part


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _write(path: Path, template: str, values: dict[str, str]) -> None:
    text = (DEPLOY / template).read_text(encoding="utf-8")
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(Template(text).substitute({name: escape(value) for name, value in values.items()}), encoding="utf-8")


def _answers(endpoints: Endpoints) -> bool:
    """The HTTP port opens after the native one."""
    try:
        ping = f"http://127.0.0.1:{endpoints.clickhouse_http_port}/ping"
        return bool(build_opener(ProxyHandler({})).open(ping, timeout=2).read() == b"Ok.\n")
    except (URLError, OSError):
        return False
