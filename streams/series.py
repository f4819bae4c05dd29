"""What a metric point measures: its topic, names and unparsed labels in, a checked Series out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from streams import records as r

# Which layers a metric topic may carry; where there is one, the record need not say it.
LAYERS: Mapping[str, tuple[str, ...]] = {
    r.METRICS: ("business", "experience"),
    r.MONITORS_APP: ("app",),
    r.MONITORS_IDC: ("idc",),
}
MAX_LABELS = 2_000  # characters of a point's labels as canonical JSON
_LABELS = msgspec.json.Decoder(dict[str, str] | None)


class Refused(ValueError):
    """A record fits its shape but may not be stored; the message says why."""


class Series(NamedTuple):
    """What a metric point measures; `labels` is canonical JSON, '' without labels."""

    layer: str
    service: str
    metric: str
    labels: str
    cohort: str


@lru_cache(maxsize=100_000)
def series_of(topic: str, layer: str | None, service: str, metric: str, labels: bytes) -> Series:
    """The series of a point. Raises Refused, or msgspec's errors for labels that are no object of strings.

    Cached: series repeat, and checking one costs more than all else about a point.
    """
    check_filled("service", service)
    check_filled("metric", metric)
    layers = LAYERS[topic]
    layer = layer or (layers[0] if len(layers) == 1 else "")
    if layer not in layers:
        raise Refused(f"layer {layer[:20]!r} does not belong in {topic} ({', '.join(layers)})")
    pairs = _LABELS.decode(labels) if labels else None
    if not pairs:
        return Series(layer, service, metric, "", "")
    canonical = msgspec.json.encode(pairs, order="sorted").decode()
    if len(canonical) > MAX_LABELS:
        raise Refused(f"labels are longer than {MAX_LABELS:,} characters")
    return Series(layer, service, metric, canonical, pairs.get("cohort", ""))


def check_filled(name: str, value: str) -> None:
    """Raises Refused when `value` is nothing but white space."""
    if not value.strip():
        raise Refused(f"{name} is blank")
