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

from streams.endpoints import (
    EMBEDDED_USERS,
    ROLES,
    ClickHouseAccess,
    Endpoints,
    KafkaAccess,
    is_address,
    read_endpoints,
)
from streams.environment import Environment, SettingError

__all__ = [
    "EMBEDDED_USERS",
    "ROLES",
    "ClickHouseAccess",
    "Endpoints",
    "KafkaAccess",
    "SettingError",
    "Settings",
    "child_environment",
    "load",
    "read_endpoints",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that may differ between installations."""

    home: Path
    cache: Path
    java: str  # a Java runtime to use for the embedded Kafka instead of the packaged one
    kafka: KafkaAccess | None
    clickhouse: Mapping[str, ClickHouseAccess]
    services_file: Path | None
    lexicon_file: Path | None  # the user's own lexicon; without it the shipped one
    models: Path  # folder of models trained on one's own labels; any of them may be absent
    rules_file: Path | None
    timezone: ZoneInfo
    country: str  # whose public holidays count (ISO 3166); '' for none
    language: str
    retention_days: int
    group: str  # Kafka consumer group of the workers
    cycle_seconds: float  # between two looks for incidents
    store_patience: float  # seconds a worker waits for ClickHouse before it stops
    partitions: int  # of a topic that carries masses, when it is created
    replication: int  # of a topic, when it is created
    dingtalk_webhook: str
    dingtalk_secret: str
    token_key: str  # makes personal identifiers into tokens that cannot be tried out
    grafana_url: str
    grafana_token: str
    gateway_token: str

    def kafka_access(self) -> KafkaAccess:
        """Kafka, or SettingError when neither HUIYIN_BROKER nor a running `./huiyin up` names one."""
        if self.kafka is None:
            raise SettingError("no Kafka: start ./huiyin up, or set HUIYIN_BROKER=host:port")
        return self.kafka

    def clickhouse_access(self, role: str) -> ClickHouseAccess:
        """ClickHouse as `role` (one of ROLES), or SettingError when none is known."""
        if role not in self.clickhouse:
            raise SettingError(f"no ClickHouse for {role}: start ./huiyin up, or set HUIYIN_CLICKHOUSE_{role.upper()}")
        return self.clickhouse[role]


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment and the data folder. Raises SettingError naming the variable."""
    env = Environment(os.environ if environment is None else environment)
    home = Path(env.text("HOME", ".huiyin")).absolute()
    endpoints = read_endpoints(home / "endpoints.json")
    services = env.text("SERVICES", "services.yaml" if Path("services.yaml").exists() else "")
    rules = env.text("RULES", "rules.yaml" if Path("rules.yaml").exists() else "")
    lexicon = env.text("LEXICON", "")
    return Settings(
        home=home,
        cache=Path(env.text("CACHE", str(Path.home() / ".cache" / "huiyin"))),
        java=env.text("JAVA", ""),
        kafka=_kafka(env, endpoints),
        clickhouse={role: access for role in ROLES if (access := _clickhouse(env, role, endpoints))},
        services_file=Path(services) if services else None,
        lexicon_file=Path(lexicon) if lexicon else None,
        models=Path(env.text("MODELS", str(home / "models"))),
        rules_file=Path(rules) if rules else None,
        timezone=_timezone(env.text("TIMEZONE", "Asia/Shanghai")),
        country=env.text("COUNTRY", "CN"),
        language=env.choice("LANGUAGE", "zh", ("zh", "en")),
        retention_days=env.integer("RETENTION_DAYS", 90),
        group=env.text("GROUP", "huiyin"),
        cycle_seconds=env.seconds("CYCLE_SECONDS", 5),
        store_patience=env.seconds("STORE_PATIENCE", 300),
        partitions=env.integer("PARTITIONS", 4),
        replication=env.integer("REPLICATION", 1),
        dingtalk_webhook=env.secret("DINGTALK_WEBHOOK"),
        dingtalk_secret=env.secret("DINGTALK_SECRET"),
        token_key=env.secret("TOKEN_KEY"),
        grafana_url=env.mapping.get("GRAFANA_URL", ""),
        grafana_token=env.mapping.get("GRAFANA_TOKEN", ""),
        gateway_token=env.secret("GATEWAY_TOKEN"),
    )


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: this one's without any HUIYIN_ setting, and `ours` in their place."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIYIN_")} | dict(ours)


def _kafka(env: Environment, endpoints: Endpoints | None) -> KafkaAccess | None:
    broker = env.text("BROKER", endpoints.broker if endpoints else "")
    if not broker:
        return None
    if not all(map(is_address, broker.split(","))):
        raise SettingError(f"HUIYIN_BROKER={broker}: expected host:port, or several with commas between")
    security = env.choice("KAFKA_SECURITY", "PLAINTEXT", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"))
    if security.startswith("SASL") and not (env.text("KAFKA_USER", "") and env.secret("KAFKA_PASSWORD")):
        raise SettingError(f"HUIYIN_KAFKA_SECURITY={security} needs HUIYIN_KAFKA_USER and HUIYIN_KAFKA_PASSWORD")
    return KafkaAccess(
        broker=broker,
        security=security,
        mechanism=env.choice("KAFKA_MECHANISM", "PLAIN", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
        user=env.text("KAFKA_USER", ""),
        password=env.secret("KAFKA_PASSWORD"),
        ca_file=env.text("KAFKA_CA_FILE", ""),
        certificate_file=env.text("KAFKA_CERTIFICATE_FILE", ""),
        key_file=env.text("KAFKA_KEY_FILE", ""),
    )


def _clickhouse(env: Environment, role: str, endpoints: Endpoints | None) -> ClickHouseAccess | None:
    """HUIYIN_CLICKHOUSE_<ROLE>=clickhouse[s]://user:password@host:port/database?ca_file=…, else the embedded one."""
    name = f"CLICKHOUSE_{role.upper()}"
    url = env.secret(name)
    database = env.text("DATABASE", "huiyin")
    if not url:
        if endpoints is None or role not in endpoints.passwords:
            return None
        return ClickHouseAccess(
            host=endpoints.clickhouse_host,
            port=endpoints.clickhouse_port,
            user=EMBEDDED_USERS[role],
            password=endpoints.passwords[role],
            database=database,
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("clickhouse", "clickhouses"):
        raise SettingError(f"HUIYIN_{name}: expected clickhouse[s]://user:password@host:port/database")
    secure = parts.scheme == "clickhouses"
    return ClickHouseAccess(
        host=host,
        port=port or (9440 if secure else 9000),
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
