"""What is planted in the day: a function an event, the scenario's clock in, an Event out.

The truth stays beside the data; the pipeline never sees it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.window import SeriesKey
from streams.demo.events import Clock, Event, Planted, Signature, Talk


def packet_loss(clock: Clock) -> Event:
    """The Shanghai IDC loses packets; the bank gateway runs only there, so payment suffers."""
    ill = clock.ramp(14 + 5 / 60, 14 + 50 / 60, rise=2, fall=4)
    lost = SeriesKey("idc", "sh-1", "packet_loss")
    return Event(
        truth=Planted(
            name="packet-loss",
            title="上海一机房丢包，支付失败",
            english="packet loss in Shanghai, payments fail",
            begins=clock.at(14 + 5 / 60),
            ends=clock.at(14 + 50 / 60),
            services=("pay", "checkout", "bank-gw", "order"),
            roots=(lost, SeriesKey("idc", "sh-1", "tcp_retransmit"), SeriesKey("idc", "sh-1", "rtt_ms")),
        ),
        impaired=(("bank-gw", 0.75 * ill), ("pay", 0.12 * ill), ("delivery", 0.05 * ill), ("product", 0.03 * ill)),
        signatures=(
            Signature(key=lost, offset=5.5 * ill),
            Signature(key=SeriesKey("idc", "sh-1", "tcp_retransmit"), offset=7.0 * ill),
            Signature(key=SeriesKey("idc", "sh-1", "rtt_ms"), factor=1 + 0.6 * ill),
        ),
    )


def grey_release(clock: Clock) -> Event:
    """A release of the cart for 5 % of users crashes for them alone; everybody's figures hardly move."""
    begins, ends = 16 + 2 / 60, 17 + 20 / 60
    ill = clock.ramp(begins + 4 / 60, ends, rise=6, fall=10)
    live = clock.ramp(begins, 24.0, rise=1)
    change = {"id": "REL-cart-8.2.0", "kind": "release", "service": "cart", "title": "购物车 8.2.0 灰度", "operator": "wanglei"}
    return Event(
        truth=Planted(
            name="grey-release",
            title="购物车灰度版本闪退",
            english="grey release of the cart crashes",
            begins=clock.at(begins),
            ends=clock.at(ends),
            services=("cart",),
            roots=(SeriesKey("app", "cart", "error_rate"),),
            change="REL-cart-8.2.0",
        ),
        impaired=(("cart", 0.03 * ill),),
        signatures=(Signature(key=SeriesKey("app", "cart", "error_rate"), offset=0.22 * ill * live, cohort="gray"),),
        talks=(Talk(service="cart", way="fault", rate=3.2 * ill, cohort="gray", app_version="8.2.0"),),
        changes=(
            clock.change(begins, **change, stage="gray", cohort="gray", percent=5),
            clock.change(ends, **change, stage="rollback", cohort="gray", percent=0),
        ),
    )


def wrong_config(clock: Clock) -> Event:
    """A threshold is set wrong: coupons that should hold are refused, until the setting is taken back."""
    begins, ends = 11 + 20 / 60, 12 + 8 / 60
    ill = clock.ramp(begins + 1 / 60, ends, rise=1, fall=3)
    change = {"id": "CFG-coupon-4471", "kind": "config", "service": "coupon", "title": "满减门槛参数调整", "operator": "zhaomin"}
    return Event(
        truth=Planted(
            name="wrong-config",
            title="优惠券门槛配置错误",
            english="wrong coupon threshold",
            begins=clock.at(begins),
            ends=clock.at(ends),
            services=("coupon", "checkout"),
            roots=(SeriesKey("business", "coupon", "redeem_success_rate"), SeriesKey("app", "coupon", "error_rate")),
            change="CFG-coupon-4471",
        ),
        impaired=(("coupon", 0.6 * ill),),
        signatures=(Signature(key=SeriesKey("app", "coupon", "saturation"), factor=1 - 0.2 * ill),),
        changes=(clock.change(begins, **change, stage="full"), clock.change(ends, **change, stage="rollback")),
    )


