"""The whole scenario: a seed and a day in, records in the order of their time out, with the truth beside them.

The shown day is a local calendar day; the days before it are quiet and give the baselines something to stand on.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from models.window import SeriesKey
from streams import records
from streams.demo import events, machines, plot, shop, users

Sent = tuple[str, float, dict[str, Any]]  # topic, epoch seconds, record

# Other people's changes on any day, as (service, kind, title); none does harm.
HARMLESS = (
    ("recommend", "release", "推荐模型周更新"),
    ("product", "config", "详情页缓存时间 60s → 90s"),
    ("delivery", "release", "配送 3.4.2 全量"),
    ("message", "config", "营销短信限流调整"),
    ("inventory", "change", "库存库扩容两节点"),
    ("order", "release", "订单 6.0.1 全量"),
    ("checkout", "campaign", "满 199 包邮"),
    ("refund", "config", "退款审核阈值调整"),
)
# Thresholds as people set them by hand, and for how many minutes a series must stand above.
THRESHOLDS = {"memory": 0.9, "cpu": 0.9, "latency_p99_ms": 1000.0, "error_rate": 0.05}
LASTING = 5
FEEL = 3.0  # users have begun to complain when this many complaints more than usual are due


class Scenario:
    """One run of the shop. `clock.day` is the shown day's midnight; `truth` is what was planted in it."""

    def __init__(self, day: dt.date, zone: ZoneInfo, seed: int = 7, quiet_days: int = 1) -> None:
        midnight = int(dt.datetime.combine(day, dt.time(), zone).timestamp())
        size = (quiet_days + 1) * 1440
        self.clock = events.Clock(first=midnight - quiet_days * 86400, day=midnight, size=size, zone=zone)
        machine_seed, quiet_seed, user_seed, change_seed = np.random.SeedSequence(seed).spawn(4)
        self.pace = shop.rhythm(np.arange(size))
        self._events = plot.planted(self.clock)
        self.series = machines.measure(self._events, self.pace, machine_seed)
        ill = machines.trouble(self._events, size)
        self._extra = users.talk(self._events, ill, self.pace)
        said = [*users.quiet(self.pace, np.random.default_rng(quiet_seed)), *self._extra]
        self.users = users.Users(self.clock, said, user_seed)
        self.changes = self._all_changes(np.random.default_rng(change_seed))
        self.truth: Sequence[events.Planted] = [self._felt(event.truth) for event in self._events]
        self.sent: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self.malformed = 0

    def records(self, start: int, end: int, *, malformed: bool = True) -> Iterator[Sent]:
        """Every record of epoch seconds [start, end), ascending, a malformed one now and then if wanted. Ask for consecutive
        ranges: what was said is drawn once."""
        first, last = (start - self.clock.first) // 60, (end - self.clock.first) // 60
        series = [(_topic(key.layer), _point(key, cohort), values) for (key, cohort), values in self.series.items()]
        answers: list[tuple[float, int, dict[str, Any]]] = []
        for index in range(first, last):
            at = self.clock.first + 60 * index
            yield from self._count(
                (topic, at, {"ts": at, **point, "value": float(f"{values[index]:.6g}")}) for topic, point, values in series
            )
            spoken: list[Sent] = []
            for moment, complaint, way in self.users.minute(index):
                spoken.append((records.COMPLAINTS, moment, complaint))
                self.ways[way] += 1
                if way in ("fault", "everyday"):
                    for when, step in self.users.answer(moment, complaint["id"]):
                        heapq.heappush(answers, (when, len(answers), step))
            while answers and answers[0][0] < at + 60:
                when, _, step = heapq.heappop(answers)
                spoken.append((records.FOLLOWUPS, when, step))
            spoken += [(records.CHANGES, when, change) for when, change in self.changes if at <= when < at + 60]
            if malformed and index % 180 == 30:
                spoken.append(self._malformed(at, index))
            yield from self._count(sorted(spoken, key=lambda one: one[1]))

    def _count(self, found: Any) -> Iterator[Sent]:
        for one in found:
            self.sent[one[0]] += 1
            yield one

    def _malformed(self, at: int, index: int) -> Sent:
        """What collectors get wrong: no text, a time nobody can read, a rating of 11."""
        self.malformed += 1
        wrong = ({"text": None}, {"ts": "刚才"}, {"rating": 11})[self.malformed % 3]
        return (records.COMPLAINTS, at, {"id": f"wrong-{index}", "ts": at, "text": "我的电话13800001111，付款失败", **wrong})

    def _all_changes(self, random: np.random.Generator) -> list[tuple[float, dict[str, Any]]]:
        found = [
            (dt.datetime.fromisoformat(change["ts"]).timestamp(), change) for event in self._events for change in event.changes
        ]
        for day in range(self.clock.size // 1440):
            for number, (service, kind, title) in enumerate(HARMLESS):
                when = self.clock.first + 86400 * day + float(random.uniform(8, 21)) * 3600
                stamp = dt.datetime.fromtimestamp(when, self.clock.zone)
                found.append(
                    (
                        when,
                        {
                            "id": f"CHG-{stamp:%m%d}-{number + 1:02d}",
                            "ts": stamp.isoformat(timespec="seconds"),
                            "kind": kind,
                            "service": service,
                            "title": title,
                            "operator": "change-bot",
                            "stage": "start" if kind == "campaign" else "full",
                        },
                    )
                )
        return sorted(found, key=lambda one: one[0])

    def _felt(self, truth: events.Planted) -> events.Planted:
        if not truth.incident:
            return truth
        begins, ends = ((at - self.clock.first) // 60 for at in (truth.begins, truth.ends))
        due = sum(one.rate for one in self._extra if one.service in truth.services)
        more = np.cumsum(np.asarray(due)[begins:ends])
        felt = truth.begins + 60 * int(np.searchsorted(more, FEEL))
        return msgspec.structs.replace(truth, felt=felt, crossed=self._crossed(truth.services, begins, ends))

    def _crossed(self, services: Sequence[str], begins: int, ends: int) -> int:
        """When the first of THRESHOLDS has been crossed for LASTING minutes, by any of these services; 0 if never."""
        found = []
        for (key, cohort), values in self.series.items():
            if key.service in services and key.metric in THRESHOLDS and not cohort:
                above = np.convolve(values[begins:ends] >= THRESHOLDS[key.metric], np.ones(LASTING), "valid") >= LASTING
                found += [begins + int(np.argmax(above)) + LASTING] if above.any() else []
        return self.clock.first + 60 * min(found) if found else 0


def _topic(layer: str) -> str:
    return {"app": records.MONITORS_APP, "idc": records.MONITORS_IDC}.get(layer, records.METRICS)


def _point(key: SeriesKey, cohort: str) -> dict[str, Any]:
    point: dict[str, Any] = {"service": key.service, "metric": key.metric}
    if key.layer in ("business", "experience"):
        point["layer"] = key.layer
    if cohort:
        point["labels"] = {"cohort": cohort}
    return point
