"""A text in, the same text without personal data out: each finding gives way to its kind in brackets.

Digits may be full-width or of any script, with spaces, hyphens, dots or invisible characters between them. Masking twice
is masking once. A text without digits, @ or a word like 微信 costs one scan.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

_GAP = r"[ \t\u00a0\u3000\u2000-\u200f\u2060\ufeff.\-－﹣‐-―_·•]{0,3}"
_ASCII = r"A-Za-zＡ-Ｚａ-ｚ"
_NUMERALS = "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_HAN = r"\u4e00-\u9fff"
# Characters of a place name; the left-out ones are verbs and particles that stand before an address.
_NAME = r"(?:(?![在到至往于从是了的我你他她们住寄送址给和去来回说])[\u4e00-\u9fff])"
_BETWEEN = r"\s*[:：为是=]{0,2}\s*"

_DIGIT = re.compile(r"\d")
# What else a text must hold before a group of patterns is worth trying.
_HANDLE = re.compile(r"微|薇|威信|[vw]\s?x|v信|weixin|wechat|加v|ｖ|ｗ", re.IGNORECASE)
_PLACE = re.compile(rf"[\d{_NUMERALS}十百]\s?[号栋幢弄座#＃]")
_SPELLED = re.compile(rf"[{_NUMERALS}]{{11}}")


def mask(text: str) -> str:
    """`text` with phones, ID and bank cards, e-mails, plates, WeChat/QQ ids, street addresses and order numbers masked."""
    digits = len(_DIGIT.findall(text))
    if "@" in text or "＠" in text:
        text = _EMAIL.sub("[邮箱]", text)
    if _HANDLE.search(text):
        text = _WECHAT.sub(_account("[微信号]"), text)
    if digits >= 5:
        for pattern, replace in _NUMBERS:
            text = pattern.sub(replace, text)
    if digits >= 2:
        text = _PLATE.sub(_plate, text)
    if _SPELLED.search(text):
        text = _SPELLED_MOBILE.sub("[手机号]", text)
    if _PLACE.search(text):
        for pattern in _ADDRESSES:
            text = pattern.sub("[地址]", text)
    return text


def _digits(found: str) -> str:
    return "".join(str(int(character)) for character in found if character.isdecimal())


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
    r"(?P<lead>(?:微\s?信|薇\s?信|威信|weixin|wechat|[vwｖｗ]\s?[xｘ]|[vｖ]信|加[vｖ微薇])"
    r"(?P<link>\s*(?:号码|账号|帐号|号|id)?\s*[:：为是=加]{0,2})\s*)"
    rf"(?P<id>(?:[{_ASCII}][{_ASCII}\d_-]{{5,19}}|\d(?:{_GAP}\d){{4,11}}[{_ASCII}\d_-]{{0,8}})(?![{_ASCII}\d]))",
    re.IGNORECASE,
)
_SPELLED_MOBILE = re.compile(rf"[一幺壹][三四五六七八九叁肆伍陆柒捌玖][{_NUMERALS}]{{9}}(?![{_NUMERALS}])")
_NUMBERS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            r"(?P<lead>(?:订\s?单|运单|快递|物流单|单号|工单|流水|交易|保单|发票)(?:\s?(?:编号|号码|单号|号|id))?"
            rf"{_BETWEEN}[#＃]?)(?P<id>[{_ASCII}]{{0,6}}\d[{_ASCII}\d]{{0,31}}(?:{_GAP}\d[{_ASCII}\d]{{0,31}}){{0,8}})",
            re.IGNORECASE,
        ),
        _order,
    ),
    (
        re.compile(
            rf"(?P<lead>(?:qq|ｑｑ|扣扣|企鹅号|加[qｑ]|[qｑ]群)(?P<link>\s*(?:群|邮箱)?(?:号码|账号|帐号|号)?{_BETWEEN}))"
            rf"(?P<id>[1-9１-９](?:{_GAP}\d){{4,10}})(?!\d)",
            re.IGNORECASE,
        ),
        _account("[QQ号]"),
    ),
    (re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{12,29}}(?P<x>{_GAP}[XxＸｘ](?![{_ASCII}]))?(?!\d)"), _card),
    (
        re.compile(
            rf"(?<!\d)(?<!\d[-.])(?:(?:[+＋]|[0０]{{2}})?[8８][6６]{_GAP}|[0０]{_GAP})?[1１]{_GAP}[3-9３-９](?:{_GAP}\d){{9}}(?!\d)"
        ),
        "[手机号]",
    ),
    (
        re.compile(
            rf"(?<!\d)[(（]?[0０](?:[1１][0０]|[2２]\d|[3-9３-９]\d{{2}})[)）]?{_GAP}[2-9２-９]\d{{2,3}}{_GAP}\d{{4}}"
            r"(?:\s?[-转]\s?\d{1,5})?(?!\d)"
        ),
        "[座机]",
    ),
    (
        re.compile(r"(?P<lead>(?:电话|座机|固话|致电|tel)[号码是为:： ]{0,4})[2-8２-８]\d{2,3}[- ]?\d{4}(?!\d)", re.IGNORECASE),
        r"\g<lead>[座机]",
    ),
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ][\s·•.．-]?"
    rf"[A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ\d]{{4,5}}[A-HJ-NP-Za-hj-np-zＡ-ＨＪ-ＮＰ-Ｚ\d挂学警港澳](?![{_ASCII}\d])"
)
_ROOM = rf"[\d{_NUMERALS}十A-Za-z]{{1,6}}\s?(?:号楼|栋|幢|座|单元|层|楼|门|室|户|房|号)"
_ADDRESSES = (
    re.compile(
        rf"{_NAME}{{1,16}}?(?:路|街|大道|巷|弄|胡同|新村|小区|花园|家园|公寓|广场|大厦|苑|里|村)\s?(?:[东西南北中]?段|[东西南北])?"
        rf"[(（]?\s?(?:\d{{1,6}}(?:[-—－]\d{{1,5}}){{0,3}}\s?(?:号院|号楼|号|弄|栋|幢|＃|#)|[{_NUMERALS}十百]{{1,4}}(?:号院|号楼|号|栋|幢))"
        rf"(?:\s?[-，, ]?[{_HAN}]{{0,8}}?{_ROOM}){{0,5}}(?:\d{{3,4}}(?!\d))?"
    ),
    re.compile(
        rf"(?:小区|公寓|花园)?[\d{_NUMERALS}十A-Za-z]{{1,5}}\s?(?:号楼|栋|幢|座|号院)\s?[-，, ]?"
        rf"(?:[\d{_NUMERALS}十A-Za-z]{{1,5}}\s?(?:单元|层|楼|门)\s?)?[\d{_NUMERALS}十]{{2,5}}(?:\s?(?:室|户|房)|(?![\d.元块人万个YyRr]))"
    ),
)
