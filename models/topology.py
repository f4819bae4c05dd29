"""What depends on what: services.yaml in, a Topology out.

A Topology answers the questions the judges ask: whom does a service call, who calls it, which IDCs does it run in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from models.yaml_source import compose, read_source


class TopologyError(ValueError):
    """services.yaml does not say what it should; the message names line and field."""


@dataclass(frozen=True)
class Service:
    """One service, as services.yaml describes it."""

    name: str
    title: str = ""
    product: str = ""
    owner: str = ""
    aliases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    idcs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Idc:
    """One IDC or network entity."""

    name: str
    title: str = ""


@dataclass(frozen=True)
class Topology:
    """The call graph and the ground it stands on."""

    services: Mapping[str, Service] = field(default_factory=dict)
    idcs: Mapping[str, Idc] = field(default_factory=dict)
    assumed: bool = False  # calls are taken for granted, not known

    @cached_property
    def callers(self) -> Mapping[str, tuple[str, ...]]:
        """Service → the services that call it directly."""
        found: dict[str, list[str]] = {}
        for service in self.services.values():
            for callee in service.depends_on:
                found.setdefault(callee, []).append(service.name)
        return {name: tuple(names) for name, names in found.items()}

    def depends_on(self, name: str) -> tuple[str, ...]:
        """The services that `name` calls directly; empty when it is unknown."""
        return self.services[name].depends_on if name in self.services else ()

    def idcs_of(self, name: str) -> tuple[str, ...]:
        """The IDCs that `name` runs in; empty when it is unknown."""
        return self.services[name].idcs if name in self.services else ()

    def reach(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Every service that `name` depends on, itself included → the shortest path to it, `name` first."""
        paths: dict[str, tuple[str, ...]] = {name: (name,)}
        queue = deque([name])
        while queue:
            here = queue.popleft()
            for callee in self.depends_on(here):
                if callee not in paths:
                    paths[callee] = (*paths[here], callee)
                    queue.append(callee)
        return paths

    def title(self, name: str) -> str:
        """What people call it: the title of a service or an IDC, else the name itself."""
        entity = self.services.get(name) or self.idcs.get(name)
        return (entity.title if entity else "") or name


_IDC_FIELDS = {"name": str, "title": str}
_LISTS = ("aliases", "keywords", "channels", "depends_on", "idcs")
_SERVICE_FIELDS = {**_IDC_FIELDS, "product": str, "owner": str, **dict.fromkeys(_LISTS, list)}


def read_topology(path: Path) -> Topology:
    """The topology that the services.yaml at `path` describes. Raises TopologyError with file, line and field."""
    return parse_topology(read_source(path, TopologyError), str(path))


def parse_topology(text: str, origin: str = "services.yaml") -> Topology:
    """The topology that a services.yaml describes. Raises TopologyError with `origin`, line and field."""
    root = compose(text, origin, TopologyError)
    if root is None:
        return Topology()
    sections = dict(_mapping(root, origin, "the document", {"services": list, "idcs": list}))
    services = [Service(**_tuples(entry)) for entry in _entries(sections.get("services"), origin, "services", _SERVICE_FIELDS)]
    idcs = [Idc(**entry) for entry in _entries(sections.get("idcs"), origin, "idcs", _IDC_FIELDS)]
    named = {service.name: service for service in services}
    known = {idc.name: idc for idc in idcs} | {
        name: Idc(name) for service in services for name in service.idcs if name not in {idc.name for idc in idcs}
    }
    return Topology(named, known)


def discover(entities: Iterable[tuple[str, str]]) -> Topology:
    """A topology without edges from the (layer, service) pairs seen in data, where services.yaml is absent."""
    pairs = sorted(set(entities))
    return Topology(
        {name: Service(name) for layer, name in pairs if layer != "idc"},
        {name: Idc(name) for layer, name in pairs if layer == "idc"},
    )


def completed(topology: Topology, entities: Iterable[tuple[str, str]], service: str) -> Topology:
    """The topology as a ranking for `service` needs it, where services.yaml knows little; `entities` as in `discover`.

    What was measured belongs to it. Where no call at all is known, or none of `service`, it is taken to call every other
    service; where no service is said to run anywhere, each is taken to depend on every IDC.
    """
    seen = discover(entities)
    services = {**{name: each for name, each in seen.services.items() if name not in topology.idcs}, **topology.services}
    idcs = {**{name: each for name, each in seen.idcs.items() if name not in topology.services}, **topology.idcs}
    unlinked = not any(each.depends_on for each in topology.services.values())
    assumed = topology.assumed or unlinked or service not in topology.services
    if assumed:
        own = services.get(service, Service(service))
        services[service] = replace(own, depends_on=tuple(name for name in services if name != service))
    if idcs and not any(each.idcs for each in topology.services.values()):
        services = {name: replace(each, idcs=tuple(idcs)) for name, each in services.items()}
    return Topology(services, idcs, assumed)


def _entries(node: yaml.Node | None, origin: str, section: str, fields: Mapping[str, type]) -> list[dict[str, Any]]:
    if node is None:
        return []
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, child in enumerate(node.value):
        where = f"{section}[{number}]"
        entry = {
            key: _plain(value, origin, f"{where}.{key}", fields[key]) for key, value in _mapping(child, origin, where, fields)
        }
        line = child.start_mark.line + 1
        if not entry.get("name"):
            raise TopologyError(f"{origin}:{line}: {where}.name is missing")
        if entry["name"] in seen:
            raise TopologyError(f"{origin}:{line}: {where}.name {entry['name']!r} is given twice")
        seen.add(entry["name"])
        found.append(entry)
    return found


def _mapping(node: yaml.Node, origin: str, where: str, fields: Mapping[str, type]) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise TopologyError(f"{origin}:{node.start_mark.line + 1}: {where} must be a mapping")
    pairs: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value not in fields:
            raise TopologyError(
                f"{origin}:{key.start_mark.line + 1}: {where}.{key.value} is not a known field ({', '.join(fields)})"
            )
        empty = isinstance(value, yaml.ScalarNode) and value.tag == "tag:yaml.org,2002:null"
        if fields[key.value] is list and not empty and not isinstance(value, yaml.SequenceNode):
            raise TopologyError(f"{origin}:{value.start_mark.line + 1}: {where}.{key.value} must be a list")
        if not empty:
            pairs.append((key.value, value))
    return pairs


def _plain(node: yaml.Node, origin: str, where: str, kind: type) -> Any:
    if kind is list:
        return [_plain(child, origin, where, str) for child in node.value]
    if not isinstance(node, yaml.ScalarNode):
        raise TopologyError(f"{origin}:{node.start_mark.line + 1}: {where} must be a string")
    return node.value


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
