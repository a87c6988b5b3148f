"""Where list and page contradict each other a person decides; both claims are kept."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import FieldValue, Project, ValueDecision, ValueSource
from annotate.services import checks, fields, items, people, projects
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
HERE = "/p/study/differences"
ADDRESS = "https://example.org/1"
POST = '<title>帖子</title><article><a rel="author" href="/@paper">@paper</a><p>新疆 @traveller</p></article>'


@pytest.fixture
def item(wiring: Wiring, project: Project, capture: Callable) -> str:
    """A captured post whose author and promoted account the list has wrong."""
    capture({ADDRESS: POST})
    with wiring.database.write() as session:
        held = projects.find_project(session, "study")
        actor = people.actor_of(people.find_user(session, "owner"))
        item, _new = items.ensure_item(session, actor, held, Address.parse(ADDRESS))
        by_key = {one.key: one for one in fields.fields_of(session, held.id)}
        given = {by_key["author"]: ["papper"], by_key["promotes"]: ["travellers"]}
        fields.set_values(session, actor, held, item, given, source=ValueSource.LIST)
        checks.recheck_item(session, actor, held, item)
        return item.id


def form_of(client: FlaskClient, key: str) -> tuple[str, str]:
    """Return the action and the version of the question that is shown for a field."""
    for at in range(3):
        page = client.get(f"{HERE}?at={at}").text
        found = re.search(rf'action="({HERE}/[^"]+/{key})"', page)
        if found:
            version = re.search(r'name="version" value="([^"]*)"', page)[1]
            return found[1], html.unescape(version)
    raise AssertionError(key)


def current(wiring: Wiring, key: str) -> list[tuple[str, str, str]]:
    with wiring.database.read() as session:
        project = projects.find_project(session, "study")
        field = next(one for one in fields.fields_of(session, project.id) if one.key == key)
        query = (
            select(FieldValue)
            .where(FieldValue.field_id == field.id, FieldValue.current)
            .order_by(FieldValue.id)
        )
        return [(v.raw, v.source.value, v.state.value) for v in session.scalars(query)]


def test_list_value_page_value_and_evidence_are_shown(sign_in: Browser, item: str) -> None:
    shown = sign_in("coder").get(HERE).text
    assert "1 of 2 open" in shown
    for words in ("papper", "paper", "<iframe", "新疆"):
        assert words in shown
    viewer = sign_in("viewer").get(HERE).text
    assert "papper" in viewer
    assert "decide" not in re.findall(r'id="(\w+)"', viewer)


def test_a_decision_for_the_page_keeps_both_claims_and_who_and_why(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder = sign_in("coder")
    action, version = form_of(coder, "author")
    form = {"version": version, "kept": "the page", "reason": "拼写错误"}
    assert send(coder, HERE, action, **form).status_code == 302
    assert current(wiring, "author") == [("paper", "person", "agrees")]
    with wiring.database.read() as session:
        assert {one.raw for one in session.scalars(select(FieldValue))} >= {"papper", "paper"}
        row = session.scalars(select(ValueDecision)).one()
        assert (row.claimed, row.shown) == ('["papper"]', '["paper"]')
    shown = coder.get(HERE).text
    assert "1 of 1 open" in shown
    assert "拼写错误" in shown
    history = coder.get(f"/p/study/items/{item}?tab=history").text
    assert "value:decide" in history
    assert "拼写错误" in history


def test_a_decision_for_the_list_needs_a_reason_and_leaves_the_list_current(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder = sign_in("coder")
    action, version = form_of(coder, "author")
    form = {"version": version, "kept": "the list"}
    refused = send(coder, HERE, action, **form)
    assert refused.status_code == 400
    assert "Say why" in refused.text
    assert send(coder, HERE, action, reason="the page is a copy", **form).status_code == 302
    assert current(wiring, "author") == [("papper", "list", "differs")]
    assert "1 of 1 open" in coder.get(HERE).text


def test_another_value_is_set_and_undone_exactly(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder = sign_in("coder")
    before = current(wiring, "promotes")
    action, version = form_of(coder, "promotes")
    form = {"version": version, "kept": "another value", "reason": "two are shown"}
    assert send(coder, HERE, action, **form).status_code == 400
    done = send(coder, HERE, action, value="traveller; someone", **form)
    assert done.status_code == 302
    assert [one[0] for one in current(wiring, "promotes")] == ["traveller", "someone"]
    assert "1 of 1 open" in coder.get(HERE).text  # decided, although the page still differs
    with wiring.database.read() as session:
        row = session.scalars(select(ValueDecision)).one()
    undo = f"/p/study/decisions-of-values/{row.id}/undo"
    assert send(coder, HERE, undo).status_code == 302
    assert current(wiring, "promotes") == before
    assert "1 of 2 open" in coder.get(HERE).text
    assert send(coder, HERE, undo).status_code == 400


def test_a_late_decision_is_refused_with_both(sign_in: Browser, wiring: Wiring, item: str) -> None:
    first, second = sign_in("coder"), sign_in("manager")
    action, version = form_of(first, "author")
    form = {"version": version, "reason": "x"}
    assert send(first, HERE, action, kept="the list", **form).status_code == 302
    late = send(second, HERE, action, kept="unsure", **form)
    assert late.status_code == 409
    assert "the list" in late.text
    assert "unsure" in late.text
    with wiring.database.read() as session:
        assert len(session.scalars(select(ValueDecision)).all()) == 1


def test_undo_does_not_overwrite_what_was_set_since(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder = sign_in("coder")
    action, version = form_of(coder, "author")
    send(coder, HERE, action, version=version, kept="the page")
    page = coder.get(f"/p/study/items/{item}").text
    part = page[page.index("fields/author") :]
    seen = re.search(r'name="version" value="([^"]*)"', part)[1]
    here = f"/p/study/items/{item}"
    assert (
        send(coder, here, f"{here}/fields/author", value="newer", version=seen).status_code == 302
    )
    with wiring.database.read() as session:
        row = session.scalars(select(ValueDecision)).one()
    assert send(coder, HERE, f"/p/study/decisions-of-values/{row.id}/undo").status_code == 409
    assert [one[0] for one in current(wiring, "author")] == ["newer"]
    assert "1 of 2 open" in coder.get(HERE).text  # the newer value differs and nobody decided it


def test_a_page_that_shows_something_else_later_opens_the_question_again(
    sign_in: Browser, wiring: Wiring, item: str, capture: Callable
) -> None:
    coder = sign_in("coder")
    action, version = form_of(coder, "author")
    send(coder, HERE, action, version=version, kept="the list", reason="x")
    assert "1 of 1 open" in coder.get(HERE).text
    capture({ADDRESS: POST.replace("paper", "other")})
    assert "1 of 2 open" in coder.get(HERE).text
