"""The line's state as ClickHouse knows it: rows in, metric families for Prometheus out, read anew at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streams.store import progress, rollup
from streams.store.client import Store

# Figure → (what it is, its labels, the question: labels first, the value last).
FIGURES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "huiyin_complaints_stored": (
        "Complaints stored; doubles that no merge has met yet count twice.",
        (),
        "count() FROM complaints",
    ),
    "huiyin_dead_letters_stored": (
        "Records refused, as stored.",
        ("topic",),
        "topic, count() FROM dead_letters FINAL GROUP BY topic",
    ),
    "huiyin_incidents_open": (
        "Incidents open by level: 1 notice, 2 warning, 3 critical.",
        ("level",),
        "toString(level), count() FROM incidents FINAL WHERE status = 'open' GROUP BY level",
    ),
    "huiyin_deliveries": (
        "Messages owed to chat channels, by what became of them.",
        ("channel", "status"),
        "channel, status, count() FROM deliveries FINAL GROUP BY channel, status",
    ),
    "huiyin_corrections_stored": (
        "Corrected fields by field.",
        ("field",),
        "field, count() FROM corrections FINAL GROUP BY field",
    ),
    "huiyin_feedback_stored": ("Feedback on incidents.", ("verdict",), "verdict, count() FROM feedback FINAL GROUP BY verdict"),
}


class Figures(Collector):
    """`store` gives the calling thread's connection."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Every figure. Errors as Store."""
        store = self._store()
        for name, (meaning, labels, question) in FIGURES.items():
            family = GaugeMetricFamily(name, meaning, labels=labels)
            for row in store.rows(f"SELECT {question}"):
                family.add_metric([str(label) for label in row[:-1]], row[-1])
            yield family
        yield from _progress(store)

    def describe(self) -> list[Metric]:
        """None: registering must ask nothing."""
        return []


def _progress(store: Store) -> Iterator[Metric]:
    offset = GaugeMetricFamily("huiyin_ingest_offset", "Stored up to this offset.", labels=("topic", "partition"))
    event = GaugeMetricFamily(
        "huiyin_ingest_event_timestamp_seconds", "Newest event time stored.", labels=("topic", "partition"), unit="seconds"
    )
    reached = progress.read(store)
    for one in reached:
        offset.add_metric([one.topic, str(one.partition)], one.offset)
        event.add_metric([one.topic, str(one.partition)], one.latest)
    yield offset
    yield event
    yield GaugeMetricFamily("huiyin_rollup_minutes_pending", "Minutes that wait to be rolled up.", value=rollup.marked(store))
    through = progress.correlated_through(store)
    if through is not None:
        meaning = "Event time up to which correlation has judged."
        yield GaugeMetricFamily("huiyin_correlated_through_timestamp_seconds", meaning, value=through, unit="seconds")
        lag = max((one.latest for one in reached), default=through) - through
        meaning = "Event time stored and not judged yet."
        yield GaugeMetricFamily("huiyin_correlation_lag_seconds", meaning, value=max(lag, 0.0), unit="seconds")
