"""How far correlation may judge."""

from __future__ import annotations

from streams.records import COMPLAINTS, FOLLOWUPS, METRICS
from streams.store.progress import PartitionProgress
from streams.watermark import watermark

NOW = 1_767_323_100
OLD = NOW - 86_400 * 30


def _place(topic: str, partition: int, offset: int, latest: float) -> PartitionProgress:
    return PartitionProgress(topic, partition, offset, latest)


def test_replayed_history_stays_in_event_time() -> None:
    stored = [_place(COMPLAINTS, 0, 9, OLD), _place(METRICS, 0, 5, OLD + 3600)]
    ends = {(COMPLAINTS, 0): 9, (METRICS, 0): 5}
    assert watermark(stored, ends, None, NOW) == (OLD + 3600 - 60) // 60 * 60
    assert watermark(stored, ends, OLD, NOW) == (OLD + 3600 - 60) // 60 * 60


def test_a_partition_that_lags_holds_it() -> None:
    stored = [_place(COMPLAINTS, 0, 9, OLD), _place(COMPLAINTS, 1, 9, OLD + 7200), _place(METRICS, 0, 5, OLD + 3600)]
    assert watermark(stored, {(METRICS, 0): 6}, None, NOW) == (OLD + 3600 - 60) // 60 * 60
    assert watermark(stored, {(METRICS, 0): 6, (COMPLAINTS, 0): 10}, None, NOW) == (OLD - 60) // 60 * 60
    assert watermark(stored, {(METRICS, 1): 1}, None, NOW) is None
    assert watermark(stored, {(FOLLOWUPS, 0): 99}, None, NOW) == (OLD + 7200 - 60) // 60 * 60


def test_live_data_hands_over_to_the_wall_clock() -> None:
    live = [_place(COMPLAINTS, 0, 9, NOW - 300)]
    assert watermark(live, {(COMPLAINTS, 0): 9}, None, NOW) == (NOW - 60) // 60 * 60
    silent = [_place(COMPLAINTS, 0, 9, NOW - 8 * 3600)]
    assert watermark(silent, {(COMPLAINTS, 0): 9}, NOW - 3600, NOW) == (NOW - 60) // 60 * 60
    assert watermark(live, {(COMPLAINTS, 0): 10}, None, NOW) == (NOW - 300 - 60) // 60 * 60


def test_nothing_stored_or_a_clock_ahead_judges_nothing_too_early() -> None:
    assert watermark([], {}, None, NOW) is None
    assert watermark([_place(COMPLAINTS, 0, 3, 0.0)], {}, None, NOW) is None
    ahead = [_place(COMPLAINTS, 0, 9, NOW + 86_400)]
    assert watermark(ahead, {}, None, NOW) == (NOW - 60) // 60 * 60
