"""./huiyin gateway"""

from __future__ import annotations

import click


@click.command(name="gateway")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on. There is no TLS: put a proxy before it."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8310, show_default=True, help="Port; 0 takes a free one.")
def command(host: str, port: int) -> None:
    """Serve HTTP until SIGTERM or Ctrl-C.

    \b
    POST /api/v1/corrections   what ./huiyin label takes: judgements corrected
    POST /api/v1/feedback      "not an incident", "you missed one"
    POST /api/v1/followups     what becomes of a complaint; goes through Kafka
    GET  /metrics              figures for Prometheus
    GET  /healthz              200 when ClickHouse answers (needs no token)

    Bodies are a JSON object, an array of up to 1,000, or NDJSON. HUIYIN_GATEWAY_TOKEN (or _FILE) holds the bearer token that
    requests must carry; without one nothing is served.
    """
    import asyncio
    import logging
    import sys

    from streams import config
    from streams.gateway import GatewayError, application, serve

    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("streams").setLevel(logging.INFO)
    try:
        settings = config.load()
        asyncio.run(serve(application(settings), host, port))
    except (config.SettingError, GatewayError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
