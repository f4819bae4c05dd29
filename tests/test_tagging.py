"""What leaves for the store and for Kafka holds no personal data, keeps its order, and fits the limits."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest

from models.tag import Judgement, load_tagger
from streams import dead_letters, tagging
from streams.records import BadRecord, Change, Complaint, FollowUp, Origin, Tagged

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PHONE = "13812345678"


def test_complaints_are_judged_and_masked_in_order() -> None:
    said = [
        Complaint(
            id="a",
            ts=AT,
            text=f"付款失败，回电{PHONE}",
            service="pay",
            user=PHONE,
            order="2026030112345678",
            region="海淀区中关村大街27号",
        ),
        Complaint(id="b", region="浙江省杭州市", ts=AT, text="界面好看，用着顺手", category="praise", order="42"),
    ]
    first, second = tagging.tag(said, load_tagger())
    assert (first.complaint.id, second.complaint.id) == ("a", "b")
    assert PHONE not in json.dumps([first.complaint.text, first.complaint.user, first.judgement.text])
    assert (first.complaint.order, second.complaint.order) == ("*5678", "42")
    assert (first.complaint.region, second.complaint.region) == ("[地址]", "浙江省杭州市")
    assert (first.complaint.service, second.complaint.category) == ("pay", "praise")
    assert first.judgement.polarity < second.judgement.polarity


def test_changes_and_followups_are_masked() -> None:
    change = Change(id="d", ts=AT, kind="release", service="pay", title=f"找{PHONE}", operator="who@example.com")
    masked = tagging.masked_change(change)
    assert PHONE not in masked.title and "@" not in masked.operator and masked.id == "d"
    assert PHONE not in tagging.masked_followup(FollowUp(complaint="a", ts=AT, status="closed", note=f"已回电{PHONE}")).note


def test_events_are_arrays_within_both_limits() -> None:
    def tagged(number: int, text: str) -> Tagged:
        return Tagged(Complaint(id=str(number), ts=AT, text=text), Judgement(text=text, sentiment=0.0, polarity=0))

    short = [json.loads(value) for value in tagging.events([tagged(n, "短") for n in range(2500)])]
    assert [len(event) for event in short] == [1000, 1000, 500]
    assert [one["id"] for event in short for one in event] == [str(n) for n in range(2500)]
    long = list(tagging.events([tagged(n, "长" * 100_000) for n in range(30)]))
    assert all(len(value) <= tagging.MAX_EVENT + 2 for value in long)
    assert sum(len(json.loads(value)) for value in long) == 30


def test_a_dead_letter_is_cut_and_says_what_it_was() -> None:
    payload = ("字" * 30_000).encode()
    letter = dead_letters.dead_letter(BadRecord(Origin("t", 1, 2, 3), "too long", payload))
    assert len(letter.payload.encode()) <= dead_letters.MAX_PAYLOAD
    assert (letter.size, letter.sha256) == (90_000, hashlib.sha256(payload).hexdigest())
    assert "90,000 bytes" in letter.reason and letter.sha256 in letter.reason


@pytest.mark.parametrize("shift", range(-12, 2))
def test_a_number_across_the_cut_is_masked_before_it_is_cut(shift: int) -> None:
    start = dead_letters.MAX_PAYLOAD + shift
    payload = b"." * (start - 1) + b" " + PHONE.encode() + b" " * 100
    kept = dead_letters.dead_letter(BadRecord(Origin("t", 0, 0), "r", payload)).payload
    assert "138" not in kept


def test_bytes_that_are_no_text_stay_readable() -> None:
    letter = dead_letters.dead_letter(BadRecord(Origin("t", 0, 0), f"bad {PHONE}", b"\xff{" + PHONE.encode()))
    assert letter.payload.startswith("\\xff{")
    assert PHONE not in letter.payload + letter.reason
