"""The HTTP door: requests with a bearer token in, corrections, feedback and follow-ups stored or sent, figures out.

Errors are problems (RFC 9457). Everything but /healthz needs the token. Calls that block run in threads, each with connections of
its own. There is no TLS here: listen on loopback, or behind a proxy that has it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from streams.config import SettingError, Settings
from streams.gateway_routes import OPEN, ROUTES, Backend, Problem
from streams.store.client import StoreUnavailable

log = logging.getLogger(__name__)
MAX_BODY = 8 * 2**20  # bytes
SHORTEST_TOKEN = 16  # characters
BODY_SECONDS = 30.0  # for a client to send its body
STOP_SECONDS = 10.0  # for requests in hand when told to stop
_RETRY = {"Retry-After": "5"}


class GatewayError(RuntimeError):
    """The gateway cannot start; the message says why."""


def application(settings: Settings, backend: Backend | None = None) -> web.Application:
    """The gateway, ready to be served. Raises GatewayError without a token that is long enough."""
    if len(settings.gateway_token) < SHORTEST_TOKEN:
        raise GatewayError(
            f"no token: set HUIYIN_GATEWAY_TOKEN (or HUIYIN_GATEWAY_TOKEN_FILE) to at least {SHORTEST_TOKEN} random characters"
        )
    used = backend or Backend(settings)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_counted(used), _problems, _authorised(settings.gateway_token)])
    for (method, path), answer in ROUTES.items():
        app.router.add_route(method, path, _answered(used, answer))

    async def close(_: web.Application) -> None:
        await asyncio.to_thread(used.close)

    app.on_cleanup.append(close)
    return app


async def serve(app: web.Application, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what is in hand is answered first. Raises OSError when it cannot listen."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("listening on http://%s:%d", *runner.addresses[0][:2])
        await told.wait()
        log.info("stopping: requests in hand are answered first")
    finally:
        await runner.cleanup()


def problem(status: int, detail: str, headers: Mapping[str, str] = {}, **more: Any) -> web.Response:
    """A problem (RFC 9457); `more` are members of its own."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/problem+json", headers=headers)


def _answered(backend: Backend, answer: Callable[[Backend, bytes, str], web.Response]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError as error:
            raise Problem(408, f"the body did not come within {BODY_SECONDS:.0f} s") from error
        return await backend.run(answer, body, request.headers.get("Accept", ""))

    return handle


def _authorised(token: str) -> Middleware:
    expected = token.encode()

    @web.middleware
    async def authorised(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), expected)
        if request.path in OPEN or (right and scheme.lower() == "bearer"):
            return await handler(request)
        return problem(401, "a bearer token is needed", {"WWW-Authenticate": 'Bearer realm="huiyin"'})

    return authorised


def _counted(backend: Backend) -> Middleware:
    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        resource = request.match_info.route.resource
        backend.count(request.method, resource.canonical if resource else "", response.status)
        return response

    return counted


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as answers; what nobody foresaw is logged and told to nobody."""
    try:
        return await handler(request)
    except Problem as error:
        return problem(error.status, error.detail, **error.more)
    except web.HTTPException as error:
        kept = {name: value for name, value in error.headers.items() if name == "Allow"}
        return problem(error.status, error.reason, kept)
    except StoreUnavailable as error:
        log.warning("away: %s", error)
        return problem(503, "the store or Kafka is away; try again", _RETRY)
    except SettingError as error:
        return problem(503, str(error))
    except Exception:  # one request must not tell its inside, nor end the others
        log.exception("%s %s", request.method, request.path)
        return problem(500, "it failed; the log says why")
