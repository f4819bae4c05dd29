"""A text in, the same text without personal data out: each finding gives way to its kind in brackets.

Digits may be full-width, of any script, or written out, with separators between them. Masking twice is masking once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from models.privacy_names import mask_names
from models.privacy_places import mask_places

_GAP = r"[ \t\u00a0\u3000\u2000-\u200f\u2060\ufeff\ufe0f\u20e3.\-－﹣‐-―_·•]{0,3}"
_LOOSE_GAP = rf"(?:{_GAP}|[()（）]|\s?[/、|*,，~]\s?)"  # between the parts of a mobile number as people read it out
_ASCII = r"A-Za-zＡ-Ｚａ-ｚ"
_NUMERALS = "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_BETWEEN = r"\s*[:：为是=]{0,2}\s*"

_DIGIT = re.compile(r"\d")
_EXOTIC = re.compile(r"[^\D0-9０-９]")  # decimal digits of other scripts
# What else a text must hold before a group of patterns is worth trying.
_HANDLE_BEGINS = re.compile(r"[微薇威卫vVwWｖＶｗＷ加]")
_HANDLE = re.compile(r"微|薇|威信|卫星|[vw]\s?x|v\s?[信芯:：]|weixin|wechat|加我?v|ｖ|ｗ", re.IGNORECASE)
_SPELLED = re.compile(rf"[{_NUMERALS}](?:{_GAP}[{_NUMERALS}\d]){{3}}")
_SPELLED_RUN = re.compile(rf"[{_NUMERALS}\d](?:{_GAP}[{_NUMERALS}\d]){{4,29}}(?:{_GAP}[XxＸｘ])?")
_AS_DIGIT = str.maketrans(_NUMERALS, "0001234567891123456789")


def mask(text: str) -> str:
    """`text` without names, phones, ID and bank cards, e-mails, plates, WeChat/QQ ids, street addresses and order numbers."""
    if _EXOTIC.search(text):
        text = _EXOTIC.sub(lambda found: str(int(found.group())), text)
    digits = len(_DIGIT.findall(text))
    if "@" in text or "＠" in text:
        text = _EMAIL.sub("[邮箱]", text)
    if _HANDLE_BEGINS.search(text) and _HANDLE.search(text):
        text = _WECHAT.sub(_account("[微信号]"), text)
    if digits >= 5:
        text = _mask_numbers(text, digits)
    if digits >= 2:
        text = _PLATE.sub(_plate, text)
    if _SPELLED.search(text):
        text = _SPELLED_RUN.sub(_spelled, text)
    return mask_names(mask_places(text))


def is_personal(value: str) -> bool:
    """Whether an identifier is, or holds, a phone number, an ID card of 18 digits or an e-mail address."""
    masked = mask(value)
    return masked != value and (
        "[手机号]" in masked or "[邮箱]" in masked or ("[身份证]" in masked and len(_digits(value)) >= 17)
    )


def _mask_numbers(text: str, digits: int) -> str:
    for least, pattern, replace in _NUMBERS:
        if digits >= least:
            text = pattern.sub(replace, text)
    return text


def _spelled(found: re.Match[str]) -> str:
    """A number written out: masked when its digits, after the words before it, would be."""
    before = found.string[max(0, found.start() - 12) : found.start()]
    digits = "".join(
        character for character in found.group().translate(_AS_DIGIT) if character.isdecimal() or character in "XxＸｘ"
    )
    masked = _mask_numbers(_WECHAT.sub(_account("[微信号]"), before + digits), len(digits))
    return masked[masked.rindex("[") :] if masked.endswith("]") else found.group()


def _digits(found: str) -> str:
    return "".join(str(int(sign)) for sign in found if sign.isdecimal())


def _card(found: re.Match[str]) -> str:
    """An ID card by date and checksum (GB 11643-1999), a bank card by Luhn (ISO/IEC 7812-1), any run of 15 as an order number."""
    digits = _digits(found.group())
    checked = digits + ("X" if found.group("x") else "")
    if len(checked) == 18 and _is_identity(checked):
        return "[身份证]"
    if found.group("x"):
        return "[单号]" if len(digits) >= 15 else found.group()
    if 13 <= len(digits) <= 19 and digits[0] in "34569" and _is_luhn(digits) and not _is_timestamp(digits):
        return "[银行卡]"
    if len(digits) == 15 and _is_date("19" + digits[6:12]):
        return "[身份证]"
    if len(digits) >= 15 and (found.group().isdecimal() or len(digits) <= 30) and not _is_timestamp(digits):
        return "[单号]"
    return found.group()


def _is_identity(checked: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, checked[:17], strict=True))
    return "10X98765432"[total % 11] == checked[17] and _is_date(checked[6:14])


def _is_date(digits: str) -> bool:
    try:
        return 1900 <= dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year <= 2100
    except ValueError:
        return False


def _is_timestamp(digits: str) -> bool:
    return (
        12 <= len(digits) <= 17
        and _is_date(digits[:8])
        and int(digits[8:10]) < 24
        and int(digits[10:12]) < 60
        and digits[:2] in ("19", "20")
    )


def _is_luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _plate(found: re.Match[str]) -> str:
    return "[车牌]" if sum(character.isdecimal() for character in found.group()) >= 2 else found.group()


def _account(kind: str) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        named = found.group("id")
        clear = found.group("link") or any(character.isdecimal() or character in "_-" for character in named)
        return f"{found.group('lead')}{kind}" if clear else found.group()

    return replace


def _order(found: re.Match[str]) -> str:
    enough = sum(character.isdecimal() for character in found.group("id")) >= 5
    return f"{found.group('lead')}[单号]" if enough else found.group()


_EMAIL = re.compile(
    rf"(?<![{_ASCII}\d._%+-])[{_ASCII}\d._%+-]{{1,64}}\s?[@＠]\s?[{_ASCII}\d-]{{1,63}}(?:\s?[.．。]\s?[{_ASCII}\d-]{{2,63}}){{1,4}}"
)
_WECHAT = re.compile(
    r"(?P<lead>(?:微\s?信|薇\s?信|威信|薇芯|卫星号|weixin|wechat|[vwｖｗ]\s?[xｘ]|[vｖ]\s?[信芯]|加我?[vｖ微薇]|微(?=\s?[:：])|(?<![a-z])[vｖ](?=\s?[:：]))"
    r"(?P<link>\s*(?:号码|账号|帐号|号|id)?\s*[:：为是=加]{0,2})\s*)"
    rf"(?P<id>(?:[{_ASCII}][{_ASCII}\d_-]{{5,19}}|\d(?:{_GAP}\d){{4,11}}[{_ASCII}\d_-]{{0,8}})(?![{_ASCII}\d]))",
    re.IGNORECASE,
)
# The digits a text must have, what to look for, what to put there.
_NUMBERS: tuple[tuple[int, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        5,
        re.compile(
            r"(?P<lead>(?:订\s?单|运单|快递|物流单|单号|工单|流水|交易|保单|发票)(?:\s?(?:编号|号码|单号|号|id))?"
            rf"{_BETWEEN}[#＃]?)(?P<id>[{_ASCII}]{{0,6}}\d[{_ASCII}\d]{{0,31}}(?:{_GAP}\d[{_ASCII}\d]{{0,31}}){{0,8}})",
            re.IGNORECASE,
        ),
        _order,
    ),
    (
        5,
        re.compile(
            rf"(?P<lead>(?:qq|ｑｑ|扣扣|企鹅号?|加我?[qｑ]|[qｑ]群|群号|(?<![a-z])[qｑ](?=\s?[:：号]))(?P<link>\s*(?:群|邮箱)?(?:号码|账号|帐号|号)?{_BETWEEN}))"
            rf"(?P<id>[1-9１-９](?:{_GAP}\d){{4,10}})(?!\d)",
            re.IGNORECASE,
        ),
        _account("[QQ号]"),
    ),
    (13, re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{12,29}}(?P<x>{_GAP}[XxＸｘ](?![{_ASCII}]))?(?!\d)"), _card),
    (
        11,
        re.compile(
            rf"(?<!\d)(?<!\d[-.])(?:(?:[+＋]|[0０]{{2}})?[8８][6６]{_GAP}|[0０]{_GAP})?[1１]{_GAP}[3-9３-９](?:{_GAP}\d){{9}}(?!\d)"
        ),
        "[手机号]",
    ),
    (
        11,
        re.compile(rf"(?<!\d)(?<!\d[-.])[(（]?1[3-9]\d{_LOOSE_GAP}\d{{4}}{_LOOSE_GAP}\d{{4}}(?!\d)"),
        "[手机号]",
    ),
    (
        10,
        re.compile(
            rf"(?<!\d)[(（]?[0０](?:[1１][0０]|[2２]\d|[3-9３-９]\d{{2}})[)）]?{_GAP}[2-9２-９]\d{{2,3}}{_GAP}\d{{4}}"
            r"(?:\s?[-转]\s?\d{1,5})?(?!\d)"
        ),
        "[座机]",
    ),
    (
        7,
        re.compile(r"(?P<lead>(?:电话|座机|固话|致电|tel)[号码是为:： ]{0,4})[2-8２-８]\d{2,3}[- ]?\d{4}(?!\d)", re.IGNORECASE),
        r"\g<lead>[座机]",
    ),
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ][\s·•.．-]?"
    rf"[A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ\d]{{4,5}}[A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ\d挂学警港澳](?![{_ASCII}\d])"
)
