"""The client on the real ClickHouse: parameters, columns, sizes, wide inserts, and a server that dies and comes back."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from streams.config import ClickHouseAccess, Settings
from streams.local.parts import Parts
from streams.store.client import Store, StoreError, StoreUnavailable
from streams.store.schema import migrate

pytestmark = pytest.mark.integration
MONTH = 30 * 86400
NOW = 1_767_225_600  # 2026-01-01


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    admin = Store(settings.clickhouse_access("admin"))
    migrate(admin, 90)
    admin.close()
    writer = Store(settings.clickhouse_access("writer"))
    yield writer
    writer.close()


@tries(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), items=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_parameters_come_back_as_they_went(store: Store, text: str, items: list[str]) -> None:
    assert store.rows("SELECT {text:String}, {items:Array(String)}", {"text": text, "items": items}) == [(text, items)]


def test_a_parameter_cannot_become_sql(store: Store) -> None:
    hostile = "' OR 1 = 1; DROP TABLE complaints; -- \\' {x:String} %(y)s"
    assert store.rows("SELECT count() FROM changes WHERE id = {id:String}", {"id": hostile}) == [(0,)]
    assert store.rows("EXISTS TABLE complaints") == [(1,)]


def test_columns_are_arrays_where_they_are_numbers(store: Store) -> None:
    number, small, text, low, array = store.columns(
        "SELECT number, toFloat32(number) / 2, toString(number), toLowCardinality('a'), [number] FROM numbers(3)"
    )
    assert isinstance(number, np.ndarray) and number.dtype == np.uint64 and number.tolist() == [0, 1, 2]
    assert isinstance(small, np.ndarray) and small.tolist() == [0.0, 0.5, 1.0]
    assert list(text) == ["0", "1", "2"] and list(low) == ["a"] * 3 and list(array) == [[0], [1], [2]]
    none, word = store.columns("SELECT number, 'x' FROM numbers(0)")
    assert isinstance(none, np.ndarray) and none.dtype == np.uint64 and len(none) == len(word) == 0


def test_times_go_as_integers_arrays_or_datetimes(store: Store) -> None:
    moment = dt.datetime(2026, 3, 1, 8, 0, 0, 250_000, dt.timezone(dt.timedelta(hours=8)))
    milliseconds = int(moment.timestamp() * 1000)
    for number, ts in enumerate(([milliseconds], np.array([milliseconds]), np.array([milliseconds], "datetime64[ms]"), [moment])):
        assert store.insert("changes", {"ts": ts, "id": [f"t{number}"], "service": ["pay"]}) == 1
    found = store.rows("SELECT DISTINCT ts FROM changes WHERE startsWith(id, 't')")
    assert found == [(moment,)]


def test_sizes_are_checked_and_nothing_is_a_no_op(store: Store) -> None:
    assert store.insert("metrics", {"ts": [], "value": np.array([])}) == 0
    with pytest.raises(StoreError, match=r"metrics: columns differ in length.*'value': 2"):
        store.insert("metrics", {"ts": [1], "value": [1.0, 2.0]})


def test_a_backfill_of_years_is_one_insert(store: Store) -> None:
    months = (NOW - MONTH * np.arange(48)) * 1000
    assert store.insert("complaints", {"ts": months, "id": [f"m{i}" for i in range(48)], "text": ["慢"] * 48}) == 48
    days = (NOW - 86400 * np.arange(200)) * 1000
    assert store.insert("metrics", {"ts": days, "service": ["pay"] * 200, "value": np.arange(200.0)}) == 200
    assert store.rows("SELECT count(), uniq(toYYYYMM(ts)) FROM complaints WHERE startsWith(id, 'm')") == [(48, 48)]


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nothing", "SELECT 1 FROM no_table", "SELECT {p:UInt8}"])
def test_a_wrong_query_is_a_store_error_in_one_line(store: Store, sql: str) -> None:
    with pytest.raises(StoreError) as caught:
        store.rows(sql, {"p": "x"})
    assert "\n" not in str(caught.value) and "Stack trace" not in str(caught.value)
    assert store.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    "column", [{"value": ["much"]}, {"value": [None]}, {"ts": ["yesterday"]}, {"service": [5]}, {"nonsense": [1]}]
)
def test_data_that_does_not_fit_is_a_store_error(store: Store, column: dict[str, list[object]]) -> None:
    with pytest.raises(StoreError):
        store.insert("metrics", {"ts": [NOW * 1000], "service": ["pay"], "value": [1.0], **column})
    assert store.rows("SELECT 1") == [(1,)]


def test_wrong_credentials_are_a_store_error(settings: Settings) -> None:
    access = msgspec.structs.replace(settings.clickhouse_access("writer"), password="wrong")
    with pytest.raises(StoreError, match="Authentication failed"):
        Store(access).rows("SELECT 1")


def test_a_server_that_died_is_unavailable_and_then_used_again(store: Store, parts: Parts) -> None:
    assert store.rows("SELECT 1") == [(1,)]
    parts.kill_clickhouse()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=f":{store.access.port}"):
                store.insert("changes", {"ts": [1000], "id": ["x"]})
    finally:
        parts.start_clickhouse()
    assert store.insert("changes", {"ts": [NOW * 1000], "id": ["after"]}) == 1


def test_a_server_killed_in_a_query_is_unavailable(store: Store, parts: Parts) -> None:
    killer = threading.Timer(0.3, parts.kill_clickhouse)
    killer.start()
    try:
        with pytest.raises(StoreUnavailable):
            store.rows("SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_block_size = 1")
    finally:
        killer.join()
        parts.start_clickhouse()
    assert store.rows("SELECT 1") == [(1,)]


def test_plain_text_where_tls_is_expected_is_unavailable(settings: Settings) -> None:
    access = msgspec.structs.replace(settings.clickhouse_access("writer"), secure=True)
    with pytest.raises(StoreUnavailable):
        Store(access).rows("SELECT 1")


@pytest.fixture
def tls(settings: Settings, tmp_path: Path) -> Iterator[ClickHouseAccess]:
    """The server behind TLS, its certificate for localhost alone: the embedded one opens no TLS port itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    plain = settings.clickhouse_access("writer")
    loop = asyncio.new_event_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(plain.host, plain.port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "localhost", 0, ssl=context, family=socket.AF_INET))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = server.sockets[0].getsockname()[1]
    yield msgspec.structs.replace(plain, host="localhost", port=port, secure=True, ca_file=str(tmp_path / "ca.pem"))
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_tls_with_its_own_authority(store: Store, tls: ClickHouseAccess) -> None:
    secure = Store(tls)
    assert secure.insert("changes", {"ts": [NOW * 1000], "id": ["over tls"]}) == 1
    assert secure.rows("SELECT count() FROM changes WHERE id = 'over tls'") == [(1,)]
    secure.close()
    for wrong in (msgspec.structs.replace(tls, ca_file=""), msgspec.structs.replace(tls, host="127.0.0.1")):
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            Store(wrong).rows("SELECT 1")
