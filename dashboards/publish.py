"""Publishing: dashboards and a data source in, a Grafana that shows them out. Saying it twice changes nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException
from niquests.exceptions import ConnectionError as Unreachable
from niquests.exceptions import RequestException

from dashboards.panels import DATASOURCE, Json

FOLDER_UID = "huiyin"


class PublishError(Exception):
    """Grafana could not be reached or refused; the message says which, in one line and without credentials."""


@dataclass(frozen=True)
class Source:
    """How Grafana itself reaches ClickHouse (native protocol), as a role that can only read."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = "huiyin"
    secure: bool = False


def publish(url: str, token: str, source: Source, dashboards: Mapping[str, Json], folder: str) -> list[str]:
    """Creates or updates the data source, the folder and the dashboards, each by its fixed uid; gives the dashboards' addresses.

    `token` may be empty when `url` holds user:password@. Raises PublishError.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PublishError(f"Grafana's address must look like https://host:3000/prefix, not {_bare(url)!r}")
    if not token and not (parts.username and parts.password):
        raise PublishError("no token for Grafana: set GRAFANA_TOKEN (a service account's token with the Editor role)")
    # The client pastes "api" straight behind the prefix, so that it needs its closing slash.
    grafana = GrafanaApi.from_url(url.rstrip("/") + "/", credential=token or None)
    try:
        _data_source(grafana, source)
        _folder(grafana, folder)
        return [_bare(url) + _dashboard(grafana, dashboard) for dashboard in dashboards.values()]
    except GrafanaException as error:
        raise PublishError(f"Grafana at {_bare(url)}: {' '.join(str(error).split())[:300]}") from error
    except (RequestException, TypeError, KeyError) as error:  # the client indexes into what it takes for Grafana's answer
        reason = "nobody answers" if isinstance(error, Unreachable) else "not Grafana's API behind this address"
        raise PublishError(f"Grafana at {_bare(url)}: {reason} ({type(error).__name__})") from error
    finally:
        grafana.client.s.close()


def _data_source(grafana: GrafanaApi, source: Source) -> None:
    body = {
        **DATASOURCE,
        "name": "Huiyin ClickHouse",
        "access": "proxy",
        "jsonData": {
            "host": source.host,
            "port": source.port,
            "protocol": "native",
            "secure": source.secure,
            "username": source.user,
            "defaultDatabase": source.database,
        },
        "secureJsonData": {"password": source.password},
    }
    uid = DATASOURCE["uid"]
    if _exists(grafana.datasource.get_datasource_by_uid, uid):
        grafana.datasource.update_datasource_by_uid(uid, body)
    else:
        grafana.datasource.create_datasource(body)


def _folder(grafana: GrafanaApi, title: str) -> None:
    if not _exists(grafana.folder.get_folder, FOLDER_UID):
        grafana.folder.create_folder(title, FOLDER_UID)


def _dashboard(grafana: GrafanaApi, dashboard: Json) -> str:
    answer = grafana.dashboard.update_dashboard({"dashboard": dashboard, "folderUid": FOLDER_UID, "overwrite": True})
    return f"/d/{answer['uid']}"


def _exists(get: Any, uid: str) -> bool:
    try:
        get(uid)
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        return False
    return True


def _bare(url: str) -> str:
    """The address without credentials, query and closing slash."""
    parts = urlsplit(url)
    place = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
