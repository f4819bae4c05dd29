"""For tests: the ClickHouse plugin's macros (its pkg/macros), and a small Grafana that keeps to its routes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[1].parent / "shared" / "grafana"
_MACRO = re.compile(r"\$__([A-Za-z_]+)(\(([^()]*)\))?")
_VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")


def expand(sql: str, start: int, end: int, interval: int, variables: Mapping[str, str]) -> str:
    """The SQL as ClickHouse gets it: ${name:sqlstring} as the front end expands it, then the back end's macros."""
    sql = _VARIABLE.sub(lambda found: "'" + variables[found[1]].replace("'", "''") + "'", sql)
    expansions = {
        "fromTime": lambda _: f"toDateTime({start})",
        "toTime": lambda _: f"toDateTime({end})",
        "timeFilter": lambda column: f"{column} >= toDateTime({start}) AND {column} <= toDateTime({end})",
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {interval} second)",
        "interval_s": lambda _: str(interval),
    }
    sql = _MACRO.sub(lambda found: expansions[found[1]](found[3]), sql)
    assert "$" not in sql, f"not expanded: {sql}"
    return sql


class Grafana:
    """What the server keeps: data sources, folders and dashboards by uid, and every call as 'METHOD /path'."""

    def __init__(self, prefix: str, token: str, routes: list[str]) -> None:
        self.prefix, self.token, self.calls = prefix, token, []
        self.kept: dict[str, dict[str, Any]] = {"datasources": {}, "folders": {}, "dashboards": {}}
        self._routes = [(route.split(" ")[0], _pattern(route.split(" ")[1])) for route in routes]

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        """What Grafana answers; a path that is no route of its API is 404, as Grafana's own."""
        if not path.startswith(f"{self.prefix}/api/"):
            return 404, {"message": "Not found"}
        path = path.removeprefix(f"{self.prefix}/api")
        self.calls.append(f"{method} {path}")
        if not any(verb == method and pattern.fullmatch(path) for verb, pattern in self._routes):
            raise AssertionError(f"not a route of Grafana: {method} {path}")
        if authorization != f"Bearer {self.token}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid"}
        if path == "/dashboards/db":
            return self._save(body)
        kind, uid = path.split("/")[1], path.rsplit("/", 1)[1]
        if method == "GET":
            found = self.kept[kind].get(uid)
            return (200, found) if found else (404, {"message": "not found"})
        uid = body["uid"]
        if method == "POST" and uid in self.kept[kind]:
            return 409, {"message": "already exists"}
        self.kept[kind][uid] = body
        return 200, {"id": 1, "message": "ok", **body}

    def _save(self, body: Any) -> tuple[int, Any]:
        dashboard = body["dashboard"]
        old = self.kept["dashboards"].get(dashboard["uid"])
        if old and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        if body["folderUid"] not in self.kept["folders"]:
            return 400, {"message": "folder not found"}
        version = old["version"] + 1 if old else 1
        self.kept["dashboards"][dashboard["uid"]] = {**body, "version": version}
        return 200, {"id": 1, "uid": dashboard["uid"], "url": f"/d/{dashboard['uid']}/x", "status": "success", "version": version}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}|\{[^}]*\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")))


@contextmanager
def serving(prefix: str = "", token: str = "secret") -> Iterator[tuple[str, Grafana]]:
    """A Grafana on a free port of loopback: (address, what it keeps)."""
    grafana = Grafana(prefix, token, json.loads((SHARED / "grafana-13.0.0-routes.json").read_text()))
    failures: list[AssertionError] = []

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                status, answer = grafana.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            except AssertionError as error:
                failures.append(error)
                status, answer = 404, {"message": str(error)}
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815 -- the handler's own names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}", grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not failures, failures
