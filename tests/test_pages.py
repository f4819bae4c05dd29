"""Pages and curves: complete, self-contained, safe against what users write, in both languages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from models.judgement import Cause, Step
from models.window import ChangeMark, MetricWindow
from streams.curves import Axis, Line, Mark, Panel, stacked, ticks
from streams.demo.scenario import Scenario
from streams.demo.shop import topology
from streams.digest import Counts, Digest, Point, ProductDigest
from streams.digest_followups import FollowUps, Owed
from streams.digest_rows import Felt
from streams.history import MinuteCounts, Said
from streams.incident_curves import story
from streams.message import Wording
from streams.pages import DIGEST_BYTES, digest_message, digest_page, incident_page
from streams.records import Incident, Loss

ZONE = ZoneInfo("Asia/Shanghai")
DAY = dt.date(2026, 3, 10)
SCRIPT = "<script>alert(1)</script>一直付不了款"


class ShopHistory:
    """The demonstration's day, in memory, as History."""

    def __init__(self) -> None:
        self.scenario = Scenario(DAY, ZONE, seed=3, quiet_days=1)
        self.clock = self.scenario.clock

    def counts(self, start: int, end: int) -> MinuteCounts:
        minutes = np.arange(max(start, self.clock.first), end, 60)
        said = 3 + (minutes % 7)
        fault = 20 * ((minutes >= self.clock.at(14.1)) & (minutes < self.clock.at(14.8)))
        return MinuteCounts(minutes, ["pay"] * len(minutes), ["payment"] * len(minutes), said + fault, said // 2 + fault)

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        series = {key: values for (key, cohort), values in self.scenario.series.items() if not cohort and key.service in services}
        window = slice((start - self.clock.first) // 60, (end - self.clock.first) // 60)
        return MetricWindow(
            np.arange(start, end, 60), 60, tuple(series), np.array([values[window] for values in series.values()])
        )

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        return [ChangeMark("CHG-9", self.clock.at(14.0), "release", "pay", "支付 <b>9.1</b>", "full")]

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        return []


@pytest.fixture(scope="module")
def history() -> ShopHistory:
    return ShopHistory()


def _incident(history: ShopHistory) -> Incident:
    onset, end = (dt.datetime.fromtimestamp(history.clock.at(hour), dt.UTC) for hour in (14.1, 14.9))
    path = (
        Step(layer="idc", service="sh-1", metric="packet_loss", onset=history.clock.at(14.08), deviation=43.9),
        Step(layer="business", service="pay", metric="pay_success_rate", onset=history.clock.at(14.1), deviation=-10.3),
    )
    causes = (
        Cause(
            kind="metric", layer="idc", service="sh-1", metric="packet_loss", score=1.0, probability=0.93, lead_seconds=120,
            path=path, evidence=("packet_loss 偏离 43.9σ",),
        ),
        Cause(kind="change", layer="change", service="pay", change="CHG-9", score=0.2, probability=0.07),
    )  # fmt: skip
    return Incident(
        id="20260310-0605-pay", service="pay", services=("pay", "order"), category="payment", level=3, status="resolved",
        onset=onset, opened_at=onset + dt.timedelta(minutes=3), updated_at=end, resolved_at=end, complaints=512, expected=40.0,
        samples=(SCRIPT, "支付失败"), slice="上海", verdict="explained", causes=causes, title="支付投诉激增",
        loss=Loss(service="pay", metric="gmv", expected=100.0, actual=70.0, lost=30.0, low=20.0, high=40.0),
    )  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_incident_page_tells_the_story_and_runs_nothing(history: ShopHistory, language: str) -> None:
    page = incident_page(_incident(history), history, Wording(topology(), language, ZONE))
    _self_contained(page)
    assert "上海一机房" in page
    assert "packet_loss" in page
    assert "&lt;script&gt;" in page
    assert "支付 &lt;b&gt;9.1" in page
    assert "14:06" in page  # local time of the onset
    assert ("业务损失" if language == "zh" else "Business lost") in page
    wide, narrow = _pictures(page)
    for picture in (wide, narrow):
        texts = "".join(ElementTree.fromstring(picture).itertext())
        assert "上海一机房 · packet_loss" in texts
        assert "支付 · pay_success_rate" in texts


def test_an_unexplained_incident_without_anything_still_has_a_page(history: ShopHistory) -> None:
    bare = msgspec.structs.replace(
        _incident(history), causes=(), verdict="unexplained", samples=(), loss=None, slice="", status="open", resolved_at=None
    )
    page = incident_page(bare, history, Wording(topology(), "zh", ZONE))
    _self_contained(page)
    assert "没有找到可信的原因" in page
    assert "未恢复" in page


def test_what_moved_is_drawn_and_what_did_not_is_not(history: ShopHistory) -> None:
    page = incident_page(_incident(history), history, Wording(topology(), "zh", ZONE))
    drawn = re.findall(r"· (\w+)</text>", _pictures(page)[0])
    assert "packet_loss" in drawn
    assert "dns_ms" not in drawn
    assert len(drawn) <= 12


@pytest.mark.parametrize(("hours", "step"), [(0.8, 60), (3.55, 60), (4.01, 300), (30.0, 60)])
def test_curves_have_values_however_long_it_lasted_and_however_coarse_they_are(
    history: ShopHistory, hours: float, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = _incident(history)
    onset = incident.onset + dt.timedelta(seconds=17)
    end = min(onset + dt.timedelta(hours=hours), dt.datetime.fromtimestamp(history.clock.day + 84_000, dt.UTC))
    fine = history.metrics

    def coarse(services: Collection[str], start: int, stop: int) -> MetricWindow:
        window = fine(services, start, stop)
        return window._replace(times=window.times[:: step // 60], step=step, values=window.values[:, :: step // 60])

    monkeypatch.setattr(history, "metrics", coarse)
    told = story(msgspec.structs.replace(incident, onset=onset, resolved_at=end), history, topology(), ZONE, {"voices": ""})
    assert told.axis.times[0] <= onset.timestamp() - 3600 or hours > 20
    assert told.axis.times[-1] - told.axis.times[0] < 24 * 3600
    assert len(told.measured) >= 2
    for panel in (told.said, *told.measured):
        assert not np.isnan(panel.lines[0].values).any()
    assert told.said.lines[0].values.sum() > 0


def _digest(mentions: int = 3, history: ShopHistory | None = None) -> Digest:
    quotes = (SCRIPT, "退款三天没到账" * mentions)
    point = Point("refund", "refund", 412, 55.5, ("售后",), quotes)
    owed = Owed("c1", dt.datetime(2026, 3, 10, 1, tzinfo=dt.UTC), "handling", "承诺24小时内退回", SCRIPT)
    hours = tuple((10.0 + hour, 4.0) for hour in range(24))
    product = ProductDigest(
        product="履约", day=Counts(1200, 700, 300), before=Counts(900.5, 400.2, 280.0), hourly=hours, hourly_before=hours,
        pains=(point,) * 5, praises=(point,), wishes=("建议退款进度更透明", SCRIPT), wish_count=31,
        incidents=(_incident(history),) * 3 if history else (), over_limit=True,
        followups=FollowUps({"open": 3, "closed": 9}, 3.75, (owed,)),
        felt=(Felt("refund", 61.4, 83.6), Felt("delivery", 90.2, None)),
    )  # fmt: skip
    return Digest(DAY, 7, 100, {"refund": "售后退款"}, (product._replace(product=""), *[product] * mentions))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_digest_page_and_message_say_the_same_numbers(history: ShopHistory, language: str) -> None:
    digest, wording = _digest(2, history), Wording(topology(), language, ZONE)
    page, message = digest_page(digest, wording), digest_message(digest, wording)
    _self_contained(page)
    for text in (page, message.text):
        for said in ("1200", "700", "58.3%", "412", "支付投诉激增", "3.8"):
            assert said in text
    said = {"zh": ("体验指数", "61", "前 7 天日均 84"), "en": ("Experience index", "61", "mean of 7 days before 84")}[language]
    for text in (page, message.text):
        assert all(part in text for part in said)
    assert "承诺24小时内退回" in page
    assert "<script>" not in message.text
    assert ("每日上限 100" if language == "zh" else "daily limit of 100") in message.text


def test_a_digest_message_never_outgrows_the_smallest_chat() -> None:
    message = digest_message(_digest(40), Wording(topology(), "zh", ZONE))
    assert len(message.text.encode()) <= DIGEST_BYTES
    assert "履约" in message.text


def test_a_day_on_which_nothing_was_said_says_so() -> None:
    wording = Wording(topology(), "zh", ZONE)
    for nothing in (Digest(DAY, 0, 100, {}, ()), _silent(_digest(1))):
        assert "当日没有声音" in digest_page(nothing, wording)
        assert digest_message(nothing, wording).text == f"### 用户声音日报 {DAY}\n当日没有声音"


def _silent(digest: Digest) -> Digest:
    return digest._replace(products=tuple(one._replace(day=Counts()) for one in digest.products))


def test_gaps_and_flat_lines_are_drawn_without_complaint() -> None:
    times = np.arange(0, 3600, 60) + 1_773_100_800
    values = np.where(np.arange(60) % 2, np.nan, 5.0)
    panels = [Panel("半空 <&>", (Line(values),)), Panel("空", (Line(np.full(60, np.nan)),))]
    drawn = stacked(Axis(times, ZONE, (float(times[5]), float(times[9]))), panels, [Mark(float(times[5]), "A")], 4.0)
    assert "半空 <&>" in "".join(ElementTree.fromstring(drawn).itertext())


@pytest.mark.parametrize("hours", [0.5, 3, 4.5, 24, 100])
def test_ticks_are_few_and_round(hours: float) -> None:
    marked = ticks(1_773_100_811, 1_773_100_811 + hours * 3600, ZONE)
    assert 1 <= len(marked) <= 7
    assert all(moment.second == 0 and moment.minute % 5 == 0 for moment in marked)


def _self_contained(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=[\"'](?!#)[^\"']*", re.sub(r"<svg.*?</svg>", "", page, flags=re.S))
    assert "url(http" not in page
    assert "@import" not in page


def _pictures(page: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", page, flags=re.S)
