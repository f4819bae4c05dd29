"""The demonstration's stage: embedded parts, tables, topics, a chat robot and a worker process of its own; stopped at the end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams import config, topics
from streams.config import Settings
from streams.demo.shop import services_yaml
from streams.local.parts import started
from streams.local.process import Part, PartFailed, spawn, stop
from streams.notify.inbox import Inbox, serving
from streams.store.client import Store
from streams.store.schema import migrate

CYCLE_SECONDS = "1"  # of wall clock: minutes of the scenario
# What a former run left in the folder; nothing else in it is touched.
LEFT = ("parts", "messages", "incidents", "dashboards", "logs")


@dataclass(frozen=True)
class Stage:
    """What runs: the settings that reach it, the worker, and where things are written."""

    settings: Settings
    worker: Part
    out: Path
    parts_failure: Callable[[], PartFailed | None]

    def check(self) -> None:
        """Raises PartFailed when a part or the worker has died."""
        if failure := self.parts_failure() or self.worker.failure():
            raise failure


def clear(out: Path) -> None:
    """Makes the folder and removes what a former run left in it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in LEFT:
        shutil.rmtree(out / name, ignore_errors=True)


@contextmanager
def standing(base: Settings, out: Path, say: Callable[[str], None]) -> Iterator[Stage]:
    """Everything started, in the order in which it is needed. Raises PartFailed, JarsUnavailable, TopicsError, StoreError."""
    clear(out)
    services = out / "services.yaml"
    services.write_text(services_yaml(), encoding="utf-8")
    home = out.absolute() / "parts"
    with started(home, base.cache, java=base.java, say=say) as parts:
        ours = {
            "HUIYIN_HOME": str(home),
            "HUIYIN_SERVICES": str(services.absolute()),
            "HUIYIN_RULES": str(Path(__file__).with_name("rules.yaml")),
            "HUIYIN_TIMEZONE": base.timezone.key,
            "HUIYIN_LANGUAGE": base.language,
            "HUIYIN_CYCLE_SECONDS": CYCLE_SECONDS,
            "HUIYIN_DINGTALK_SECRET": "SECdemo",
        }
        settings = config.load({**ours, "GRAFANA_URL": base.grafana_url, "GRAFANA_TOKEN": base.grafana_token})
        say("creating tables and topics")
        with closing(Store(settings.clickhouse_access("admin"))) as admin:
            migrate(admin, settings.retention_days)
        topics.create(settings.kafka_access(), settings.partitions, settings.replication)
        with serving(Inbox(out / "messages", ours["HUIYIN_DINGTALK_SECRET"])) as webhook:
            environment = config.child_environment({**ours, "HUIYIN_DINGTALK_WEBHOOK": webhook})
            say("starting the worker")
            command = [sys.executable, "-m", "streams.cli", "worker"]
            worker = spawn("worker", command, folder=Path.cwd(), logs=out.absolute() / "logs", environment=environment)
            try:
                yield Stage(settings, worker, out, parts.failure)
            finally:
                stop(worker)


def take_down(out: Path) -> None:
    """Removes the parts' data, which is large and of no more use."""
    shutil.rmtree(out / "parts", ignore_errors=True)
