"""Personal data is masked however it is written, and ordinary numbers are left alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.privacy import mask

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
GAPS = st.sampled_from(["", "", "", " ", "-", "—", ".", "　", "\u200b", " - "])


def _luhn(body: str) -> str:
    doubled = [int(d) * (1 if place % 2 else 2) for place, d in enumerate(reversed(body))]
    return body + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def _identity(area: str, born: dt.date, serial: int) -> str:
    body = f"{area}{born:%Y%m%d}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


MOBILES = st.builds(
    lambda second, rest: f"1{second}{rest}", st.sampled_from("3456789"), st.text("0123456789", min_size=9, max_size=9)
)
BANK_CARDS = st.builds(_luhn, st.builds(lambda body: "62" + body, st.text("0123456789", min_size=13, max_size=16)))
IDENTITIES = st.builds(
    _identity,
    st.sampled_from(["110105", "440306", "330102"]),
    st.dates(dt.date(1930, 1, 1), dt.date(2015, 1, 1)),
    st.integers(0, 999),
)


@st.composite
def written(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> str:
    """A number with gaps between some of its digits, perhaps in full width."""
    number = draw(numbers)
    gapped = number[0] + "".join(draw(GAPS) + digit for digit in number[1:])
    return gapped.translate(FULL_WIDTH) if draw(st.booleans()) else gapped


@given(
    written(MOBILES | BANK_CARDS | IDENTITIES),
    st.sampled_from(["", "请联系", "我的号码是："]),
    st.sampled_from(["", "，谢谢", "啊"]),
)
def test_numbers_of_people_are_masked_in_every_spelling(number: str, before: str, after: str) -> None:
    masked = mask(before + number + after)
    assert not any(character.isdecimal() for character in masked)
    assert masked.startswith(before) and masked.endswith(after)


@given(st.text(alphabet="0123456789０１ -.:：@微信qQ号vx订单路街栋室京A加abcx一三八\n", max_size=60) | st.text(max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Nd", "Nl", "No", "Cs"]), max_size=80))
def test_a_text_without_digits_or_handles_stays_as_it_is(text: str) -> None:
    if not any(
        sign in text.lower() for sign in ("@", "＠", "微", "薇", "信", "v", "w", "ｖ", "ｗ", "号", "路", "一", "幺", "壹")
    ):
        assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("座机010-62345678转123，(021)62345678", "座机[座机]，[座机]"),
        ("邮箱zhang.san@example.com，ｚｓ＠ｅｘａｍｐｌｅ．ｃｏｍ", "邮箱[邮箱]，[邮箱]"),
        ("车牌京A12345、沪AD12345、粤B·1A2B3", "车牌[车牌]、[车牌]、[车牌]"),
        ("微信号abc_12345，vx：zhangsan88", "微信号[微信号]，vx：[微信号]"),
        ("QQ12345678，扣扣：12345678", "QQ[QQ号]，扣扣：[QQ号]"),
        ("我住在北京市朝阳区建国路88号院3号楼2单元501室，麻烦送来", "我住在[地址]，麻烦送来"),
        ("送到杭州市西湖区文三路 478 号", "送到[地址]"),
        ("订单号2019042012345678，单号：SF1234567890123", "订单号[单号]，单号：[单号]"),
        ("电话一三八一二三四五六七八", "电话[手机号]"),
        ("+86 139-1234-5678", "[手机号]"),
    ],
)
def test_each_kind_is_named(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "价格199.00元，满300减50，4000-100=3900",
        "版本5.12.3，iPhone 13 Pro Max 256G，Windows 10 20H2，192.168.1.100",
        "2019-04-20 10:50:18，20190420105018，2019年4月20日，2019.10.13 15:20",
        "打10086、95588和12306都没人接",
        "微信支付失败，微信android版打不开，微信iphone版也不行",
        "3号发货，双11，5号楼，1号楼2号楼，买了100件，订单3天没发货，订单金额12345元",
        "1024x768，3840*2160，小米10 8+128，2.4G和5G，502 bad gateway",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask(text) == text


def test_a_long_text_without_end_of_word_takes_linear_time() -> None:
    text = "a1" * 50_000
    assert mask(text) == text
