"""The schema: numbered SQL files and the retention setting in, an up-to-date database out.

Each file is applied once and recorded; its statements may run again, so that one cut short by a crash is repeated whole and
two processes may migrate at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import resources

import msgspec

from streams.store.client import Store, StoreError, identifier
from streams.store.roles import create_roles

# Rollups outlive the raw rows they were computed from: they are what last quarter is compared with.
ROLLUP_FACTOR = 4
# Table → (column that tells when a row arrived, times the retention it is kept). Incidents, topology and progress stay.
RETENTION: Mapping[str, tuple[str, int]] = {
    "complaints": ("inserted_at", 1),
    "metrics": ("inserted_at", 1),
    "changes": ("inserted_at", 1),
    "followups": ("inserted_at", 1),
    "dead_letters": ("inserted_at", 1),
    "complaints_1m": ("refreshed_at", ROLLUP_FACTOR),
    "metrics_1m": ("refreshed_at", ROLLUP_FACTOR),
    "deliveries": ("sent_at", ROLLUP_FACTOR),
    "corrections": ("inserted_at", ROLLUP_FACTOR),
}
_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, file String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree(applied_at) ORDER BY number
"""

_BEGUN = "SELECT 1 FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'"


class SchemaError(Exception):
    """The database cannot be brought to this code's schema; the message says why in a line."""


class Migration(msgspec.Struct, frozen=True):
    """One numbered file."""

    number: int
    file: str
    sql: str


def migrate(admin: Store, retention_days: int) -> list[str]:
    """Bring the database to the code's schema: tables, views, roles, retention. The files applied now, in order.

    Raises SchemaError when the database is newer than the code, StoreUnavailable, StoreError.
    """
    prepare(admin)
    pending = outstanding(admin)
    for migration in pending:
        for statement in statements(migration.sql):
            admin.execute(statement)
        admin.insert("schema_migrations", {"number": [migration.number], "file": [migration.file]})
    keep_for(admin, retention_days)
    create_roles(admin)
    return [migration.file for migration in pending]


def prepare(admin: Store) -> None:
    """Create the database and the table that records migrations, where absent."""
    with closing(_server(admin)) as server:
        server.execute(f"CREATE DATABASE IF NOT EXISTS {identifier(admin.database)}")
    admin.execute(_RECORD)


def outstanding(admin: Store) -> list[Migration]:
    """Migrations that the database lacks, in order. Raises SchemaError when it has one that this code does not know."""
    known = list(migrations())
    with closing(_server(admin)) as server:
        begun = server.rows(_BEGUN, {"database": admin.database})
    applied = {int(number) for (number,) in admin.rows("SELECT DISTINCT number FROM schema_migrations")} if begun else set()
    newest = max(migration.number for migration in known)
    if applied and max(applied) > newest:
        raise SchemaError(
            f"database {admin.database} is at schema {max(applied)}, this program knows up to {newest}: run a newer Huiyin"
        )
    return [migration for migration in known if migration.number not in applied]


def _server(admin: Store) -> Store:
    """A session needs a database that exists already; `system` always does."""
    return Store(msgspec.structs.replace(admin.access, database="system"))


def migrations() -> Iterator[Migration]:
    """The numbered files of this package, in order."""
    folder = resources.files("streams.store") / "migrations"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if match := re.fullmatch(r"(\d{4})_\w+\.sql", entry.name):
            yield Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))


def statements(sql: str) -> list[str]:
    """The statements of a file; each ends where a line ends in a semicolon."""
    parts = re.split(r";[ \t]*$", sql, flags=re.MULTILINE)
    return [part.strip() for part in parts if re.sub(r"--.*", "", part).strip()]


def keep_for(admin: Store, days: int) -> list[str]:
    """Set how long each table keeps its rows, counted from their arrival; the tables that were changed."""
    if days < 1:
        raise SchemaError(f"retention of {days} days: at least 1")
    now = dict(
        admin.rows(
            "SELECT name, extract(engine_full, ' TTL .*?toIntervalDay\\\\((\\\\d+)\\\\)') FROM system.tables"
            " WHERE database = {database:String}",
            {"database": admin.database},
        )
    )
    changed = [table for table, (_, factor) in RETENTION.items() if now[table] != str(days * factor)]
    for table in changed:
        column, factor = RETENTION[table]
        try:
            admin.execute(
                f"ALTER TABLE {identifier(table)} MODIFY TTL toDateTime({identifier(column)}) + toIntervalDay({days * factor:d})"
            )
        except StoreError as error:
            raise SchemaError(f"retention of {table}: {error}") from error
    return changed
