"""What the lexicon reads in a text and what it says on the whole in; the versions and features it accepts or rejects out.

A mention is a version number, a word for the newest version or the one before (新版, 更新后, 还我旧版), or a feature: a name that
the lexicon lists, or the word before 功能 or 模式. The newest is accepted or rejected by what follows, else by the whole text;
the others by what is said nearest to them. Whoever only asks or wishes for one has not judged it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from models.marks import SIGNS, Mark, Reading
from models.opinion import Opinions

NEWEST = "新版"  # the version that people mean when they name none
# Without any of these nothing is mentioned.
_CUE = re.compile(r"[版更升功模改]")
_DOTTED = re.compile(r"\d\.\d")
_UPDATED = r"(?:更新|升级)"
_NEW = re.compile(
    rf"(?:最?新|这个?|本|此|后面{_UPDATED}|{_UPDATED})版本?|[这本]次(?:的)?{_UPDATED}|改版|越(?:{_UPDATED}|改)越|(?:[一刚天]|每次|自从|自){_UPDATED}"
    rf"|{_UPDATED}(?:完了?|过|了(?:以?后|之后|就|反而)|以?后|之后|以来|导致|造成|到最新|出|个(?:什么|啥|毛|屁|鬼)|的?(?:什么鬼|什么玩意|啥玩意))(?!再)"
    rf"|{_UPDATED}(?:太|真|越来越|反而)(?:烂|差|垃圾|难用|不好)|(?:垃圾|负|烂){_UPDATED}|升级版"
)
# The update of something else, or one that is only asked for or did not come about.
_OTHER_UPDATE = re.compile(rf"{_UPDATED}(?:了|到|完|至)?(?:ios|安卓|android|固件|系统到)|(?:物流|信息|状态|固件){_UPDATED}")
_OLD = re.compile(
    rf"(?:[旧老]|上个?|上一个?|之前的?|以前的?|原来的?)版本?|没有?{_UPDATED}(?:之?前|的时候)?|{_UPDATED}(?:之?前|以前)|(?:还我|换回|退回|回到|恢复).{{0,4}}版"
)
_NUMBER = re.compile(
    r"(?<![\d.a-z])v?(\d{1,3}(?:\.\d{1,4}){1,3})(?![\d.]|\s?(?:元|块|万|[米斤倍度折分寸升个点年月日]|ghz|[lt克]|kg|g\b|[mgk]b|公里|英寸|小时|%|％|协议|排量|自动|手动|的?车))"
)
_VERSION_NEAR = re.compile(rf"版本?号?\D{{0,2}}$|{_UPDATED}(?:了|到|至|成|后|为)?\s?$|升到\s?$|app\s?$|客户端\s?$")
_VERSION_AFTER = re.compile(rf"\s?(?:版|以后|之后|{_UPDATED})")
_PLATFORM_NEAR = re.compile(
    r"(?:ios|安卓|android|系统|iphone|emui|miui|windows|win|蓝牙|usb|wi-?fi|协议|价格?|现价)[^，。,\d]{0,3}$"
)
_FEATURE = re.compile(r"([一-鿿a-z]{2,8})(?:功能|模式)")
# What stands before a feature's name and is none of it; and names that name nothing.
_LEAD = re.compile(
    r".*(?:希望|增加|支持|开启|使用|添加|提供|实现|设置|关闭|取消|选择|这[个种些]?|那[个种些]?|[一几多]个|没有|好多|很多|各种|所有|其他|基本|主要|一些|某些|个别"
    r"|[的了有用开加在把和与就很新是不能会要最到关多我你他它们没给让对更还也都吧啊么])"
)
_NO_FEATURE = frozenset(
    {
        "软件",
        "手机",
        "商城",
        "使用",
        "产品",
        "相应",
        "全部",
        "部分",
        "强大",
        "实用",
        "特殊",
        "附加",
        "同样",
        "盈利",
        "营销",
        "商业",
    }
)
_GONE = re.compile(r"(?:功能|模式)?(?:怎么|咋|都|又|居然|竟然)?(?:没了|没有了|去掉|取消了|不见了|删了|被删|改没了)")
_BROKEN = re.compile(
    r"(?:功能|模式)?(?:也|都|就|根本|完全|还是|一直)?(?:不能用|用不了|没法用|失灵|失效|没用|坏了|不好使|无法使用)"
)
_REACH = 10  # characters between a feature or a number and what is said about it
_FOLLOWS = 16  # characters after a word for the newest version that are about it
_CLAUSE_END = re.compile(r"[，,。.!！?？;；\n]")


def acceptance(reading: Reading, opinions: Opinions) -> tuple[tuple[str, int], ...]:
    """Names with +1 (accepted) or -1 (rejected), in the order they are met; none twice."""
    text = reading.text
    if "feature" not in reading.kinds and not (_CUE.search(text) or ("." in text and _DOTTED.search(text))):
        return ()
    listed = [mark for mark in reading.marks if mark.kind == "feature"]
    found: dict[str, int] = {}
    verdict = _whole(opinions)
    for name, start, end in _numbers(text):
        if sign := _said(reading, start, end) or verdict:
            found.setdefault(name, sign)
    if verdict and (newest := _newest(reading, verdict)) and newest not in found.values():
        found[NEWEST] = newest
    for name, start, end in _features(text, listed):
        if sign := _said(reading, start, end):
            found.setdefault(name, sign)
    return tuple(found.items())


def _whole(opinions: Opinions) -> int:
    """What the text says on the whole: -1 when it complains and does not praise, 1 the other way round."""
    return ("praise" in opinions.intents) - ("complaint" in opinions.intents)


def _newest(reading: Reading, verdict: int) -> int:
    """What is said of the newest version: by the words that follow it, else by the whole text; 0 where it is not spoken of."""
    text = reading.text
    if _OLD.search(text):
        return verdict
    for new in _NEW.finditer(text):
        if not any(_OTHER_UPDATE.match(text, max(0, new.start() - back)) for back in (0, 2)):
            after = [mark for mark in reading.marks if new.end() <= mark.start <= new.end() + _FOLLOWS]
            total = sum(SIGNS.get(mark.kind, 0) * (-1 if mark.denied else 1) for mark in after)
            return verdict and ((total > 0) - (total < 0) or verdict)
    return 0


def _numbers(text: str) -> Iterator[tuple[str, int, int]]:
    for number in _NUMBER.finditer(text):
        before = text[max(0, number.start() - 12) : number.start()]
        near = _VERSION_NEAR.search(before) or _VERSION_AFTER.match(text, number.end()) or number.group()[0] == "v"
        dotted = number.group(1).count(".") > 1 or number.start() == 0
        if (near or (dotted and re.search(r"更新|升级|版|app", text))) and not _PLATFORM_NEAR.search(before):
            yield number.group(1), number.start(), number.end()


def _features(text: str, listed: Sequence[Mark]) -> Iterator[tuple[str, int, int]]:
    for mark in listed:
        yield mark.name, mark.start, mark.end
    for one in _FEATURE.finditer(text) if "功能" in text or "模式" in text else ():
        if not any(mark.start < one.end() and one.start() < mark.end for mark in listed):
            name = _LEAD.sub("", one.group(1))
            if len(name) >= 2 and name not in _NO_FEATURE:
                yield name, one.end() - len(name) - 2, one.end()


def _said(reading: Reading, start: int, end: int) -> int:
    """What is said nearest to text[start:end] in its clause; a feature that is gone is missed, one that is broken rejected."""
    text = reading.text
    if _GONE.match(text, end):
        return 1
    if _BROKEN.match(text, end):
        return -1
    best, chosen = _REACH + 1, 0
    for mark in reading.marks:
        sign = SIGNS.get(mark.kind, 0) * (-1 if mark.denied else 1)
        low, high = (end, mark.start) if mark.start >= end else (mark.end, start)
        if sign and low <= high and high - low < best and not _CLAUSE_END.search(text, low, high):
            best, chosen = high - low, sign
    return chosen
