"""Which row of the ledger a series has: (service, category) in, a row number out. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models.surge_counts import Ints, Ledger

Key = tuple[str, str]
REST = "\0rest"  # the row of a service's records that do not blame


class Series:
    """A service has a row for all that blames ('') and one for the rest; each of its categories has one."""

    def __init__(self, ledger: Ledger) -> None:
        self.rows: dict[Key, int] = {}
        self.keys: list[Key] = []
        self.rest: Ints = np.zeros(0, np.int64)  # by service: its row REST
        self._ledger = ledger
        self._services: dict[str, int] = {}

    def copy(self, ledger: Ledger) -> Series:
        """The same rows in a copy of their ledger."""
        twin = Series(ledger)
        twin.rows, twin.keys, twin.rest, twin._services = dict(self.rows), list(self.keys), self.rest, dict(self._services)
        return twin

    @property
    def judged(self) -> int:
        """How many series can surge."""
        return len(self.keys) - len(self._services)

    def add(self, keys: Iterable[Key]) -> None:
        """Rows for those of `keys` that have none, and for their services."""
        services: list[int] = []
        inherits: list[int] = []
        for name, category in (key for key in keys if key not in self.rows):
            if name not in self._services:
                self._services[name] = len(self._services)
                self.rest = np.append(self.rest, len(self.keys) + 1)
            for key in ((name, ""), (name, REST), (name, category)):
                if key not in self.rows:
                    self.rows[key] = len(self.keys)
                    self.keys.append(key)
                    services.append(self._services[name])
                    inherits.append(self.rows[name, ""] if key[1] not in ("", REST) else -1)
        if services:
            self._ledger.add_rows(services, inherits)
