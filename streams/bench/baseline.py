"""The baseline: Faust as its tutorial shows it. One event a record, JSON by Faust, plain jieba, one prediction a text.

Run as a process: `python -m streams.bench.baseline complaints|points`. It reads topics and writes tables of its own.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import faust
import jieba

from streams.bench import load
from streams.broker import faust_options
from streams.config import Settings
from streams.config import load as load_settings
from streams.store.client import Store

ROWS = 100  # in one insert
TABLES = {
    "complaints": "CREATE TABLE baseline_complaints (id String, ts Float64, text String, label Int8) "
    "ENGINE = MergeTree ORDER BY id",
    "points": "CREATE TABLE baseline_points (ts Float64, layer String, service String, metric String, value Float64) "
    "ENGINE = MergeTree ORDER BY (service, metric, ts)",
}


def topic(kind: str) -> str:
    """The topic that the baseline reads."""
    return f"baseline.{kind}"


def build(kind: str, settings: Settings) -> faust.App:
    """The app of one kind, `complaints` or `points`."""
    app = faust.App(f"baseline-{kind}", **_options(settings))
    store = Store(settings.clickhouse_access("admin"))
    handle = _complaint() if kind == "complaints" else _point
    rows: list[dict[str, Any]] = []

    @app.agent(app.topic(topic(kind)))  # type: ignore[untyped-decorator]
    async def insert(stream: faust.StreamT) -> None:
        async for event in stream:
            rows.append(handle(event))
            if len(rows) == ROWS:
                store.insert(f"baseline_{kind}", {name: [row[name] for row in rows] for name in rows[0]})
                rows.clear()

    return app


def _options(settings: Settings) -> dict[str, Any]:
    return faust_options(settings.kafka_access()) | {"datadir": tempfile.mkdtemp(), "store": "memory://", "web_enabled": False}


def _complaint() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    sample = [record for _, _, record in load.complaints(2_000, 0, 2_000, seed=11)]
    model = make_pipeline(TfidfVectorizer(token_pattern=r"(?u)\S+"), LogisticRegression())
    model.fit([" ".join(jieba.cut(one["text"])) for one in sample], [one["rating"] > 2 for one in sample])

    def judge(event: dict[str, Any]) -> dict[str, Any]:
        label = int(model.predict([" ".join(jieba.cut(event["text"]))])[0])
        return {"id": event["id"], "ts": event["ts"], "text": event["text"], "label": label}

    return judge


def _point(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("ts", "layer", "service", "metric", "value")}


if __name__ == "__main__":
    worker = faust.Worker(build(sys.argv[1], load_settings()), loglevel="ERROR", quiet=True, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()
