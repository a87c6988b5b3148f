"""Who promotes whom, and who is behind whom: what counts as a network, as table and as GEXF."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from sqlalchemy.orm import Session

from annotate.models import Project
from annotate.services.counting import Why, load_facts_of_items, quoted, why

PROMOTES: Final = "promotes"
BEHIND: Final = "belongs to"
_NAMESPACE: Final = "http://gexf.net/1.3"


@dataclass(frozen=True, slots=True)
class Edge:
    """From an account to a creator or to the entity behind it, with how many counted items."""

    source: str
    kind: str
    target: str
    number: int
    query: str
    """The search that lists exactly these items."""


def network(session: Session, project: Project, zone: tzinfo) -> tuple[Edge, ...]:
    """Return every pair among the counted items, strongest first.

    An item that promotes two creators is in two edges.
    """
    pairs: Counter[tuple[str, str, str]] = Counter()
    for facts in load_facts_of_items(session, project.id):
        if why(facts, project, zone) is not Why.COUNTED:
            continue
        whose = facts.attribution(zone)
        for author in whose.authors:
            pairs.update((author, PROMOTES, creator) for creator in whose.creators)
            pairs.update((author, BEHIND, entity) for entity in whose.entities)
    clauses = {PROMOTES: "creator", BEHIND: "entity"}
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        Edge(
            source,
            kind,
            target,
            number,
            f"is:counted {quoted('account', source)} {quoted(clauses[kind], target)}",
        )
        for (source, kind, target), number in ordered
    )


def to_gexf(edges: tuple[Edge, ...], title: str) -> bytes:
    """Write the network as GEXF 1.3 (https://gexf.net/1.3): directed, weights are items."""
    root = ET.Element("gexf", {"xmlns": _NAMESPACE, "version": "1.3"})
    meta = ET.SubElement(root, "meta")
    ET.SubElement(meta, "creator").text = "Holdfast"
    ET.SubElement(meta, "description").text = _fit(title)
    graph = ET.SubElement(root, "graph", {"defaultedgetype": "directed", "mode": "static"})
    attributes = ET.SubElement(graph, "attributes", {"class": "node"})
    ET.SubElement(attributes, "attribute", {"id": "0", "title": "kind", "type": "string"})
    kinds: dict[str, str] = {}
    for edge in edges:
        kinds[f"account:{edge.source}"] = "account"
        kinds.setdefault(_target(edge), "account" if edge.kind == PROMOTES else "entity")
    nodes = ET.SubElement(graph, "nodes")
    for key, kind in kinds.items():
        label = _fit(key.partition(":")[2])
        node = ET.SubElement(nodes, "node", {"id": _fit(key), "label": label})
        values = ET.SubElement(node, "attvalues")
        ET.SubElement(values, "attvalue", {"for": "0", "value": kind})
    lines = ET.SubElement(graph, "edges")
    for number, edge in enumerate(edges):
        ET.SubElement(
            lines,
            "edge",
            {
                "id": str(number),
                "source": _fit(f"account:{edge.source}"),
                "target": _fit(_target(edge)),
                "kind": edge.kind,
                "weight": str(edge.number),
            },
        )
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _target(edge: Edge) -> str:
    return f"{'account' if edge.kind == PROMOTES else 'entity'}:{edge.target}"


def _fit(text: str) -> str:
    """Leave out what XML 1.0 cannot hold (§2.2: most control characters)."""
    return "".join(one for one in text if one in "\t\n\r" or ord(one) >= 0x20)
