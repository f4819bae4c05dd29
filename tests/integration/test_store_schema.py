"""Migrations on the real ClickHouse: from nothing, again, after a crash, two at once, too new. Retention. What roles may do."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from models.topology import parse_topology
from streams import config, corrections, feedback
from streams.config import Settings
from streams.gateway_metrics import Figures
from streams.local.parts import Parts
from streams.store import corrections as corrections_table
from streams.store import roles, schema, topology
from streams.store.client import Store, StoreError

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
SERVICES = "services:\n- {name: pay, title: 支付, idcs: [bj-1]}\n- {name: risk, depends_on: []}\n"


@pytest.fixture
def admin(settings: Settings) -> Iterator[Store]:
    """An admin of a database that does not exist yet."""
    access = settings.clickhouse_access("admin")
    store = Store(msgspec.structs.replace(access, database=f"huiyin_test_{uuid.uuid4().hex[:12]}"))
    yield store
    server = Store(msgspec.structs.replace(access, database="system"))
    server.execute(f"DROP DATABASE IF EXISTS {store.database} SYNC")
    server.close()
    store.close()


def shape(store: Store) -> list[tuple[str, str]]:
    return [(str(name), str(text)) for name, text in store.rows(
        "SELECT name, create_table_query FROM system.tables WHERE database = {d:String} ORDER BY name", {"d": store.database}
    )]  # fmt: skip


def test_from_nothing_and_again(admin: Store) -> None:
    files = [migration.file for migration in schema.migrations()]
    assert schema.migrate(admin, 90) == files
    before = shape(admin)
    assert schema.migrate(admin, 90) == []
    assert shape(admin) == before
    names = {name for name, _ in before}
    assert {"complaints", "metrics", "complaints_1m", "metrics_1m", "incidents", "correlated_1m"} <= names


def test_cut_short_anywhere_it_is_finished_by_the_next(admin: Store) -> None:
    schema.prepare(admin)
    for statement in schema.statements(next(schema.migrations()).sql)[:5]:
        admin.execute(statement)
    assert schema.migrate(admin, 90) == [migration.file for migration in schema.migrations()]


def test_two_at_once(admin: Store) -> None:
    failures: list[Exception] = []

    def run() -> None:
        other = Store(admin.access)
        try:
            schema.migrate(other, 30)
        except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
            failures.append(error)
        finally:
            other.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert admin.rows("SELECT count() FROM schema_migrations FINAL") == [(len(list(schema.migrations())),)]


def test_a_database_newer_than_the_code_is_refused(admin: Store) -> None:
    schema.migrate(admin, 90)
    admin.insert("schema_migrations", {"number": [9999], "file": ["9999_later.sql"]})
    with pytest.raises(schema.SchemaError, match=r"is at schema 9999, this program knows up to \d+: run a newer Huiyin"):
        schema.migrate(admin, 90)


def test_retention_follows_the_setting_and_counts_from_arrival(admin: Store) -> None:
    schema.migrate(admin, 90)
    assert set(schema.keep_for(admin, 1)) == set(schema.RETENTION)
    assert schema.keep_for(admin, 1) == []
    day = 86_400_000
    now = admin.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0]
    ancient = now - 1000 * day
    for name, arrived in (("just arrived", now), ("long here", now - 3 * day)):
        admin.insert("complaints", {"ts": [ancient], "id": [name], "inserted_at": [arrived]})
        admin.insert("metrics", {"ts": [ancient], "metric": [name], "inserted_at": [arrived]})
    admin.execute("OPTIMIZE TABLE complaints FINAL")
    admin.execute("OPTIMIZE TABLE metrics FINAL")
    assert admin.rows("SELECT id FROM complaints") == [("just arrived",)]
    assert ("just arrived",) in admin.rows("SELECT metric FROM metrics")
    with pytest.raises(schema.SchemaError, match="at least 1"):
        schema.keep_for(admin, 0)


@pytest.fixture(scope="module")
def shop(settings: Settings) -> Iterator[dict[str, Store]]:
    """Every role on the database named huiyin, whose grants are the strict ones."""
    stores = {role: Store(msgspec.structs.replace(settings.clickhouse_access(role), database="huiyin")) for role in config.ROLES}
    server = Store(msgspec.structs.replace(settings.clickhouse_access("admin"), database="system"))
    server.execute("DROP DATABASE IF EXISTS huiyin SYNC")
    schema.migrate(stores["admin"], 90)
    topology.save(stores["writer"], parse_topology(SERVICES))
    stores["writer"].insert("complaints", {"ts": [1], "id": ["a"], "text": ["慢"], "user": ["u"], "service": ["pay"]})
    yield stores
    server.execute("DROP DATABASE huiyin SYNC")
    for store in (server, *stores.values()):
        store.close()


FILE = "SELECT * FROM file('/etc/passwd', 'LineAsString')"
URL = "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"
REFUSED = {
    "writer": [
        *("DROP TABLE complaints", "ALTER TABLE complaints DELETE WHERE 1", "CREATE TABLE x (a Int8) ENGINE = Memory"),
        *("TRUNCATE TABLE metrics", "CREATE USER x", "SYSTEM SHUTDOWN", FILE, URL),
    ],
    "reader": [
        *("INSERT INTO changes (ts, id) VALUES (1, 'x')", "DROP TABLE complaints", "CREATE TABLE x (a Int8) ENGINE = Memory"),
        *("SELECT * FROM system.users", FILE, URL),
    ],
    "gateway": [
        *("INSERT INTO changes (ts, id) VALUES (1, 'x')", "INSERT INTO incidents (id) VALUES ('x')", "SELECT * FROM changes"),
        *("ALTER TABLE complaints DELETE WHERE 1", "TRUNCATE TABLE corrections", "DROP TABLE feedback", "SELECT * FROM metrics"),
        *("SELECT payload FROM dead_letters", "SELECT reason FROM deliveries", "SELECT note FROM followups", "CREATE USER x"),
        *("INSERT INTO schema_migrations (number) VALUES (9)", "SELECT * FROM system.users", "SELECT * FROM topology", FILE, URL),
    ],
    "grafana_ro": [
        *("INSERT INTO changes (ts, id) VALUES (1, 'x')", "DROP VIEW correlated_1m", "CREATE TEMPORARY TABLE t AS SELECT 1"),
        *("SELECT user FROM complaints", "SELECT order_id FROM complaints FINAL", "SELECT * FROM complaints"),
        *("SELECT note FROM followups", "SELECT payload FROM dead_letters", "SELECT * FROM deliveries"),
        *("SELECT * FROM dirty_minutes", "SELECT * FROM system.users", "SHOW USERS", FILE, URL),
        "SELECT * FROM remote('127.0.0.1', huiyin.deliveries)",
        *("SET readonly = 0", "SELECT 1 SETTINGS max_execution_time = 3600", "SELECT 1 SETTINGS max_result_rows = 0"),
        *("SELECT 1 SETTINGS max_memory_usage = 0", "SELECT number FROM numbers(2000000)"),
        "SELECT count() FROM numbers(3000000000)",
    ],
}


@pytest.mark.parametrize(("role", "sql"), [(role, sql) for role, statements in REFUSED.items() for sql in statements])
def test_a_role_is_refused_what_it_should_not_do(shop: dict[str, Store], role: str, sql: str) -> None:
    with pytest.raises(
        StoreError, match=r"(?i)not enough privileges|ACCESS_DENIED|should(n't| not) be|cannot modify|limit|readonly"
    ):
        shop[role].rows(sql)
    assert shop["admin"].rows("SELECT count() FROM complaints") == [(1,)]


def test_each_role_can_do_its_work(shop: dict[str, Store]) -> None:
    assert shop["writer"].insert("changes", {"ts": [1000], "id": ["r"], "service": ["pay"]}) == 1
    for role in ("writer", "reader"):
        assert shop[role].rows("SELECT user FROM complaints FINAL") == [("u",)]
        assert shop[role].rows("SELECT count() FROM dirty_minutes") == [(0,)]
    panels = shop["grafana_ro"]
    assert panels.rows("SELECT id, text, service FROM complaints FINAL WHERE service = 'pay'") == [("a", "慢", "pay")]
    assert panels.rows("SELECT service, changes FROM correlated_1m") == [("pay", ["r"])]
    for table in ("complaints_per_minute", "metrics_per_minute", "incidents FINAL", "topology FINAL", "ingest_progress FINAL"):
        panels.rows(f"SELECT count() FROM {table} SETTINGS max_execution_time = 45")
    assert panels.rows("SELECT count() FROM dead_letters FINAL WHERE reason != ''") == [(0,)]
    door = shop["gateway"]
    parsed = corrections.parse(b'{"complaint": "a", "polarity": -1}', dt.datetime.now(dt.UTC))
    assert corrections_table.save(door, parsed).taken == 1
    moment = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    feedback.record(door, feedback.Feedback(id="f", ts=moment, verdict="missed", service="pay", at=moment))
    assert {metric.name: len(metric.samples) for metric in Figures(lambda: door).collect()}["huiyin_feedback_stored"] == 1


def test_the_statements_for_an_external_server_are_sql(admin: Store, settings: Settings) -> None:
    access = settings.clickhouse_access("grafana_ro")
    made = [*roles.role_statements("shop"), roles.user_statement("shop", "grafana_ro", access)]
    schema.prepare(admin)
    for statement in made:
        admin.rows("SELECT formatQuery({sql:String})", {"sql": statement})
    assert roles.create_roles(admin) is False  # the embedded server takes its users from a file
    with pytest.raises(StoreError, match=r"(?i)storage"):
        admin.execute(made[0])


def test_the_command_says_what_it_did(parts: Parts, admin: Store, tmp_path: Path) -> None:
    services = tmp_path / "services.yaml"
    services.write_text(SERVICES, encoding="utf-8")
    environment = {"HUIYIN_HOME": str(parts.home), "HUIYIN_DATABASE": admin.database, "PATH": ""}

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "streams.cli", "migrate", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    status, said, _ = run("--dry-run")
    assert status == 0 and "would apply 0001_tables.sql" in said
    with pytest.raises(StoreError, match="does not exist"):
        shape(admin)
    status, said, _ = run("--services", str(services))
    assert status == 0 and "applied 0001_tables.sql" in said and "stored 2 services" in said
    assert run("--services", str(services)) == (0, "", "")
    assert admin.rows("SELECT service, idcs FROM topology FINAL ORDER BY service") == [("pay", ["bj-1"]), ("risk", [])]
    services.write_text("services:\n- {name: pay, idc: bj-1}\n", encoding="utf-8")
    status, said, failure = run("--services", str(services))
    assert status == 1 and said == "" and ":2: services[0].idc is not a known field" in failure


def test_the_command_without_a_server_is_one_line(tmp_path: Path) -> None:
    from streams.commands.migrate import command

    nowhere = {"HUIYIN_HOME": str(tmp_path), "HUIYIN_CLICKHOUSE_ADMIN": "clickhouse://a:b@127.0.0.1:1/huiyin"}
    for environment, reason in (
        ({"HUIYIN_HOME": str(tmp_path)}, "no ClickHouse for admin"),
        (nowhere, "ClickHouse at 127.0.0.1:1"),
    ):
        result = CliRunner().invoke(command, [], env=environment)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {reason}") and result.stderr.count("\n") == 1
