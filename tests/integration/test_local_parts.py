"""The embedded Kafka and ClickHouse: they answer, hold their roles apart, keep their data, and leave nothing running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from streams.config import ClickHouseAccess, Settings
from streams.local import jars
from streams.local.folder import AlreadyRunning
from streams.local.jars import JarsUnavailable
from streams.local.parts import Parts, started

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def query(access: ClickHouseAccess, sql: str, **options: object) -> list[tuple[object, ...]]:
    client = Client(access.host, port=access.port, user=access.user, password=access.password, **options)
    try:
        rows: list[tuple[object, ...]] = client.execute(sql)
        return rows
    finally:
        client.disconnect()


@pytest.fixture(scope="module")
def table(settings: Settings) -> str:
    admin = settings.clickhouse_access("admin")
    query(admin, f"CREATE DATABASE {admin.database}")
    query(admin, f"CREATE TABLE {admin.database}.t (n UInt32) ENGINE = MergeTree ORDER BY n")
    query(settings.clickhouse_access("writer"), f"INSERT INTO {admin.database}.t SELECT 1")
    return f"{admin.database}.t"


def test_each_role_may_read_and_only_the_writer_may_write(settings: Settings, table: str) -> None:
    for role in ("writer", "reader", "grafana_ro"):
        assert query(settings.clickhouse_access(role), f"SELECT min(n) FROM {table}") == [(1,)]
        for forbidden in (
            f"DROP TABLE {table}",
            f"TRUNCATE TABLE {table}",
            f"ALTER TABLE {table} DELETE WHERE 1",
            "CREATE DATABASE huiyin_x",
        ):
            with pytest.raises(ServerException, match=r"Not enough privileges|readonly"):
                query(settings.clickhouse_access(role), forbidden)
    for role in ("reader", "grafana_ro"):
        with pytest.raises(ServerException, match=r"Not enough privileges|readonly"):
            query(settings.clickhouse_access(role), f"INSERT INTO {table} SELECT 2")


def test_dashboards_cannot_lift_their_limits(settings: Settings) -> None:
    grafana = settings.clickhouse_access("grafana_ro")
    assert query(grafana, "SELECT 1", settings={"max_execution_time": 20}) == [(1,)]
    for name, value in (("max_execution_time", 600), ("max_execution_time", 0), ("readonly", 0), ("max_memory_usage", 0)):
        with pytest.raises(ServerException, match=r"readonly|shouldn't be (greater|less)"):
            query(grafana, "SELECT 1", settings={name: value})


def test_nobody_gets_in_without_a_password(settings: Settings) -> None:
    admin = settings.clickhouse_access("admin")
    for user, password in (("default", ""), ("default", "x"), ("huiyin_admin", ""), ("reader", "x")):
        with pytest.raises(ServerException, match=r"Authentication failed|session count"):
            query(ClickHouseAccess(host=admin.host, port=admin.port, user=user, password=password), "SELECT 1")


def read_all(broker: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=broker, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_bytes=20_000_000
    )
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        values: list[bytes] = []
        while consumer.position(partition) < end:
            values += [record.value for records in consumer.poll(timeout_ms=500).values() for record in records]
        return values
    finally:
        consumer.close()


def test_kafka_takes_large_and_old_records_and_makes_no_topic_by_itself(parts: Parts) -> None:
    broker = parts.endpoints.broker
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        admin.create_topics({"parts-large": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=broker, max_request_size=10_000_000, max_block_ms=3000)
    try:
        large = os.urandom(9_000_000)
        producer.send("parts-large", large, timestamp_ms=1_400_000_000_000).get(30)  # of 2014: replayed history
        with pytest.raises(KafkaError):
            producer.send("parts-misspelt", b"x").get(10)
    finally:
        producer.close()
    assert read_all(broker, "parts-large") == [large]
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        assert "parts-misspelt" not in admin.list_topics()


def test_both_keep_their_data_over_kill_9_and_answer_on_the_same_ports(parts: Parts, settings: Settings, table: str) -> None:
    broker = parts.endpoints.broker
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        admin.create_topics({"parts-kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=broker, acks="all")
    producer.send("parts-kept", b"before").get(10)
    producer.close()
    query(settings.clickhouse_access("writer"), f"INSERT INTO {table} SELECT 7")
    parts.kill_kafka()
    parts.kill_clickhouse()
    failure = parts.failure()
    assert failure is not None
    assert "Kafka ended (killed by SIGKILL)" in str(failure)
    assert str(parts.home / "logs" / "kafka.log") in str(failure)
    parts.start_kafka()
    parts.start_clickhouse()
    assert parts.failure() is None
    assert read_all(broker, "parts-kept") == [b"before"]
    assert query(settings.clickhouse_access("reader"), f"SELECT count() FROM {table} WHERE n = 7") == [(1,)]


def test_a_second_start_on_the_folder_is_refused(parts: Parts) -> None:
    with pytest.raises(AlreadyRunning, match=f"in use by process {os.getpid()}"), started(parts.home, parts.cache):
        pass


class Up:
    """`up` as a user runs it, in a process of its own."""

    def __init__(self, home: Path, cache: Path, *options: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HUIYIN_HOME": str(home), "HUIYIN_CACHE": str(cache)}
        self.home, self.environment = home, environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "up", *options],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_until_up(self) -> list[psutil.Process]:
        """The parts' processes."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("export HUIYIN_BROKER="):
                children = psutil.Process(self.process.pid).children(recursive=True)
                assert len(children) == 2
                return children
        raise AssertionError(self.end()[1])

    def end(self, sent: signal.Signals | None = None) -> tuple[int, str]:
        """Exit status, and what it said."""
        if sent:
            self.process.send_signal(sent)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "streams.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def gone() -> Iterator[list[psutil.Process]]:
    """Processes that must have ended when the test is over."""
    processes: list[psutil.Process] = []
    yield processes
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert not alive


