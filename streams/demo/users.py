"""Who complains when: trouble and talk in, complaint and follow-up records out.

A service's users say everyday things with the rhythm of the day, and complain of a fault 0 to 10 minutes after they met it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from streams.demo.events import Clock, Event, Talk
from streams.demo.shop import Array, drift
from streams.demo.voices import Voices

# What people say on a quiet day, by service (a minute at the day's mean); '' names none.
QUIET: Mapping[str, float] = {
    "": 2.3, "delivery": 2.6, "refund": 1.7, "pay": 1.3, "order": 1.3, "coupon": 1.2, "search": 1.1, "user": 1.1, "product": 1.0,
    "checkout": 0.7, "cart": 0.7, "recommend": 0.6, "inventory": 0.5, "message": 0.5, "risk": 0.3, "bank-gw": 0.15,
}  # fmt: skip
# How they say it on a quiet day.
WAYS: Mapping[str, float] = {"everyday": 0.4, "fault": 0.06, "praise": 0.25, "suggestion": 0.1, "question": 0.17, "chatter": 0.02}
# Complaints a minute when a service is wholly broken at the day's mean pace. People blame what they see, not what is behind.
BLAME: Mapping[str, float] = {
    "pay": 22, "checkout": 5, "coupon": 16, "search": 14, "user": 17, "cart": 14, "order": 8, "product": 8, "delivery": 8,
    "refund": 5, "message": 2.5, "bank-gw": 1.2, "risk": 2, "recommend": 3, "inventory": 2,
}  # fmt: skip
PATIENCE = 0.03  # trouble below this goes unnoticed
CHANNELS: Mapping[str, float] = {"app": 0.4, "hotline": 0.2, "chat": 0.2, "weibo": 0.1, "app_store": 0.1}
REGIONS = ("广东", "江苏", "浙江", "山东", "上海", "北京", "四川", "河南", "湖北", "福建", "湖南", "陕西", "辽宁", "云南")
NAMED_SHARE = 0.5  # of complaints whose service the channel fills in
VERSIONS = (("8.1.2", 0.62), ("8.1.0", 0.25), ("8.0.6", 0.13))
GREY_SHARE = 0.05
FOLLOWED_SHARE = 0.4

# How long after meeting a fault people write, by whole minutes: a gamma of shape 2 and scale 1.5 min, cut at 10.
_minutes = np.arange(11) + 0.5
DELAY = _minutes * np.exp(-_minutes / 1.5)
DELAY /= DELAY.sum()


def talk(events: Sequence[Event], ill: Mapping[str, Array], pace: Array) -> list[Talk]:
    """Everything people say beyond a quiet day's talk: about faults they met, and what the events make them say."""
    said: list[Talk] = []
    for service, felt in ill.items():
        met = BLAME[service] * np.clip(felt - PATIENCE, 0, 1) * np.sqrt(pace)
        if met.any():
            said.append(Talk(service=service, way="fault", rate=np.convolve(met, DELAY)[: len(pace)]))
    for event in events:
        said += [Talk(**_fields(one) | {"rate": np.convolve(one.rate, DELAY)[: len(pace)]}) for one in event.talks]
    return said


def _fields(one: Talk) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Talk.__struct_fields__}


def quiet(pace: Array, random: np.random.Generator) -> list[Talk]:
    """A quiet day's talk, a little more on some hours than on others."""
    said = []
    for service, mean in QUIET.items():
        mood = np.exp(0.1 * drift(random, len(pace), 0.98))
        said += [Talk(service=service, way=way, rate=mean * share * pace * mood) for way, share in WAYS.items()]
    return said


class Users:
    """Turns rates into records, minute by minute; what is said is drawn when it is asked for."""

    def __init__(self, clock: Clock, said: Sequence[Talk], seed: np.random.SeedSequence) -> None:
        counts, moments, words = seed.spawn(3)
        self._clock, self._said = clock, said
        random = np.random.default_rng(counts)
        self._counts = np.array([random.poisson(one.rate) for one in said])
        self._random = np.random.default_rng(moments)
        self._voices = Voices(int(words.generate_state(1)[0]))
        self._number = 0

    def total(self, first: int, last: int) -> int:
        """How many complaints minutes [first, last) hold."""
        return int(self._counts[:, first:last].sum())

    def minute(self, index: int) -> Iterator[tuple[float, dict[str, Any], str]]:
        """The complaints of a minute, unordered: (epoch seconds, record, way of talking)."""
        start = self._clock.first + 60 * index
        for which in np.flatnonzero(self._counts[:, index]).tolist():
            for _ in range(self._counts[which, index]):
                at = start + round(float(self._random.random()) * 59.9, 3)
                yield at, self._record(at, self._said[which]), self._said[which].way

    def answer(self, at: float, complaint: str) -> list[tuple[float, dict[str, Any]]]:
        """How a complaint is followed up: opened, handled, called back, closed, as far as it gets; [] for most."""
        random = self._random
        if random.random() > FOLLOWED_SHARE:
            return []
        steps = [("open", 60 * random.gamma(2, 2)), ("handling", 60 * random.gamma(2, 12))]
        if random.random() < 0.8:
            steps.append(("called_back", 3600 * random.gamma(2, 1.5)))
            if random.random() < 0.85:
                steps.append(("closed", 3600 * random.gamma(1.5, 1)))
        found, when = [], at
        for status, wait in steps:
            when += float(wait)
            record: dict[str, Any] = {"complaint": complaint, "ts": self._iso(when), "status": status}
            if status == "handling" and random.random() < 0.5:
                record["note"] = self._voices.promise()
            if status == "closed":
                record["satisfaction"] = int(random.choice([1, 2, 3, 4, 5], p=[0.08, 0.1, 0.2, 0.32, 0.3]))
            found.append((when, record))
        return found

    def _record(self, at: float, talk: Talk) -> dict[str, Any]:
        self._number += 1
        random, grey = self._random, talk.cohort == "gray"
        channel = talk.channel or str(random.choice(list(CHANNELS), p=list(CHANNELS.values())))
        cohort = talk.cohort or ("gray" if random.random() < GREY_SHARE else "stable")
        record: dict[str, Any] = {
            "id": f"{channel}-{self._number:07d}",
            "ts": self._iso(at),
            "text": self._voices.say(talk.service, talk.way),
            "channel": "grey_group" if grey and random.random() < 0.3 else channel,
            "user": f"u{random.integers(2_000_000):07d}",
            "region": REGIONS[int(len(REGIONS) * random.random() ** 1.6)],
        }
        if channel not in ("weibo", "hotline"):
            record |= {"cohort": cohort, "app_version": talk.app_version or self._version()}
        if talk.service and channel != "weibo" and random.random() < NAMED_SHARE:
            record["service"] = talk.service
        if channel == "app_store":
            record["rating"] = int(random.integers(4, 6) if talk.way == "praise" else random.integers(1, 4))
        if channel in ("hotline", "chat") and talk.service in ("pay", "order", "delivery", "refund") and random.random() < 0.5:
            record["order"] = f"D{random.integers(10**9):09d}"
        return record

    def _version(self) -> str:
        return str(self._random.choice([name for name, _ in VERSIONS], p=[share for _, share in VERSIONS]))

    def _iso(self, at: float) -> str:
        return dt.datetime.fromtimestamp(at, self._clock.zone).isoformat(timespec="milliseconds")
