"""`huiyin dashboards`: the Grafana dashboards as JSON files, or straight into a Grafana."""

from __future__ import annotations

import json
from pathlib import Path

import click

import dashboards
from dashboards.panels import Json
from dashboards.words import word
from streams import config


@click.command(name="dashboards")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write the JSON files here (also for provisioning by files)."
)
@click.option(
    "--publish", is_flag=True, help="Create or update them, their folder and data source in the Grafana at GRAFANA_URL."
)
def command(out: Path | None, publish: bool) -> None:
    """Write the Grafana dashboards as JSON, or publish them.

    Publishing needs GRAFANA_URL, GRAFANA_TOKEN and a ClickHouse that Grafana can reach (HUIYIN_CLICKHOUSE_GRAFANA_RO, or the
    embedded one). Everything has a fixed uid, so that publishing twice changes nothing more. Without options, the files
    go to ./out/dashboards.
    """
    try:
        settings = config.load()
    except config.SettingError as error:
        raise click.ClickException(str(error)) from error
    built = dashboards.build(settings.language)
    if publish:
        for address in publish_all(settings, built):
            click.echo(address)
    if out or not publish:
        for path in write(built, out or Path("out/dashboards")):
            click.echo(path)


def write(built: dict[str, Json], folder: Path) -> list[Path]:
    """Writes one JSON file a dashboard; gives their paths."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for uid, dashboard in built.items():
            path = folder / f"{uid}.json"
            path.write_text(json.dumps(dashboard, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error
    return paths


def publish_all(settings: config.Settings, built: dict[str, Json]) -> list[str]:
    """Publishes to the Grafana of the settings; gives the dashboards' addresses. Raises click.ClickException in one line."""
    from dashboards.publish import PublishError, Source
    from dashboards.publish import publish as send

    if not settings.grafana_url:
        raise click.ClickException("no Grafana: set GRAFANA_URL (and GRAFANA_TOKEN)")
    try:
        access = settings.clickhouse_access("grafana_ro")
        source = Source(access.host, access.port, access.user, access.password, access.database, access.secure)
        return send(settings.grafana_url, settings.grafana_token, source, built, word("folder", settings.language))
    except (PublishError, config.SettingError) as error:
        raise click.ClickException(str(error)) from error
