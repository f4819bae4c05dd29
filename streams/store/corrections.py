"""Corrections as rows: what readers say in, the table `corrections` and what is already stored of those complaints out.

Order, so that a kill only delays and a repetition changes nothing: the corrections, then the complaints rewritten as the newest
corrections say, then marks of their minutes for the rollups. What Kafka delivers again is corrected by the sink (Known).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from streams.corrections import FIELDS, Correction, CorrectionError, Parsed, corrected, merged, with_texts
from streams.records import Tagged
from streams.store import rollup
from streams.store.client import Store

CHUNK = 1_000  # complaints in one statement
_OVERLAP = 10_000  # milliseconds read again, for rows that became visible after younger ones

_TEXTS = "SELECT id, argMax(text, ts) FROM complaints FINAL WHERE id IN {ids:Array(String)} GROUP BY id"
_READ = "SELECT complaint, field, value, text, `by`, ts FROM corrections FINAL"
_SINCE = """
SELECT complaint, field, value, '', '', ts, toUnixTimestamp64Milli(inserted_at) FROM corrections
WHERE inserted_at >= fromUnixTimestamp64Milli({since:Int64}) ORDER BY ts
"""
_MINUTES = "SELECT DISTINCT toUnixTimestamp(toStartOfMinute(ts)) FROM complaints WHERE id IN {ids:Array(String)}"
_UNCERTAIN = """
SELECT id, text, service, category, intents, polarity, sentiment FROM
(
    SELECT id, ts, text, service, category, intents, polarity, sentiment FROM complaints FINAL
    WHERE ts >= fromUnixTimestamp64Milli({since:Int64}) AND id NOT IN (SELECT complaint FROM corrections)
    ORDER BY abs(sentiment), ts DESC, id LIMIT 1 BY text
)
ORDER BY abs(sentiment), ts DESC, id LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
"""

# Column → what the newest corrections make of it. `sentiment` as streams.corrections.corrected has it.
_SAID: Mapping[str, str] = {
    "polarity": "if(mapContains(said, 'polarity'), toInt8(said['polarity']), stored.polarity)",
    "sentiment": "if(mapContains(said, 'polarity'), toFloat32(said['polarity']), stored.sentiment)",
    "service": "if(mapContains(said, 'service'), said['service'], stored.service)",
    "category": "if(mapContains(said, 'category'), said['category'], stored.category)",
    "intents": "if(mapContains(said, 'intents'), arrayFilter(x -> x != '', splitByChar(',', said['intents'])), stored.intents)",
}
_OTHERWISE = " OR ".join(f"stored.{name} != {expression}" for name, expression in _SAID.items())
# The version is a millisecond above that of the row it replaces: newer than it, older than what arrives later; and retention,
# which counts from the same column, goes on as before.
_REWRITE = f"""
INSERT INTO complaints
SELECT stored.* REPLACE ({", ".join(f"{expression} AS {name}" for name, expression in _SAID.items())},
    stored.inserted_at + toIntervalMillisecond(1) AS inserted_at)
FROM complaints AS stored FINAL
INNER JOIN
(
    SELECT complaint, mapFromArrays(groupArray(toString(field)), groupArray(value)) AS said
    FROM corrections FINAL WHERE complaint IN {{ids:Array(String)}} GROUP BY complaint
) AS corrected ON stored.id = corrected.complaint
WHERE stored.id IN {{ids:Array(String)}} AND ({_OTHERWISE})
SETTINGS do_not_merge_across_partitions_select_final = 1
"""  # noqa: S608  our own names


class Taken(NamedTuple):
    """What became of corrections: how many were taken, what was refused."""

    taken: int
    refused: list[CorrectionError]


class Uncertain(msgspec.Struct, frozen=True):
    """A stored complaint as it was judged: a line to correct and to give back."""

    complaint: str
    text: str
    service: str
    category: str
    intents: tuple[str, ...]
    polarity: int
    sentiment: float


def save(store: Store, parsed: Parsed) -> Taken:
    """Keep corrections and judge the stored complaints anew; what names an unknown complaint without a text is refused.

    Doing it again changes nothing. Raises StoreUnavailable (do it again), StoreError.
    """
    found, refused = known(store, parsed)
    taken = [one for _, one in found]
    store.insert("corrections", columns(taken))
    for ids in _chunks([one.complaint for one in taken]):
        store.execute(_REWRITE, {"ids": ids})
        rollup.mark(store, "complaints", [int(minute) for (minute,) in store.rows(_MINUTES, {"ids": ids})])
    return Taken(len(taken), refused)


def known(store: Store, parsed: Parsed) -> Parsed:
    """The same with the stored texts of complaints that come without one; unknown ones are refused. Errors as Store."""
    wanted = [one.complaint for _, one in parsed.found if not one.text]
    return with_texts(parsed, dict(row for ids in _chunks(wanted) for row in store.rows(_TEXTS, {"ids": ids})))


def read(store: Store) -> list[Correction]:
    """All corrections, one a complaint, by complaint. Errors as Store."""
    return merged([from_row(row) for row in store.rows(_READ)])


def uncertain(store: Store, limit: int, since: dt.datetime | None = None) -> list[Uncertain]:
    """The complaints of `since` and later whose sentiment is nearest to 0, uncorrected ones, the same text once."""
    moment = int(since.timestamp() * 1000) if since else 0
    return [Uncertain(*row) for row in store.rows(_UNCERTAIN, {"limit": limit, "since": moment})]


def columns(corrections: Sequence[Correction]) -> dict[str, list[Any]]:
    """Columns for the table: a row a field that is spoken of."""
    rows = [(one, name, getattr(one, name)) for one in corrections for name in FIELDS if getattr(one, name) is not None]
    return {
        "complaint": [one.complaint for one, _, _ in rows],
        "field": [name for _, name, _ in rows],
        "value": [",".join(value) if isinstance(value, tuple) else str(value) for _, _, value in rows],
        "text": [one.text for one, _, _ in rows],
        "by": [one.by for one, _, _ in rows],
        "ts": [round(one.ts.timestamp() * 1000) for one, _, _ in rows],
    }


class Known:
    """The corrections so far, kept in memory (without texts) for what Kafka delivers again. One thread's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_complaint: dict[str, Correction] = {}
        self._through = 0

    def refresh(self) -> None:
        """Read what was given since the last time. Errors as Store."""
        for *row, inserted in self._store.rows(_SINCE, {"since": max(self._through - _OVERLAP, 0)}):
            one = from_row(row)
            known = self._by_complaint.get(one.complaint)
            self._by_complaint[one.complaint] = merged([known, one])[0] if known else one
            self._through = max(self._through, inserted)

    def correct(self, tagged: Sequence[Tagged]) -> list[Tagged]:
        """The same complaints, those that were corrected as their readers say."""
        found = self._by_complaint
        if not found:
            return list(tagged)
        return [corrected(one, found[one.complaint.id]) if one.complaint.id in found else one for one in tagged]


def from_row(row: Sequence[Any]) -> Correction:
    """What one row of the table says: complaint, field, value, text, by, ts."""
    complaint, field, value, text, by, ts = row
    said: Any = value
    if field == "polarity":
        said = int(value)
    elif field == "intents":
        said = tuple(value.split(",")) if value else ()
    return Correction(complaint=complaint, text=text, by=by, ts=ts.replace(tzinfo=dt.UTC), **{field: said})


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    distinct = sorted(set(ids))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]
