"""A project is reached by its own address only: no id of another project opens a door of this one.

A person who owns one project asks every route of it with the ids of another, in the address and in
the form. Nothing of the other is shown, nothing of it changes, and nothing here refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from coded import answer, units
from coded import book as frozen_book
from coded import round_page as opened_round
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ForeignKey, Table, func, select
from sqlalchemy.orm import Session
from werkzeug.routing import BuildError
from werkzeug.test import TestResponse

from annotate.models import EntryKind, Event, Item, Project, Scope
from annotate.models.base import Base
from annotate.services import items, people, projects, tokens
from annotate.services.registry import entries
from annotate.services.registry.entries import EntrySpec
from annotate.views.api.spec import ENDPOINTS
from annotate.wiring import Wiring
from archive.urlkey import Address

book, round_page = frozen_book, opened_round  # fixtures of that module
Browser = Callable[[str], FlaskClient]
Ids = Mapping[str, list[Any]]
"""Ids of rows by the name of their table."""
SECRET = "foreignword"
TABLE_OF = {  # parameters of addresses, and the tables whose ids they are
    "annotation_id": "annotation", "assertion_id": "assertion", "assignment_id": "assignment",
    "capture_id": "capture", "comment_id": "comment", "entry_id": "registry_entry",
    "import_id": "import_file", "item_id": "item", "memo_id": "memo", "note_id": "note",
    "relation_id": "relation", "request_id": "capture_request", "round_id": "coding_round",
    "saved_id": "saved_search", "sweep_id": "sweep", "tag_id": "tag", "token_id": "api_token",
    "unit_id": "assignment", "version_id": "codebook_version", "watch_id": "watch",
    "event_id": "event",
}  # fmt: skip
NAMES = {
    "item": "item", "items": "item", "capture": "capture", "evidence_item": "item",
    "evidence_capture": "capture", "subject_id": "item", "object_id": "item", "codebook": "codebook",
    "version_id": "codebook_version", "capture_id": "capture", "evidence_capture_id": "capture",
    "link": "memo_link",
}  # fmt: skip


@pytest.fixture
def foreign(sign_in: Browser, wiring: Wiring, round_page: str, book: str) -> Ids:
    """Fill the project with a row of nearly every kind; return its ids by table."""
    owner, coder = sign_in("owner"), sign_in("coder")
    with wiring.database.read() as session:
        item, capture = session.execute(
            select(Item.id, Item.latest_capture_id).order_by(Item.id)
        ).first()
    here = f"/p/study/items/{item}"
    assert answer(coder, units(wiring, "coder")[0], v_include="no").status_code == 302
    registry = "/p/study/registry"
    made = {"kind": "account", "platform": "x", "handle": SECRET, "label": SECRET}
    entry = send(owner, registry, registry, **made).location
    seen = {"provenance": SECRET}
    memo = {"kind": "analytic", "title": SECRET, "text": SECRET, "item": item}
    sweep = {"name": SECRET, "kind": "query", "platform": "x", "query": SECRET}
    many = "/p/study/screening/many?q=is:captured"
    shown = re.search(r'name="shown" value="(\w+)"', owner.get(many).text)[1]
    verdict = {"verdict": "excluded", "reason": SECRET, "q": "is:captured", "shown": shown}
    for action, form in (
        (f"{here}/tags", {"tag": SECRET}),
        (f"{here}/notes", {"text": SECRET, "kind": "remark"}),
        (
            f"{here}/same",
            {"address": "https://example.org/2", "judgement": "unsure", "reason": SECRET},
        ),
        (f"{here}/sensitive", {"reason": SECRET}),
        (f"/p/study/captures/{capture}/highlights", {"quote": "新疆棉花", "body": SECRET}),
        (f"/p/study/comments/item/{item}", {"text": SECRET}),
        (f"{entry}/assertions", {"property": "p", "value": "v", "basis": SECRET} | seen),
        (f"{entry}/names", {"name": SECRET, "kind": "own name"} | seen),
        ("/p/study/relations", {"type": "promotes", "subject_id": item, "object": SECRET} | seen),
        ("/p/study/memos", memo),
        ("/p/study/sweeps", sweep),
        ("/p/study/searches", {"name": SECRET, "q": SECRET}),
        ("/p/study/watching", {"q": "", "every": "24", "spread": "1", "keep": "each time"}),
        ("/p/study/bulk", {"all": "yes", "q": "", "tag": SECRET, "act": "tag"}),
        (many, verdict),
    ):
        got = send(owner, here, action, **form)
        assert got.status_code == 302, f"{action}: {got.status_code}"
    send(owner, "/p/study/tokens", "/p/study/tokens", name=SECRET, scope=["read"], days="1")
    with wiring.database.read() as session:
        return {
            name: list(session.scalars(select(held.c.id)))
            for name, held in Base.metadata.tables.items()
            if "id" in held.c
        }


@pytest.fixture
def other(wiring: Wiring, foreign: Ids) -> Project:
    """A project of a stranger, with an item and an entry of its own."""
    with wiring.database.write() as session:
        stranger = people.find_user(session, "stranger")
        actor = people.actor_of(stranger)
        made = projects.create_project(session, actor, stranger, slug="other", name="Other")
        items.ensure_item(session, actor, made, Address.parse("https://elsewhere.org/"))
        entries.create(session, actor, made, EntrySpec(EntryKind.ACCOUNT, handle="mine"))
    return made


def test_ids_of_another_project_open_nothing(
    app: Flask, sign_in: Browser, wiring: Wiring, foreign: Ids, other: Project
) -> None:
    stranger = sign_in("stranger")
    token = re.search(r'name="csrf_token" value="([^"]+)"', stranger.get("/me").text)[1]
    before, mine = standing(wiring, "study"), standing(wiring, "other")
    asked = 0
    for method, rule, address, theirs in addresses(app, foreign, own(wiring, other), "/"):
        form = sent(foreign) | {"csrf_token": token}
        got = stranger.open(address, method=method, data=form if method == "POST" else None)
        asked += 1
        check(got, f"{method} {rule}", theirs=theirs and method == "GET")
    assert asked > 250
    assert standing(wiring, "study") == before
    assert standing(wiring, "other") > mine + 10  # the forms are such as are taken
    with wiring.database.read() as session:
        assert not list(strays(session))


def test_a_token_of_one_project_opens_nothing_of_another(
    app: Flask, wiring: Wiring, foreign: Ids, other: Project
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "stranger"))
        held = projects.find_project(session, "other")
        _row, words = tokens.make_token(session, actor, held, name="t", scopes=list(Scope), days=1)
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {words}"
    bodies = {
        (one.method, "/api/v1" + one.path): {
            name: typed(schema["type"], sent(foreign).get(name, "x"))
            for name, schema in one.body.items()
        }
        for one in ENDPOINTS
    }
    before = standing(wiring, "study")
    asked = 0
    for method, rule, address, theirs in addresses(app, foreign, own(wiring, other), "/api/"):
        body = bodies.get((method, rule))
        got = program.open(address, method=method, json=body or None)
        asked += 1
        check(got, f"{method} {rule}", theirs=theirs and method == "GET")
    assert asked > 100
    assert standing(wiring, "study") == before
    with wiring.database.read() as session:
        assert not list(strays(session))


def test_no_form_is_taken_from_another_site(app: Flask, sign_in: Browser, project: Project) -> None:
    owner = sign_in("owner")
    asked = 0
    for method, rule, address, _theirs in addresses(app, {}, {}, "/", slug="study"):
        if method != "POST" or rule.startswith("/api/"):
            continue
        got = owner.post(address, data={"sure": "yes"})
        assert got.status_code == 400, rule
        assert "reload" in got.text, rule
        asked += 1
    assert asked > 100


def check(got: TestResponse, rule: str, *, theirs: bool) -> None:
    """Nothing of the other project comes back, but for the words that were sent along."""
    assert SECRET.encode() not in got.data, rule
    assert got.status_code < 500, f"{rule}: {got.data[:300]!r}"
    if theirs:
        assert got.status_code in {302, 404}, f"{rule}: {got.status_code}"
    got.close()


def addresses(
    app: Flask, foreign: Ids, mine: Ids, below: str, *, slug: str = "other"
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield method, rule and address of every route, with ids of theirs and then of mine.

    The last says whether an id of theirs is in the address.
    """
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or not rule.rule.startswith(below) or not rule.arguments:
            continue
        if below == "/" and rule.rule.startswith("/api/"):
            continue
        named = rule.arguments & TABLE_OF.keys()
        for held, theirs in ((foreign, bool(named)), (mine, False)):
            values: dict[str, Any] = {"slug": slug, "on": "item", "act": "retry", "position": 0}
            for name in rule.arguments - values.keys():
                known = held.get(TABLE_OF.get(name, ""), [])
                values[name] = known[0] if known else 0 if name == "event_id" else "0" * 8
            if "subject_id" in values:
                values["subject_id"] = (held.get("item") or ["0"])[0]
            try:
                address = adapter.build(rule.endpoint, values, method=None)
            except BuildError:
                continue
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule, address, theirs and held is foreign and bool(foreign)


