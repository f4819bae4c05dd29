"""Personal data is masked however it is written, and ordinary numbers are left alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.privacy import is_personal, mask

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


SURNAMES = st.sampled_from(["王", "李", "张", "欧阳", "司马", "于", "高"])
GIVEN = st.text("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英", min_size=1, max_size=2)
NAMES = st.builds(lambda surname, given: surname + given, SURNAMES, GIVEN)
LEADS = st.sampled_from(["姓名：", "收货人:", "联系人 ", "收件人是", "我叫", "持卡人＝", "我的名字叫"])


@settings(max_examples=40)
@given(NAMES, LEADS, st.sampled_from(["", "，", "。请尽快处理", " 电话", "\n"]))
def test_names_in_their_frames_are_masked(name: str, lead: str, after: str) -> None:
    masked = mask(f"{lead}{name}{after}")
    assert name not in masked and "[姓名]" in masked


@settings(max_examples=40)
@given(SURNAMES, GIVEN, st.sampled_from(["先生", "女士", "小姐"]), st.sampled_from(["", "请回复", "，你好"]))
def test_names_before_a_title_are_masked(surname: str, given_name: str, title: str, after: str) -> None:
    for name in (surname, surname + given_name):
        assert mask(f"{name}{title}{after}") == f"[姓名]{title}{after}"


CITIES = st.sampled_from(["北京市", "江苏省南京市", "新疆维吾尔自治区乌鲁木齐市", "河北省沧州市"])
DISTRICTS = st.sampled_from(["朝阳区", "鼓楼区", "献县", "天山区"])
STREETS = st.sampled_from(["建国路", "望京街道花家地小区", "淮镇李家村", "幸福花园", "解放南大街"])
DOORS = st.sampled_from(["", "3号楼2单元501室", "88号", "十二栋", "6栋1203"])


@settings(max_examples=40)
@given(st.sampled_from(["", "我住在", "地址：", "收货地址是"]), CITIES, DISTRICTS, STREETS, DOORS)
@example("", "北京市", "献县", "建国路", "")
def test_addresses_are_masked_with_and_without_a_number(lead: str, city: str, district: str, street: str, door: str) -> None:
    masked = mask(f"{lead}{city}{district}{street}{door}，麻烦了")
    assert "[地址]" in masked
    assert not any(part in masked for part in (city, district, street, door) if part)


SPELLED = str.maketrans("0123456789", "零一二三四五六七八九")


@settings(max_examples=40)
@given(MOBILES | IDENTITIES | BANK_CARDS, st.sampled_from(["电话", "我的号：", ""]), st.integers(0, 6))
def test_numbers_written_out_in_chinese_are_masked(number: str, lead: str, kept: int) -> None:
    spelled = lead + number[:kept] + number[kept:].translate(SPELLED)
    masked = mask(spelled)
    assert masked.startswith(lead) and not any(character in masked for character in "零一二三四五六七八九0123456789")


@settings(max_examples=40)
@given(
    st.sampled_from(["微信号", "微信：", "加我微信", "vx：", "V信 ", "wx:", "薇信号是", "加v"]),
    st.from_regex(r"[a-z]{3,6}_[0-9]{2,6}", fullmatch=True),
)
def test_wechat_ids_are_masked(lead: str, handle: str) -> None:
    assert mask(f"{lead}{handle}，谢谢") == f"{lead}[微信号]，谢谢"


@settings(max_examples=40)
@given(st.sampled_from(["QQ", "qq：", "扣扣", "加我q", "QQ群号", "企鹅号："]), st.integers(10_000, 9_999_999_999), st.booleans())
def test_qq_numbers_are_masked(lead: str, number: int, spelled: bool) -> None:
    said = str(number).translate(SPELLED) if spelled else str(number)
    assert said not in mask(f"{lead}{said}，谢谢")


@settings(max_examples=40)
@given(
    st.sampled_from(["010", "021", "0755", "0371"]),
    st.from_regex("[2-8][0-9]{7}", fullmatch=True),
    st.sampled_from(["-", "", " ", "—"]),
)
def test_landlines_are_masked(area: str, number: str, gap: str) -> None:
    for said in (f"{area}{gap}{number}", f"({area}){number}", f"{area}{gap}{number}".translate(FULL_WIDTH)):
        assert not any(character.isdecimal() for character in mask(f"回电{said}谢谢"))


@settings(max_examples=40)
@given(
    st.from_regex(r"[A-Z]{0,3}[0-9]{10,18}", fullmatch=True),
    st.sampled_from(["订单号", "单号：", "运单 ", "快递单号是", "工单号#"]),
)
def test_order_numbers_are_masked(number: str, lead: str) -> None:
    assert number not in mask(f"{lead}{number}一直没动静")


@pytest.mark.parametrize(
    "text",
    [
        "老师讲得很好，小姐姐态度好，总经理没回，先生女士们",
        "我叫了外卖，名字：没有，联系人工客服，客户说不行",
        "酒店在市区，离地铁站近，区域大，县城没有信号",
        "杭州市的服务好，住在市中心，送到楼下，地址不对",
        "一二三四五，上山打老虎，三五天没发货，一一对应，七八成新",
        "张口就骂，王者荣耀卡，高级会员，于是退货，马上处理",
        "姓王的经理？贵姓？学生价格，收货人不在家",
    ],
)
def test_words_that_only_look_like_names_or_places_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("identifier", "personal"),
    [
        ("13812345678", True),
        ("user-138-1234-5678", True),
        ("a.b@example.com", True),
        ("11010519491231002X", True),
        ("c-20261123-000017", False),
        ("1700000000000012345", False),
        ("r11056", False),
        ("abcdef0123456789", False),
        ("张三", False),
    ],
)
def test_only_identifiers_that_are_personal_are_taken_for_it(identifier: str, personal: bool) -> None:
    assert is_personal(identifier) is personal
