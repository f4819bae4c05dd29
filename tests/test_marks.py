"""Marks: a text is read alone as among others, and denied, asked and wished as its own words say."""

from hypothesis import given
from hypothesis import strategies as st

from models.lexicon import load_lexicon
from models.marks import Marker

MARKER = Marker(load_lexicon())
WORDS = ("质量", "好", "不", "没有", "吗", "么", "希望", "，", "支付失败", "差", "别家", "如果", "多", "是不是", "😀")
SAID = st.lists(st.sampled_from(WORDS), max_size=9)


@given(st.lists(SAID.map("".join), max_size=6))
def test_a_text_is_read_alone_as_among_others(texts: list[str]) -> None:
    assert MARKER.read(texts) == [reading for text in texts for reading in MARKER.read([text])]


def _good(text: str) -> list[bool]:
    (reading,) = MARKER.read([text])
    return [mark.denied for mark in reading.marks if mark.kind == "good"]


def test_good_is_denied_wished_for_or_meant() -> None:
    assert _good("质量好") == [False]
    assert _good("质量不好") in ([], [True])
    assert _good("没有别家好") == [True]
    assert _good("希望质量好") == []
    assert _good("希望快点。质量好") == [False]


def test_a_fault_asked_about_is_none() -> None:
    (asked, told) = MARKER.read(["这车会烧机油吗", "这车烧机油"])
    assert asked.problems == 0 and told.problems == 1
