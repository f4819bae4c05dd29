"""How far correlation may judge: what each partition has stored, and has still to store, in; a minute out. Pure.

Event time leads, so that replayed history is judged as it was. The wall clock moves the watermark on only when data is live:
then open incidents resolve though nobody speaks at night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.records import CHANGES, COMPLAINTS, METRICS, MONITORS_APP, MONITORS_IDC
from streams.store.progress import PartitionProgress

MINUTE = 60
# Records this late (seconds) are still judged with their own minute.
LATENESS = 60
# Data is live when its latest event is this near to now (seconds).
LIVE = 600
_TIMED = frozenset({COMPLAINTS, METRICS, MONITORS_APP, MONITORS_IDC, CHANGES})


def watermark(
    stored: Iterable[PartitionProgress], ends: Mapping[tuple[str, int], int], through: int | None, now: float
) -> int | None:
    """The minute (epoch seconds, exclusive) that everything before is complete, or None while that cannot be said.

    `ends` are the partitions' end offsets: one that has more than is stored holds the watermark at its own latest event.
    `through` is how far correlation has come; past the latest event, only the wall clock can have led it there.
    """
    places = {(place.topic, place.partition): place for place in stored if place.topic in _TIMED}
    reached = [place.latest for place in places.values() if place.latest > 0]
    if not reached:
        return None
    behind = [key for key, end in ends.items() if key[0] in _TIMED and end > (places[key].offset if key in places else 0)]
    latest = max(reached)
    if behind:
        held = [places[key].latest for key in behind if key in places]
        if len(held) < len(behind):
            return None
        latest = min(held)
    elif latest >= now - LIVE or (through is not None and through > latest):
        latest = now
    return int(min(latest, now) - LATENESS) // MINUTE * MINUTE
