"""Where the embedded parts listen: the data folder's record of ports and passwords, made at the first start."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from streams.config import ROLES, Endpoints, read_endpoints

LOOPBACK = "127.0.0.1"


def choose_endpoints(home: Path, say: Callable[[str], None]) -> Endpoints:
    """The recorded ports and passwords where the ports are still free, else new ones, recorded (mode 600)."""
    path = home / "endpoints.json"
    recorded = read_endpoints(path)
    passwords = {role: secrets.token_urlsafe(24) for role in ROLES} | (recorded.passwords if recorded else {})
    usable = recorded and all(map(_free, _ports(recorded)))
    if recorded and usable and passwords == recorded.passwords:
        return recorded
    if recorded and usable:
        return _recorded(path, msgspec.structs.replace(recorded, passwords=passwords))
    if recorded:
        say("a recorded port is taken by another program: choosing new ones")
    broker, controller, native, http = free_ports(4)
    endpoints = Endpoints(
        broker=f"{LOOPBACK}:{broker}",
        kafka_controller_port=controller,
        clickhouse_host=LOOPBACK,
        clickhouse_port=native,
        clickhouse_http_port=http,
        passwords=passwords,
    )
    return _recorded(path, endpoints)


def _recorded(path: Path, endpoints: Endpoints) -> Endpoints:
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


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
