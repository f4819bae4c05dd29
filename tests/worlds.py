"""Whole worlds for the backtest: a seed in; complaints, metrics, changes, a topology and the planted truth out, as a folder.

Written for the tests alone: it shares nothing with the judges or with the demo's scenario. A fault starts at a service or
an IDC, is felt by what calls it with a lag, and users of what they touch complain some minutes later.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

START = int(dt.datetime(2026, 3, 2, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp())
# name, title, words users say, how many complaints an hour it gets, what it calls
SHOP: list[tuple[str, str, str, int, tuple[str, ...]]] = [
    ("home", "首页", "首页", 6, ("search", "promo", "login")),
    ("search", "搜索", "搜索", 8, ("index", "profile")),
    ("cart", "购物车", "购物车", 6, ("stock", "promo")),
    ("order", "下单", "下单", 14, ("pay", "stock", "coupon")),
    ("pay", "支付", "付款", 18, ("bank", "risk")),
    ("refund", "退款", "退款", 9, ("bank", "ledger")),
    ("deliver", "配送", "快递", 16, ("route", "courier")),
    ("login", "登录", "登录", 9, ("sms", "profile")),
    ("chat", "客服", "客服", 7, ("ticket",)),
    ("live", "直播", "直播", 5, ("video",)),
    ("member", "会员", "会员", 5, ("profile", "ledger")),
    ("coupon", "优惠券", "优惠券", 7, ("promo",)),
    ("bank", "银行通道", "", 0, ()),
    ("risk", "风控", "", 0, ("profile",)),
    ("stock", "库存", "", 0, ("ledger",)),
    ("promo", "营销", "", 0, ()),
    ("profile", "用户中心", "", 0, ()),
    ("sms", "短信", "", 0, ()),
    ("ledger", "账务", "", 0, ()),
    ("index", "索引", "", 0, ()),
]
IDCS = ("east", "west", "south")
ANGRY = (
    "{word}一直失败，试了好几次都不行", "{word}打不开，急死人了", "{word}卡住不动，太差劲了", "怎么{word}总是报错，什么垃圾",
    "{word}转圈半天没反应，非常失望", "{word}出问题了没人管吗，气死我了", "{word}又坏了，真的很烂", "{word}点了没反应，浪费时间",
)  # fmt: skip
VAGUE = ("又出问题了，用不了", "怎么回事啊，一直报错，太差了", "完全用不了，垃圾", "卡死了，气死我了", "一直失败，什么破软件")
PLEASED = (
    "{word}很好用，非常满意",
    "{word}又快又方便，点赞",
    "喜欢，{word}体验很棒",
    "{word}不错，好评",
    "{word}太棒了，推荐给朋友",
)
ASKING = ("请问{word}在哪里设置", "{word}什么时候有活动", "咨询一下{word}的规则", "{word}怎么操作")


@dataclass
class Episode:
    """What was planted. `culprits`: names of services, IDCs or changes that count as the cause; none for a plain wave."""

    kind: str
    start: int
    end: int
    services: list[str]
    culprits: list[str] = field(default_factory=list)


class World:
    """Draws one world. Arrays are by minute of the whole stretch."""

    def __init__(self, seed: int, days: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.minutes = days * 1440
        self.names = [row[0] for row in SHOP]
        self.calls = {row[0]: [c for c in row[4] if c in self.names] for row in SHOP}
        self.words = {row[0]: row[2] for row in SHOP}
        self.idcs = {
            name: sorted(self.random.choice(IDCS, self.random.choice([1, 2], p=[0.7, 0.3]), replace=False)) for name in self.names
        }
        hour = np.arange(self.minutes) / 60 % 24
        self.rhythm = np.clip(
            1 + 0.75 * np.sin((hour - 9.5) / 24 * 2 * np.pi) + 0.2 * np.sin((hour - 18) / 12 * 2 * np.pi), 0.15, None
        )
        self.angry = {row[0]: row[3] / 60 * self.rhythm for row in SHOP if row[3]}
        self.pleased = {name: rate * 0.9 for name, rate in self.angry.items()}
        self.hurt = {name: np.zeros(self.minutes) for name in (*self.names, *IDCS)}
        self.felt = {name: np.zeros(self.minutes) for name in self.names}
        self.slice: dict[tuple[str, int], str] = {}
        self.gray: list[tuple[str, int, int]] = []
        self.episodes: list[Episode] = []
        self.changes: list[dict[str, object]] = []
        self._plant(days)

    def _plant(self, days: int) -> None:
        kinds = ["service", "idc", "release", "config", "wave", "praise", "service", "release", "wave", "service", "idc", "gray"]
        kinds = kinds[: 3 * days]
        starts = 480 + np.arange(len(kinds)) * (self.minutes - 600) // len(kinds) + self.random.integers(0, 120, len(kinds))
        for kind, start in zip(self.random.permutation(kinds), starts.tolist(), strict=True):
            self._episode(str(kind), start, int(self.random.integers(25, 75)))
        for number in range(3 * days):
            at = int(self.random.integers(60, self.minutes - 60))
            self._change(
                f"calm-{number}", at, str(self.random.choice(["release", "config"])), str(self.random.choice(self.names))
            )
        for number, episode in enumerate(self.episodes):
            if self.random.random() < 0.4:  # an innocent deploy just before
                others = [n for n in self.names if n not in episode.culprits and n not in episode.services]
                at = (episode.start - START) // 60 - int(self.random.integers(0, 6))
                self._change(f"decoy-{number}", at, "release", str(self.random.choice(others)))

    def _change(self, name: str, minute: int, kind: str, service: str, **more: str) -> None:
        self.changes.append(
            {
                "id": name,
                "ts": START + minute * 60 + int(self.random.integers(60)),
                "kind": kind,
                "service": service,
                "title": f"{service} {kind}",
                "stage": "full",
                **more,
            }
        )

    def _episode(self, kind: str, start: int, length: int) -> None:
        touched = list(self.angry)
        span = slice(start, start + length)
        episode = Episode(kind, START + start * 60, START + (start + length) * 60, [])
        self.episodes.append(episode)
        if kind in ("wave", "praise"):
            service = str(self.random.choice(touched))
            episode.services = [service]
            self._complain(service, start, length, 1.0, pleased=kind == "praise")
            return
        if kind == "idc":
            origin = max(IDCS, key=lambda idc: sum(idc in self.idcs[n] for n in self.angry) + self.random.random() * 3)
            self.hurt[origin][span] += self._shape(length) * 8
            first = {name: 1.0 for name in self.names if origin in self.idcs[name]}
        else:
            origin = str(self.random.choice(self.names))
            first = {origin: 1.0}
        episode.culprits = [origin]
        if kind in ("release", "config", "gray"):
            name = f"{kind}-{start}"
            self._change(
                name,
                start - int(self.random.integers(0, 4)),
                "config" if kind == "config" else "release",
                origin,
                **({"stage": "gray", "cohort": "gray"} if kind == "gray" else {}),
            )
            episode.culprits = [name]
        strength = dict(first)
        frontier = list(first)
        while frontier:
            name = frontier.pop(0)
            for caller in self.names:
                felt = strength[name] * 0.8
                if name in self.calls[caller] and strength.get(caller, 0) < felt and felt > 0.45:
                    strength[caller] = felt
                    frontier.append(caller)
        for name, power in strength.items():
            lag = 0 if name in first else int(self.random.integers(0, 3))
            felt_span = slice(start + lag, start + length)
            shape = self._shape(length - lag) * power
            (self.hurt if name in first else self.felt)[name][felt_span] += shape * (1.0 if name in first else 0.7)
        for name in touched:
            if strength.get(name, 0) > 0.5:
                episode.services.append(name)
                self._complain(name, start + int(self.random.integers(1, 4)), length, strength[name], gray=kind == "gray")
        if not episode.services:  # nobody who is hurt has users: not an episode that complaints can show
            self.episodes.remove(episode)

    def _shape(self, length: int) -> NDArray[np.float64]:
        rise = np.clip(np.arange(length) / int(self.random.integers(1, 5)), 0.3, 1)
        return np.asarray(rise)

    def _complain(
        self, service: str, start: int, length: int, power: float, *, pleased: bool = False, gray: bool = False
    ) -> None:
        rates = self.pleased if pleased else self.angry
        rates[service] = rates[service].copy()
        rates[service][start : start + length] += (
            self.random.uniform(1.2, 3.5) * power * self._shape(length)[: len(rates[service][start : start + length])]
        )
        if gray:
            self.gray.append((service, start, start + length))

    def complaints(self) -> list[dict[str, object]]:
        """Records of every kind of talk, in order of time."""
        found: list[dict[str, object]] = []
        for table, phrases in (
            (self.angry, ANGRY),
            (self.pleased, PLEASED),
            ({n: r * 0.3 for n, r in self.pleased.items()}, ASKING),
        ):
            for service, rate in table.items():
                for minute, count in enumerate(self.random.poisson(rate).tolist()):
                    found += [self._record(service, minute, phrases) for _ in range(count)]
        found.sort(key=lambda record: float(str(record["ts"])))
        return [{"id": f"c{number}", **record} for number, record in enumerate(found)]

    def _record(self, service: str, minute: int, phrases: tuple[str, ...]) -> dict[str, object]:
        pick = self.random.random
        phrase = str(self.random.choice(VAGUE)) if phrases is ANGRY and pick() < 0.15 else str(self.random.choice(phrases))
        gray = any(service == s and low <= minute < high for s, low, high in self.gray) and phrases is ANGRY
        record = {
            "ts": START + minute * 60 + int(pick() * 60),
            "text": phrase.format(word=self.words[service]),
            "channel": str(self.random.choice(["app", "weibo", "hotline"])),
            "region": str(self.random.choice(["广东", "北京", "四川", "浙江"])),
            "cohort": "gray" if gray or pick() < 0.08 else "",
        }
        if pick() < 0.65:
            record["service"] = service
        return record

    def metrics(self) -> dict[tuple[str, str, str], NDArray[np.float64]]:
        """Series by (layer, service, metric)."""
        table = {}
        for name in self.names:
            hurt, felt = self.hurt[name], self.felt[name]
            load = self.rhythm * self.random.uniform(50, 500)
            table["app", name, "rps"] = load * self._noise(0.04)
            table["app", name, "error_rate"] = np.abs(
                0.004 * self._noise(0.25) + 0.09 * hurt * self._noise(0.2) + 0.05 * felt * self._noise(0.2)
            )
            table["app", name, "latency_ms"] = 40 * (1 + 0.15 * self.rhythm) * self._noise(0.06) * (1 + 2.2 * hurt + 1.2 * felt)
            table["app", name, "cpu"] = np.clip(0.15 + 0.2 * self.rhythm * self._noise(0.05) + 0.35 * np.minimum(hurt, 1), 0, 1)
            if name in self.angry:
                table["business", name, "orders"] = load * 0.2 * self._noise(0.06) * (1 - 0.35 * np.minimum(1, hurt + felt))
                table["business", name, "success_rate"] = (
                    0.985 - 0.004 * np.abs(self._noise(0.5) - 1) - 0.12 * np.minimum(1, hurt + felt)
                )
        for idc in IDCS:
            table["idc", idc, "packet_loss"] = np.abs(0.001 * self._noise(0.3)) + 0.006 * self.hurt[idc]
            table["idc", idc, "rtt_ms"] = 2 * self._noise(0.05) * (1 + 0.2 * self.hurt[idc])
            table["idc", idc, "bandwidth"] = 0.3 * self.rhythm * self._noise(0.04)
        return table

    def _noise(self, scale: float) -> NDArray[np.float64]:
        white = self.random.normal(0, 1, self.minutes)
        slow = np.convolve(self.random.normal(0, 1, self.minutes + 29), np.ones(30) / 30**0.5, "valid")
        return 1 + scale * (0.85 * white + 0.5 * slow)

    def write(self, folder: Path) -> None:
        """The world as DESIGN §3 wants it, and truth.json beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        services = [
            {
                "name": n,
                "title": t,
                "keywords": [t, *([w] if w else [])],
                "depends_on": list(d),
                "idcs": [str(i) for i in self.idcs[n]],
            }
            for n, t, w, _, d in SHOP
        ]
        folder.joinpath("services.yaml").write_text(
            json.dumps({"services": services, "idcs": [{"name": i} for i in IDCS]}, ensure_ascii=False), encoding="utf-8"
        )
        with gzip.open(folder / "metrics.csv.gz", "wt", encoding="utf-8", compresslevel=1) as file:
            file.write("ts,layer,service,metric,value\n")
            for (layer, service, metric), values in self.metrics().items():
                file.writelines(f"{START + 60 * m},{layer},{service},{metric},{v:.6g}\n" for m, v in enumerate(values.tolist()))
        for name, records in (
            ("complaints", self.complaints()),
            ("changes", sorted(self.changes, key=lambda c: int(str(c["ts"])))),
        ):
            folder.joinpath(f"{name}.ndjson").write_text(
                "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8"
            )
        folder.joinpath("truth.json").write_text(
            json.dumps([vars(e) for e in self.episodes], ensure_ascii=False), encoding="utf-8"
        )
