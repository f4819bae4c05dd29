"""A local robot that checks what DingTalk's checks, for the demo and the tests: HTTP in, accepted messages in a folder.

It answers with the real robot's errcodes: 310000 for a missing or wrong signature or a time stamp more than an hour off,
40035 for a malformed body, 460101 for one over 20,000 bytes, 130101 for the 21st message in 60 seconds, after which it
refuses everything for ten minutes. Accepted messages are kept as messages.ndjson and one .md file each.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from streams.notify.dingtalk import sign

PER_MINUTE = 20
BLOCK = 600.0
MAX_BYTES = 20_000
STALE = 3600.0
SIGNATURE, MALFORMED, TOO_LARGE, TOO_FAST = 310000, 40035, 460101, 130101


class _Markdown(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    text: str


class _At(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    at_mobiles: list[str] = []
    at_user_ids: list[str] = []
    is_at_all: bool = False


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    msgtype: str
    markdown: _Markdown
    at: _At = msgspec.field(default_factory=_At)


class Inbox:
    """The robot's rules over a folder. `clock` gives epoch seconds; not thread-safe by itself, served from one loop."""

    def __init__(self, folder: Path, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.secret, self.clock = folder, secret, clock
        self._accepted: deque[float] = deque()
        self._blocked_until = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._count = sum(1 for _ in folder.glob("[0-9]*.md"))

    def take(self, body: bytes, timestamp: str, signature: str) -> tuple[int, str]:
        """Checks one request and keeps it when it is right: the robot's (errcode, errmsg)."""
        now = self.clock()
        if refusal := self._unsigned(timestamp, signature, now):
            return SIGNATURE, refusal
        if self._too_fast(now):
            return TOO_FAST, f"send too fast, exceed {PER_MINUTE} times per minute"
        if len(body) > MAX_BYTES:
            return TOO_LARGE, f"message too long, {len(body)} bytes"
        try:
            message = msgspec.json.decode(body, type=_Body)
        except msgspec.DecodeError as error:
            return MALFORMED, f"bad parameter: {error}"
        if message.msgtype != "markdown" or not message.markdown.title or not message.markdown.text:
            return MALFORMED, "bad parameter: markdown needs title and text"
        self._keep(message, now)
        return 0, "ok"

    def _unsigned(self, timestamp: str, signature: str, now: float) -> str:
        if not timestamp.isdecimal() or abs(now - int(timestamp) / 1000) > STALE:
            return "invalid timestamp"
        return "" if hmac.compare_digest(sign(self.secret, timestamp), signature) else "sign not match"

    def _too_fast(self, now: float) -> bool:
        while self._accepted and self._accepted[0] <= now - 60:
            self._accepted.popleft()
        if now < self._blocked_until:
            return True
        if len(self._accepted) >= PER_MINUTE:
            self._blocked_until = now + BLOCK
            return True
        self._accepted.append(now)
        return False

    def _keep(self, message: _Body, now: float) -> None:
        self._count += 1
        name = re.sub(r"[^\w.-]+", "-", message.markdown.title).strip("-")[:60]
        self.folder.joinpath(f"{self._count:04d}-{name}.md").write_text(message.markdown.text + "\n", encoding="utf-8")
        record: dict[str, Any] = {"received_at": now, **msgspec.to_builtins(message)}
        with self.folder.joinpath("messages.ndjson").open("ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")

    async def answer(self, request: web.Request) -> web.Response:
        """The HTTP door: POST /robot/send?access_token=…&timestamp=…&sign=…"""
        query = request.query
        if not query.get("access_token"):
            code, text = 300005, "token is not exist"
        else:
            code, text = self.take(await request.read(), query.get("timestamp", ""), query.get("sign", ""))
        return web.json_response({"errcode": code, "errmsg": text})


@contextmanager
def serving(inbox: Inbox, port: int = 0) -> Iterator[str]:
    """Serves the inbox on loopback from a thread of its own; gives its webhook's URL. Port 0 takes a free one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="inbox", daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(inbox, port), loop).result(timeout=10)
    try:
        bound = runner.addresses[0][1]
        yield f"http://127.0.0.1:{bound}/robot/send?access_token=local"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _started(inbox: Inbox, port: int) -> web.AppRunner:
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/robot/send", inbox.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
