"""What people say of the judging moves the bar of the series they speak of, visibly, within bounds, and fades."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from models.surge import SurgeDetector
from models.surge_bars import Bar, Bars, Key, bar
from streams.feedback import Feedback, FeedbackError, checked

T = 1_772_380_800  # 2026-03-02 00:00 in UTC+8
DAY = 86_400


def surged(peak: float, bars: Sequence[Bar]) -> bool:
    """Whether refunds of pay surge on the fourth day at eleven, `peak` a minute for twenty minutes on top of 6 an hour."""
    return bool(judged(peak, bars)[0])


def judged(peak: float, bars: Sequence[Bar], seed: int = 3) -> tuple[set[int], dict[Key, int]]:
    """The minutes of the surge, and what was held back."""
    minutes = np.arange(4 * 1440)
    rates = 0.1 * (1 + 0.7 * np.sin((minutes / 60 - 9) / 24 * 2 * np.pi))
    rates[3 * 1440 + 660 : 3 * 1440 + 680] += peak
    detector, found = SurgeDetector(), set()
    detector.bars = Bars(bars)
    for minute, count in enumerate(np.random.default_rng(seed).poisson(rates).tolist()):
        said = {("pay", "refund"): count} if count else {}
        if detector.advance(T + 60 * minute, said, said):
            found.add(minute)
    return found, detector.bars.released()


NOT = Bar("not-1", "pay", "refund", T + DAY, "2026-03-03", beyond=30.0)
MISSED = Bar("missed-1", "pay", "refund", T + DAY, "2026-03-03")


def test_what_was_no_incident_opens_none_again_but_three_times_as_much_does() -> None:
    assert surged(1.5, [])
    assert not surged(1.5, [NOT])
    assert surged(4.5, [NOT])
    minutes, held = judged(1.5, [])
    assert held == {} and judged(1.5, [NOT])[1]["pay", "refund"] == T + 60 * min(minutes)
    assert surged(1.5, [changed(NOT, service="cart")]) and surged(1.5, [changed(NOT, category="price"), MISSED])


def changed(one: Bar, **changes: str) -> Bar:
    return Bar(**{**{name: getattr(one, name) for name in one.__dataclass_fields__}, **changes})


def test_a_missed_one_is_seen_the_next_time() -> None:
    assert not surged(0.55, [])
    assert surged(0.55, [MISSED])


def test_twice_is_once_it_fades_and_is_bounded() -> None:
    key, at = ("pay", "refund"), T + DAY
    twice = Bars([MISSED, MISSED, NOT, NOT]).moved([key], at)
    assert [float(one[0]) for one in twice] == list(bar([MISSED, NOT], key, at)) == [45.0, pytest.approx(2 / 3)]
    assert bar([NOT], key, at + 30 * DAY)[0] == pytest.approx(22.5)
    assert bar([NOT, MISSED], key, at + 200 * DAY) == bar([NOT, MISSED], key, at - 60) == (0.0, 1.0)
    many = [changed(MISSED, id=f"missed-{number}") for number in range(9)]
    assert bar(many, key, at)[1] == 0.5
    assert bar([Bar("not-2", "pay", "", at, "", beyond=9e9)], key, at)[0] == 500
    assert bar([NOT], ("pay", ""), at)[0] == 45.0 and bar([NOT], ("pay", "price"), at)[0] == 0.0
    assert "not-1" in NOT.words(at, "zh") and "45" in NOT.words(at, "en") and "67" in MISSED.words(at, "zh")


SAID = Feedback(id="a", ts=dt.datetime(2026, 3, 2, tzinfo=dt.UTC), verdict="not_an_incident", incident="i")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"id": ""}, "id"),
        ({"incident": ""}, "incident"),
        ({"verdict": "missed"}, "service"),
        ({"verdict": "missed", "service": "pay", "at": dt.datetime(2026, 3, 2)}, "offset"),
    ],
)
def test_what_says_too_little_is_refused_by_its_field(changes: dict, named: str) -> None:
    with pytest.raises(FeedbackError, match=named):
        checked(msgspec.structs.replace(SAID, **changes))


def test_a_note_is_masked() -> None:
    assert "13812345678" not in checked(msgspec.structs.replace(SAID, note="打 13812345678 问过了")).note
