"""Sensitive items: marked with a reason, veiled for everybody, spared to who asked."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import (
    Assignment,
    Capture,
    CodingRound,
    Event,
    EventKind,
    FieldType,
    Item,
    PictureChoice,
    Project,
    Role,
    ValueSource,
)
from annotate.services import (
    codebooks,
    fields,
    items,
    people,
    projects,
    rounds,
    sensitive,
    veils,
)
from annotate.wiring import Wiring
from archive.sanitise import Sanitiser
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
REASON = "جثث في الشارع 尸体"
FILM = '<html><title>Film</title><p>words</p><video autoplay loop src="/f.mp4"></video></html>'
BOOK = "variable,type,code\ninclude,boolean,\n"


@pytest.fixture
def held(wiring: Wiring, project: Project) -> list[str]:
    """Six items; ids in order of their address."""
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        made = items.ensure_items(
            session, actor, here, [Address.parse(f"https://example.org/{n}") for n in range(6)]
        )
    return [made[f"https://example.org/{n}"][0].id for n in range(6)]


def mark(client: FlaskClient, item: str, reason: str = REASON):
    here = f"/p/study/items/{item}"
    return send(client, here, f"{here}/sensitive", reason=reason)


def choose(client: FlaskClient, word: str) -> None:
    page = "/p/study/sensitive"
    assert send(client, page, f"{page}/choice", pictures=word).status_code == 302


def found(client: FlaskClient, query: str) -> int:
    page = client.get(f"/p/study/?q={query}").text
    return int(re.search(r'class="number">(\d+) item', page)[1])


def test_an_item_is_marked_with_a_reason_and_the_mark_comes_off(
    sign_in: Browser, held: list[str]
) -> None:
    coder, viewer = sign_in("coder"), sign_in("viewer")
    here = f"/p/study/items/{held[0]}"
    assert mark(coder, held[0], " ").status_code == 400
    assert mark(viewer, held[0]).status_code in {400, 403}
    assert found(coder, "is:sensitive") == 0
    assert mark(coder, held[0]).status_code == 302
    assert REASON in viewer.get(here).text
    assert found(viewer, "is:sensitive") == 1
    assert found(viewer, "-is:sensitive") == 5
    assert send(coder, here, f"{here}/sensitive/remove").status_code == 302
    assert found(viewer, "is:sensitive") == 0
    history = viewer.get(f"{here}?tab=history").text
    assert EventKind.ITEM_MARK_SENSITIVE.value in history
    assert EventKind.ITEM_UNMARK_SENSITIVE.value in history


def test_many_are_marked_and_one_undo_restores_exactly_those(
    sign_in: Browser, wiring: Wiring, held: list[str]
) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    mark(manager, held[0])
    bulk = "/p/study/sensitive/bulk"
    page = "/p/study/"
    assert send(coder, page, bulk, item=held[:4]).status_code == 400  # no reason
    assert send(coder, page, bulk, item=held[:4], reason="blood", sensitive="on").status_code == 302
    assert found(coder, "is:sensitive") == 4
    here = f"/p/study/items/{held[1]}"
    send(manager, here, f"{here}/sensitive/remove")
    send(manager, here, f"{here}/sensitive", reason="seen again")
    undo = re.search(r"/p/study/sensitive/[0-9a-f-]{36}/undo", coder.get("/p/study/sensitive").text)
    assert send(manager, "/p/study/sensitive", undo[0]).status_code == 404  # not theirs
    assert send(coder, "/p/study/sensitive", undo[0]).status_code == 302
    with wiring.database.read() as session:
        # What the manager set, before and since, stays.
        assert sensitive.among(session, held) == {held[0], held[1]}
    send(coder, page, bulk, all="yes", q="", sensitive="off")
    assert found(coder, "is:sensitive") == 0
    undo = re.search(r"/p/study/sensitive/[0-9a-f-]{36}/undo", coder.get("/p/study/sensitive").text)
    send(coder, "/p/study/sensitive", undo[0])
    with wiring.database.read() as session:
        assert sensitive.among(session, held) == {held[0], held[1]}
        why = veils.veil_of(
            session, projects.find_project(session, "study"), people.find_user(session, "coder"),
            held[1],
        )  # fmt: skip
    assert why.reason == "seen again"
    assert send(coder, "/p/study/sensitive", undo[0]).status_code == 404


def test_a_column_of_a_list_marks_items_and_never_takes_a_persons_mark(
    wiring: Wiring, held: list[str]
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        spec = fields.FieldSpec("sensitive", "Graphic", FieldType.BOOLEAN)
        (field,) = fields.define_fields(session, actor, here, [spec])
        first, second = (session.get_one(Item, one) for one in held[:2])
        sensitive.mark(session, actor, here, second, REASON)
        for item, value in ((first, "x"), (second, "yes")):
            fields.set_values(session, actor, here, item, {field: [value]}, source=ValueSource.LIST)
        assert sensitive.among(session, held) == set(held[:2])
        for item in (first, second):
            fields.set_values(session, actor, here, item, {field: ["no"]}, source=ValueSource.LIST)
        assert sensitive.among(session, held) == {held[1]}


def test_what_is_marked_is_veiled_on_every_page_until_asked_for_and_again_afterwards(
    sign_in: Browser, wiring: Wiring, capture: Callable
) -> None:
    capture({"https://example.org/film": FILM})
    with wiring.database.read() as session:
        taken = session.scalars(select(Capture)).one()
    here = f"/p/study/items/{taken.item_id}"
    coder = sign_in("coder")
    opened = {"Sec-Fetch-Dest": "document"}
    pages = [(here, {}), (f"/c/{taken.id}/view", opened)]
    assert all("data-veil" not in coder.get(page, headers=how).text for page, how in pages)
    assert b" muted" not in coder.get(f"/c/{taken.id}/view").data
    mark(coder, taken.item_id)
    for page, how in pages:
        assert '<div class="veiled" inert>' in coder.get(page, headers=how).text
        assert "veiled" not in coder.get(f"{page}?show=yes", headers=how).text
        assert '<div class="veiled" inert>' in coder.get(page, headers=how).text
    for picture in ("screenshot.png", "thumbnail.png", "part?u=https://example.org/film"):
        alone = coder.get(f"/c/{taken.id}/{picture}", headers=opened).text
        assert '<div class="veiled" inert>' in alone, picture
    film = coder.get(f"/c/{taken.id}/view").text
    assert re.search(r'<video[^>]* muted=""[^>]*preload="none"', film)
    assert "autoplay" not in film
    choose(coder, "avoid")
    for page, how in [*pages, (f"{here}?tab=text", {})]:
        shown = coder.get(page, headers=how).text
        assert "veil-notice" in shown
        assert "<iframe" not in shown
        assert "words</" not in shown
    choose(coder, "show")
    assert all("veiled" not in coder.get(page, headers=how).text for page, how in pages)


def test_a_project_may_blur_every_picture(
    sign_in: Browser, capture: Callable, wiring: Wiring
) -> None:
    capture({"https://example.org/film": FILM})
    with wiring.database.read() as session:
        here = f"/p/study/items/{session.scalars(select(Item.id)).one()}"
    manager, coder = sign_in("manager"), sign_in("coder")
    page = "/p/study/sensitive"
    assert send(coder, page, f"{page}/project", blurs_all="yes").status_code == 403
    assert send(manager, page, f"{page}/project", blurs_all="yes").status_code == 302
    assert "data-veil" in coder.get(here).text
    choose(coder, "avoid")  # of sensitive items, which this is not
    assert "veil-notice" not in coder.get(here).text
    send(manager, page, f"{page}/project")
    assert "data-veil" not in coder.get(here).text


def test_films_are_silent_in_frames_within_the_page_too() -> None:
    one = Sanitiser("https://example.org/", lambda address: address)
    one.silent = True
    page = one.page('<audio src="a.mp3" autoplay></audio><video src="b.mp4"></video>').decode()
    assert page.count(' muted=""') == page.count(' preload="none"') == 2


def test_who_opted_out_is_given_none_and_the_manager_sees_how_many_are_short(
    sign_in: Browser, wiring: Wiring, held: list[str]
) -> None:
    owner, coder = sign_in("owner"), sign_in("coder")
    for item in held[:2]:
        mark(owner, item)
    choose(coder, "avoid")
    opened = open_round(wiring, held)
    with wiring.database.read() as session:
        me = people.find_user(session, "coder")
        mine = session.scalars(select(Assignment.item_id).where(Assignment.coder_id == me.id)).all()
        theirs = session.scalars(
            select(Assignment.item_id).where(Assignment.coder_id != me.id)
        ).all()
        assert rounds.short_of_coders(session, session.get_one(CodingRound, opened)) == 2
    assert set(mine) == set(held[2:])
    assert set(theirs) == set(held)
    page = f"/p/study/rounds/{opened}"
    assert "2 units have fewer coders than the round asks" in owner.get(page).text
    assert 'id="short"' not in coder.get(page).text


def test_a_unit_marked_later_is_a_notice_with_a_choice_and_can_be_handed_back(
    sign_in: Browser, wiring: Wiring, held: list[str]
) -> None:
    opened = open_round(wiring, held, coders=("coder", "manager", "owner"), each=1)
    coder = sign_in("coder")
    with wiring.database.read() as session:
        me = people.find_user(session, "coder")
        unit = session.scalars(select(Assignment).where(Assignment.coder_id == me.id)).first()
    page = f"/p/study/coding/unit/{unit.id}"
    assert "hand-back" not in coder.get(page).text
    assert send(coder, page, f"{page}/hand-back").status_code == 400
    mark(sign_in("viewer"), unit.item_id)  # a viewer may not
    assert "hand-back" not in coder.get(page).text
    mark(coder, unit.item_id)  # who codes blind may: it protects the others
    choose(coder, "avoid")
    assert "hand-back" in coder.get(page).text
    got = send(coder, page, f"{page}/hand-back")
    assert got.status_code == 302
    with wiring.database.read() as session:
        (now,) = session.scalars(select(Assignment).where(Assignment.item_id == unit.item_id))
        assert now.coder_id != me.id
        assert rounds.short_of_coders(session, session.get_one(CodingRound, opened)) == 0


def test_why_is_hidden_from_who_codes_blind_but_not_that_it_is_marked(
    app: Flask, sign_in: Browser, wiring: Wiring, held: list[str]
) -> None:
    open_round(wiring, held)
    owner, coder = sign_in("owner"), sign_in("coder")
    mark(owner, held[0])
    here = f"/p/study/items/{held[0]}"
    for page in (here, f"{here}?tab=history", "/p/study/sensitive", "/p/study/?q=is:sensitive"):
        assert REASON not in coder.get(page).text
    assert "badge sensitive" in coder.get(here).text
    assert REASON in owner.get(here).text


def open_round(
    wiring: Wiring, held: list[str], coders: tuple[str, ...] = ("coder", "manager"), each: int = 2
) -> str:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        version = codebooks.create(session, actor, here, table.read_table("Book", BOOK))
        codebooks.freeze(session, actor, here, version)
        who = [people.find_user(session, one) for one in coders]
        plan = rounds.Plan("First", "", 0, 1, each, who)
        return rounds.open_round(session, actor, here, version, plan, held).id


def test_the_choice_is_a_members_own(sign_in: Browser, wiring: Wiring, project: Project) -> None:
    choose(sign_in("coder"), "avoid")
    with wiring.database.read() as session:
        here = projects.find_project(session, "study")
        chosen = {
            role: veils.choice_of(session, here, people.find_user(session, role.value))
            for role in Role
        }
        assert veils.avoiding(session, here) == {people.find_user(session, "coder").id}
        events = session.scalars(
            select(Event.document).where(Event.kind == EventKind.MEMBER_CHOOSE_PICTURES)
        ).all()
    assert len(events) == 1
    assert "avoid" not in events[0]  # the log is everybody's to read
    assert chosen.pop(Role.CODER) is PictureChoice.AVOID
    assert set(chosen.values()) == {PictureChoice.ASK}
    page = "/p/study/sensitive"
    assert send(sign_in("coder"), page, f"{page}/choice", pictures="never").status_code == 400


def test_a_list_brought_in_by_its_page_marks_what_its_column_says(
    sign_in: Browser, project: Project
) -> None:
    manager = sign_in("manager")
    settings, lists = "/p/study/settings", "/p/study/lists"
    field = {"key": "sensitive", "label": "Graphic", "type": "boolean"}
    assert send(manager, settings, "/p/study/fields", **field).status_code == 302
    text = "url,Graphic\nhttps://example.org/1,yes\nhttps://example.org/2,no\n"
    asked = send(manager, "/me", lists, file=(io.BytesIO(text.encode()), "list.csv"))
    action = asked.location.partition("?")[0]
    assert 'value="sensitive" selected' in manager.get(asked.location).text
    form = {"column-0": "address", "column-1": "sensitive", "name": "list.csv"}
    form |= {"encoding": "utf-8-sig", "was_encoding": "utf-8-sig"}
    assert found(manager, "is:sensitive") == 0
    done = send(manager, "/me", action, act="import", **form)
    assert done.status_code in {200, 302}, done.text
    assert found(manager, "is:sensitive") == 1
    assert found(manager, "is:sensitive url:org/1") == 1
