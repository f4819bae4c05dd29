"""Made-up load, seeded: complaints whose wording varies, and metric points of a few thousand series."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from streams import records as r

Sent = tuple[str, float, dict[str, Any]]

_OPENINGS = ("今天下午", "刚刚", "连续三天了", "更新到最新版以后", "周末搞活动的时候", "出差在外", "昨晚十点多", "第二次反馈了")
_SUBJECTS = ("支付页面", "登录验证码", "优惠券", "物流信息", "退款", "人工客服", "订单列表", "会员积分", "扫码功能", "语音播报")
_EVENTS = (
    "一直转圈打不开", "提示系统繁忙", "点了没有任何反应", "显示的和实际不一样", "等了半个多小时还没好", "扣了两次钱", "突然闪退",
    "比以前快多了", "界面清楚好找", "收不到通知", "说好的二十四小时没有兑现",
)  # fmt: skip
_CLOSINGS = ("请尽快处理", "太让人失望了", "希望改进一下", "给个说法吧", "点个赞", "再这样就卸载了", "麻烦看一下订单{order}", "")
SERVICES = tuple(f"service-{number}" for number in range(40))


def complaints(count: int, start: int, seconds: int, seed: int = 7) -> Iterator[Sent]:
    """`count` complaints spread over `seconds` of event time from `start` (epoch seconds), oldest first."""
    choose = random.Random(seed)
    for number in range(count):
        parts = [choose.choice(group) for group in (_OPENINGS, _SUBJECTS, _EVENTS, _SUBJECTS, _EVENTS, _CLOSINGS)]
        text = "，".join(part for part in parts if part).format(order=choose.randrange(10**9, 10**10))
        at = start + seconds * number / count
        yield (
            r.COMPLAINTS,
            at,
            {"id": f"b{number}", "ts": round(at, 3), "channel": "app", "text": text, "rating": choose.randint(1, 5)},
        )


def points(count: int, start: int, seconds: int, seed: int = 7) -> Iterator[Sent]:
    """`count` points of 3,200 application series, round robin, spread over `seconds` from `start` (epoch seconds)."""
    choose = random.Random(seed)
    series = [
        {"layer": "app", "service": service, "metric": f"metric_{metric}", "labels": {"host": f"h{host}", "region": "bj"}}
        for metric in range(16)
        for host in range(5)
        for service in SERVICES
    ]
    for number in range(count):
        at = start + seconds * number / count
        yield r.MONITORS_APP, at, {"ts": round(at, 3), "value": round(choose.gauss(100, 10), 3)} | series[number % len(series)]
