"""Memos: versions, stale saves whose text is kept, links, and finding items by them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from test_api import Program

from annotate.instrument import table
from annotate.models import CommentOn, Project
from annotate.services import codebooks, items, people, projects
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
MEMOS = "/p/study/memos"
ADDRESS = "https://example.org/1"


@pytest.fixture
def item(wiring: Wiring, project: Project) -> str:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        return items.ensure_item(session, actor, here, Address.parse(ADDRESS))[0].id


def write(client: FlaskClient, title: str, text: str, **form: object) -> str:
    """Write a memo; return the address of its page."""
    made = send(client, MEMOS, MEMOS, kind="decision", title=title, text=text, **form)
    assert made.status_code == 302, made.text
    return made.location


def found(client: FlaskClient, query: str) -> int:
    page = client.get(f"/p/study/?q={query}").text
    return int(re.search(r'class="number">(\d+) item', page)[1])


def test_every_version_is_kept_and_can_be_made_the_newest_again(
    sign_in: Browser, project: Project
) -> None:
    coder, viewer = sign_in("coder"), sign_in("viewer")
    assert send(viewer, MEMOS, MEMOS, kind="method", title="x").status_code in {400, 403}
    assert send(coder, MEMOS, MEMOS, kind="method", title=" ").status_code == 400
    assert send(coder, MEMOS, MEMOS, kind="diary", title="x").status_code == 400
    memo = write(coder, "قرار 决定", "one\nline")
    assert send(coder, memo, memo, title="قرار 决定", text="two", version="1").status_code == 302
    shown = viewer.get(memo).text
    assert "one\nline" in shown
    assert "Version 1" in shown
    assert 'name="act"' not in shown
    assert send(coder, memo, memo, act="restore", number="1", version="2").status_code == 302
    assert send(coder, memo, memo, act="restore", number="9", version="3").status_code == 404
    assert "version 3" in viewer.get(memo).text
    assert send(coder, memo, memo, act="withdraw").status_code == 302
    assert "Withdrawn" in viewer.get(memo).text
    assert send(coder, memo, memo, act="back").status_code == 302
    assert "Withdrawn" not in viewer.get(memo).text


def test_a_save_that_came_too_late_shows_both_texts_and_keeps_a_draft(
    sign_in: Browser, project: Project
) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    memo = write(coder, "How we sample", "begin")
    send(manager, memo, memo, title="How we sample", text="the manager's words", version="1")
    late = send(coder, memo, memo, title="How we sample", text="the coder's words", version="1")
    assert late.status_code == 409
    assert "the manager&#39;s words" in late.text
    assert "the coder&#39;s words" in late.text
    mine = coder.get(memo).text
    assert "the coder&#39;s words" in mine[: mine.index("the manager&#39;s words")]
    assert "the coder&#39;s words" not in manager.get(memo).text
    assert send(coder, memo, memo, title="How", text="both", version="2").status_code == 302
    assert "Your draft" not in coder.get(memo).text
    send(manager, memo, memo, title="How", text="again", version="2")
    assert "Your draft" in manager.get(memo).text
    send(manager, memo, memo, act="draft")
    assert "Your draft" not in manager.get(memo).text
    assert "both" in manager.get(memo).text


def test_a_memo_is_about_items_and_codes_and_finds_them(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder = sign_in("coder")
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        book = table.read_table("Book", "variable,type,code\nframe,nominal,food\n")
        version = codebooks.create(session, actor, here, book)
        book_id = version.codebook_id
    memo = write(coder, "Borrowed footage", "Wird dreimal ähnlich verwendet")
    assert found(coder, "memo:footage") == 0
    assert found(coder, "footage") == 0
    assert send(coder, memo, f"{memo}/links", address=ADDRESS).status_code == 302
    assert send(coder, memo, f"{memo}/links", address="https://example.org/9").status_code == 400
    part = {"codebook": book_id, "part": "frame=food"}
    assert send(coder, memo, f"{memo}/links", **part).status_code == 302
    assert send(coder, memo, f"{memo}/links", **(part | {"part": "frame=no"})).status_code == 404
    shown = coder.get(memo).text
    assert ADDRESS in shown
    assert "frame=food" in shown
    assert "Borrowed footage" in coder.get(f"/p/study/items/{item}").text
    assert found(coder, "memo:FOOTAGE") == found(coder, "memo:*") == 1
    assert found(coder, 'memo:"dreimal ähnlich"') == 1
    assert found(coder, "footage") == 0  # bare words do not search memos
    link = re.search(r'name="remove" value="([^"]+)"', shown)[1]
    assert send(coder, memo, f"{memo}/links", remove=link).status_code == 302
    assert found(coder, "memo:footage") == 0
    other = write(coder, "Another", "", item=item)
    assert found(coder, "memo:another") == 1
    assert send(coder, other, f"{other}/links", remove=link).status_code == 404
    send(coder, other, other, act="withdraw")
    assert found(coder, "memo:another") == 0


def test_programs_write_memos_and_comments(app: Flask, sign_in: Browser, item: str) -> None:
    tokens = "/p/study/tokens"
    made = send(sign_in("coder"), tokens, tokens, name="t", scope=["read", "write"], days="1")
    ask = Program(app, re.search(r"hft_[\w-]+", made.text)[0])
    body = {"kind": "analytic", "title": "مذكرة", "text": "a", "items": [item]}
    memo = ask("POST", "/memos", body)["id"]
    edited = {"title": "مذكرة", "text": "b", "version": 1}
    assert ask("PUT", f"/memos/{memo}", edited)["version"] == 2
    late = ask("PUT", f"/memos/{memo}", edited | {"text": "c"}, status=409)
    assert (late["theirs"], late["yours"]) == ("مذكرة\n\nb", "مذكرة\n\nc")
    held = ask("GET", f"/memos/{memo}")
    assert [one["text"] for one in held["versions"]] == ["b", "a"]
    assert held["links"][0]["item"] == item
    assert ask("GET", "/memos?q=مذكرة")["memos"][0]["id"] == memo
    said = ask("POST", "/comments", {"on": "item", "id": item, "text": "@manager see"})
    ask("POST", "/comments", {"on": "wall", "id": item, "text": "x"}, status=400)
    ask("POST", f"/comments/{said['id']}/replies", {"text": "and here"})
    ask("PUT", f"/comments/{said['id']}", {"text": "@manager look", "version": 1})
    ask("PUT", f"/comments/{said['id']}", {"text": "late", "version": 1}, status=409)
    (thread,) = ask("GET", f"/items/{item}/comments")["threads"]
    assert [one["text"] for one in thread["comments"]] == ["@manager look", "and here"]
    assert ask("GET", f"/comments?on={CommentOn.ITEM.value}&id={item}")["threads"] == [thread]
    assert ask("PUT", f"/comments/{said['id']}/resolved", {"resolved": True})["resolved"]
    assert ask("GET", "/comments")["threads"] == []
    assert ask("DELETE", f"/comments/{said['id']}")["text"] is None
    made = send(sign_in("manager"), tokens, tokens, name="t", scope=["read"], days="1")
    mine = Program(app, re.search(r"hft_[\w-]+", made.text)[0])
    assert mine("GET", "/me/for-you")["unread"] == 0  # what named them is withdrawn
