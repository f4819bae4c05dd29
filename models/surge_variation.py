"""How much true rates vary beyond chance, from hour to hour and from day to day: counts and expectations in, per row.

The excess of the squared errors over what Poisson counts bring, relative to the squared expectation (method of moments
for the negative binomial), drawn towards an assumption while little was measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ASSUMED = 0.1  # squared relative variation, before any is measured
_MEASURED = 30.0  # how much squared expectation outweighs the assumption
_LEAST, _MOST = 0.02, 2.0


class Variation:
    """Row by row, [hourly, daily]."""

    def __init__(self, half_life_days: float) -> None:
        self._keep = (0.5 ** (1 / (24 * half_life_days)), 0.5 ** (1 / half_life_days))
        self._sums = np.zeros((2, 2, 0))  # [hourly, daily] × [squared excess, squared expectation] × row
        self._day = np.zeros((2, 0))  # counted and expected so far today

    def add_rows(self, number: int) -> None:
        """Make room for `number` more rows."""
        self._sums = np.pad(self._sums, ((0, 0), (0, 0), (0, number)))
        self._day = np.pad(self._day, ((0, 0), (0, number)))

    def of(self, rows: NDArray[np.int64]) -> Floats:
        """Squared relative variation of these rows, [hourly, daily] × row."""
        excess, square = self._sums[:, 0, :][:, rows], self._sums[:, 1, :][:, rows]
        return np.clip((excess + _MEASURED * _ASSUMED) / (square + _MEASURED), _LEAST, _MOST)

    def learn_hour(self, counts: Floats, expected: Floats) -> None:
        """One complete hour of every row."""
        self._learn(0, counts, expected)
        self._day += (counts, expected)

    def learn_day(self) -> None:
        """The hours since the last day's end were a day."""
        self._learn(1, self._day[0], self._day[1])
        self._day[:] = 0.0

    def _learn(self, scale: int, counts: Floats, expected: Floats) -> None:
        bounded = np.minimum(counts, expected + 4 * np.sqrt(expected + 0.3 * expected**2) + 3)
        self._sums[scale, 0] = self._keep[scale] * self._sums[scale, 0] + (bounded - expected) ** 2 - expected
        self._sums[scale, 1] = self._keep[scale] * self._sums[scale, 1] + expected**2
