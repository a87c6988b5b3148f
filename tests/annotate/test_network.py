"""The network among what counts: every number opens its list, GEXF says the same."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from conftest import send
from flask.testing import FlaskClient

from annotate.models import Project, ValueSource
from annotate.services import fields, items, people, projects
from annotate.services.registry.network import Edge, to_gexf
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
GEXF = "{http://gexf.net/1.3}"


def test_every_pair_is_listed_and_opens_its_list(
    sign_in: Browser, wiring: Wiring, project: Project, capture: Callable
) -> None:
    pages = {f"https://example.org/{n}": f"<title>{n}</title><p>words" for n in range(3)}
    capture(pages)
    with wiring.database.write() as session:
        held = projects.find_project(session, "study")
        actor = people.actor_of(people.find_user(session, "owner"))
        by_key = {one.key: one for one in fields.fields_of(session, held.id)}
        for number, address in enumerate(pages):
            item, _new = items.ensure_item(session, actor, held, Address.parse(address))
            given = {
                "author": ["报纸"], "promotes": ["one", "two"] if number else ["one"],
                "author_state_controlled": ["yes"], "posted_at": ["2020-01-01"],
                "platform": ["p"],
            }  # fmt: skip
            values = {by_key[key]: value for key, value in given.items()}
            fields.set_values(session, actor, held, item, values, source=ValueSource.LIST)
    coder = sign_in("coder")
    listed = "/p/study/registry"
    form = {"kind": "account", "platform": "p", "handle": "报纸"}
    account = send(coder, listed, listed, **form).location
    send(coder, listed, listed, kind="entity", label="وزارة")
    relation = {"type": "belongs-to", "subject_id": account.rsplit("/", 1)[1], "object": "وزارة"}
    send(coder, account, "/p/study/relations", provenance="x", **relation)
    page = coder.get("/p/study/network").text
    assert "3 pairs" in page
    data = coder.get("/p/study/network.gexf").data
    root = ET.fromstring(data)
    edges = [
        (one.get("source"), one.get("target"), one.get("weight"))
        for one in root.iter(f"{GEXF}edge")
    ]
    assert sorted(edges) == [
        ("account:报纸", "account:one", "3"),
        ("account:报纸", "account:two", "2"),
        ("account:报纸", "entity:وزارة", "3"),
    ]
    for query, number in (
        ('is:counted account:"报纸" creator:"one"', 3),
        ('is:counted account:"报纸" creator:"two"', 2),
        ('is:counted account:"报纸" entity:"وزارة"', 3),
    ):
        found = coder.get("/p/study/items.json", query_string={"q": query}).json
        assert found["total"] == number, query


def test_gexf_holds_any_name() -> None:
    names = ("<&\"'>", "a\x00b", "ئۇيغۇر")
    edges = tuple(Edge(one, "promotes", "x", 1, "") for one in names)
    root = ET.fromstring(to_gexf(edges, "T\x1b"))
    labels = {one.get("label") for one in root.iter(f"{GEXF}node")}
    assert labels == {"<&\"'>", "ab", "ئۇيغۇر", "x"}
    ids = {one.get("id") for one in root.iter(f"{GEXF}node")}
    for edge in root.iter(f"{GEXF}edge"):
        assert edge.get("source") in ids
        assert edge.get("target") in ids
