"""A text in, the same text with street addresses masked out: with house numbers, or from the province or city down to a street.

A city or a district alone is no address, and a street alone is a landmark.
"""

from __future__ import annotations

import re

_NUMERALS = "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_HAN = r"\u4e00-\u9fff"
# Characters of a place name; the left-out ones are verbs and particles that stand before an address.
_NAME = rf"(?:(?![在到至往于从是了的我你他她们住寄送址给和去来回说家有把就都很也不没离距])[{_HAN}])"
_ROOM = rf"[\d{_NUMERALS}十A-Za-z]{{1,6}}\s?(?:号楼|栋|幢|座|单元|层|楼|门|室|户|房|号)"
_KIND = r"(?:自治区|自治州|自治县|省|市|区|县|旗|盟)"
_UNIT = rf"{_NAME}{{2,7}}?{_KIND}"
_WITHIN = rf"{_NAME}{{1,7}}?{_KIND}"  # behind a province or city one character is a name: 献县
_STREET = (
    rf"{_NAME}{{1,8}}?(?:街道|大街|大道|胡同|新村|小区|社区|花园|家园|公寓|大厦|广场|中心|校区|学校|大学|医院"
    rf"|路|街|巷|弄|镇|乡|村|屯|庄|苑|府)(?![{_HAN}]?(?:堵|况|线|费))"
)
_TAIL = rf"(?:\s?[-，, ]?[{_HAN}]{{0,4}}?{_ROOM}){{0,5}}"
# What a text must hold before a group of patterns is worth trying.
_NUMBERED = re.compile(rf"[\d{_NUMERALS}十百]\s?[号栋幢弄座#＃]")
_NESTED = re.compile(r"[省市区县旗盟州].{1,9}[路街道巷弄镇乡村屯庄苑府区园寓厦场心院学同]")
_LED = re.compile("址|家住|我住|住在|家在|送到|寄到|递到|寄往")  # begins with literals: faster than with sets
_WITH_NUMBER = (
    re.compile(
        rf"(?:{_UNIT}){{0,3}}{_NAME}{{1,16}}?(?:路|街|大道|巷|弄|胡同|新村|小区|花园|家园|公寓|广场|大厦|苑|里|村)\s?(?:[东西南北中]?段|[东西南北])?"
        rf"[(（]?\s?(?:\d{{1,6}}(?:[-—－]\d{{1,5}}){{0,3}}\s?(?:号院|号楼|号|弄|栋|幢|＃|#)|[{_NUMERALS}十百]{{1,4}}(?:号院|号楼|号|栋|幢))"
        rf"(?:\s?[-，, ]?[{_HAN}]{{0,8}}?{_ROOM}){{0,5}}(?:\d{{3,4}}(?!\d))?"
    ),
    re.compile(
        rf"(?:小区|公寓|花园)?[\d{_NUMERALS}十A-Za-z]{{1,5}}\s?(?:号楼|栋|幢|座|号院)\s?[-，, ]?"
        rf"(?:[\d{_NUMERALS}十A-Za-z]{{1,5}}\s?(?:单元|层|楼|门)\s?)?[\d{_NUMERALS}十]{{2,5}}(?:\s?(?:室|户|房)|(?![\d.元块人万个YyRr]))"
    ),
)
_FROM_ABOVE = (re.compile(rf"{_UNIT}\s?(?:{_WITHIN}\s?){{1,3}}(?:{_STREET}\s?){{1,4}}{_TAIL}"),)
_AFTER_LEAD = (
    re.compile(
        rf"(?P<lead>(?:收货|收件|寄件|家庭|送货|联系|居住|现住|通讯|取件)?(?:地址|住址)\s?[:：是为=]{{0,2}}\s?|家住|住在|我住|家在|送到|送货到|寄到|寄往|邮寄到|快递到)"
        rf"(?:{_UNIT}\s?){{1,3}}(?:{_STREET}\s?){{1,4}}{_TAIL}"
    ),
    re.compile(rf"(?P<lead>(?:地址|住址)\s?[:：=]\s?)(?:{_UNIT}\s?){{0,3}}(?:{_STREET}\s?){{1,4}}{_TAIL}"),
)


def mask_places(text: str) -> str:
    """`text` with addresses masked."""
    for cue, patterns in ((_NUMBERED, _WITH_NUMBER), (_NESTED, _FROM_ABOVE), (_LED, _AFTER_LEAD)):
        if cue.search(text):
            for pattern in patterns:
                text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    return f"{found.groupdict().get('lead') or ''}[地址]"