def sent(foreign: Ids) -> dict[str, Any]:
    """Return what is sent with every form: ids of theirs wherever a form takes an id."""
    words = dict.fromkeys(("tag", "text", "title", "name", "reason", "body", "handle"), "w")
    ids = {name: foreign[held][0] for name, held in NAMES.items() if foreign[held]}
    return (
        words
        | ids
        | {
            "version": "1", "seen": "1", "verdict": "included", "act": "tag", "sure": "yes",
            "kind": "analytic", "judgement": "same", "address": "https://example.org/2",
            "into": "mine", "object": "mine", "type": "promotes", "provenance": "p",
            "property": "p", "value": "v", "basis": "b", "q": "", "query": "", "size": "0",
            "seed": "1", "coders_per_unit": "1", "back": "yes", "kept": "the list",
            "items": foreign["item"], "item": foreign["item"][0], "on": "item",
            "id": foreign["item"][0], "evidence_item": foreign["item"][0],
            "quote": "新疆棉花", "coder": foreign["user_account"], "every_hours": "24",
        }
    )  # fmt: skip


def typed(kind: str, value: Any) -> Any:
    """Return a value of a JSON type."""
    if kind == "array":
        return value if isinstance(value, list) else [value]
    if kind == "integer":
        return 1
    if kind == "boolean":
        return True
    if kind == "object":
        return {}
    return value[0] if isinstance(value, list) else value


