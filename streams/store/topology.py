"""services.yaml as a table: a Topology in, rows for the joins of views and dashboards out."""

from __future__ import annotations

import time

from models.topology import Service, Topology
from streams.store.client import Store

_COLUMNS = ("service", "title", "product", "owner", "depends_on", "idcs")


def save(store: Store, topology: Topology) -> bool:
    """Make the table say what `topology` says; False when it did already. A service that is gone is hidden."""
    wanted = {
        name: (name, service.title, service.product, service.owner, list(service.depends_on), list(service.idcs))
        for name, service in topology.services.items()
    }
    stored = {row[0]: row for row in store.rows("SELECT service, title, product, owner, depends_on, idcs FROM topology FINAL")}
    changed = [row for name, row in wanted.items() if stored.get(name) != row]
    gone = [row for name, row in stored.items() if name not in wanted]
    rows = changed + gone
    columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    store.insert(
        "topology",
        {**columns, "version": [time.time_ns()] * len(rows), "removed": [0] * len(changed) + [1] * len(gone)},
    )
    return bool(rows)


def load(store: Store) -> Topology:
    """The services as last saved (without what the table does not hold: keywords, and the titles of IDCs)."""
    rows = store.rows("SELECT service, title, product, owner, depends_on, idcs FROM topology FINAL")
    services = [
        Service(name, title, product, owner, depends_on=tuple(callees), idcs=tuple(idcs))
        for name, title, product, owner, callees, idcs in rows
    ]
    return Topology({service.name: service for service in services})
