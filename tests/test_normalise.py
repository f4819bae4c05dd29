"""What texts are freed of before they are judged, alone and through the tagger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.normalise import _TABLE, plain, simplified
from models.tag import load_tagger


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p class='a'>差<br/>评</p>", " 差 评 "),
        ("1<2 且 3>2，a <- b", "1<2 且 3>2，a <- b"),
        ("好&amp;坏&#22909;&nbsp;&unknown;", "好&坏好\xa0&unknown;"),
        ("&lt;b&gt;", "<b>"),
        ("退\u200b款\ufeff\x00\x07\u202e慢", "退款慢"),
        ("行一\n行二\t完", "行一\n行二\t完"),
        ("\ud800坏了", "?坏了"),
    ],
)
def test_mark_up_and_invisible_characters_go(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text())
def test_what_is_plain_can_be_stored_and_simplifying_keeps_places(text: str) -> None:
    found = plain(text)
    found.encode("utf-8")
    assert not set(found) & set("\u200b\ufeff\x00\u202e")
    assert len(simplified(found)) == len(found) and simplified(simplified(found)) == simplified(found)


def test_no_simplified_character_is_changed() -> None:
    kept_back = {"後", "於", "夥"}  # in GB 2312 all the same
    for traditional in map(chr, _TABLE):
        assert traditional in kept_back or not _in_gb2312(traditional), traditional
    assert simplified("客服態度惡劣，退貨後還沒收到錢") == "客服态度恶劣，退货后还没收到钱"


def _in_gb2312(character: str) -> bool:
    try:
        return bool(character.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def test_disguised_texts_are_judged_as_plain_ones() -> None:
    texts = [
        "付款一直失败，不给退款",
        "付款一直失敗，不給退款",
        "<b>付款</b>一直失\u200b败，不给退\u200d款",
        "打我电话138\u200b1234\u200b5678",
    ]
    clear, traditional, disguised, hidden = load_tagger().judge(texts)
    assert clear.polarity == traditional.polarity == disguised.polarity == -1
    assert clear.category == traditional.category == "refund" and clear.sentiment == traditional.sentiment
    assert traditional.text == texts[1]
    assert hidden.text == "打我电话[手机号]"