def test_up_stops_when_told_when_a_part_dies_and_when_it_is_killed(
    parts: Parts, tmp_path: Path, gone: list[psutil.Process]
) -> None:
    up = Up(tmp_path, parts.cache)
    gone += up.wait_until_up()
    recorded = json.loads((tmp_path / "endpoints.json").read_bytes())
    for private in ("endpoints.json", "clickhouse/users.xml", "clickhouse/config.xml"):
        assert (tmp_path / private).stat().st_mode & 0o077 == 0
    assert recorded["passwords"]["admin"] not in (tmp_path / "clickhouse/users.xml").read_text()
    assert up.end(signal.SIGTERM) == (0, up_said(tmp_path, "running; Ctrl-C or ./huiyin down stops both\nstopped"))

    with socket.socket() as taken:  # a recorded port, now another program's
        taken.bind(("127.0.0.1", recorded["clickhouse_port"]))
        taken.listen()
        up = Up(tmp_path, parts.cache)
        processes = up.wait_until_up()
        gone += processes
    chosen = json.loads((tmp_path / "endpoints.json").read_bytes())
    assert chosen["clickhouse_port"] != recorded["clickhouse_port"]
    assert chosen["passwords"] == recorded["passwords"]
    clickhouse = next(process for process in processes if "clickhouse_engine" in " ".join(process.cmdline()))
    clickhouse.kill()
    status, said = up.end()
    assert status == 1
    assert f"Error: ClickHouse ended (killed by SIGKILL); see {tmp_path}/logs/clickhouse.log" in said

    up = Up(tmp_path, parts.cache)
    gone += up.wait_until_up()
    assert up.end(signal.SIGKILL)[0] == -signal.SIGKILL


def up_said(home: Path, last: str) -> str:
    endpoints = json.loads((home / "endpoints.json").read_bytes())
    starting = f"starting Kafka on {endpoints['broker']}\nstarting ClickHouse on 127.0.0.1:{endpoints['clickhouse_port']}\n"
    return f"formatting Kafka's data folder\n{starting}{last}\n"


def test_down_stops_a_detached_up(parts: Parts, tmp_path: Path, gone: list[psutil.Process]) -> None:
    up = Up(tmp_path, parts.cache, "--detach")
    status, said = up.end()
    assert status == 0, said
    keeper = psutil.Process(int((tmp_path / "lock").read_text()))
    gone += [keeper, *keeper.children(recursive=True)]
    assert len(gone) == 3
    again = up.run("up")
    assert again.returncode == 1
    assert again.stderr.startswith(f"Error: {tmp_path} is in use by process {keeper.pid}")
    assert up.run("down").returncode == 0
    assert up.run("down").stderr == f"nothing is running on {tmp_path}\n"


@pytest.mark.parametrize("content", [b"", b"{", b'{"broker": 1}'])
def test_up_refuses_a_corrupt_record_in_one_line(parts: Parts, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "endpoints.json").write_bytes(content)
    status, said = Up(tmp_path, parts.cache).end()
    assert status == 1
    assert said.startswith(f"Error: {tmp_path / 'endpoints.json'}: ")
    assert said.count("\n") == 1


def test_up_refuses_a_data_folder_it_cannot_write(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, said = Up(tmp_path / "file" / "home", parts.cache).end()
    assert (status, said) == (1, f"Error: the data folder {tmp_path / 'file' / 'home'} cannot be written: Not a directory\n")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served as the jar repository that jgo's own settings name."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "jgo.conf").write_text(f"[repositories]\nmirror = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
        yield folder
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_a_damaged_jar_is_fetched_anew_and_a_wrong_one_never_used(parts: Parts, tmp_path: Path, mirror: Path) -> None:
    shutil.copytree(parts.cache / "jars", tmp_path / "cache" / "jars")
    (damaged,) = (tmp_path / "cache" / "jars").glob("**/slf4j-api-*.jar")
    whole = damaged.read_bytes()
    offered = mirror / damaged.relative_to(tmp_path / "cache" / "jars")
    offered.parent.mkdir(parents=True)
    said: list[str] = []

    damaged.write_bytes(whole[:1000])  # an interrupted download
    with pytest.raises(JarsUnavailable, match=f"{damaged.name}: the jar repository does not have it"):
        jars.classpath(tmp_path / "cache", said.append)
    offered.write_bytes(whole + b"tampered")
    with pytest.raises(JarsUnavailable, match="SHA-256 differs"):
        jars.classpath(tmp_path / "cache", said.append)
    assert not damaged.exists()
    offered.write_bytes(whole)
    assert damaged in jars.classpath(tmp_path / "cache", said.append)
    assert damaged.read_bytes() == whole
    assert said == [f"fetching Kafka: jar 1 of 1, {damaged.name}"] * 3
    offered.unlink()
    assert len(jars.classpath(tmp_path / "cache", said.append)) == 46, "what is there and right needs no repository"
