"""Messages: what people on call read must be whole, in their language and time, and fit one phone screen."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest

from models.judgement import Cause, Step
from models.topology import parse_topology
from streams.message import Wording, render
from streams.records import Alert, AlertEvent, Incident, IncidentEvent, Loss

TOPOLOGY = parse_topology("""
services:
- {name: pay, title: 支付, owner: pay-oncall, depends_on: [bank-gw], idcs: [bj-1]}
- {name: bank-gw, title: 银行网关, owner: gateway-oncall, idcs: [bj-1]}
- {name: cart, title: 购物车, depends_on: [pay]}
idcs: [{name: bj-1, title: 北京一机房}]
""")
ONSET = dt.datetime(2026, 1, 2, 3, 5, tzinfo=dt.UTC)
EPOCH = int(ONSET.timestamp())
GATEWAY = Cause(
    kind="metric", layer="app", service="bank-gw", metric="error_rate", score=0.9, probability=0.86, lead_seconds=180,
    path=(
        Step(layer="app", service="bank-gw", metric="error_rate", onset=EPOCH - 180, deviation=9.1),
        Step(layer="business", service="pay", metric="success_rate", onset=EPOCH - 120, deviation=-7.3),
    ),
)  # fmt: skip
RELEASE = Cause(kind="change", layer="change", service="pay", change="rel-7", score=0.2, probability=0.12, lead_seconds=30)
INCIDENT = Incident(
    id="20260102-0305-ab12cd", service="pay", services=("pay", "cart"), category="支付", level=3, status="open", onset=ONSET,
    opened_at=ONSET + dt.timedelta(minutes=3), updated_at=ONSET + dt.timedelta(minutes=3), complaints=46, expected=3.2,
    samples=("付款一直转圈，扣了钱订单还是待支付", "银行卡付不了款 [点这里](http://x) @all", "卡" * 300),
    slice="仅 版本 5.2.1、广东", verdict="explained", causes=(GATEWAY, RELEASE), title="支付投诉激增",
    loss=Loss(service="pay", metric="orders", expected=1820, actual=1304, lost=516, low=402, high=630),
    reasons=("3 分钟 46 条，平时 3.2 条（14 倍）", "3 个渠道、5 个地区"), emerging=("优惠券 [失效](http://x)",),
)  # fmt: skip
RESOLVED = msgspec.structs.replace(INCIDENT, status="resolved", resolved_at=ONSET + dt.timedelta(minutes=50))
ZH = Wording(TOPOLOGY, "zh", ZoneInfo("Asia/Shanghai"))
EN = Wording(TOPOLOGY, "en", ZoneInfo("America/New_York"))


def test_the_opening_message_says_everything_on_one_screen() -> None:
    message = render(IncidentEvent("opened", INCIDENT), ZH)
    for part in (
        "严重",
        "支付",
        "46 条",
        "约为平时的 14 倍；01-02 11:05 起，已 3 分钟",
        "仅 版本 5.2.1、广东",
        "购物车",
        "应用层 银行网关 error_rate",
        "86%",
        "为何严重** 3 分钟 46 条，平时 3.2 条（14 倍）；3 个渠道、5 个地区",
        "新出现的说法** 优惠券 ［失效］",
    ):
        assert part in message.text
    for part in ("业务 支付 success_rate 11:03 偏离 7.3σ", "← 应用 银行网关 error_rate 11:02 偏离 9.1σ", "rel-7 嫌疑小"):
        assert part in message.text
    for part in ("少约 516（402～630）", "付款一直转圈", "gateway-oncall", "检查 银行网关", INCIDENT.id):
        assert part in message.text
    assert message.text.index("success_rate") < message.text.index("← 应用")
    assert message.owners == ("gateway-oncall", "pay-oncall")
    assert message.title == "【严重】 支付投诉激增"


@pytest.mark.parametrize("wording", [ZH, EN])
@pytest.mark.parametrize("kind", ["opened", "updated", "resolved"])
def test_every_message_fits_one_screen(wording: Wording, kind: str) -> None:
    steps = GATEWAY.path * 6
    many = msgspec.structs.replace(
        RESOLVED if kind == "resolved" else INCIDENT,
        services=tuple(f"service-{number}" for number in range(40)),
        samples=("卡" * 5000,) * 9,
        causes=(msgspec.structs.replace(GATEWAY, path=steps), *[RELEASE] * 9),
    )
    text = render(IncidentEvent(kind, many), wording).text  # type: ignore[arg-type]
    assert len(text.splitlines()) <= 25 and len(text) <= 900


def test_later_messages_are_shorter_unless_they_are_the_first() -> None:
    opened, resolved = (render(IncidentEvent(kind, RESOLVED), ZH).text for kind in ("opened", "resolved"))
    assert len(resolved) < 0.6 * len(opened) and "11:55 恢复，历时 50 分钟" in resolved
    assert "付款一直转圈" in render(IncidentEvent("resolved", RESOLVED), ZH, first=True).text


def test_it_says_when_nothing_is_to_blame() -> None:
    bare = msgspec.structs.replace(INCIDENT, verdict="unexplained", causes=(RELEASE,), loss=None)
    text = render(IncidentEvent("opened", msgspec.structs.replace(bare, causes=())), ZH).text
    assert "未见异常" in text and "无变更嫌疑" in text and "σ" not in text and "损失" not in text
    assert "rel-7 嫌疑小" in render(IncidentEvent("opened", bare), ZH).text


def test_a_guilty_change_is_what_to_roll_back() -> None:
    guilty = msgspec.structs.replace(RELEASE, probability=0.9, path=GATEWAY.path)
    text = render(IncidentEvent("opened", msgspec.structs.replace(INCIDENT, causes=(guilty, GATEWAY))), ZH).text
    assert "先回滚或暂停 rel-7" in text and "无变更嫌疑" not in text


def test_english_in_another_time_zone() -> None:
    english = msgspec.structs.replace(INCIDENT, reasons=("46 in 3 min, usually 3.2 (14×)",), emerging=("coupon void",))
    text = render(IncidentEvent("opened", english), EN).text
    assert "Why critical** 46 in 3 min, usually 3.2 (14×)" in text and "Said newly** coupon void" in text
    assert (
        "about 14× the usual; since 01-01 22:05, for 3 min" in text
        and "check 银行网关 error_rate" in text
        and "条" not in text.split(">")[0]
    )


def test_what_users_write_stays_text() -> None:
    text = render(IncidentEvent("opened", INCIDENT), ZH).text
    assert "[点这里]" not in text and "@all" not in text and "卡" * 60 not in text


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        (0.5, "0.5", "0.5"),
        (589_089, "58.9 万", "589,089"),
        (2.3e8, "2.3 亿", "230m"),
        (99_960_000, "9,996 万", "100m"),
        (-12, "-12", "-12"),
    ],
)
def test_amounts_are_read_at_a_glance(number: float, zh: str, en: str) -> None:
    assert (ZH.amount(number), EN.amount(number)) == (zh, en)


def test_an_alert_says_what_is_wrong_what_to_do_and_who_does_it() -> None:
    alert = Alert(
        id="mentions-20260102-0305-ab12cd", kind="mentions", service="pay", level=3, status="firing", starts_at=ONSET,
        updated_at=ONSET + dt.timedelta(minutes=5), value=103, threshold=100, title="收银台：负面提及超过每日上限",
        reasons=("当日负面 103 条，每日上限 100 条", "危机预案：1) 确认事实"),
    )  # fmt: skip
    message = render(AlertEvent("firing", alert), ZH)
    for part in ("【严重】收银台：负面提及超过每日上限", "**负面舆情** 01-02 11:05 起", "- 危机预案：1)", "pay-oncall", alert.id):
        assert part in message.text
    assert message.title == "【严重】收银台：负面提及超过每日上限" and message.owners == ("pay-oncall",)
    over = msgspec.structs.replace(alert, status="resolved", ends_at=ONSET + dt.timedelta(minutes=50))
    resolved = render(AlertEvent("resolved", over), EN)
    assert "[Resolved]" in resolved.title and "after 50 min" in resolved.text and "- " not in resolved.text
