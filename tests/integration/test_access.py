"""External servers through settings alone: Kafka over SASL and TLS, ClickHouse over TLS, each real."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams import config
from streams.broker import client_options, faust_options
from streams.config import Endpoints, KafkaAccess, SettingError, Settings
from streams.local import kafka
from streams.local.endpoints import free_ports
from streams.local.parts import Parts
from streams.local.process import stop
from streams.store.client import Store, StoreUnavailable

pytestmark = pytest.mark.integration
PASSWORD = "correct horse battery's staple"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca.pem), and certificates of 127.0.0.1 and of a client signed by it (*.pem, *.key)."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl makes the certificates and is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*make, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"], cwd=folder, check=True, capture_output=True
    )
    for name in ("server", "client"):
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]
        files = ["-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run([*make, *signed, *files], cwd=folder, check=True, capture_output=True)
    (folder / "server-all.pem").write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
    return folder


@pytest.fixture(scope="module")
def listeners(parts: Parts, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A Kafka of its own with a listener for each way in: its name → host:port."""
    home = tmp_path_factory.mktemp("secured")
    plain, controller, *ports = free_ports(5)
    endpoints = Endpoints(
        broker=f"127.0.0.1:{plain}",
        kafka_controller_port=controller,
        clickhouse_host="127.0.0.1",
        clickhouse_port=1,
        clickhouse_http_port=2,
        passwords=parts.endpoints.passwords,
    )
    protocols = {"SASLPLAIN": "SASL_PLAINTEXT", "SASLTLS": "SASL_SSL", "TLS": "SSL"}
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="{PASSWORD}";'
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    settings = [
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256",
        f"listener.name.saslplain.plain.sasl.jaas.config={login}",
        f"listener.name.saslplain.scram-sha-256.sasl.jaas.config={scram}",
        f"listener.name.sasltls.plain.sasl.jaas.config={login}",
        f"listener.name.sasltls.scram-sha-256.sasl.jaas.config={scram}",
        f"ssl.keystore.type=PEM\nssl.keystore.location={certificates / 'server-all.pem'}",
        f"ssl.truststore.type=PEM\nssl.truststore.location={certificates / 'ca.pem'}",
        "listener.name.tls.ssl.client.auth=required",
    ]
    extra = {name: (port, protocol) for (name, protocol), port in zip(protocols.items(), ports, strict=True)}
    properties = kafka.properties(home, endpoints, extra, "\n".join(settings))
    format_options = {"--add-scram": f'SCRAM-SHA-256=[name=alice,password="{PASSWORD}"]'}
    part = kafka.launch_with(home, parts.cache, properties, options=format_options)
    try:
        kafka.wait(part, endpoints)
        yield {name: f"127.0.0.1:{port}" for name, (port, _) in extra.items()}
    finally:
        stop(part)


def access(listeners: Mapping[str, str], certificates: Path, name: str, **changed: str) -> KafkaAccess:
    """What config makes of the environment a user would set for this way in."""
    sasl = {"USER": "alice", "PASSWORD": PASSWORD}
    ca = {"CA_FILE": str(certificates / "ca.pem")}
    ways: Mapping[str, Mapping[str, str]] = {
        "plain": {"BROKER": listeners["SASLPLAIN"], "SECURITY": "SASL_PLAINTEXT", **sasl},
        "scram": {"BROKER": listeners["SASLPLAIN"], "SECURITY": "SASL_PLAINTEXT", "MECHANISM": "SCRAM-SHA-256", **sasl},
        "tls, plain": {"BROKER": listeners["SASLTLS"], "SECURITY": "SASL_SSL", **sasl, **ca},
        "tls, scram": {"BROKER": listeners["SASLTLS"], "SECURITY": "SASL_SSL", "MECHANISM": "SCRAM-SHA-256", **sasl, **ca},
        "tls, certificate": {
            "BROKER": listeners["TLS"],
            "SECURITY": "SSL",
            "CERTIFICATE_FILE": str(certificates / "client.pem"),
            "KEY_FILE": str(certificates / "client.key"),
            **ca,
        },
    }
    way = {**ways[name], **changed}
    environment = {"HUIYIN_BROKER": way.pop("BROKER"), **{f"HUIYIN_KAFKA_{key}": value for key, value in way.items()}}
    return config.load({"HUIYIN_HOME": "/nonexistent", **environment}).kafka_access()


WAYS = ("plain", "scram", "tls, plain", "tls, scram", "tls, certificate")


@pytest.mark.parametrize("way", WAYS)
def test_kafka_lets_both_clients_in(listeners: Mapping[str, str], certificates: Path, way: str) -> None:
    used = access(listeners, certificates, way)
    topic = f"secured-{WAYS.index(way)}"
    with KafkaAdminClient(**client_options(used)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    asyncio.run(send_by_faust(used, topic))
    with KafkaAdminClient(**client_options(used)) as admin:
        assert topic in admin.list_topics()


async def send_by_faust(used: KafkaAccess, topic: str) -> None:
    import faust

    app = faust.App("access", **faust_options(used), datadir="/nonexistent")
    producer = app.transport.create_producer()
    await producer.start()
    try:
        sent = await producer.send_and_wait(topic, None, b"x", None, None, {})
        assert sent.offset == 0
    finally:
        await producer.stop()


# kafka-python 3.0.12 leaves the socket of a failed TLS handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("way", "wrong"),
    [
        ("plain", {"PASSWORD": "x"}),
        ("tls, scram", {"PASSWORD": "x"}),
        ("tls, plain", {"CA_FILE": ""}),
        ("tls, certificate", {"CERTIFICATE_FILE": ""}),
    ],
)
def test_kafka_refuses_what_is_wrong(listeners: Mapping[str, str], certificates: Path, way: str, wrong: dict[str, str]) -> None:
    used = access(listeners, certificates, way, **wrong)
    with pytest.raises((KafkaError, OSError)), KafkaAdminClient(**client_options(used), bootstrap_timeout_ms=3000) as admin:
        admin.list_topics()
    gc.collect()


def test_a_certificate_file_that_is_none_is_named(listeners: Mapping[str, str], certificates: Path) -> None:
    with pytest.raises(SettingError, match=r"ca\.key"):
        client_options(access(listeners, certificates, "tls, plain", CA_FILE=str(certificates / "ca.key")))


@asynccontextmanager
async def tls_before(host: str, port: int, certificates: Path) -> AsyncIterator[int]:
    """A port that ends TLS and passes on to host:port: the embedded engine has no TLS listener of its own."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server-all.pem")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection(host, port)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
            target.close()

        await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_clickhouse_over_tls(settings: Settings, certificates: Path) -> None:
    reader = settings.clickhouse_access("reader")

    def ask(port: int, scheme: str, ca: str) -> object:
        url = f"{scheme}://{reader.user}:{reader.password}@127.0.0.1:{port}/system?ca_file={ca}"
        store = Store(config.load({"HUIYIN_HOME": "/nonexistent", "HUIYIN_CLICKHOUSE_READER": url}).clickhouse_access("reader"))
        try:
            return store.rows("SELECT 1 + 1")
        finally:
            store.close()

    async with tls_before(reader.host, reader.port, certificates) as port:
        assert await asyncio.to_thread(ask, port, "clickhouses", str(certificates / "ca.pem")) == [(2,)]
        with pytest.raises(StoreUnavailable):
            await asyncio.to_thread(ask, port, "clickhouses", str(certificates / "client.pem"))
        with pytest.raises(StoreUnavailable):
            await asyncio.to_thread(ask, port, "clickhouse", "")
