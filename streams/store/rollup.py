"""Per-minute rollups: marks of minutes whose raw rows changed in, recomputed rows of complaints_1m and metrics_1m out.

The sink inserts raw rows, then marks their minutes, then acknowledges to Kafka. `refresh` recomputes marked minutes from the raw
tables alone, with FINAL, and only then records the marks as worked off. A kill at any point leaves marks, so it only delays;
doing a minute twice gives the same rows.

Two refreshers at once: each takes its version after it read the marks and before it reads raw rows, so the newer version has
seen at least the rows of the older one, or a mark that neither worked off remains. Both subtracting the same mark leaves it at
-1, which is work again: it cures what one could not see of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.store.client import Column, Store

Source = Literal["complaints", "metrics"]

# Minutes recomputed by one statement. A day, so that a backfill of years goes in steps that fit memory and are kept when killed.
# Aggregation states spill to disk above 512 MiB: the number of series is not ours to choose.
CHUNK_MINUTES = 1440
_PENDING = """
SELECT source, toUnixTimestamp(minute) AS at, mark, sum(pending) AS sum
FROM dirty_minutes GROUP BY source, at, mark HAVING sum != 0 ORDER BY source, at
"""
_NOW = r"""
SELECT toUnixTimestamp64Nano(now64(9)),
    toUnixTimestamp(now() - toIntervalDay(toUInt32OrZero(extract(engine_full, 'toIntervalDay\((\d+)\)'))))
FROM system.tables WHERE database = currentDatabase() AND name = 'complaints'
"""

# A raw row only ever joins a series, never leaves it, until retention removes it. So the row with more points is the truer one,
# whoever wrote it and whatever the clocks said, and a late record cannot undo a minute whose raw rows have expired: points lead
# the version (to 2^22 a minute and series), time decides between equals. 42 bits of ms reach to the year 2109.
_METRICS = """
INSERT INTO metrics_1m (minute, layer, service, metric, cohort, points, sum, min, max, version)
SELECT toDateTime(toStartOfMinute(ts), 'UTC') AS at, layer, service, metric, cohort, count() AS n,
    sum(value), min(value), max(value),
    bitShiftLeft(toUInt64(least(n, 4194303)), 42) + intDiv({now:UInt64}, 1000000)
FROM metrics FINAL
WHERE toStartOfHour(ts) IN {hours:Array(DateTime('UTC'))}  -- the key's first column: minutes may lie years apart
    AND toStartOfMinute(ts) IN {minutes:Array(DateTime('UTC'))}
GROUP BY at, layer, service, metric, cohort
SETTINGS max_bytes_before_external_group_by = 536870912, do_not_merge_across_partitions_select_final = 1
"""

# A complaint tagged anew moves to another key: keys that the rollup has and the raw rows have not get a row of zeros. A minute
# whose first rows arrived before the horizon of retention, and that would shrink, has lost raw rows and stays as it was. The
# version never falls below the row it replaces, so that a clock set back delays nothing.
_COMPLAINTS = """
INSERT INTO complaints_1m (minute, service, category, total, negative, positive, sentiment_sum, arrived_from, version)
SELECT at, service, category, sum(n) AS total, sum(blaming) AS negative, sum(praising) AS positive,
    sum(sentiments) AS sentiment_sum, min(arrived) AS arrived_from, greatest({now:UInt64}, max(was_version) + 1) AS version
FROM
(
    SELECT toDateTime(toStartOfMinute(ts), 'UTC') AS at, service, category, count() AS n, countIf(polarity < 0) AS blaming,
        countIf(polarity > 0) AS praising, sum(sentiment) AS sentiments, toDateTime(min(inserted_at), 'UTC') AS arrived,
        0 AS was, toUInt64(0) AS was_version
    FROM complaints FINAL
    WHERE ts >= {first:DateTime64(3, 'UTC')} AND ts < {last:DateTime64(3, 'UTC')} + INTERVAL 1 MINUTE
        AND toStartOfMinute(ts) IN {minutes:Array(DateTime('UTC'))}
    GROUP BY at, service, category
    UNION ALL
    SELECT minute AS at, service, category, 0, 0, 0, 0, arrived_from, total, version
    FROM complaints_1m FINAL
    WHERE minute IN {minutes:Array(DateTime('UTC'))}
)
GROUP BY at, service, category
QUALIFY min(arrived_from) OVER (PARTITION BY at) > {horizon:DateTime('UTC')}
    OR sum(total) OVER (PARTITION BY at) >= sum(sum(was)) OVER (PARTITION BY at)
SETTINGS max_bytes_before_external_group_by = 536870912, do_not_merge_across_partitions_select_final = 1
"""
_STATEMENTS = {"complaints": _COMPLAINTS, "metrics": _METRICS}


class Marks(NamedTuple):
    """Marks of one source by minute: `pending` is what each still sums to."""

    minute: NDArray[np.int64]
    mark: NDArray[np.uint64]
    pending: NDArray[np.int64]


def mark(store: Store, source: Source, minutes: Sequence[int] | NDArray[np.int64]) -> None:
    """Note that raw rows of these minutes (any epoch second in each) changed: after the insert, before the acknowledgement."""
    starts = np.unique(np.asarray(minutes, np.int64) // 60 * 60)
    store.insert("dirty_minutes", {"source": [source] * len(starts), "minute": starts})


def marked(store: Store) -> int:
    """How many minutes, of either source, wait to be recomputed."""
    return sum(len(np.unique(marks.minute)) for _, marks in _pending(store))


def refresh(store: Store) -> int:
    """Recompute every marked minute; how many there were. Errors as Store, after which the rest stays marked."""
    return sum(map(len, refreshed(store).values()))


def refreshed(store: Store) -> Mapping[Source, Sequence[int]]:
    """As `refresh`; the minutes (epoch seconds, ascending) that were recomputed."""
    pending = _pending(store)
    # Taken after the marks were read, before any raw row is: see above.
    now, horizon = store.rows(_NOW)[0]
    done: dict[Source, list[int]] = {"complaints": [], "metrics": []}
    for source, marks in pending:
        for chunk in _chunks(marks):
            minutes = np.unique(chunk.minute).tolist()
            hours = sorted({minute // 3600 * 3600 for minute in minutes})
            store.execute(
                _STATEMENTS[source],
                {"now": now, "horizon": horizon, "minutes": minutes, "hours": hours, "first": minutes[0], "last": minutes[-1]},
            )
            store.insert("dirty_minutes", _worked_off(source, chunk))
            done[source] += minutes
    return done


def _pending(store: Store) -> list[tuple[Source, Marks]]:
    sources, minute, mark, pending = store.columns(_PENDING)
    named = np.array(sources, dtype=object)
    marks = Marks(np.asarray(minute, np.int64), np.asarray(mark), np.asarray(pending))
    return [(source, _where(marks, named == source)) for source in ("complaints", "metrics")]


def _where(marks: Marks, chosen: NDArray[np.bool_] | slice) -> Marks:
    return Marks(marks.minute[chosen], marks.mark[chosen], marks.pending[chosen])


def _chunks(marks: Marks) -> Iterator[Marks]:
    """At most CHUNK_MINUTES minutes each; all marks of a minute in one."""
    starts = np.flatnonzero(np.diff(marks.minute, prepend=-1))[::CHUNK_MINUTES]
    for start, end in pairwise([*starts.tolist(), len(marks.minute)]):
        yield _where(marks, slice(start, end))


def _worked_off(source: Source, marks: Marks) -> dict[str, Column]:
    return {"source": [source] * len(marks.mark), "minute": marks.minute, "mark": marks.mark, "pending": -marks.pending}
