"""Settings, read once. The only module that reads the environment.

Order: the environment, then what `./huiyin up` recorded in the data folder (endpoints.json), then defaults. A secret may
be given as NAME or as NAME_FILE (a path to a file that holds it).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec


class SettingError(ValueError):
    """A setting is missing or wrong; the message names it."""


class KafkaAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach Kafka. `security` is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""

    broker: str
    security: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    user: str = ""
    password: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class ClickHouseAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How one role reaches ClickHouse."""

    host: str
    port: int
    user: str
    password: str
    database: str = "huiyin"
    secure: bool = False
    ca_file: str = ""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What `./huiyin up` records: where the embedded parts answer, and as whom (file mode 600)."""

    broker: str
    clickhouse_host: str
    clickhouse_port: int
    clickhouse_http_port: int
    passwords: dict[str, str]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that may differ between installations."""

    home: Path
    cache: Path
    kafka: KafkaAccess | None
    clickhouse: Mapping[str, ClickHouseAccess]
    services_file: Path | None
    timezone: ZoneInfo
    language: str
    retention_days: int
    dingtalk_webhook: str
    dingtalk_secret: str
    inbox: str
    grafana_url: str
    grafana_token: str

    def kafka_access(self) -> KafkaAccess:
        """Kafka, or SettingError when neither HUIYIN_BROKER nor a running `./huiyin up` names one."""
        if self.kafka is None:
            raise SettingError("no Kafka: start ./huiyin up, or set HUIYIN_BROKER=host:port")
        return self.kafka

    def clickhouse_access(self, role: str) -> ClickHouseAccess:
        """ClickHouse as `role` (admin, writer, reader, grafana_ro), or SettingError when none is known."""
        if role not in self.clickhouse:
            raise SettingError(f"no ClickHouse for {role}: start ./huiyin up, or set HUIYIN_CLICKHOUSE_{role.upper()}")
        return self.clickhouse[role]


ROLES = ("admin", "writer", "reader", "grafana_ro")
# The embedded server's user of each role; an external one is named in its URL.
EMBEDDED_USERS = {"admin": "huiyin_admin", "writer": "writer", "reader": "reader", "grafana_ro": "grafana_ro"}


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment and the data folder. Raises SettingError naming the variable."""
    env = _Environment(os.environ if environment is None else environment)
    home = Path(env.text("HOME", ".huiyin")).absolute()
    endpoints = _endpoints(home / "endpoints.json")
    services = env.text("SERVICES", "services.yaml" if Path("services.yaml").exists() else "")
    return Settings(
        home=home,
        cache=Path(env.text("CACHE", str(Path.home() / ".cache" / "huiyin"))),
        kafka=_kafka(env, endpoints),
        clickhouse={role: access for role in ROLES if (access := _clickhouse(env, role, endpoints))},
        services_file=Path(services) if services else None,
        timezone=_timezone(env.text("TIMEZONE", "Asia/Shanghai")),
        language=env.choice("LANGUAGE", "zh", ("zh", "en")),
        retention_days=env.integer("RETENTION_DAYS", 90),
        dingtalk_webhook=env.secret("DINGTALK_WEBHOOK"),
        dingtalk_secret=env.secret("DINGTALK_SECRET"),
        inbox=env.text("INBOX", ""),
        grafana_url=env.mapping.get("GRAFANA_URL", ""),
        grafana_token=env.mapping.get("GRAFANA_TOKEN", ""),
    )


class _Environment:
    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = mapping

    def text(self, name: str, default: str) -> str:
        return self.mapping.get(f"HUIYIN_{name}", default)

    def secret(self, name: str) -> str:
        path = self.mapping.get(f"HUIYIN_{name}_FILE")
        if not path:
            return self.text(name, "")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"HUIYIN_{name}_FILE={path}: {error.strerror}") from error

    def integer(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        try:
            return int(value)
        except ValueError as error:
            raise SettingError(f"HUIYIN_{name}={value}: not a whole number") from error

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise SettingError(f"HUIYIN_{name}={value}: one of {', '.join(allowed)}")
        return value


def _endpoints(path: Path) -> Endpoints | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise SettingError(f"{path}: {error}; remove it and run ./huiyin up again") from error


def _kafka(env: _Environment, endpoints: Endpoints | None) -> KafkaAccess | None:
    broker = env.text("BROKER", endpoints.broker if endpoints else "")
    if not broker:
        return None
    return KafkaAccess(
        broker=broker,
        security=env.choice("KAFKA_SECURITY", "PLAINTEXT", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
        mechanism=env.choice("KAFKA_MECHANISM", "PLAIN", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
        user=env.text("KAFKA_USER", ""),
        password=env.secret("KAFKA_PASSWORD"),
        ca_file=env.text("KAFKA_CA_FILE", ""),
        certificate_file=env.text("KAFKA_CERTIFICATE_FILE", ""),
        key_file=env.text("KAFKA_KEY_FILE", ""),
    )


def _clickhouse(env: _Environment, role: str, endpoints: Endpoints | None) -> ClickHouseAccess | None:
    """HUIYIN_CLICKHOUSE_<ROLE>=clickhouse[s]://user:password@host:port/database?ca_file=…, else the embedded one."""
    name = f"CLICKHOUSE_{role.upper()}"
    url = env.secret(name)
    database = env.text("DATABASE", "huiyin")
    if not url:
        if endpoints is None:
            return None
        user, password = EMBEDDED_USERS[role], endpoints.passwords[role]
        host, port = endpoints.clickhouse_host, endpoints.clickhouse_port
        return ClickHouseAccess(host=host, port=port, user=user, password=password, database=database)
    parts = urlsplit(url)
    if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname:
        raise SettingError(f"HUIYIN_{name}: expected clickhouse[s]://user:password@host:port/database")
    secure = parts.scheme == "clickhouses"
    return ClickHouseAccess(
        host=parts.hostname,
        port=parts.port or (9440 if secure else 9000),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or database,
        secure=secure,
        ca_file=dict(parse_qsl(parts.query)).get("ca_file", ""),
    )


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingError(f"HUIYIN_TIMEZONE={name}: no such time zone") from error
