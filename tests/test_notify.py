"""Chat channels: one contract over every channel, then what only DingTalk does, against the inbox that checks as the robot."""

from __future__ import annotations

import datetime as dt
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.topology import Topology
from streams.config import load
from streams.message import Wording
from streams.notify import CHANNELS, configured
from streams.notify.channel import Accepted, Channel, Message, Refused, Response, Retry, TransportError, fit, post
from streams.notify.dingtalk import DingTalk
from streams.notify.inbox import Inbox, serving
from streams.notify.outbox import plan
from streams.records import Alert, AlertEvent, Incident, IncidentEvent
from streams.store.deliveries import delivery

SECRET = "SEC-of-the-test"
NOW = 1_767_323_100.0

# Channel name → the settings that turn it on, and its robot's answers: taken, refused for good, too fast.
ROBOTS = {
    "dingtalk": (
        {"HUIYIN_DINGTALK_WEBHOOK": "https://robot.example/send?access_token=TOKEN", "HUIYIN_DINGTALK_SECRET": SECRET},
        b'{"errcode":0,"errmsg":"ok"}',
        b'{"errcode":310000,"errmsg":"sign not match"}',
        b'{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}',
    ),
}


def test_every_channel_is_under_the_contract() -> None:
    assert set(ROBOTS) == set(CHANNELS)
    assert configured(load({})) == []


@pytest.fixture(params=sorted(CHANNELS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(name: str) -> Channel:
    made = configured(load(ROBOTS[name][0]))
    assert [one.name for one in made] == [name]
    return made[0]


def test_only_the_robots_own_yes_is_success(channel: Channel, name: str) -> None:
    _, taken, refused, too_fast = ROBOTS[name]
    assert channel.parse(Response(200, taken)) == Accepted()
    verdict = channel.parse(Response(200, refused))
    assert isinstance(verdict, Refused) and "sign not match" in verdict.reason
    assert isinstance(channel.parse(Response(200, b"<html>ok</html>")), Refused)
    waits = channel.parse(Response(200, too_fast))
    assert isinstance(waits, Retry) and waits.after is not None and waits.after >= 60
    for status in (429, 500, 502, 503):
        assert isinstance(channel.parse(Response(status, taken)), Retry)


@given(text=st.text(max_size=12_000), title=st.text(min_size=1, max_size=60))
def test_a_body_never_passes_the_robots_size(text: str, title: str) -> None:
    for environment, *_ in ROBOTS.values():
        for channel in configured(load(environment)):
            assert len(channel.build(Message(title, text), NOW).body) <= channel.max_bytes


def test_a_long_text_keeps_its_head_and_says_it_was_cut(channel: Channel) -> None:
    lines = [f'第 {number} 行 \\ "引号"' for number in range(5_000)]
    body = channel.build(Message("标题", "\n".join(lines)), NOW).body.decode()
    assert "第 0 行" in body and "第 100 行" in body and "第 4999 行" not in body and "截断" in body


@pytest.mark.loopback
def test_nothing_shows_secret_or_token(channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    request = channel.build(Message("标题", "正文", ("13800000000",)), NOW)
    assert SECRET not in request.url + request.body.decode()
    shown = f"{channel!r} {request!r}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = DingTalk(f"http://127.0.0.1:{taken.getsockname()[1]}/send?access_token=TOKEN", SECRET)
        with caplog.at_level(logging.DEBUG), pytest.raises(TransportError) as failed:
            post(dead.build(Message("标题", "正文"), NOW))
    assert failed.value.__cause__ is None
    for text in (shown, str(failed.value), caplog.text):
        assert "TOKEN" not in text and SECRET not in text


def test_fit_cuts_whole_lines() -> None:
    assert fit("甲\n乙\n丙", 100, "…") == "甲\n乙\n丙"
    assert fit("甲甲\n乙乙\n丙丙", 19, "…") == "甲甲\n乙乙…"
    assert fit("甲" * 100, 12, "…") == "甲甲甲…"


# DingTalk against its inbox, over HTTP.


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def send(tmp_path: Path, clock: Clock) -> Callable[..., int]:
    """Sends a message through the real sender and transport to a real inbox; gives the robot's errcode."""
    inbox = Inbox(tmp_path / "inbox", SECRET, clock=clock)

    def sent(message: Message, *, secret: str = SECRET, skew: float = 0.0, body: bytes | None = None) -> int:
        with serving(inbox) as webhook:
            request = DingTalk(webhook, secret).build(message, clock() + skew)
            request = request if body is None else type(request)(request.url, body)
            return int(msgspec.json.decode(post(request).body)["errcode"])

    return sent


@pytest.mark.loopback
def test_the_inbox_takes_a_signed_message_and_keeps_it(send: Callable[..., int], tmp_path: Path) -> None:
    assert send(Message("支付投诉激增", "### 正文\n\n> 原话", ("13800000000", "pay-oncall"))) == 0
    (kept,) = (tmp_path / "inbox").glob("0001-*.md")
    assert kept.read_text(encoding="utf-8").startswith("### 正文")
    record = msgspec.json.decode((tmp_path / "inbox" / "messages.ndjson").read_bytes())
    assert record["at"]["atMobiles"] == ["13800000000"] and "@13800000000" in record["markdown"]["text"]


@pytest.mark.loopback
def test_the_inbox_refuses_what_the_robot_refuses(send: Callable[..., int], tmp_path: Path) -> None:
    message = Message("标题", "正文")
    assert send(message, secret="another") == 310000
    assert send(message, skew=-3601) == 310000 and send(message, skew=3601) == 310000
    assert send(message, body=b"{}") == 40035 and send(message, body=b"\xff") == 40035
    assert send(message, body=b'{"msgtype":"text","markdown":{"title":"a","text":"b"}}') == 40035
    assert (
        send(message, body=msgspec.json.encode({"markdown": {"title": "a", "text": "x" * 20_000}, "msgtype": "markdown"}))
        == 460101
    )
    assert not list((tmp_path / "inbox").glob("*.md"))


def test_the_21st_message_in_a_minute_blocks_for_ten_minutes(tmp_path: Path, clock: Clock) -> None:
    inbox = Inbox(tmp_path, SECRET, clock=clock)

    def take() -> int:
        request = DingTalk("http://inbox/send?access_token=t", SECRET).build(Message("标题", "正文"), clock())
        query = parse_qs(urlsplit(request.url).query)
        return inbox.take(request.body, query["timestamp"][0], query["sign"][0])[0]

    assert [take() for _ in range(20)] == [0] * 20
    clock.now += 59
    assert take() == 130101
    clock.now += 500
    assert take() == 130101
    clock.now += 101
    assert take() == 0


# What is sent when there is more to say than the rate allows.

WORDING = Wording(Topology(), "zh", ZoneInfo("Asia/Shanghai"))


def _event(number: int, kind: str, minute: int, level: int = 1) -> IncidentEvent:
    at = dt.datetime.fromtimestamp(NOW + 60 * minute, dt.UTC)
    incident = Incident(
        id=f"incident-{number}", service="pay", services=("pay",), category="", level=level, status="open", onset=at,
        opened_at=at, updated_at=at, complaints=9, verdict="unexplained", title=f"第 {number} 起",
    )  # fmt: skip
    return IncidentEvent(kind, incident)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(1, 3)), max_size=40), st.integers(0, 20))
