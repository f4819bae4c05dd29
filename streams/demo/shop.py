"""The shop: its services, what they measure, how strongly they lean on each other, and the rhythm of its day.

Nothing here judges: it shares no code with surge detection or ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.topology import Topology, parse_topology

Array = NDArray[np.float64]


class Volume(NamedTuple):
    """A service's business: what it counts, how many a minute at the day's mean, its success rate, the money of one (0: none)."""

    metric: str
    rate: str
    per_minute: float
    success: float
    money: float = 0.0


BUSINESS: Mapping[str, Volume] = {
    "checkout": Volume("checkouts", "conversion", 420, 0.62),
    "pay": Volume("payments", "pay_success_rate", 300, 0.985, 86.0),
    "risk": Volume("risk_checks", "pass_rate", 330, 0.97),
    "bank-gw": Volume("bank_calls", "bank_success_rate", 340, 0.99),
    "coupon": Volume("coupons_used", "redeem_success_rate", 180, 0.96),
    "cart": Volume("cart_adds", "add_success_rate", 900, 0.995),
    "search": Volume("searches", "click_through_rate", 2600, 0.41),
    "recommend": Volume("impressions", "click_rate", 5200, 0.07),
    "product": Volume("detail_views", "add_rate", 4100, 0.18),
    "inventory": Volume("stock_locks", "lock_success_rate", 310, 0.992),
    "order": Volume("orders", "order_success_rate", 290, 0.985, 86.0),
    "delivery": Volume("parcels", "on_time_rate", 250, 0.94),
    "refund": Volume("refunds", "refund_success_rate", 24, 0.97, 74.0),
    "user": Volume("logins", "login_success_rate", 760, 0.97),
    "message": Volume("messages", "delivered_rate", 1500, 0.985),
}
# Pages that users wait for, in milliseconds on a quiet network.
PAGE_LOAD: Mapping[str, float] = {
    "checkout": 980, "pay": 860, "cart": 720, "search": 640, "recommend": 690, "product": 760, "order": 810, "delivery": 900,
    "refund": 940, "user": 560, "coupon": 610,
}  # fmt: skip
# p99 of a request in milliseconds.
LATENCY: Mapping[str, float] = {
    "checkout": 420, "pay": 380, "risk": 95, "bank-gw": 260, "coupon": 80, "cart": 110, "search": 180, "recommend": 160,
    "product": 90, "inventory": 45, "order": 210, "delivery": 150, "refund": 240, "user": 120, "message": 140,
}  # fmt: skip
# How much of a callee's trouble reaches the caller, and after how many minutes; what is not named leans by 0.2 at once.
LEAN: Mapping[tuple[str, str], tuple[float, int]] = {
    ("pay", "bank-gw"): (0.8, 1),
    ("pay", "risk"): (0.5, 0),
    ("checkout", "pay"): (0.55, 1),
    ("checkout", "coupon"): (0.3, 0),
    ("checkout", "cart"): (0.4, 0),
    ("checkout", "order"): (0.3, 0),
    ("checkout", "user"): (0.1, 1),
    ("order", "pay"): (0.25, 1),
    ("order", "message"): (0.05, 1),
    ("refund", "pay"): (0.15, 2),
    ("user", "message"): (0.75, 1),
    ("delivery", "message"): (0.05, 1),
    ("risk", "user"): (0.03, 0),
    ("coupon", "user"): (0.05, 0),
}


@cache
def services_yaml() -> str:
    """The shop's services.yaml, as text."""
    return files("streams.demo").joinpath("services.yaml").read_text(encoding="utf-8")


@cache
def topology() -> Topology:
    """The shop's call graph."""
    return parse_topology(services_yaml(), "streams/demo/services.yaml")


@cache
def phrases() -> Mapping[str, Any]:
    """The words of the shop's users (phrases.yaml)."""
    loaded: Mapping[str, Any] = yaml.safe_load(files("streams.demo").joinpath("phrases.yaml").read_text(encoding="utf-8"))
    return loaded


def callees_first() -> list[str]:
    """The services, each after everything it calls."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for callee in topology().depends_on(name):
                visit(callee)
            ordered.append(name)

    for name in topology().services:
        visit(name)
    return ordered


def rhythm(minutes: NDArray[np.int64]) -> Array:
    """How busy the shop is at each minute (minutes of local time, any day): mean 1 over a day, quiet at 4, peaks at 12 and 21."""

    def level(at: Array) -> Array:
        hour = (at % 1440) / 60
        peaks = ((10.5, 1.8, 0.7), (12.5, 1.2, 0.5), (16.0, 2.5, 0.55), (20.8, 2.0, 1.0), (0.0, 1.5, 0.2), (24.0, 1.5, 0.35))
        return 0.12 + sum((high * np.exp(-(((hour - at_hour) / wide) ** 2)) for at_hour, wide, high in peaks), np.zeros(len(at)))

    return level(minutes.astype(np.float64)) / float(level(np.arange(1440, dtype=np.float64)).mean())


def drift(random: np.random.Generator, size: int, memory: float = 0.9) -> Array:
    """Noise of unit variance in which each minute remembers the one before: an AR(1) process with coefficient `memory`."""
    white = random.standard_normal(size)
    white[0] /= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([np.sqrt(1 - memory**2)], [1, -memory], white), dtype=np.float64)
