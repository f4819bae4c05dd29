"""Which versions and features a text accepts or rejects."""

from __future__ import annotations

import pytest

from models.acceptance import NEWEST
from models.tag import load_tagger

TAGGER = load_tagger()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("新版本太难用了，还我旧版", {NEWEST: -1}),
        ("更新之后一直闪退，根本打不开", {NEWEST: -1}),
        ("这次更新非常好，流畅多了，喜欢", {NEWEST: 1}),
        ("越更新越卡，垃圾", {NEWEST: -1}),
        ("升到5.2.1以后连不上设备了", {"5.2.1": -1}),
        ("3.6版本最稳定，很好用", {"3.6": 1}),
        ("夜间模式太好用了，眼睛舒服", {"夜间模式": 1}),
        ("深色模式很难看，字都看不清", {"夜间模式": -1}),
        ("拼单功能太鸡肋了", {"拼单": -1}),
        ("倒计时功能没用", {"倒计时": -1}),
        ("订单搜索怎么没了？之前一直在用", {"订单搜索": 1}),
    ],
)
def test_a_verdict_names_what_it_is_about(text: str, found: dict[str, int]) -> None:
    assert {one.name: one.verdict for one in TAGGER.judge([text])[0].acceptance} == found


@pytest.mark.parametrize(
    "text",
    [
        "希望增加夜间模式",
        "什么时候出新版本？",
        "赶紧更新固件",
        "价格199.00元，质量太差",
        "iOS 15.2系统下闪退",
        "2.0T的动力不错",
        "物流更新太慢了",
        "客服态度恶劣",
        "",
    ],
)
def test_who_wishes_asks_or_speaks_of_something_else_has_not_judged_it(text: str) -> None:
    assert TAGGER.judge([text])[0].acceptance == ()