def test_a_plan_covers_every_event_once_within_the_room(cells: list[tuple[int, int, int]], room: int) -> None:
    events = list(
        {
            (number, minute): _event(number, "opened" if not minute else "updated", minute, level)
            for number, minute, level in cells
        }.values()
    )
    parcels = plan({delivery(event): event for event in events}, room, WORDING)
    covered = [key for parcel in parcels for key in parcel.covers]
    assert len(parcels) <= room and len(covered) == len(set(covered))
    assert len(covered) == (len(events) if room else 0)


def test_a_full_minute_merges_by_incident_first_and_keeps_the_gravest_apart() -> None:
    events = [_event(1, "opened", 0), _event(1, "updated", 5), _event(2, "opened", 1, level=3), _event(3, "opened", 2)]
    assert len(plan({delivery(event): event for event in events}, 4, WORDING)) == 4
    first, *_ = plan({delivery(event): event for event in events}, 3, WORDING)
    assert len(first.covers) == 2 and "下一步" in first.message.text and "更新" in first.message.title
    alone, rest = plan({delivery(event): event for event in events}, 2, WORDING)
    assert "第 2 起" in alone.message.title and "第 1 起" in rest.message.text and "第 3 起" in rest.message.text


def test_users_come_before_the_system_and_that_before_the_name() -> None:
    events = [_warned("mentions", 0), _warned("silence", 1), _event(1, "opened", 2)]
    told = [parcel.message.title for parcel in plan({delivery(event): event for event in events}, 9, WORDING)]
    assert ["第 1 起" in told[0], "silence" in told[1], "mentions" in told[2]] == [True] * 3


def _warned(kind: str, minute: int) -> AlertEvent:
    at = dt.datetime.fromtimestamp(NOW + 60 * minute, dt.UTC)
    alert = Alert(
        id=kind, kind=kind, service="pay", level=2, status="firing", starts_at=at, updated_at=at, value=1, threshold=2, title=kind
    )
    return AlertEvent("firing", alert)
