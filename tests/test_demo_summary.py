"""Findings match what was planted, and what belongs to nothing is called false."""

from __future__ import annotations

import datetime as dt

import msgspec

from models.judgement import Cause
from models.window import SeriesKey
from streams.demo.events import Planted
from streams.demo.run import Result
from streams.demo.shop import topology
from streams.demo.summary import summarize
from streams.demo.tell import rows
from streams.message import Wording
from streams.records import Alert, Incident

ZONE = dt.UTC
NOON = 1_773_100_800
LOSS = Planted(
    name="loss",
    title="丢包",
    begins=NOON,
    ends=NOON + 2400,
    felt=NOON + 120,
    services=("pay", "order"),
    roots=(SeriesKey("idc", "sh-1", "packet_loss"),),
)
CONFIG = Planted(
    name="config", title="配置", begins=NOON + 600, ends=NOON + 3000, felt=NOON + 660, services=("coupon",), change="CFG-1"
)
PRAISE = Planted(name="praise", title="好评", begins=NOON, ends=NOON + 600, incident=False, services=("delivery",))


def _incident(service: str, after: int, causes: tuple[Cause, ...] = (), verdict: str = "explained") -> Incident:
    moment = dt.datetime.fromtimestamp(NOON + after, ZONE)
    return Incident(
        id=f"{service}-{after}",
        service=service,
        services=(service,),
        category="",
        level=2,
        status="open",
        onset=moment,
        opened_at=moment,
        updated_at=moment,
        complaints=12,
        verdict="explained" if verdict == "explained" else "unexplained",
        causes=causes,
        title=f"{service} 投诉激增",
    )


def _metric(layer: str, service: str, metric: str) -> Cause:
    return Cause(kind="metric", layer=layer, service=service, metric=metric, score=1.0, probability=0.5)


def test_the_first_incident_counts_and_its_true_cause_is_ranked() -> None:
    wrong, right = _metric("app", "pay", "error_rate"), _metric("idc", "sh-1", "packet_loss")
    summary = summarize([LOSS, CONFIG, PRAISE], [_incident("order", 900), _incident("pay", 420, (wrong, right))])
    found = summary.findings[0]
    assert (found.rank, found.delay_minutes, len(found.more)) == (2, 5.0, 1)
    assert summary.findings[1].incident is None
    assert summary.false == ()


def test_only_the_very_change_is_true_where_a_change_did_it() -> None:
    other = Cause(kind="change", layer="change", service="coupon", change="CFG-2", score=1.0, probability=0.6)
    guilty = msgspec.structs.replace(other, change="CFG-1", probability=0.3)
    symptom = _metric("app", "coupon", "error_rate")
    summary = summarize([LOSS, CONFIG], [_incident("coupon", 900, (other, symptom, guilty))])
    found = summary.findings[1]
    assert (found.rank, found.change_rank, found.change) == (3, 3, guilty)


def test_what_opens_elsewhere_or_too_early_is_false_and_is_told_at_the_event_it_mistook() -> None:
    result = Result(
        summarize([LOSS, PRAISE], [_incident("delivery", 300), _incident("pay", -60), _incident("pay", 99_999)]), [], [], []
    )
    assert [one.id for one in result.summary.false] == ["pay--60", "delivery-300", "pay-99999"]
    table = rows(result, Wording(topology(), "en", dt.UTC))  # type: ignore[arg-type]
    assert [row.result for row in table] == ["1 false", "missed"]  # in the order felt


def test_a_warning_of_sub_health_counts_for_the_event_it_was_early_for() -> None:
    leak = Planted(
        name="leak",
        title="泄漏",
        begins=NOON,
        ends=NOON + 36_000,
        felt=NOON + 18_000,
        crossed=NOON + 21_600,
        services=("search",),
    )

    def alert(service: str, after: int, kind: str = "subhealth") -> Alert:
        moment = dt.datetime.fromtimestamp(NOON + after, ZONE)
        return Alert(
            id=f"{service}-{after}", kind=kind, service=service, level=1, status="firing", starts_at=moment, updated_at=moment,
            value=0.8, threshold=0.9, title="缓慢恶化",
        )  # fmt: skip

    early, late = alert("search", 14_400), alert("search", 30_000)
    others = [alert("pay", 10_000), alert("search", 12_000, "silence"), alert("search", -600)]
    summary = summarize([leak, PRAISE], [], [late, early, *others])
    assert [finding.warned for finding in summary.findings] == [early, None]
    table = rows(Result(summary, [], [], []), Wording(topology(), "en", dt.UTC))  # type: ignore[arg-type]
    assert table[1].warned == ""  # missed: the row says so
    found = summarize([leak], [_incident("search", 20_000)], [early])
    told = rows(Result(found, [], [], []), Wording(topology(), "en", dt.UTC))[0]  # type: ignore[arg-type]
    assert told.warned == "60 min before users, 120 min before a threshold"
