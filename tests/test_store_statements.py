"""What the store says to ClickHouse, before any ClickHouse is there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from streams.config import ClickHouseAccess
from streams.store import roles, schema
from streams.store.client import StoreError, identifier

USERS = Path(__file__).parents[1] / "deploy" / "embedded" / "clickhouse-users.xml"


def test_statements_end_where_a_line_ends_in_a_semicolon() -> None:
    sql = "-- a; b\nSELECT 1; -- not here\n;\n-- only words;\n\nSELECT ';' AS x,\n 2; \n-- the end"
    assert schema.statements(sql) == ["-- a; b\nSELECT 1; -- not here", "SELECT ';' AS x,\n 2"]


def test_migrations_are_numbered_without_gaps_and_repeatable() -> None:
    found = list(schema.migrations())
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    for migration in found:
        for statement in schema.statements(migration.sql):
            assert "IF NOT EXISTS" in statement or "CREATE OR REPLACE VIEW" in statement, migration.file


@pytest.mark.parametrize("name", ["", "a b", "a`b", "1a", "a;DROP TABLE x", "a.b", "表"])
def test_only_plain_identifiers_reach_sql(name: str) -> None:
    with pytest.raises(StoreError, match="not a plain identifier"):
        identifier(name)


def test_the_embedded_users_have_the_grants_of_the_roles() -> None:
    users = ET.parse(USERS).getroot().find("users")
    assert users is not None
    for role, tests in (("grafana_ro", "SELECT"), ("gateway", "SELECT, INSERT")):
        granted = {query.text for query in users.findall(f"{role}/grants/query")}
        assert granted == {f"GRANT {clause}" for clause in roles.grants("huiyin")[role]} | {f"GRANT {tests} ON huiyin_test*.*"}
    for role in ("writer", "reader"):
        wide = {(query.text or "").replace("huiyin*", "`huiyin`") for query in users.findall(f"{role}/grants/query")}
        assert wide == {f"GRANT {clause}" for clause in roles.grants("huiyin")[role]}


def test_no_statement_holds_a_password() -> None:
    access = ClickHouseAccess(host="h", port=9000, user="panels", password="open' sesame", database="shop")
    statement = roles.user_statement("shop", "grafana_ro", access)
    assert "sesame" not in statement
    assert statement.endswith("DEFAULT ROLE `shop_grafana_ro`")
