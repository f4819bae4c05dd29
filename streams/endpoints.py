"""How to reach Kafka and ClickHouse: the records that say it, and what `./huiyin up` wrote down of its parts."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from streams.environment import SettingError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/,\[\]]+):(\d{1,5})")
ROLES = ("admin", "writer", "reader", "gateway", "grafana_ro")
# The embedded server's user of each role; an external one is named in its URL.
EMBEDDED_USERS = {"admin": "huiyin_admin"} | {role: role for role in ROLES[1:]}


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
    """What `./huiyin up` records: where the embedded parts answer, and as whom (file mode 600).

    A role without a password is not known to the server; the next `up` makes one.
    """

    broker: str
    kafka_controller_port: int
    clickhouse_host: str
    clickhouse_port: int
    clickhouse_http_port: int
    passwords: dict[str, str]

    def __post_init__(self) -> None:
        if not is_address(self.broker):
            raise ValueError(f"broker {self.broker!r} is not host:port")


def is_address(text: str) -> bool:
    """Whether it is host:port; an IPv6 host stands in brackets."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match[2]) < 65536


def read_endpoints(path: Path) -> Endpoints | None:
    """What the embedded parts recorded, or None when they never ran here. Raises SettingError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SettingError(f"{path}: {error}; remove it and run ./huiyin up again") from error
