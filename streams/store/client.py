"""ClickHouse as the application uses it: SQL and columns in, rows or columns out, two kinds of error.

One driver for the embedded and an external server: clickhouse-driver over the native protocol, lz4 on the wire, TLS by
setting. Values reach SQL only as server-side parameters (`{name:Type}`), never by substitution into the text.
"""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from clickhouse_driver import Client, errors
from clickhouse_driver.errors import ErrorCodes as Code
from numpy.typing import NDArray

from streams.config import ClickHouseAccess

Column = Sequence[Any] | NDArray[Any]


class StoreUnavailable(Exception):
    """ClickHouse could not be reached or could not do it now (refused, reset, timeout, overloaded): try again later."""


class StoreError(Exception):
    """ClickHouse refused: the query, the data or the credentials are wrong, and trying again will not help."""


_MISSING: Final = (Code.UNKNOWN_DATABASE, Code.UNKNOWN_TABLE)
# Server refusals that pass with time. Numbers: codes that the driver has no name for (src/Common/ErrorCodes.cpp).
_PASSING: Final = frozenset(
    {
        *(Code.TIMEOUT_EXCEEDED, Code.TOO_MANY_SIMULTANEOUS_QUERIES, Code.MEMORY_LIMIT_EXCEEDED, Code.NOT_ENOUGH_SPACE),
        *(Code.SOCKET_TIMEOUT, Code.NETWORK_ERROR, Code.ALL_CONNECTION_TRIES_FAILED, Code.QUERY_WAS_CANCELLED, Code.ABORTED),
        *(Code.TABLE_IS_READ_ONLY, Code.TOO_MANY_PARTS, Code.UNKNOWN_STATUS_OF_INSERT, Code.KEEPER_EXCEPTION, Code.NO_ZOOKEEPER),
        *(Code.TOO_LESS_LIVE_REPLICAS, Code.UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE),
        734,  # QUERY_WAS_CANCELLED_BY_CLIENT
    }
)
_NUMBERS: Final = re.compile(r"(?:LowCardinality\()?(U?Int(?:8|16|32|64)|Float32|Float64)\)?")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# The driver logs each failed connection with a traceback; the caller gets the exception. A configured logger still sees it.
logging.getLogger("clickhouse_driver").addHandler(logging.NullHandler())


def identifier(name: str) -> str:
    """A table, column or database name, quoted for SQL. Raises StoreError unless it is a plain identifier."""
    if not _IDENTIFIER.fullmatch(name):
        raise StoreError(f"not a plain identifier: {name!r}")
    return f"`{name}`"


class Store:
    """One connection as one role, opened when first needed and again after a failure. For one thread."""

    def __init__(self, access: ClickHouseAccess) -> None:
        self.access = access
        options: dict[str, Any] = {"ca_certs": access.ca_file} if access.ca_file else {}
        # The plain client, not use_numpy: measured on 200,000 metric points, lists insert at 820,000 to 850,000 rows/s
        # against 640,000 for object arrays, reading 1,000,000 rows takes 0.19 s against 0.06 s, and pandas, which the numpy
        # client imports, costs 77 MB in every process.
        self._client = Client(
            access.host,
            port=access.port,
            user=access.user,
            password=access.password,
            database=access.database,
            secure=access.secure,
            compression="lz4",
            client_name="huiyin",
            connect_timeout=5,
            send_receive_timeout=60,  # seconds of silence: a running query reports progress every 0.1 s
            tcp_keepalive=True,
            settings={
                "server_side_params": True,
                "network_compression_method": "LZ4",  # servers ≥ 26 answer in ZSTD otherwise
                "max_partitions_per_insert_block": 0,  # a backfill of years is months of partitions in one insert
            },
            **options,
        )

    @property
    def database(self) -> str:
        """The database that unqualified table names mean."""
        return self.access.database

    def rows(self, sql: str, parameters: Mapping[str, Any] = {}) -> list[tuple[Any, ...]]:
        """The result's rows. Raises StoreUnavailable or StoreError."""
        result: list[tuple[Any, ...]] = self._run(sql, dict(parameters))
        return result

    def columns(self, sql: str, parameters: Mapping[str, Any] = {}) -> list[Column]:
        """The result's columns: numbers as arrays of their own type, everything else as a sequence. Errors as `rows`."""
        data, types = self._run(sql, dict(parameters), columnar=True, with_column_types=True)
        if not data:
            data = [()] * len(types)
        return [_column(values, kind) for values, (_, kind) in zip(data, types, strict=True)]

    def execute(self, sql: str, parameters: Mapping[str, Any] = {}) -> None:
        """Run a statement for its effect. Errors as `rows`."""
        self._run(sql, dict(parameters))

    def insert(self, table: str, columns: Mapping[str, Column]) -> int:
        """Store columns of equal length; the number of rows. Nothing happens when they are empty.

        Times go as epoch integers in the column's unit (ms for DateTime64(3), s for DateTime), as datetime64, or as aware
        datetimes. One insert is one block a partition: on error or kill any of them may already be stored, so send it again.
        """
        sizes = {len(values) for values in columns.values()}
        if len(sizes) > 1:
            raise StoreError(f"{table}: columns differ in length: { {name: len(v) for name, v in columns.items()} }")
        if not columns or not sizes.pop():
            return 0
        names = ", ".join(map(identifier, columns))
        inserted: int = self._run(
            f"INSERT INTO {identifier(table)} ({names}) VALUES", [_plain(values) for values in columns.values()], columnar=True
        )
        return inserted

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._client.disconnect()

    def _run(self, sql: str, parameters: Any, **options: Any) -> Any:
        try:
            return self._client.execute(sql, parameters, **options)
        except errors.ServerException as error:
            kind = StoreUnavailable if error.code in _PASSING else StoreError
            raise kind(_reason(error) + ("; run ./huiyin migrate" if error.code in _MISSING else "")) from error
        except (errors.TypeMismatchError, errors.UnknownTypeError, errors.CannotParseUuidError) as error:
            raise StoreError(_reason(error)) from error
        except (errors.Error, OSError, EOFError) as error:
            raise StoreUnavailable(f"ClickHouse at {self.access.host}:{self.access.port}: {_reason(error)}") from error
        except (TypeError, ValueError, AttributeError, struct.error) as error:
            raise StoreError(f"data does not fit: {error}") from error


def _column(values: Sequence[Any], kind: str) -> Column:
    number = _NUMBERS.fullmatch(kind)
    return np.array(values, dtype=number[1].lower()) if number else values


def _plain(values: Column) -> list[Any] | tuple[Any, ...]:
    """What the driver takes fastest: a list. A datetime64 array goes as its integers: ms unless it counts seconds."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            values = values.view(np.int64)
        plain: list[Any] = values.tolist()
        return plain
    return values if isinstance(values, (list, tuple)) else list(values)


def _reason(error: Exception) -> str:
    """The server's reason in a line, without its stack trace."""
    text = re.sub(r"^Code: \d+\.\s*|DB::Exception: ", "", str(error)).split("Stack trace")[0]
    return " ".join(text.split()).rstrip(".") or type(error).__name__
