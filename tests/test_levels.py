"""Why an incident has the level it has: size and significance first, then cost, width, and whether it stays in one channel."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from models.topology import parse_topology
from streams import levels
from streams.history import Said
from streams.records import Incident, Loss

ONSET = dt.datetime(2026, 1, 2, 3, 5, tzinfo=dt.UTC)
TOPOLOGY = parse_topology("services: [{name: pay, title: 支付}]")
INCIDENT = Incident(
    id="i", service="pay", services=("pay",), category="", level=1, status="open", onset=ONSET, opened_at=ONSET,
    updated_at=ONSET + dt.timedelta(minutes=10), complaints=132, expected=4.0, verdict="unexplained",
)  # fmt: skip
LOST = Loss(service="pay", metric="orders", expected=1800, actual=1388, lost=412, low=300, high=520)
TOUCHED = ("pay", "cart", "shop")


def said(channels: str, region: str = "") -> list[Said]:
    """A complaint a letter, from the channel that it names."""
    return [Said(str(at), at, "慢", -1, "pay", "", channel, region, "", "") for at, channel in enumerate(channels)]


MANY, ONE = said("abc" * 10), said("b" * 30)


@pytest.mark.parametrize(
    ("changes", "during", "base", "expected"),
    [
        ({}, MANY, 1, 1),
        ({}, MANY, 2, 2),
        ({"loss": LOST}, MANY, 1, 2),
        ({"loss": LOST, "services": TOUCHED}, MANY, 1, 2),
        ({"services": TOUCHED}, MANY, 2, 3),
        ({"loss": LOST}, MANY, 3, 3),
        ({"loss": msgspec.structs.replace(LOST, low=-5)}, MANY, 1, 1),
        ({"loss": msgspec.structs.replace(LOST, expected=9000)}, MANY, 1, 1),
        ({}, ONE, 3, 2),
        ({}, ONE, 1, 1),
        ({"loss": LOST}, ONE, 2, 3),
    ],
)
def test_cost_and_width_raise_by_one_and_one_channel_lowers_by_one(changes: dict, during: list, base: int, expected: int) -> None:
    assert levels.level(base, msgspec.structs.replace(INCIDENT, **changes), MANY, during) == expected


def test_few_words_or_a_channel_that_always_talks_alone_say_nothing_of_reach() -> None:
    assert levels.level(3, INCIDENT, ONE, ONE) == 3
    assert levels.level(3, INCIDENT, MANY, said("bbb")) == 3


def test_the_reasons_name_size_spread_and_loss() -> None:
    lost = msgspec.structs.replace(INCIDENT, loss=LOST)
    assert levels.reasons(lost, MANY, MANY, TOPOLOGY, "zh") == (
        "10 分钟 132 条，平时 4 条（33 倍）", "3 个渠道", "支付 orders 少约 412（23%）",
    )  # fmt: skip
    english = levels.reasons(msgspec.structs.replace(lost, services=TOUCHED), MANY, said("b" * 30, "沪"), TOPOLOGY, "en")
    assert english == (
        "132 in 10 min, usually 4 (33×)", "3 services, 1 channel, 1 region", "nearly all from b", "支付 orders down by 412 (23%)",
    )  # fmt: skip
