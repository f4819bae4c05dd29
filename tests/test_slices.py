"""Where a surge sits is named, and nothing where it is spread: over surges of a generator that shares no code with the search."""

from __future__ import annotations

import pytest
from slice_generator import Crowd

from models.topology import parse_topology
from streams.slices import in_words, narrowest, product_line

SEEDS = range(12)


@pytest.mark.parametrize(
    "dimensions",
    [("channel",), ("region",), ("app_version",), ("cohort",), ("region", "app_version"), ("channel", "region", "app_version")],
    ids="+".join,
)
def test_the_slice_planted_is_the_slice_named(dimensions: tuple[str, ...]) -> None:
    surges = [Crowd(seed).surge(dimensions, 50) for seed in SEEDS]
    found = [narrowest(surge.before, surge.during, surge.expected) for surge in surges]
    exact = [one is not None and dict(one.values) == surge.planted for one, surge in zip(found, surges, strict=True)]
    assert sum(exact) >= 0.75 * len(exact)


def test_a_family_of_versions_is_named_when_no_version_alone_holds_the_surge() -> None:
    surge = Crowd(3).family(40)
    assert in_words(narrowest(surge.before, surge.during, surge.expected), "zh") == "仅 版本 5.1.x"


def test_no_slice_is_named_for_a_surge_that_is_spread() -> None:
    surges = [Crowd(seed).surge((), brought) for seed in SEEDS for brought in (10, 50, 200)]
    assert [narrowest(surge.before, surge.during, surge.expected) for surge in surges] == [None] * len(surges)


def test_a_product_is_named_when_half_of_its_services_and_nothing_else_surges() -> None:
    products = {"a": "Till", "b": "Till", "c": "Till", "d": "App"}
    lines = [f"- {{name: {name}, product: {product}}}" for name, product in products.items()]
    topology = parse_topology("\n".join(["services:", *lines]))
    assert product_line(("a", "b"), topology) == "Till"
    for surging in (("a",), ("a", "b", "d"), ("a", "unknown"), ("d",), ()):
        assert product_line(surging, topology) == ""
