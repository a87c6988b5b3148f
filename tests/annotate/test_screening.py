"""Screening, one by one and in bulk: shown before, done at once, undone exactly."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select
from test_api import Program
from test_api import program as api_program

from annotate.errors import StaleSaveError, UsageError
from annotate.models import (
    Event,
    EventKind,
    Item,
    Project,
    Role,
    Screening,
    ScreeningOperation,
    Verdict,
)
from annotate.services import items, people, projects, screening
from annotate.services.screening import Said
from annotate.wiring import Wiring
from archive.urlkey import Address

program = api_program  # the fixture
Browser = Callable[[str], FlaskClient]
MANY = "/p/study/screening/many"
OUT = Said(Verdict.EXCLUDED, "没有 وجه")


def make_items(wiring: Wiring, project: Project, number: int) -> list[str]:
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        addresses = [Address.parse(f"https://example.org/{n}") for n in range(number)]
        items.ensure_items(session, owner, held, addresses)
    with wiring.database.read() as session:
        return sorted(session.scalars(select(Item.id)))


def standing(wiring: Wiring) -> dict[str, tuple[Verdict | None, str]]:
    with wiring.database.read() as session:
        rows = session.scalars(select(Screening))
        return {one.item_id: (one.verdict, one.reason) for one in rows}


def exclude_all(client: FlaskClient, query: str, reason: str) -> str:
    page = f"{MANY}?q={query}"
    shown = re.search(r'name="shown" value="(\w+)"', client.get(page).text)[1]
    form = {"q": query, "shown": shown, "verdict": "excluded", "reason": reason}
    got = send(client, page, MANY, **form)
    assert got.status_code == 302, got.text
    return got.location


def test_an_act_on_many_is_shown_first_and_undone_exactly(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    ids = make_items(wiring, project, 40)
    coder, manager = sign_in("coder"), sign_in("manager")
    one = f"/p/study/screening/items/{ids[0]}"
    form = {"verdict": "included", "reason": "seen", "version": "0"}
    assert send(coder, f"/p/study/items/{ids[0]}", one, **form).status_code == 302
    before = standing(wiring)
    page = coder.get(f"{MANY}?q=").text
    assert "Screen all 40 items" in page
    assert "A sample of 20 of them" in page
    assert re.search(r"<b>1</b>included now.*<b>39</b>undecided now", page)
    act = exclude_all(coder, "", "没有 وجه")
    assert set(standing(wiring).values()) == {(Verdict.EXCLUDED, "没有 وجه")}
    # Somebody decides otherwise on one of them, and on another says the very same again.
    form = {"verdict": "included", "reason": "it is there", "version": "1"}
    other = f"/p/study/screening/items/{ids[7]}"
    assert send(manager, "/me", other, **form).status_code == 302
    got = send(coder, act, f"{act}/undo")
    assert got.status_code == 302, got.text
    assert standing(wiring) == {
        **dict.fromkeys(ids, (None, "")),
        **before,
        ids[7]: (Verdict.INCLUDED, "it is there"),
    }
    undone = coder.get(got.location).text
    assert "1 changed since, left as they were" in undone
    assert ids[7] in undone
    assert send(coder, act, f"{act}/undo").status_code == 400
    # The undo is an act like another: undone itself, all but the one is excluded again.
    assert send(coder, got.location, f"{got.location}/undo").status_code == 302
    again = standing(wiring)
    assert again.pop(ids[7]) == (Verdict.INCLUDED, "it is there")
    assert set(again.values()) == {(Verdict.EXCLUDED, "没有 وجه")}


@pytest.mark.slow
def test_five_thousand_rows_are_restored_but_for_a_concurrent_edit(
    wiring: Wiring, project: Project
) -> None:
    number = 1200 if os.environ.get("HOLDFAST_BOUNDED") else 5000
    ids = make_items(wiring, project, number)

    def act(login: str, what: Callable) -> object:
        with wiring.database.write() as session:
            actor = people.actor_of(people.find_user(session, login))
            return what(session, actor, session.get_one(Project, project.id))

    earlier = Said(Verdict.EXCLUDED, "earlier reason")
    for some, said in ((ids[:100], Said(Verdict.INCLUDED)), (ids[100:200], earlier)):
        shown = screening.digest_of(some)
        act("coder", lambda s, a, p, i=some, d=said, h=shown: screening.screen_many(
            s, a, p, i, d, query="", shown=h))  # fmt: skip
    before = standing(wiring)
    shown = screening.digest_of(ids)
    done = act(
        "coder", lambda s, a, p: screening.screen_many(s, a, p, ids, OUT, query="", shown=shown)
    )
    assert set(standing(wiring).values()) == {(OUT.verdict, OUT.reason)}
    act("manager", lambda s, a, p: screening.screen(
        s, a, p, s.get_one(Item, ids[50]), Said(Verdict.EXCLUDED, "mine"), seen=2))  # fmt: skip
    undone = act("coder", lambda s, a, p: screening.undo(s, a, p, done.id))
    after = standing(wiring)
    assert undone.kept == 1
    assert after.pop(ids[50]) == (Verdict.EXCLUDED, "mine")
    assert after == {one: before.get(one, (None, "")) for one in ids if one != ids[50]}
    with wiring.database.read() as session:
        events = session.scalars(
            select(Event.operation_id).where(Event.kind == EventKind.ITEM_SCREEN)
        ).all()
        operations = session.scalars(select(ScreeningOperation.id)).all()
    assert events.count(done.id) == number
    assert events.count(undone.id) == number - 1
    assert {one for one in events if one} == set(operations)


def test_who_did_an_act_undoes_it_and_a_manager_anybodys(
    sign_in: Browser, program: Callable[..., Program], wiring: Wiring, project: Project
) -> None:
    make_items(wiring, project, 3)
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        other = people.find_user(session, "stranger")
        held = session.get_one(Project, project.id)
        projects.set_member(session, owner, held, other, Role.CODER)
    coder, other, manager = (sign_in(one) for one in ("coder", "stranger", "manager"))
    act = exclude_all(coder, "", "no face")
    excluded = standing(wiring)
    # Another coder and a viewer are offered no undo, and have none.
    for login in ("stranger", "viewer", "data-viewer"):
        client = sign_in(login)
        assert "Undo it" not in client.get(act).text
        got = send(client, "/me", f"{act}/undo")
        assert got.status_code == 403, (login, got.text)
    ask = program("stranger")
    refused = ask("POST", f"/screening/{act.rpartition('/')[2]}/undo", status=403)
    assert "or a manager" in refused["error"]
    assert [one["undoable"] for one in ask("GET", "/screening")["acts"]] == [False]
    assert standing(wiring) == excluded
    # A manager undoes it; that undo is the manager's, and the coder does not undo it.
    assert "Undo it" in manager.get(act).text
    undone = send(manager, act, f"{act}/undo").location
    assert {verdict for verdict, _reason in standing(wiring).values()} == {None}
    assert "Undo it" not in coder.get(undone).text
    assert send(coder, "/me", f"{undone}/undo").status_code == 403
    assert {verdict for verdict, _reason in standing(wiring).values()} == {None}
    # The owner undoes the manager's, and each coder their own.
    assert send(sign_in("owner"), undone, f"{undone}/undo").status_code == 302
    assert standing(wiring) == excluded
    mine = exclude_all(other, "", "another reason")
    assert send(coder, "/me", f"{mine}/undo").status_code == 403
    assert send(other, mine, f"{mine}/undo").status_code == 302
    assert standing(wiring) == excluded


def test_a_search_that_finds_other_items_than_shown_changes_nothing(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    make_items(wiring, project, 3)
    coder = sign_in("coder")
    shown = re.search(r'name="shown" value="(\w+)"', coder.get(f"{MANY}?q=").text)[1]
    make_items(wiring, project, 4)
    form = {"q": "", "shown": shown, "verdict": "excluded", "reason": "x"}
    got = send(coder, f"{MANY}?q=", MANY, **form)
    assert got.status_code == 400
    assert "other items now" in got.text
    assert standing(wiring) == {}
    shown = re.search(r'name="shown" value="(\w+)"', coder.get(f"{MANY}?q=").text)[1]
    got = send(coder, f"{MANY}?q=", MANY, **(form | {"shown": shown, "reason": " "}))
    assert "Say why" in got.text


def test_what_is_excluded_does_not_count_and_every_number_opens_its_list(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    ids = make_items(wiring, project, 5)
    coder = sign_in("coder")
    for number, verdict in enumerate(("excluded", "excluded", "included")):
        one = f"/p/study/screening/items/{ids[number]}"
        form = {"verdict": verdict, "reason": f"因 {number}", "version": "0"}
        assert send(coder, "/me", one, **form).status_code == 302
    queries = ("is:excluded", "is:included", "is:unscreened", 'excluded:"因 1"', "excluded:*")
    found = [coder.get("/p/study/items.json", query_string={"q": one}).json for one in queries]
    assert [one["total"] for one in found] == [2, 1, 2, 1, 2]
    assert found[3]["items"][0]["excluded_because"] == "因 1"
    facets = coder.get("/p/study/items.json").json
    assert facets["facets"]["screening"] == {"excluded": 2, "included": 1}
    assert facets["without"]["screening"] == 2
    assert facets["facets"]["excluded"] == {"因 0": 1, "因 1": 1}
    scope = coder.get("/p/study/results.json").json
    assert scope["tables"] is not None
    page = coder.get("/p/study/results").text
    assert re.search(r"excluded by screening", page)


def test_the_grid_saves_a_page_and_keeps_what_somebody_else_decided(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    ids = make_items(wiring, project, 3)
    coder, manager = sign_in("coder"), sign_in("manager")
    page = "/p/study/screening"
    form: dict[str, object] = {"item": ids, "q": ""}
    for item_id, verdict in zip(ids, ("included", "excluded", "undecided"), strict=True):
        form |= {f"verdict.{item_id}": verdict, f"was.{item_id}": "undecided"}
        form |= {f"version.{item_id}": "0", f"because.{item_id}": ""}
        form |= {f"reason.{item_id}": "no face" if verdict == "excluded" else ""}
    mine = {"verdict": "included", "reason": "", "version": "0"}
    assert send(manager, "/me", f"{page}/items/{ids[1]}", **mine).status_code == 302
    got = send(coder, page, page, **form)
    assert got.status_code == 302, got.text
    told = coder.get(got.location).text
    assert "1 decision saved" in told
    assert "decided by somebody else meanwhile" in told
    held = standing(wiring)
    assert held == {ids[0]: (Verdict.INCLUDED, ""), ids[1]: (Verdict.INCLUDED, "")}
    assert sign_in("viewer").get(page).status_code == 403


def test_a_stale_decision_is_not_saved(wiring: Wiring, project: Project) -> None:
    ids = make_items(wiring, project, 1)
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "coder"))
        held, item = session.get_one(Project, project.id), session.get_one(Item, ids[0])
        screening.screen(session, actor, held, item, OUT, seen=0)
        with pytest.raises(StaleSaveError) as caught:
            screening.screen(session, actor, held, item, Said(Verdict.INCLUDED), seen=0)
        assert caught.value.theirs == "excluded: 没有 وجه"
        with pytest.raises(UsageError, match="Say why"):
            screening.screen(session, actor, held, item, Said(Verdict.EXCLUDED, " "), seen=1)


def test_a_program_screens(
    program: Callable[..., Program], wiring: Wiring, project: Project
) -> None:
    ids = make_items(wiring, project, 4)
    ask = program("coder")
    here = f"/items/{ids[0]}/screening"
    assert ask("GET", here)["verdict"] == "undecided"
    body = {"verdict": "excluded", "reason": "x", "version": 0}
    assert ask("PUT", here, body)["version"] == 1
    assert ask("PUT", here, body, status=409)["theirs"] == "excluded: x"
    seen = ask("GET", "/screening/preview?q=is:unscreened")
    assert seen["found"] == 3
    body = {"query": "is:unscreened", "verdict": "included", "shown": seen["shown"]}
    made = ask("POST", "/screening", body)
    assert (made["changed"], made["verdict"]) == (3, "included")
    undone = ask("POST", f"/screening/{made['id']}/undo")
    assert (undone["changed"], undone["kept_items"]) == (3, [])
    assert [one["undoes"] for one in ask("GET", "/screening")["acts"]] == [made["id"], None]
    program("viewer")("POST", "/screening", body, status=403)


def test_a_verdict_on_an_address_that_counts_for_another_is_told(
    wiring: Wiring, project: Project, sign_in: Browser
) -> None:
    counts, copy, _rest = make_items(wiring, project, 3)
    owner = sign_in("owner")
    form = {"verdict": "excluded", "reason": "没有 وجه", "version": "0"}
    here = f"/p/study/items/{counts}"
    with wiring.database.read() as session:
        address = session.get_one(Item, counts).address
    send(owner, here, f"/p/study/screening/items/{copy}", **form)
    assert "没有 وجه" not in owner.get(here).text
    judged = {"address": address, "judgement": "same", "reason": "a copy"}
    assert send(owner, here, f"/p/study/items/{copy}/same", **judged).status_code == 302
    with wiring.database.read() as session:
        assert {session.get_one(Item, one).same_as_id for one in (counts, copy)} == {None, counts}
    shown = owner.get(here).text
    assert "没有 وجه" in shown
    assert "Only the verdict on the address that counts decides" in shown
    send(owner, here, f"/p/study/screening/items/{counts}", **form)
    assert "that counts decides" not in owner.get(here).text