def own(wiring: Wiring, other: Project) -> Ids:
    with wiring.database.read() as session:
        return {
            name: list(session.scalars(select(held.c.id).where(held.c.project_id == other.id)))
            for name, held in Base.metadata.tables.items()
            if "id" in held.c and "project_id" in held.c
        }


def standing(wiring: Wiring, slug: str) -> int:
    """Return how many events a project has: whatever changes has one."""
    with wiring.database.read() as session:
        ledger = projects.find_project(session, slug).id
        return session.scalar(select(func.count()).where(Event.ledger == ledger)) or 0


def strays(session: Session) -> Iterator[str]:
    """Yield the references that lead from a row of one project to a row of another."""
    for table in Base.metadata.sorted_tables:
        ends = [one for one in table.foreign_keys if _scoped(one.column.table)]
        whose = [_project_of(one) for one in ends]
        if "project_id" in table.c:
            whose.append((table.c.project_id, None))
        for first in whose:
            for second in whose:
                yield from _apart(session, table, first, second)


def _scoped(table: Table) -> bool:
    return "project_id" in table.c


def _project_of(key: ForeignKey) -> tuple[Any, Any]:
    held = key.column.table.alias()
    return held.c.project_id, (held, key.parent == held.c[key.column.name])


def _apart(session: Session, table: Table, first: Any, second: Any) -> Iterator[str]:
    query = select(func.count()).select_from(table)
    joined = table
    for _column, how in (first, second):
        if how is not None:
            joined = joined.join(how[0], how[1])
    if first is second:
        return
    query = select(func.count()).select_from(joined).where(first[0] != second[0])
    if session.scalar(query):
        yield f"{table.name}: {first[0]} {second[0]}"
