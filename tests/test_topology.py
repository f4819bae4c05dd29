"""services.yaml: what a good one gives, and how a bad one is refused with line and field."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.topology import Topology, TopologyError, completed, discover, parse_topology, read_topology

SHOP = """\
services:
- {name: checkout, title: 结算, depends_on: [pay, cart]}
- {name: pay, title: 支付, keywords: [付款, 扣款], depends_on: [bank-gw], idcs: [bj-1]}
- {name: bank-gw, idcs: [bj-1, sh-1]}
idcs:
- {name: bj-1, title: 北京一机房}
"""


def test_reach_follows_the_call_graph_with_its_path() -> None:
    shop = parse_topology(SHOP)
    assert shop.reach("checkout") == {
        "checkout": ("checkout",),
        "pay": ("checkout", "pay"),
        "cart": ("checkout", "cart"),
        "bank-gw": ("checkout", "pay", "bank-gw"),
    }
    assert shop.callers["bank-gw"] == ("pay",)
    assert shop.idcs_of("bank-gw") == ("bj-1", "sh-1")
    assert set(shop.idcs) == {"bj-1", "sh-1"}, "an IDC that only a service names is known as well"
    assert (shop.title("pay"), shop.title("bj-1"), shop.title("nobody")) == ("支付", "北京一机房", "nobody")


def test_a_cycle_in_the_call_graph_ends() -> None:
    ring = parse_topology("services: [{name: a, depends_on: [b]}, {name: b, depends_on: [a]}]")
    assert ring.reach("a") == {"a": ("a",), "b": ("a", "b")}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("services:\n- name: a\n- title: b\n", "services.yaml:3: services[1].name is missing"),
        ("services:\n- name: a\n- name: a\n", "services.yaml:3: services[1].name 'a' is given twice"),
        ("services:\n- name: a\n  depend_on: [b]\n", "services.yaml:3: services[0].depend_on is not a known field"),
        ("services:\n- name: a\n  idcs: bj-1\n", "services.yaml:3: services[0].idcs must be a list"),
        ("services:\n- name: [a]\n", "services.yaml:2: services[0].name must be a string"),
        ("services:\n- a\n", "services.yaml:2: services[0] must be a mapping"),
        ("services: {a: b}\n", "services.yaml:1: the document.services must be a list"),
        ("services:\n- {name: a\n", "services.yaml:3:"),
        ("? [a]\n: b\n", "services.yaml:1: the document."),
        ("- a\n", "services.yaml:1: the document must be a mapping"),
    ],
)
def test_a_corrupt_file_is_refused_with_line_and_field(text: str, where: str) -> None:
    with pytest.raises(TopologyError) as refused:
        parse_topology(text)
    assert str(refused.value).startswith(where)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    absent, latin = tmp_path / "absent.yaml", tmp_path / "latin.yaml"
    latin.write_bytes("services:\n- name: café\n".encode("latin-1"))
    for path, reason in ((absent, ": No such file"), (tmp_path, ": Is a directory"), (latin, ":2: not UTF-8")):
        with pytest.raises(TopologyError) as refused:
            read_topology(path)
        assert str(refused.value).startswith(f"{path}{reason}")


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused_by_name(text: str) -> None:
    with contextlib.suppress(TopologyError):
        assert isinstance(parse_topology(text), Topology)


def test_without_a_file_the_services_are_those_seen_in_data() -> None:
    seen = discover([("app", "pay"), ("business", "pay"), ("idc", "bj-1")])
    assert (set(seen.services), set(seen.idcs)) == ({"pay"}, {"bj-1"})


def test_where_little_is_known_a_service_is_taken_to_call_all_and_stand_on_every_idc() -> None:
    seen = [("app", "pay"), ("app", "bank"), ("business", "pay"), ("idc", "east")]
    assumed = completed(Topology(), seen, "pay")
    assert assumed.assumed
    assert assumed.depends_on("pay") == ("bank",)
    assert assumed.idcs_of("bank") == ("east",)
    assert completed(assumed, seen, "pay") == assumed
    known = completed(parse_topology(SHOP), [("app", "stranger")], "checkout")
    assert not known.assumed
    assert known.depends_on("checkout") == ("pay", "cart")
    assert "stranger" in known.services
    assert completed(parse_topology(SHOP), [], "").depends_on("") == ("checkout", "pay", "bank-gw")
