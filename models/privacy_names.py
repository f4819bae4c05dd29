"""A text in, the same text with people's names masked out: names that stand where a form or a speaker puts them.

姓名：…, 我叫…, 收货人…, and a surname before 先生, 女士 and the like. A name without such a frame is not sought: most words that
begin with a surname are none.
"""

from __future__ import annotations

import re

# The hundred and fifty commonest surnames (public security statistics), without those that mostly begin other words in a frame.
_SURNAME = (
    "(?:欧阳|上官|诸葛|司马|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|轩辕"
    "|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方邹熊孟秦邱江尹薛闫阎段雷侯龙史陶黎贺"
    "顾毛郝龚邵万钱严武戴莫孔汤尚温康施牛樊葛邢安齐庞伍殷颜庄聂章鲁岳翟申耿焦左柳祁詹柴蓝谷凌欧谌]"
    ")"
)
_HAN = r"\u4e00-\u9fff"
# Characters of a given name: not those that begin what is said next.
_GIVEN = rf"(?:(?![的了是在不我你他她您们电手地号住要来这那和与及有没也都就还说买用给想为什么哪吗呢吧，先女小])[{_HAN}])"
_FULL = rf"{_SURNAME}\s?{_GIVEN}(?:\s?{_GIVEN})?"
_LEAD = (
    r"(?:真实姓名|姓名|名字|收货人|收件人|寄件人|联系人|投诉人|举报人|申请人|持卡人|开户人|户名|户主|机主|车主|客户|签收人|下单人"
    r"|乘客|乘机人|入住人|预订人|患者|学员|学生)"
)
_FRAMES = (
    # A form: whatever is as long as a name and ends there, else a surname and what follows it.
    re.compile(
        rf"(?P<lead>{_LEAD}(?:姓名|名字|名)?\s?[:：=＝]\s?)(?![没无不未空暂])(?:[{_HAN}]{{1,4}}(?:[·•・][{_HAN}]{{1,8}}){{1,3}}|[{_HAN}](?:\s?[{_HAN}]){{1,3}}(?![{_HAN}])|{_FULL}"
        r"|[A-Za-z]{2,15}(?:[ .][A-Za-z]{1,15}){1,2})"
    ),
    re.compile(
        rf"(?P<lead>(?:{_LEAD}(?:姓名|名字)?(?:是|为|叫)|(?:收货人|收件人|联系人|姓名|持卡人|机主)\s?))(?![是为叫])(?:{_FULL})"
    ),
    re.compile(
        rf"(?P<lead>(?:我(?:的名字)?叫|本人叫?|我名叫|我的名字是|我是用户|我的真名是?|叫我)\s?)(?:{_FULL})(?![{_HAN}]{{0,2}}[会员生])"
    ),
)
_TITLED = re.compile(
    rf"(?<![{_HAN}])(?:{_SURNAME}{_GIVEN}{{1,2}}|{_SURNAME})(?=先生|女士|小姐(?!姐)|太太|经理|主管|老师|师傅|阿姨|医生|店长)"
    rf"|(?<=[是叫找给的位给和与由被让])(?:{_SURNAME}{_GIVEN}{{0,2}})(?=先生|女士|小姐(?!姐))"
    rf"|{_SURNAME}(?=先生|女士)"
)
_SURNAMED = re.compile(rf"(?<=[我人贵]姓){_SURNAME}(?=[，,。.！!；;\s]|$|叫|名)")
# What a text must hold before the frames, and the titles, are worth trying.
# Each alternative begins with a literal: then `re` looks for their first characters at once.
_FRAMED = re.compile(
    "|".join(rf"{last}\s?[:：=＝是为叫]" for last in "名人主户客员生")
    + "|姓名|件人|货人|系人|持卡|机主|叫|本人|真名|的名字|是用户"
)
_TITLE = re.compile(r"先生|女士|小姐|太太|经理|主管|老师|师傅|阿姨|医生|店长")


def mask_names(text: str) -> str:
    """`text` with names in such frames masked."""
    if _FRAMED.search(text):
        for frame in _FRAMES:
            text = frame.sub(r"\g<lead>[姓名]", text)
    if _TITLE.search(text):
        text = _TITLED.sub("[姓名]", text)
    return _SURNAMED.sub("[姓名]", text) if "姓" in text else text
