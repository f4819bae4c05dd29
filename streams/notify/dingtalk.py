"""DingTalk's custom robot: Markdown, signed; success is HTTP 200 and errcode 0.

Rules: 20 messages a minute and then ten minutes' silence, 20,000 bytes a request, signature
HMAC-SHA256(secret, "timestamp_ms\\nsecret") in base64, URL-encoded once; a mention works only when the @ stands in the text too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec

from streams.config import Settings
from streams.notify.channel import Accepted, Message, Outcome, Refused, Request, Response, Retry, fit

# The robot's errcodes: too fast (then silence for ten minutes), and its own overload.
TOO_FAST = (130101, 410100)
BUSY = (-1, 400105)
SILENCE = 600.0
_NOTICE = {"zh": "\n\n…（过长已截断）", "en": "\n\n… (cut: too long)"}
_MOBILE = re.compile(r"\+?\d{11,14}")


class _Answer(msgspec.Struct):
    errcode: int
    errmsg: str = ""


@dataclass(frozen=True)
class DingTalk:
    """One custom robot. `mobiles` maps an owner to the number DingTalk mentions; an owner that is one stands for itself."""

    webhook: str = field(repr=False)
    secret: str = field(default="", repr=False)
    mobiles: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = "zh"
    name: str = "dingtalk"
    per_minute: int = 20
    max_bytes: int = 20_000

    def build(self, message: Message, now: float) -> Request:
        """The signed request; the text keeps its head when the body would pass 20,000 bytes."""
        numbers = [self.mobiles.get(owner, owner) for owner in message.owners]
        numbers = list(dict.fromkeys(number for number in numbers if _MOBILE.fullmatch(number)))
        calls = "".join(f" @{number}" for number in numbers)
        budget = self.max_bytes - len(_body(message.title, "", numbers))
        text, body = message.text, b""
        while not body or len(body) > self.max_bytes:  # JSON escapes make a text longer than its bytes
            text = fit(message.text, budget - len(calls) - 2, _NOTICE[self.language])
            body = _body(message.title, f"{text}\n\n{calls.strip()}" if calls else text, numbers)
            budget -= max(0, len(body) - self.max_bytes)
        return Request(self._signed(now), body)

    def parse(self, response: Response) -> Outcome:
        """429, 5xx, too fast and busy are tried again; any other errcode is final."""
        if response.status == 429 or response.status >= 500:
            return Retry(f"HTTP {response.status}")
        try:
            answer = msgspec.json.decode(response.body, type=_Answer)
        except msgspec.DecodeError:
            return Refused(f"HTTP {response.status}, not a robot's answer")
        reason = f"HTTP {response.status}, errcode {answer.errcode}: {answer.errmsg}"
        if answer.errcode in TOO_FAST:
            return Retry(reason, SILENCE)
        if answer.errcode in BUSY:
            return Retry(reason)
        return Accepted() if response.status == 200 and answer.errcode == 0 else Refused(reason)

    def _signed(self, now: float) -> str:
        if not self.secret:
            return self.webhook
        stamp = str(int(now * 1000))
        query = urlencode({"timestamp": stamp, "sign": sign(self.secret, stamp)})
        return f"{self.webhook}{'&' if '?' in self.webhook else '?'}{query}"


def sign(secret: str, stamp: str) -> str:
    """The signature of a millisecond time stamp, base64, not yet URL-encoded (DingTalk, custom robot security settings)."""
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def from_settings(settings: Settings) -> DingTalk | None:
    """The robot that the settings name, or None when they name none."""
    if not settings.dingtalk_webhook:
        return None
    return DingTalk(settings.dingtalk_webhook, settings.dingtalk_secret, language=settings.language)


def _body(title: str, text: str, mobiles: list[str]) -> bytes:
    return msgspec.json.encode(
        {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": {"atMobiles": mobiles, "isAtAll": False}}
    )
