"""Fixtures: the real Kafka and ClickHouse, started once when the first integration test asks; and no network elsewhere.

The parts live in a temporary folder, or in HUIYIN_TEST_HOME; their jars in HUIYIN_CACHE. No other HUIYIN_ setting reaches a test.
"""

from __future__ import annotations

import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams import config
from streams.config import Endpoints, Settings
from streams.local.parts import Parts, started

_KEPT = {name: os.environ[name] for name in ("HUIYIN_CACHE", "HUIYIN_JAVA", "HUIYIN_TEST_HOME") if name in os.environ}
_guarding = False


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Both embedded parts. `parts.kill_kafka()`, `parts.start_kafka()` and the same for clickhouse are for tests of crashes: same
    folder, same ports. Such a test starts again what it killed."""
    home = Path(_KEPT["HUIYIN_TEST_HOME"]) if "HUIYIN_TEST_HOME" in _KEPT else tmp_path_factory.mktemp("parts")
    defaults = config.load({**_KEPT, "HUIYIN_HOME": str(home)})
    with started(defaults.home, defaults.cache, java=defaults.java) as running:
        yield running


@pytest.fixture(scope="session")
def endpoints(parts: Parts) -> Endpoints:
    """Where both parts answer."""
    return parts.endpoints


@pytest.fixture(scope="module")
def settings(parts: Parts) -> Settings:
    """Settings as `./huiyin up` gives them, with a database name of this module's own (nothing is created in it yet)."""
    database = f"huiyin_test_{uuid.uuid4().hex[:12]}"
    return config.load({**_KEPT, "HUIYIN_HOME": str(parts.home), "HUIYIN_DATABASE": database})


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """An unmarked test that opens a socket fails; `loopback` and `integration` tests may."""
    global _guarding  # noqa: PLW0603  an audit hook cannot be taken away again
    _guarding = not any(request.node.get_closest_marker(name) for name in ("integration", "loopback"))
    yield
    _guarding = False


def _refuse_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    if _guarding and event == "socket.__new__" and arguments[1] != socket.AF_UNIX:
        pytest.fail("an unmarked test opened a socket: mark it integration, or loopback when it needs no embedded part")


sys.addaudithook(_refuse_sockets)
