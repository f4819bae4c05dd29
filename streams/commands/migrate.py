"""`migrate`: settings in; an up-to-date schema, topology table, roles and Kafka topics out. Safe to repeat."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from models.topology import Topology, TopologyError, read_topology
from streams import config, topics
from streams.store import roles, schema
from streams.store import topology as topology_table
from streams.store.client import Store, StoreError, StoreUnavailable


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option(
    "--services",
    "services_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="services.yaml to store for the joins; HUIYIN_SERVICES, or services.yaml here, when not given.",
)
def command(dry_run: bool, services_file: Path | None) -> None:
    """Create or update the ClickHouse schema, the roles, the topology table and the Kafka topics.

    Takes what `./huiyin up` recorded, or HUIYIN_CLICKHOUSE_ADMIN and HUIYIN_BROKER. Rows are kept HUIYIN_RETENTION_DAYS
    (90) from their arrival, rollups four times as long, incidents for ever. Each thing done is a line; nothing to do, no line.
    """
    try:
        settings = config.load()
        path = services_file or settings.services_file
        topology = read_topology(path) if path else None
        with closing(Store(settings.clickhouse_access("admin"))) as admin:
            if dry_run:
                _preview(admin)
            else:
                _migrate(admin, settings, topology)
        if settings.kafka is not None and not dry_run:
            for name in topics.create(settings.kafka, settings.partitions, settings.replication):
                click.echo(f"created topic {name}")
    except (
        *(config.SettingError, TopologyError, schema.SchemaError, topics.TopicsError),
        *(StoreError, StoreUnavailable),
    ) as error:
        raise click.ClickException(str(error)) from error


def _preview(admin: Store) -> None:
    for migration in schema.outstanding(admin):
        click.echo(f"would apply {migration.file} to {admin.database}")


def _migrate(admin: Store, settings: config.Settings, topology: Topology | None) -> None:
    for file in schema.migrate(admin, settings.retention_days):
        click.echo(f"applied {file} to {admin.database}")
    accounts = {role: access for role, access in settings.clickhouse.items() if role != "admin"}
    for user in roles.create_users(admin, accounts):
        click.echo(f"created user {user}")
    if topology is not None and topology_table.save(admin, topology):
        click.echo(f"stored {len(topology.services)} services")