def innocent_deploy(clock: Clock) -> Event:
    """The login service is released 25 seconds before the SMS channel of the message service breaks by itself."""
    begins, ends = 9 + 40 / 60, 10 + 20 / 60
    ill = clock.ramp(begins, ends, rise=2, fall=4)
    return Event(
        truth=Planted(
            name="innocent-deploy",
            title="短信通道故障（登录刚发版，无辜）",
            english="SMS channel breaks (login just deployed, innocent)",
            begins=clock.at(begins),
            ends=clock.at(ends),
            services=("user", "message"),
            roots=tuple(
                SeriesKey(layer, "message", metric)
                for layer, metric in (
                    ("app", "error_rate"),
                    ("app", "latency_p99_ms"),
                    ("app", "saturation"),
                    ("business", "delivered_rate"),
                )
            ),
            innocent="REL-user-5.7.1",
        ),
        impaired=(("message", 0.7 * ill),),
        changes=(
            clock.change(
                begins - 25 / 3600,
                id="REL-user-5.7.1",
                kind="release",
                service="user",
                title="登录 5.7.1 全量",
                operator="liuyang",
                stage="full",
                percent=100,
            ),
        ),
    )


def slow_leak(clock: Clock) -> Event:
    """Search leaks memory from the morning on; collection takes longer and longer, users feel it in the evening."""
    begins, ends = 6.0, 21 + 40 / 60
    leak = clock.ramp(begins, ends, rise=(ends - begins) * 60, fall=2)
    ill = np.clip((leak - 0.72) / 0.28, 0, 1) ** 1.5
    return Event(
        truth=Planted(
            name="slow-leak",
            title="搜索内存缓慢泄漏",
            english="search leaks memory slowly",
            begins=clock.at(begins),
            ends=clock.at(ends),
            services=("search",),
            roots=(SeriesKey("app", "search", "memory"), SeriesKey("app", "search", "gc_ms")),
        ),
        impaired=(("search", 0.55 * ill),),
        signatures=(
            Signature(key=SeriesKey("app", "search", "memory"), offset=0.38 * leak),
            Signature(key=SeriesKey("app", "search", "gc_ms"), factor=1 + 9 * leak**3),
            Signature(key=SeriesKey("app", "search", "cpu"), offset=0.2 * ill),
        ),
        changes=(
            clock.change(
                ends,
                id="OPS-search-restart",
                kind="change",
                service="search",
                title="搜索服务滚动重启",
                operator="sunqi",
                stage="full",
            ),
        ),
    )


def praise_burst(clock: Clock) -> Event:
    """Many parcels come a day early, and people say so: loud, but no complaint."""
    glad = clock.ramp(12 + 50 / 60, 13 + 40 / 60, rise=8, fall=15)
    return Event(
        truth=Planted(
            name="praise-burst",
            title="好评刷屏（不是投诉）",
            english="praise burst (no complaint)",
            begins=clock.at(12 + 50 / 60),
            ends=clock.at(13 + 40 / 60),
            incident=False,
            services=("delivery",),
        ),
        talks=(Talk(service="delivery", way="praise", rate=13.0 * glad),),
    )


def chatter_wave(clock: Clock) -> Event:
    """A television show fills the social channel with talk that is about no service."""
    wave = clock.ramp(22.0, 22 + 50 / 60, rise=5, fall=20)
    return Event(
        truth=Planted(
            name="chatter",
            title="闲聊刷屏（不是投诉）",
            english="chatter (no complaint)",
            begins=clock.at(22.0),
            ends=clock.at(22 + 50 / 60),
            incident=False,
        ),
        talks=(Talk(service="", way="chatter", rate=16.0 * wave, channel="weibo"),),
    )


def planted(clock: Clock) -> Sequence[Event]:
    """Everything that is planted in the day, in the order in which it begins."""
    makers = (slow_leak, innocent_deploy, wrong_config, praise_burst, packet_loss, grey_release, chatter_wave)
    return tuple(maker(clock) for maker in makers)
