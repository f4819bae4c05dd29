"""What each role may do: a database in, grants out, and on an external server the roles themselves.

The embedded server reads its users, with these grants, from deploy/embedded/clickhouse-users.xml (it takes none by SQL).
An external server gets the roles from `create_roles` and, where settings name them, users from `create_users`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from streams.config import ClickHouseAccess
from streams.store.client import Store, identifier

# Columns a dashboard has no business with (opaque user, order, free notes, refused payloads) are left out.
_DASHBOARD_COLUMNS: Mapping[str, Sequence[str]] = {
    "complaints": (
        *("ts", "id", "text", "channel", "service", "category", "rating", "region", "app_version", "cohort", "sentiment"),
        *("polarity", "intents", "aspects", "aspect_polarities", "keywords", "severity", "accepted", "accepted_polarities"),
        "inserted_at",
    ),
    "followups": ("complaint", "ts", "status", "satisfaction", "inserted_at"),
    "dead_letters": ("topic", "partition", "offset", "index", "reason", "inserted_at"),
}
_DASHBOARD_TABLES = (
    *("correlated_1m", "complaints_per_minute", "metrics_per_minute", "complaints_1m", "metrics_1m", "metrics"),
    *("changes", "incidents", "alerts", "experience", "topology", "ingest_progress", "correlation_progress"),
)

# The gateway answers the network: it may keep corrections and feedback, judge stored complaints anew and mark their minutes, and
# read what its figures are made of.
_GATEWAY_WRITES = ("complaints", "corrections", "feedback", "dirty_minutes")
_GATEWAY_READS = ("incidents", "ingest_progress", "correlation_progress")
_GATEWAY_COLUMNS: Mapping[str, Sequence[str]] = {
    "dead_letters": ("topic", "partition", "offset", "index", "inserted_at"),
    "deliveries": ("incident", "event", "version", "channel", "status", "sent_at"),
}

# A dashboard may not starve the worker. readonly = 2 lets Grafana's plugin send its own settings, each below its ceiling here;
# readonly itself cannot be changed from inside. 0 would mean no limit, hence MIN 1.
_DASHBOARD_LIMITS: Mapping[str, tuple[int, int]] = {  # setting → (usual, ceiling)
    "max_execution_time": (30, 60),  # seconds
    "max_memory_usage": (2_000_000_000, 2_000_000_000),  # bytes, one query
    "max_memory_usage_for_user": (4_000_000_000, 4_000_000_000),
    "max_result_rows": (1_000_000, 1_000_000),
    "max_rows_to_read": (500_000_000, 500_000_000),
    "max_concurrent_queries_for_user": (32, 32),
}


def grants(database: str) -> Mapping[str, Sequence[str]]:
    """Role → what it may do in `database`, as clauses between GRANT and TO."""
    name = identifier(database)
    return {
        "writer": (f"SELECT, INSERT ON {name}.*",),
        "reader": (f"SELECT ON {name}.*",),
        "gateway": (
            *(f"SELECT, INSERT ON {name}.{identifier(table)}" for table in _GATEWAY_WRITES),
            *(f"SELECT ON {name}.{identifier(table)}" for table in _GATEWAY_READS),
            *_columns(name, _GATEWAY_COLUMNS),
        ),
        "grafana_ro": (
            *_columns(name, _DASHBOARD_COLUMNS),
            *(f"SELECT ON {name}.{identifier(table)}" for table in _DASHBOARD_TABLES),
        ),
    }


def _columns(database: str, tables: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"SELECT({', '.join(map(identifier, columns))}) ON {database}.{identifier(table)}" for table, columns in tables.items()
    ]


def role_name(database: str, role: str) -> str:
    """The server-wide name of a role of this database, quoted."""
    return identifier(f"{database}_{role}")


def create_roles(admin: Store) -> bool:
    """Create or complete the roles; False where the server takes none by SQL (its users come from a file). Errors as Store."""
    if not _takes_roles(admin):
        return False
    for statement in role_statements(admin.database):
        admin.execute(statement)
    return True


def role_statements(database: str) -> list[str]:
    """What makes the roles of `database`, safe to repeat."""
    made: list[str] = []
    for role, clauses in grants(database).items():
        name = role_name(database, role)
        made.append(f"CREATE ROLE IF NOT EXISTS {name}")
        made += [f"GRANT {clause} TO {name}" for clause in clauses]
    limits = ", ".join(f"{setting} = {usual} MIN 1 MAX {ceiling}" for setting, (usual, ceiling) in _DASHBOARD_LIMITS.items())
    name = role_name(database, "grafana_ro")
    made.append(f"CREATE SETTINGS PROFILE OR REPLACE {name} SETTINGS readonly = 2, {limits} TO {name}")
    return made


def create_users(admin: Store, accounts: Mapping[str, ClickHouseAccess]) -> list[str]:
    """Give each role to the user that settings name for it, made where absent; the names of those made now.

    Nothing happens where the server takes no users by SQL, or where settings hold no password. Errors as Store.
    """
    if not _takes_roles(admin):
        return []
    known = {name for (name,) in admin.rows("SELECT name FROM system.users")}
    made: list[str] = []
    for role, access in accounts.items():
        if role in grants(admin.database) and access.password:
            admin.execute(user_statement(admin.database, role, access))
            admin.execute(f"GRANT {role_name(admin.database, role)} TO {identifier(access.user)}")
            made += [access.user] if access.user not in known else []
    return made


def user_statement(database: str, role: str, access: ClickHouseAccess) -> str:
    """What makes a role's user. The password goes as its SHA-256, so that no log of statements holds it."""
    digest = hashlib.sha256(access.password.encode()).hexdigest()
    name = identifier(access.user)
    return f"CREATE USER IF NOT EXISTS {name} IDENTIFIED WITH sha256_hash BY '{digest}' DEFAULT ROLE {role_name(database, role)}"


def _takes_roles(admin: Store) -> bool:
    found = admin.rows(
        "SELECT count() FROM system.user_directories WHERE type IN ('local_directory', 'local directory', 'replicated', 'memory')"
    )
    return bool(found[0][0])
