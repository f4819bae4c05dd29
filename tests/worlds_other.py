"""Worlds built otherwise than worlds.py: a seed in; complaints, metrics, changes, services.yaml (or less) and the truth out.

A ride-hailing company: few complaints, half of them without a service's name, metrics that follow the load, noise with heavy
tails, names from Prometheus, in Chinese or terse, faults that move only some metrics by a fifth to threefold, at any hour.
What is known of the topology differs: everything, no calls, no IDCs, or no file. It shares nothing with the judges, with the
demonstration or with worlds.py.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAYS, DAY = 4, 1440
MINUTES = DAYS * DAY
START = int(dt.datetime(2026, 6, 8, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp())
Floats = NDArray[np.float64]

# name: title, words of users, usual complaints a day, calls
SERVICES: dict[str, tuple[str, str, float, str]] = {
    "booking": ("叫车", "叫车", 90, "dispatch pricing account-center"),
    "dispatch": ("派单", "派单", 60, "geo redis-hot"),
    "pricing": ("计价", "计价", 40, "promo-engine geo"),
    "payment-core": ("付款", "付车费", 80, "wallet bank-channel risk-engine"),
    "wallet": ("钱包", "余额", 40, "mysql-fund"),
    "invoice": ("发票", "开发票", 35, "mysql-fund"),
    "trip": ("行程", "行程", 70, "geo mysql-trip push-hub"),
    "carpool": ("拼车", "拼车", 30, "dispatch pricing"),
    "driver-app": ("司机端", "接单", 60, "dispatch trip"),
    "account-center": ("账号", "登录", 45, "sms-gate redis-hot"),
    "promo-engine": ("优惠", "打车券", 45, "redis-hot"),
    "support-desk": ("客服", "人工客服", 35, "ticket-store"),
    "geo": ("地图", "定位", 45, ""),
    "risk-engine": ("风控", "", 0, "redis-hot"),
    "bank-channel": ("银行渠道", "", 0, ""),
    "push-hub": ("推送", "", 0, ""),
    "sms-gate": ("短信", "", 0, ""),
    "redis-hot": ("缓存", "", 0, ""),
    "mysql-fund": ("资金库", "", 0, ""),
    "mysql-trip": ("行程库", "", 0, ""),
    "ticket-store": ("工单库", "", 0, ""),
}
CALLS = {name: tuple(row[3].split()) for name, row in SERVICES.items()}
TALKED = tuple(name for name, row in SERVICES.items() if row[2])
ROOMS = ("hz-a", "hz-b", "gz-a")
# kind of series → its name in three houses
NAMES = {
    "load": ("http_requests_per_second", "请求量", "qps"),
    "errors": ("http_server_errors_total", "错误数", "error_count"),
    "p99": ("http_request_duration_seconds_p99", "P99耗时", "p99"),
    "cpu": ("container_cpu_usage_ratio", "CPU使用率", "CPU"),
    "memory": ("container_memory_working_set_bytes", "内存使用量", "memory"),
    "queue": ("thread_pool_queue_depth", "队列长度", "queue length"),
    "done": ("business_completed_total", "完成单量", "finished"),
    "share": ("business_success_ratio", "成功率", "ok_rate"),
    "lost": ("network_packet_loss_ratio", "丢包率", "loss"),
    "ping": ("network_rtt_milliseconds", "网络时延", "ping"),
    "flow": ("network_transmit_bytes", "出口流量", "egress"),
}
MOVED = {  # fault → what moves inside the faulty service, by how much at full strength (share of the usual value)
    "slow": {"p99": 2.0, "queue": 1.5},
    "failing": {"errors": 12.0, "p99": 0.3},
    "busy": {"cpu": 0.9, "p99": 1.2},
    "stuck": {"queue": 6.0, "errors": 5.0},
}
FELT = {"p99": 1.0, "errors": 5.0}
CROSS = (
    "{0}一直失败，烦死了", "{0}用不了，什么破软件", "{0}老是报错，太差了", "{0}卡死了没反应", "{0}半天加载不出来，垃圾",
    "{0}又出故障了，没人管吗", "怎么{0}总是不行，气人", "{0}出错了，耽误我事，差评",
)  # fmt: skip
VAGUE = ("又崩了，气死", "一直转圈，太差劲了", "老是失败，什么情况啊，垃圾", "怎么都不行，卸载了", "打不开，真烂")
GLAD = ("{0}很方便，点赞", "{0}体验不错，好评", "{0}越来越好用了，满意", "喜欢这个{0}功能，赞")
IDLE = ("请问{0}怎么用", "{0}在哪里找", "咨询下{0}的规定")


class OtherWorld:
    """Draws one world. `topology` is full, calls_unknown, rooms_unknown or none."""

    def __init__(self, seed: int, topology: str = "") -> None:
        self.random = np.random.default_rng([seed, 77])
        self.topology = topology or ("full", "calls_unknown", "rooms_unknown", "none")[seed % 4]
        self.house = seed % 3
        self.rooms = {name: str(self.random.choice(ROOMS)) for name in SERVICES}
        hour = np.arange(MINUTES) / 60 % 24
        peaks = np.exp(-((hour - 8.5) ** 2) / 3) + np.exp(-((hour - 18.5) ** 2) / 4) + 0.5 * np.exp(-((hour - 13) ** 2) / 12)
        self.load = 0.25 + peaks
        self.rate = {name: SERVICES[name][2] / DAY * self.load / self.load.mean() for name in TALKED}
        self.glad = {name: 0.7 * rate for name, rate in self.rate.items()}
        self.moved: dict[tuple[str, str], Floats] = {}  # (entity, kind of series) → share by which it is off
        self.sales = {name: np.zeros(MINUTES) for name in TALKED}
        self.cohort: list[tuple[str, int, int]] = []
        self.episodes: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self._plan()

    def _plan(self) -> None:
        plan = ["inside", "inside", "room", "release", "release", "staged", "wave", "wave", "praise", "inside", "config", "weak"]
        gap = (MINUTES - 700) // len(plan)
        for number, kind in enumerate(self.random.permutation(plan).tolist()):
            self._episode(kind, 420 + number * gap + int(self.random.integers(0, gap - 150)))
        for number in range(8):
            service = str(self.random.choice(list(SERVICES)))
            self._changed(f"routine-{number}", int(self.random.integers(60, MINUTES - 90)), service)
        for number, episode in enumerate(list(self.episodes)):
            if self.random.random() < 0.45:  # somebody releases something else in the very minute
                others = [name for name in SERVICES if name not in (*episode["culprits"], *episode["services"])]
                minute = (episode["start"] - START) // 60 - int(self.random.integers(0, 3))
                self._changed(f"beside-{number}", minute, str(self.random.choice(others)))

    def _changed(self, name: str, minute: int, service: str, **more: str) -> None:
        ts = START + 60 * minute + int(self.random.integers(0, 60))
        self.changes.append({"id": name, "ts": ts, "kind": "release", "service": service, "stage": "full", **more})

    def _episode(self, kind: str, start: int) -> None:
        length = int(self.random.integers(30, 100))
        if kind in ("wave", "praise"):
            service = str(self.random.choice(TALKED))
            self._talk(service, start, length, self._crowd(), self.glad if kind == "praise" else self.rate)
            self._note(kind, start, length, [service], [])
            return
        if kind == "room":
            origin = str(self.random.choice(ROOMS))
            for series, size in {"lost": 12.0, "ping": 0.8}.items():
                self._move(origin, series, start, length, size * self.random.uniform(0.6, 1.2))
            felt = {name: self.random.uniform(0.7, 1.0) for name in SERVICES if self.rooms[name] == origin}
            for name, share in felt.items():
                self._feel(name, start, length, share)
        else:
            origin = str(self.random.choice([n for n in SERVICES if n in TALKED or self.random.random() < 0.7]))
            size = self.random.uniform(0.25, 0.45) if kind == "weak" else self.random.uniform(0.6, 1.3)
            for series, most in MOVED[str(self.random.choice(list(MOVED)))].items():
                self._move(origin, series, start, length, most * size)
            felt = {origin: 1.0 if kind != "weak" else 0.8}
        self._climb(felt, start, length)
        hurt = {name: share for name, share in felt.items() if name in TALKED and share > 0.45}
        if not hurt:
            for key in [key for key in self.moved if key[0] == origin]:
                self.moved[key][start : start + length] = 0.0
            return
        culprit = origin if kind in ("inside", "room", "weak") else f"{kind}-{start}"
        self._shipped(kind, culprit, origin, start, length)
        worst = max(hurt, key=lambda name: hurt[name])
        for name, share in hurt.items():
            self._talk(name, start + int(self.random.integers(1, 7)), length, self._crowd(0.4 * (name != worst)), self.rate)
            self.sales[name][start : start + length] = 0.3 * share
            if kind == "staged":
                self.cohort.append((name, start, start + length // 2))
        self._note(kind, start, length, list(hurt), [culprit])

    def _shipped(self, kind: str, culprit: str, origin: str, start: int, length: int) -> None:
        """What was changed at the origin: at once, or gray and then full; a rollback ends it."""
        before = start - int(self.random.integers(0, 5))
        if kind == "config":
            self._changed(culprit, before, origin, kind="config")
        elif kind == "release":
            self._changed(culprit, before, origin)
            self._changed(culprit, start + length - 2, origin, stage="rollback")
        elif kind == "staged":
            self._changed(culprit, before, origin, stage="gray", cohort="early-birds")
            self._changed(culprit, start + length // 2, origin, stage="full")

    def _climb(self, felt: dict[str, float], start: int, length: int) -> None:
        queue = list(felt)
        while queue:
            name = queue.pop(0)
            for caller in (c for c in SERVICES if name in CALLS[c]):
                share = felt[name] * float(self.random.uniform(0.55, 0.95))
                if share > max(felt.get(caller, 0.0), 0.4):
                    felt[caller] = share
                    late = int(self.random.integers(0, 3))
                    self._feel(caller, start + late, length - late, share)
                    queue.append(caller)

    def _feel(self, name: str, start: int, length: int, share: float) -> None:
        for series, size in FELT.items():
            self._move(name, series, start, length, size * share)

    def _move(self, entity: str, series: str, start: int, length: int, size: float) -> None:
        course = self.moved.setdefault((entity, series), np.zeros(MINUTES))
        rise = np.clip(np.arange(1, length + 1) / float(self.random.integers(1, 6)), 0.0, 1.0) * size
        course[start : start + length] = np.maximum(course[start : start + length], rise)

    def _crowd(self, less: float = 0.0) -> float:
        """How many complain in an episode: as often 12 to 27 as 27 to 60."""
        return float(np.exp(self.random.uniform(np.log(12), np.log(60)))) * (1.0 - less)

    def _talk(self, service: str, start: int, length: int, count: float, table: dict[str, Floats]) -> None:
        """`count` more complaints, most of them soon."""
        shape = np.exp(-np.arange(length) / 30.0)
        table[service] = table[service].copy()
        table[service][start : start + length] += count * shape / shape.sum()

    def _note(self, kind: str, start: int, length: int, services: list[str], culprits: list[str]) -> None:
        span = {"start": START + 60 * start, "end": START + 60 * (start + length)}
        self.episodes.append({"kind": kind, **span, "services": services, "culprits": culprits})

    def complaints(self) -> list[dict[str, Any]]:
        """Everything said, in order of time."""
        found = []
        tables = ((self.rate, CROSS, True), (self.glad, GLAD, False), ({n: 0.3 * r for n, r in self.glad.items()}, IDLE, False))
        for table, phrases, cross in tables:
            for name, rate in table.items():
                for minute in np.repeat(np.arange(MINUTES), self.random.poisson(rate)).tolist():
                    found.append(self._said(name, minute, phrases, cross))
        found.sort(key=lambda record: int(record["ts"]))
        return [{"id": f"w{number}", **record} for number, record in enumerate(found)]

    def _said(self, name: str, minute: int, phrases: tuple[str, ...], cross: bool) -> dict[str, Any]:
        plain = self.random.random() < 0.25 and cross
        record: dict[str, Any] = {
            "ts": START + 60 * minute + int(self.random.integers(0, 60)),
            "text": str(self.random.choice(VAGUE if plain else phrases)).format(SERVICES[name][1]),
            "channel": str(self.random.choice(["hotline", "app", "weibo", "chat"])),
        }
        early = cross and any(name == n and low <= minute < high for n, low, high in self.cohort)
        if (early and self.random.random() < 0.9) or self.random.random() < 0.05:
            record["cohort"] = "early-birds"
        if self.random.random() < (0.9 if self.topology == "none" else 0.5):  # without a file nothing knows the words
            record["service"] = name
        return record

    def metrics(self) -> dict[tuple[str, str, str], Floats]:
        """Series by (layer, service, metric)."""
        found = {}
        for name in SERVICES:
            load = self.load * self.random.uniform(30, 900)
            usual = {
                "load": load,
                "errors": 0.004 * load * 60,
                "p99": self.random.uniform(0.05, 0.6) * (0.8 + 0.3 * self.load),
                "cpu": 8 + 30 * self.load,
                "memory": self.random.uniform(1e9, 6e9) * np.ones(MINUTES),
                "queue": 1 + 4 * self.load**1.5,
            }
            spread = {"load": 0.06, "errors": 0.3, "p99": 0.12, "cpu": 0.08, "memory": 0.01, "queue": 0.3}
            for kind, values in usual.items():
                shaped = values * (1.0 + self.moved.get((name, kind), 0.0)) * self._noise(spread[kind])
                found["app", name, NAMES[kind][self.house]] = np.rint(shaped) if kind in ("errors", "queue") else shaped
            if name in TALKED:
                sold = load * 6 * (1.0 - self.sales[name]) * self._noise(0.1)
                found["business", name, NAMES["done"][self.house]] = np.rint(sold)
                found["business", name, NAMES["share"][self.house]] = (
                    97.5 - 20 * self.sales[name] - np.abs(self._noise(0.6) - 1.0)
                )
        for room in ROOMS:
            usual = {"lost": 0.002 * np.ones(MINUTES), "ping": 3.0 * np.ones(MINUTES), "flow": 5e8 * self.load}
            for kind, values in usual.items():
                moved = 1.0 + self.moved.get((room, kind), 0.0)
                found["idc", room, NAMES[kind][self.house]] = values * moved * self._noise(0.4 if kind == "lost" else 0.07)
        return found

    def _noise(self, scale: float) -> Floats:
        """Around 1, heavy-tailed, wandering."""
        quick = self.random.standard_t(4, MINUTES) * 0.7
        slow = np.convolve(self.random.normal(0, 1, MINUTES + 59), np.ones(60) / 60**0.5, "valid")
        return np.asarray(np.maximum(1.0 + scale * (0.8 * quick + 0.4 * slow), 0.02))

    def services(self) -> dict[str, Any] | None:
        """What services.yaml says, as far as this world has one."""
        if self.topology == "none":
            return None
        entries = []
        for name, (title, words, _, _) in SERVICES.items():
            entry: dict[str, Any] = {"name": name, "title": title, "keywords": [w for w in (title, words) if w]}
            if self.topology != "calls_unknown":
                entry["depends_on"] = list(CALLS[name])
            if self.topology != "rooms_unknown":
                entry["idcs"] = [self.rooms[name]]
            entries.append(entry)
        return {"services": entries}

    def write(self, folder: Path) -> None:
        """The world as DESIGN §3 wants it, and truth.json beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        if (services := self.services()) is not None:
            (folder / "services.yaml").write_text(json.dumps(services, ensure_ascii=False), encoding="utf-8")
        with gzip.open(folder / "metrics.csv.gz", "wt", encoding="utf-8", compresslevel=1) as file:
            file.write("ts,layer,service,metric,value\n")
            for key, values in self.metrics().items():
                stem = ",".join(key)
                file.write("".join(f"{START + 60 * m},{stem},{value:.6g}\n" for m, value in enumerate(values.tolist())))
        changes = sorted(self.changes, key=lambda change: int(change["ts"]))
        for name, records in (("complaints", self.complaints()), ("changes", changes)):
            lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            (folder / f"{name}.ndjson").write_text(lines, encoding="utf-8")
        (folder / "truth.json").write_text(json.dumps(self.episodes, ensure_ascii=False), encoding="utf-8")
