"""What a chat channel is: a Message in, a Request out; the robot's Response in, an Outcome out. Pure; the transport is injected.

A new channel is one file with a class of this shape and one line in `streams.notify.CHANNELS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from yarl import URL


class TransportError(Exception):
    """The robot could not be reached: refused, reset, timed out. Says no URL, since a URL may hold a token."""


@dataclass(frozen=True)
class Message:
    """One chat message: a title, its body as Markdown, and whom it calls (`owners`, as services.yaml names them)."""

    title: str
    text: str
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One HTTP POST. The URL is kept out of repr: it holds a token."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json; charset=utf-8"})


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Accepted:
    """The robot took the message."""


@dataclass(frozen=True)
class Refused:
    """The robot will never take this message as it is."""

    reason: str


@dataclass(frozen=True)
class Retry:
    """Not now; `after` seconds is the robot's own word, None leaves it to the sender's backoff."""

    reason: str
    after: float | None = None


Outcome = Accepted | Refused | Retry
Transport = Callable[[Request], Response]


class Channel(Protocol):
    """One robot and what it takes."""

    @property
    def name(self) -> str:
        """The channel's key in CHANNELS."""

    @property
    def per_minute(self) -> int:
        """Messages in any 60 seconds."""

    @property
    def max_bytes(self) -> int:
        """Bytes of a request's body."""

    def build(self, message: Message, now: float) -> Request:
        """The request that sends `message` at `now` (epoch seconds); a body too long is cut at its end and says so."""

    def parse(self, response: Response) -> Outcome:
        """What the robot's answer means."""


def fit(text: str, max_bytes: int, notice: str) -> str:
    """`text`, or its longest head of whole lines (of the first line, a part at least) that leaves room for `notice`."""
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    head = encoded[: max(0, max_bytes - len(notice.encode()))].decode(errors="ignore")
    return (head.rsplit("\n", 1)[0] if "\n" in head else head) + notice


def post(request: Request) -> Response:
    """Sends over HTTP. Raises TransportError within about ten seconds when nobody answers."""
    return asyncio.run(_post(request))


async def _post(request: Request) -> Response:
    try:
        timeout = aiohttp.ClientTimeout(total=10, connect=3)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            url = URL(request.url, encoded=True)  # signed URLs are encoded once, by the channel
            async with session.post(url, data=request.body, headers=dict(request.headers)) as answer:
                return Response(answer.status, await answer.read())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # its text may hold the URL
        raise TransportError(type(error).__name__) from None
