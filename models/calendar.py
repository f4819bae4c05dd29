"""Which local days people have off: a country and days of one's own in, day types out.

Public holidays and substituted working days (调休) come from the library `holidays`; years it does not know yet have weekends
only, and the days of one's own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import holidays

DayKind = Literal["work", "weekend", "holiday"]


class CalendarError(ValueError):
    """No such country."""


@dataclass(frozen=True)
class Calendar:
    """Local days of one country (ISO 3166 code; '' for none) with `extra` holidays and `worked` days of one's own."""

    timezone: dt.tzinfo = field(default=dt.timezone(dt.timedelta(hours=8)))
    country: str = ""
    extra: frozenset[dt.date] = frozenset()
    worked: frozenset[dt.date] = frozenset()

    def __deepcopy__(self, memo: object) -> Calendar:
        return self  # it never changes, and what it knows of public holidays is large

    def kind(self, day: dt.date) -> DayKind:
        """What kind of day this is. Errors: CalendarError for an unknown country."""
        if day in self.worked:
            return "work"
        if day in self.extra or (self._public is not None and day in self._public):
            return "holiday"
        if self._public is not None:
            return "work" if self._public.is_working_day(day) else "weekend"
        return "work" if day.weekday() < 5 else "weekend"

    def local(self, at: float) -> dt.datetime:
        """Epoch seconds as local time."""
        return dt.datetime.fromtimestamp(at, self.timezone)

    def midnight(self, at: float) -> int:
        """Epoch seconds at which the local day of `at` began."""
        local = self.local(at)
        return int(dt.datetime(local.year, local.month, local.day, tzinfo=self.timezone).timestamp())

    @cached_property
    def _public(self) -> holidays.HolidayBase | None:
        if not self.country:
            return None
        try:
            return holidays.country_holidays(self.country)
        except NotImplementedError as error:
            raise CalendarError(f"no holidays are known of country {self.country!r}") from error
