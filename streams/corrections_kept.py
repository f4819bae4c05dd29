"""Where corrections are kept: settings in; written to and read from the ClickHouse they name, else a file beside one's models."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

import msgspec

from streams.config import Settings
from streams.corrections import Correction, Parsed, merged, parse, with_texts
from streams.opaque import opaque
from streams.store import corrections as table
from streams.store.client import Store
from streams.store.corrections import Taken

FILE = "corrections.ndjson"


class KeptError(ValueError):
    """The file of corrections cannot be read; the message names it and the line."""


def keep(settings: Settings, parsed: Parsed, *, dry_run: bool = False) -> Taken:
    """Keep what was understood, unless it is a dry run; says what was taken and what refused.

    Raises StoreUnavailable, StoreError, OSError.
    """
    named = [msgspec.structs.replace(one, complaint=opaque(one.complaint, settings.token_key)) for _, one in parsed.found]
    parsed = parsed._replace(found=list(zip([line for line, _ in parsed.found], named, strict=True)))
    if "writer" in settings.clickhouse:
        with closing(Store(settings.clickhouse_access("writer"))) as store:
            known = table.known(store, parsed)
            return Taken(len(known.found), known.refused) if dry_run else table.save(store, known)
    known = with_texts(parsed, {})
    if not dry_run and known.found:
        path = settings.models / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(msgspec.json.Encoder().encode_lines([one for _, one in known.found]))
    return Taken(len(known.found), known.refused)


def kept(settings: Settings) -> list[Correction]:
    """All corrections so far, one a complaint. Raises StoreUnavailable, StoreError, KeptError."""
    if "reader" in settings.clickhouse:
        with closing(Store(settings.clickhouse_access("reader"))) as store:
            return table.read(store)
    path = settings.models / FILE
    return from_file(path) if path.exists() else []


def from_file(path: Path) -> list[Correction]:
    """The corrections in a file that hold a text, one a complaint. Raises KeptError at the first that is none."""
    try:
        parsed = with_texts(parse(path.read_bytes(), dt.datetime.now(dt.UTC)), {})
    except OSError as error:
        raise KeptError(f"{path}: {error.strerror}") from error
    if parsed.refused:
        raise KeptError(f"{path}:{parsed.refused[0]}")
    return merged([one for _, one in parsed.found])
