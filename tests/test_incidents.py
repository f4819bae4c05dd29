"""The life cycle of incidents and the small judges it uses: slices, quotes, losses."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from models.judgement import Cause
from models.topology import parse_topology
from models.window import SeriesKey
from streams import incidents
from streams.heat import Heat
from streams.history import Said
from streams.loss import estimate
from streams.quotes import typical
from streams.slices import in_words, narrowest

TOPOLOGY = parse_topology("""
services:
- {name: shop, depends_on: [cart]}
- {name: cart, depends_on: [stock], idcs: [a]}
- {name: stock, idcs: [a]}
- {name: mail, idcs: [b]}
- {name: news, idcs: [b]}
""")
T = 1_767_323_100


def _heat(service: str, onset: int = T, level: int = 1, window: int = 300) -> Heat:
    return Heat(service, "", level, 0.6, onset, 0.01, 9.0, window, "")


def _cause(service: str) -> Cause:
    return Cause(kind="metric", layer="app", service=service, metric="errors", score=0.9, probability=0.9)


def _incident(service: str, blamed: str = "") -> incidents.Tracked:
    tracked = incidents.opened(_heat(service), T + 120, "title")
    causes = (_cause(blamed),) if blamed else ()
    explained = msgspec.structs.replace(tracked.incident, causes=causes, verdict="explained" if blamed else "unexplained")
    return replace(tracked, incident=explained)


@pytest.mark.parametrize(
    ("service", "onset", "blamed", "tracked", "joins"),
    [
        ("cart", T + 3000, "", _incident("cart"), True),  # it is about that service already
        ("", T + 3000, "", _incident("cart"), True),  # no service named: the fault at hand
        ("mail", T + 3000, "a", _incident("cart", "a"), True),  # the same culprit, however late
        ("shop", T + 300, "", _incident("cart", "stock"), True),  # a caller of what is broken
        ("shop", T + 3000, "", _incident("cart", "stock"), True),  # and later too, when nothing else explains it
        ("shop", T + 300, "cart", _incident("stock", "stock"), True),  # its culprit is itself felt from the other's
        ("mail", T + 300, "", _incident("news"), True),  # the same time and nothing tells them apart
        ("mail", T + 300, "b", _incident("cart", "stock"), False),  # two faults at once
        ("mail", T + 3000, "", _incident("cart", "stock"), False),  # another time, another place
        ("mail", T + 3000, "", _incident("news"), False),
    ],
)
def test_surges_of_one_fault_join(service: str, onset: int, blamed: str, tracked: incidents.Tracked, joins: bool) -> None:
    causes = (_cause(blamed),) if blamed else ()
    assert incidents.belongs(_heat(service, onset), causes, tracked, TOPOLOGY) is joins


def test_the_id_depends_on_the_surge_alone() -> None:
    assert _incident("cart").incident.id == _incident("cart", "a").incident.id
    assert _incident("cart").incident.id != _incident("shop").incident.id


def test_it_is_over_when_nothing_was_hot_for_a_while() -> None:
    tracked = incidents.touched(incidents.opened(_heat("cart"), T, ""), _heat("cart"), T + 600)
    assert not incidents.over(tracked, T + 600 + incidents.LINGER - 60) and incidents.over(tracked, T + 600 + incidents.LINGER)


@pytest.mark.parametrize(("onset", "service", "goes_on"), [(900, "cart", True), (1800, "shop", False), (4000, "cart", False)])
def test_a_surge_that_set_in_before_the_end_goes_on_with_the_incident(onset: int, service: str, goes_on: bool) -> None:
    closed = msgspec.structs.replace(_incident("cart").incident, status="resolved", resolved_at=incidents.utc(T + 1200))
    again = incidents.resumed(_heat(service, T + onset, window=1800), [closed])
    assert (again is not None) is goes_on
    assert again is None or (again.id, again.status) == (closed.id, "open")


def test_a_run_that_dates_an_onset_otherwise_finds_the_recorded_incident() -> None:
    recorded = _incident("cart").incident
    same = incidents.same_surge(_heat("cart", T + 120), [recorded])
    assert same is not None and incidents.opened(same, T + 300, "").incident.id == recorded.id
    assert incidents.same_surge(_heat("cart", T + 7200), [recorded]) is None


def test_a_touch_widens_and_raises_but_never_lowers() -> None:
    tracked = incidents.touched(incidents.opened(_heat("cart", level=2), T, ""), _heat("shop", level=1), T + 60)
    assert tracked.incident.services == ("cart", "shop") and tracked.incident.level == 2 and tracked.rate == 0.02
    assert incidents.touched(tracked, _heat("shop", level=3), T + 120).base == 3 and tracked.base == 2


def _told(minutes: int, **news: object) -> bool:
    before = msgspec.structs.replace(_incident("cart", "a").incident, complaints=10)
    now = msgspec.structs.replace(before, complaints=400, **news)
    return incidents.worth_telling(replace(_incident("cart"), incident=now, told=before), T + 120 + 60 * minutes)


def test_news_is_a_level_or_a_cause_told_at_a_pace_and_critical_at_once() -> None:
    assert not _told(300)  # growth alone, however much
    for news in ({"level": 2}, {"causes": (_cause("b"),)}, {"verdict": "unexplained"}):
        assert _told(10, **news) and not _told(9, **news)
    assert _told(1, level=3)
    assert not _told(300, services=("cart", "shop"))  # it joined early: the same fault as it spread


def test_a_service_that_joins_late_is_news() -> None:
    opened = _incident("cart")
    opened = replace(opened, told=opened.incident)
    for minutes, news in ((9, False), (10, True)):
        joined = incidents.touched(opened, _heat("shop"), T + 120 + 60 * minutes)
        assert joined.wider is news and incidents.worth_telling(joined, T + 7200) is news


def _said(number: int, **slices: str) -> Said:
    fields = {"channel": "app", "region": "", "app_version": "", "cohort": ""} | slices
    channel, region, app_version, cohort = fields.values()
    return Said(str(number), T + number, f"第 {number} 条", -1, "pay", "", channel, region, app_version, cohort)


def test_the_narrowest_slice_is_found_among_the_wider_ones() -> None:
    regions, versions = ("北京", "广东", "四川", "上海"), ("5.2.0", "5.2.1", "5.1.9")
    before = [_said(n, region=regions[n % 4], app_version=versions[n % 3]) for n in range(120)]
    during = [_said(n, region="广东", app_version="5.2.1") for n in range(30)] + before[:4]
    found = narrowest(before, during, 4.0)
    assert found is not None and dict(found.values) == {"region": "广东", "app_version": "5.2.1"}
    assert in_words(found, "zh") == "仅 广东、版本 5.2.1" and in_words(found, "en") == "only 广东, version 5.2.1"


def test_no_slice_where_complaints_are_spread_as_always() -> None:
    generator = np.random.default_rng(7)
    found = 0
    for _ in range(200):
        said = [_said(n, region=f"r{generator.integers(6)}", app_version=f"v{generator.integers(4)}") for n in range(260)]
        found += narrowest(said[:200], said[200:], 10.0) is not None
    assert found == 0
    assert in_words(None, "zh") == ""


def test_quotes_are_typical_and_unlike() -> None:
    texts = [
        "付款一直失败，点了没反应",
        "付款一直失败，点了没有反应",
        "一直付款失败了",
        "扣了钱订单没有生成",
        "扣了钱但订单没生成",
        "今天天气好",
    ]
    chosen = typical(texts, 2)
    assert len(chosen) == 2 and "付款" in chosen[0] and "付款" not in chosen[1]
    assert typical([], 3) == () and typical(["好", "好"], 3) == ("好",)


def _sold(generator: np.random.Generator, days: int, drop: float, length: int = 45) -> tuple[list[np.ndarray], float]:
    """Rows of six hours and an incident: rhythm × the day's level × correlated noise; the newest first, and what it lost."""
    size = 360 + length
    rhythm = 100 + 40 * np.sin(np.arange(size) / 200 + generator.uniform(0, 6))
    rows = []
    for _ in range(days + 1):
        noise = np.convolve(generator.normal(0, 0.05, size + 9), np.full(10, 10**-0.5), "valid") + generator.normal(0, 0.05, size)
        rows.append(rhythm * generator.uniform(0.7, 1.3) * (1 + noise))
    gone = rows[0][360:] * drop
    rows[0][360:] -= gone
    return rows, float(gone.sum())


@pytest.mark.parametrize("days", [1, 3])
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_the_interval_of_a_loss_holds_the_truth_nearly_always_and_is_narrow(days: int, drop: float) -> None:
    generator = np.random.default_rng(3)
    held, clear = 0, 0
    for _ in range(100):
        (today, *past), truth = _sold(generator, days, drop)
        found = estimate(SeriesKey("business", "pay", "orders"), today, past, 360)
        assert found is not None
        held += found.low <= truth <= found.high
        clear += found.low > 0
    assert held >= 90, (held, clear)
    assert clear >= 90 if drop else clear <= 5, (held, clear)


def test_no_loss_is_told_of_what_is_not_known() -> None:
    (today, *past), _ = _sold(np.random.default_rng(4), 2, 0.3)
    key = SeriesKey("business", "pay", "orders")
    assert estimate(key, today, [], 360) is None and estimate(key, np.full(len(today), np.nan), past, 360) is None
