"""A body in, its JSON records out, each still unparsed and with its number: NDJSON, one object, or an array of up to 1,000."""

from __future__ import annotations

import msgspec

from streams.wire import split_array


def pieces(data: bytes) -> list[tuple[int, bytes]]:
    """(number from 1, record). An array's elements; else, where the whole is one object over several lines, that; else the lines
    that are not blank, with their line numbers. Raises ValueError for an array that is empty, too long or without an end.
    """
    if data.lstrip().startswith(b"["):
        elements = split_array(data)
        if elements is None:
            raise ValueError("an array without an end")
        return list(enumerate(elements, start=1))
    lines = [(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
    return [(1, data)] if len(lines) > 1 and _is_one_object(data) else lines


def _is_one_object(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
