"""Files of records (NDJSON, plain or gzip) to records, through the stream's own decoder; a bad line is a FolderError."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from models.tag import Judgement
from streams.decode import Decoded, Delivery, decode
from streams.folder_csv import MILLISECONDS, FolderError
from streams.records import Origin


class _Judged(Judgement, frozen=True, kw_only=True):
    """A line of what `tag` prints."""

    id: str


def find(folder: Path, name: str) -> Path | None:
    """The file of that name, plain or as .gz."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """The file's text. Raises FolderError while it is read, where it is damaged or not UTF-8."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8", newline="") as text
        ):
            yield text
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FolderError(f"{path}: {error}") from error


def records(folder: Path, name: str, topic: str) -> Decoded:
    """The records of a file, none where it is not there. Raises FolderError with file, line and reason."""
    found = find(folder, name)
    if found is None:
        return Decoded()
    with opened(found) as lines:
        deliveries = [Delivery(Origin(topic, 0, number), line.encode()) for number, line in enumerate(lines, 1) if line.strip()]
    # Recorded history may lie in any year to come of a simulation; the clock is no judge of it.
    decoded = decode(deliveries, now=float(MILLISECONDS - 86_400))
    if decoded.bad:
        first = decoded.bad[0]
        raise FolderError(f"{found}:{first.origin.offset}: {first.reason}")
    return decoded


def judged(folder: Path) -> dict[str, Judgement]:
    """What `tag` made of complaints, by their id: tagged.ndjson[.gz], none where it is not there. Raises FolderError."""
    found = find(folder, "tagged.ndjson")
    if found is None:
        return {}
    decoder, known = msgspec.json.Decoder(_Judged), dict[str, Judgement]()
    with opened(found) as lines:
        for number, line in enumerate(lines, 1):
            try:
                one = decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise FolderError(f"{found}:{number}: {error}") from error
            known[one.id] = one
    return known
