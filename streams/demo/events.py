"""What an event of the scenario is: its truth, and what it does to machines, to users and to the change log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np

from models.window import SeriesKey
from streams.demo.shop import Array


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one event. Times are epoch seconds; `felt` is filled when users start to complain more, `crossed` when the
    first threshold would speak that people usually set by hand (0: none would)."""

    name: str
    title: str
    english: str = ""
    begins: int
    ends: int
    felt: int = 0
    crossed: int = 0
    incident: bool = True
    services: tuple[str, ...] = ()
    roots: tuple[SeriesKey, ...] = ()
    change: str = ""
    innocent: str = ""


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """People talk: about a service, in a way (fault, praise, chatter), `rate` a minute; who they are, where it is set."""

    service: str
    way: str
    rate: Array
    cohort: str = ""
    app_version: str = ""
    channel: str = ""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What an event does to one series: value · factor + offset."""

    key: SeriesKey
    factor: Array | float = 1.0
    offset: Array | float = 0.0
    cohort: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One planted event. `impaired` says how ill (0…1) a service is of itself at each minute."""

    truth: Planted
    impaired: tuple[tuple[str, Array], ...] = ()
    signatures: tuple[Signature, ...] = ()
    talks: tuple[Talk, ...] = ()
    changes: tuple[dict[str, Any], ...] = ()


class Clock(msgspec.Struct, frozen=True):
    """The scenario's minutes: `first` is the epoch second of minute 0, `day` that of the shown day's midnight."""

    first: int
    day: int
    size: int
    zone: dt.tzinfo

    def at(self, hour: float) -> int:
        """Epoch second of an hour of the shown day."""
        return self.day + round(hour * 3600)

    def ramp(self, begins: float, ends: float, rise: float = 3, fall: float = 5) -> Array:
        """0 before hour `begins`, 1 until `ends`, then 0; `rise` and `fall` in minutes."""
        minute = self.first / 60 + np.arange(self.size) + 0.5
        up, down = (minute - self.at(begins) / 60) / rise, (self.at(ends) / 60 - minute) / fall + 1
        return np.asarray(np.clip(np.minimum(up, down), 0.0, 1.0), dtype=np.float64)

    def change(self, hour: float, **fields: Any) -> dict[str, Any]:
        """A change record at an hour of the shown day."""
        return {"ts": dt.datetime.fromtimestamp(self.at(hour), self.zone).isoformat(), **fields}
