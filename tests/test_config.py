"""Settings: what the environment and the data folder give, and how a wrong one is named."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams import config
from streams.config import ClickHouseAccess, Endpoints, KafkaAccess, SettingError

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
PASSWORDS = {role: f"secret-{role}" for role in config.ROLES}
UP = Endpoints(
    broker="127.0.0.1:41000",
    kafka_controller_port=41001,
    clickhouse_host="127.0.0.1",
    clickhouse_port=41002,
    clickhouse_http_port=41003,
    passwords=PASSWORDS,
)


def test_without_anything_both_are_missing_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    settings = config.load({"HUIYIN_HOME": str(tmp_path)})
    with pytest.raises(SettingError, match=r"\./huiyin up.*HUIYIN_BROKER"):
        settings.kafka_access()
    with pytest.raises(SettingError, match="HUIYIN_CLICKHOUSE_WRITER"):
        settings.clickhouse_access("writer")


def test_the_embedded_parts_are_found_by_their_record_and_the_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_bytes(msgspec.json.encode(UP))
    home = {"HUIYIN_HOME": str(tmp_path)}
    settings = config.load({**home, "HUIYIN_DATABASE": "huiyin_a"})
    assert settings.kafka_access() == KafkaAccess(broker="127.0.0.1:41000")
    assert settings.clickhouse_access("admin") == ClickHouseAccess(
        host="127.0.0.1", port=41002, user="huiyin_admin", password="secret-admin", database="huiyin_a"
    )
    own = config.load(
        {**home, "HUIYIN_BROKER": "a:9092,[::1]:9093", "HUIYIN_CLICKHOUSE_READER": "clickhouses://u%40x:p%2F@h/d?ca_file=/ca.pem"}
    )
    assert own.kafka_access().broker == "a:9092,[::1]:9093"
    assert own.clickhouse_access("reader") == ClickHouseAccess(
        host="h", port=9440, user="u@x", password="p/", database="d", secure=True, ca_file="/ca.pem"
    )
    assert own.clickhouse_access("writer").port == 41002


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    sasl = {"HUIYIN_BROKER": "k:1", "HUIYIN_KAFKA_SECURITY": "SASL_SSL", "HUIYIN_KAFKA_USER": "u"}
    settings = config.load({**sasl, "HUIYIN_KAFKA_PASSWORD_FILE": str(tmp_path / "password"), "HUIYIN_HOME": str(tmp_path)})
    assert settings.kafka_access().password == "hunter2"
    with pytest.raises(SettingError, match=r"HUIYIN_KAFKA_PASSWORD_FILE=.*No such file"):
        config.load({**sasl, "HUIYIN_KAFKA_PASSWORD_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUIYIN_BROKER", "kafka"),
        ("HUIYIN_BROKER", "kafka:9092,"),
        ("HUIYIN_BROKER", "kafka:65536"),
        ("HUIYIN_BROKER", "kafka://k:9092"),
        ("HUIYIN_LANGUAGE", "fr"),
        ("HUIYIN_TIMEZONE", "Mars/Olympus"),
        ("HUIYIN_TIMEZONE", "/etc/passwd"),
        ("HUIYIN_RETENTION_DAYS", "ninety"),
        ("HUIYIN_RETENTION_DAYS", "0"),
        ("HUIYIN_CLICKHOUSE_WRITER", "http://h:8123"),
        ("HUIYIN_CLICKHOUSE_WRITER", "clickhouse://u:hunter2@h:port/d"),
        ("HUIYIN_CLICKHOUSE_WRITER", "clickhouse://u:hunter2@[h/d"),
    ],
)
def test_a_wrong_setting_is_named_and_a_password_is_not_shown(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}") as error:
        config.load({"HUIYIN_HOME": str(tmp_path), name: value})
    assert "hunter2" not in str(error.value)


def test_sasl_without_a_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="needs HUIYIN_KAFKA_USER and HUIYIN_KAFKA_PASSWORD"):
        config.load({"HUIYIN_HOME": str(tmp_path), "HUIYIN_BROKER": "k:1", "HUIYIN_KAFKA_SECURITY": "SASL_PLAINTEXT"})


@given(st.binary() | st.from_type(dict[str, int]).map(msgspec.json.encode))
def test_any_corrupt_record_is_one_setting_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("home") / "endpoints.json"
    path.write_bytes(content)
    with pytest.raises(SettingError, match="remove it and run"):
        config.read_endpoints(path)


def test_a_role_that_the_record_has_no_password_for_is_unknown(tmp_path: Path) -> None:
    record = msgspec.to_builtins(UP) | {"passwords": {"admin": "x"}}
    (tmp_path / "endpoints.json").write_bytes(msgspec.json.encode(record))
    settings = config.load({"HUIYIN_HOME": str(tmp_path)})
    assert set(settings.clickhouse) == {"admin"}
    with pytest.raises(SettingError, match=r"no ClickHouse for gateway: start \./huiyin up"):
        settings.clickhouse_access("gateway")


def compose_environment(service: str) -> dict[str, str]:
    """A service's environment in compose.yaml, with the passwords of .env filled in."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return {name: re.sub(r"\$\{(\w+):[?-]\}", r"\1", value) for name, value in services[service]["environment"].items()}


def cluster_environment(name: str) -> dict[str, str]:
    """The environment of a Job or Deployment in kubernetes.yaml, with what its secret says in the comment."""
    text = (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")
    secret = dict(re.findall(r"--from-literal=([\w-]+)=(\S+)", text))
    documents = {(document["kind"], document["metadata"]["name"]): document for document in yaml.safe_load_all(text)}
    settings = documents.pop(("ConfigMap", "huiyin"))["data"]
    (found,) = [document for (kind, named), document in documents.items() if kind != "Service" and named == f"huiyin-{name}"]
    (container,) = found["spec"]["template"]["spec"]["containers"]
    own = {entry["name"]: secret[entry["valueFrom"]["secretKeyRef"]["key"]] for entry in container["env"]}
    return {**settings, **own}


@pytest.mark.parametrize("environment", [compose_environment("migrate"), cluster_environment("migrate")])
def test_the_deployments_name_every_role_by_the_user_that_the_embedded_server_has(environment: dict[str, str]) -> None:
    settings = config.load({"HUIYIN_HOME": "/nonexistent", **environment})
    assert settings.kafka_access().broker == "kafka:9092"
    assert {role: settings.clickhouse_access(role).user for role in config.ROLES} == config.EMBEDDED_USERS


@pytest.mark.parametrize("environment", [compose_environment("worker"), cluster_environment("worker")])
def test_a_deployed_worker_is_not_given_the_administrator(environment: dict[str, str]) -> None:
    settings = config.load({"HUIYIN_HOME": "/nonexistent", **environment})
    assert set(settings.clickhouse) == {"writer", "reader"}
    assert settings.kafka_access().security == environment.get("HUIYIN_KAFKA_SECURITY", "PLAINTEXT")


@pytest.mark.parametrize("environment", [compose_environment("gateway"), cluster_environment("gateway")])
def test_a_deployed_gateway_has_its_own_role_and_token_and_no_other(environment: dict[str, str]) -> None:
    settings = config.load({"HUIYIN_HOME": "/nonexistent", **environment})
    assert set(settings.clickhouse) == {"gateway"} and settings.gateway_token
