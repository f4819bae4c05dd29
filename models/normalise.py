"""A text as users and crawlers send it in, the text to judge out: no mark-up, no invisible characters, simplified characters.

The table of traditional characters is Huiyin's own: those that are common in complaints and have one simplified form.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

_TRADITIONAL = Path(__file__).parent / "data" / "traditional.txt"
# Controls but tab and line ends; soft hyphen, zero-width and direction marks, byte-order mark. The zero-width joiner and
# variation selectors go too: they only choose how emoji look.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_MARK_UP = re.compile(r"<!--.*?-->|</?[a-zA-Z][a-zA-Z0-9]{0,10}(?:\s[^<>]{0,300})?/?>", re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


def plain(text: str) -> str:
    """`text` without lone surrogates (which no UTF-8 can carry), tags, entities and invisible characters.

    What an entity stands for is no mark-up again: &lt;b&gt; stays as <b>.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    if "<" in text:
        text = _MARK_UP.sub(" ", text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text)


def simplified(text: str) -> str:
    """`text` with its traditional characters, one by one, as simplified ones; as long as before."""
    return text.translate(_TABLE) if _ANY.search(text) else text


def _table(path: Path) -> dict[int, str]:
    """Lines of pairs: a traditional character and then its simplified one."""
    pairs = [pair for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#" for pair in line.split()]
    return {ord(pair[0]): pair[1] for pair in pairs}


_TABLE = _table(_TRADITIONAL)
_ANY = re.compile(f"[{''.join(map(chr, _TABLE))}]")
