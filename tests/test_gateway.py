"""The gateway over loopback, its ClickHouse away: who is let in, what is refused and how, and that it stops when told."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from streams import config
from streams.commands.gateway import command
from streams.gateway import MAX_BODY, application
from streams.gateway_routes import ROUTES

pytestmark = pytest.mark.loopback
ROOT = Path(__file__).parents[1]
TOKEN = "a token of thirty characters.."
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
NOWHERE = "clickhouse://a:b@127.0.0.1:1/huiyin"


def environment(home: Path) -> dict[str, str]:
    away = {f"HUIYIN_CLICKHOUSE_{role}": NOWHERE for role in ("WRITER", "READER", "GATEWAY")}
    return {"HUIYIN_HOME": str(home), "HUIYIN_GATEWAY_TOKEN": TOKEN, **away}


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(application(config.load(environment(tmp_path))))) as found:
        yield found


WRONG = [{}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN[:-1]}"},
         {"Authorization": "Bearer "}, {"Authorization": "Bearer 令牌"}]  # fmt: skip


@pytest.mark.parametrize("headers", WRONG)
async def test_without_the_token_nothing_but_health_answers(client: TestClient, headers: dict[str, str]) -> None:  # type: ignore[type-arg]
    for method, path in [*ROUTES, ("GET", "/nothing/here")]:
        if path != "/healthz":
            answer = await client.request(method, path, headers=headers, data=b"{}")
            assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await client.get("/healthz", headers=headers)).status == 503


async def test_a_store_that_is_away_is_told_as_a_problem_that_passes(client: TestClient) -> None:  # type: ignore[type-arg]
    for method, path, body in [
        ("GET", "/healthz", b""),
        ("GET", "/metrics", b""),
        ("POST", "/api/v1/corrections", b'{"text": "x", "polarity": 1}'),
        ("POST", "/api/v1/feedback", b'{"verdict": "missed", "service": "pay", "at": "2026-03-02T08:00:00Z"}'),
    ]:
        answer = await client.request(method, path, headers=RIGHT, data=body)
        told = await answer.json()
        assert answer.status == told["status"] == 503 and answer.headers["Retry-After"]
        assert answer.content_type == "application/problem+json" and "127.0.0.1" not in told["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/corrections", b"x" * (MAX_BODY + 1), 413),
        ("POST", "/api/v1/corrections", b"{}\n" * 20_000, 413),
        ("POST", "/api/v1/followups", b"[{}", 422),
        ("POST", "/api/v1/followups", b'{"complaint": "a", "ts": 1767225600, "status": "open"}', 503),
        ("POST", "/api/v1/feedback", b"[]", 422),
        ("POST", "/api/v1/feedback", b'{"verdict": "no idea"}', 422),
        ("DELETE", "/api/v1/corrections", b"", 405),
        ("GET", "/nothing/here", b"", 404),
    ],
)
async def test_what_cannot_be_taken_is_a_problem_with_its_status(
    client: TestClient,  # type: ignore[type-arg]
    method: str,
    path: str,
    body: bytes,
    status: int,
) -> None:
    answer = await client.request(method, path, headers=RIGHT, data=io.BytesIO(body))
    told = await answer.json()
    assert answer.status == told["status"] == status and answer.content_type == "application/problem+json"
    assert told["title"] and told["detail"]


@pytest.mark.parametrize("token", ["", "too short"])
def test_without_a_token_it_does_not_start(tmp_path: Path, token: str) -> None:
    result = CliRunner().invoke(command, ["--port", "0"], env={**environment(tmp_path), "HUIYIN_GATEWAY_TOKEN": token})
    assert result.exit_code == 1 and "HUIYIN_GATEWAY_TOKEN" in result.stderr and result.stderr.count("\n") == 1


def test_a_process_takes_its_token_from_a_file_and_ends_when_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    given = {name: value for name, value in os.environ.items() if not name.startswith("HUIYIN_")} | environment(tmp_path)
    del given["HUIYIN_GATEWAY_TOKEN"]
    given["HUIYIN_GATEWAY_TOKEN_FILE"] = str(tmp_path / "token")
    arguments = [sys.executable, "-m", "streams.cli", "gateway", "--port", "0"]
    with subprocess.Popen(arguments, cwd=ROOT, env=given, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = re.search(r"http://\S+", process.stderr.readline())
        assert address is not None
        for headers, status in (({}, 401), (RIGHT, 503)):
            with pytest.raises(urllib.error.HTTPError) as answer:
                urllib.request.urlopen(urllib.request.Request(f"{address[0]}/metrics", headers=headers))
            assert answer.value.code == status
            answer.value.close()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) == 0 and "Traceback" not in rest and TOKEN not in rest
