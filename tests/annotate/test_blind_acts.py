"""What people do while they code blind leaves whole what they do not see."""

from __future__ import annotations

import re
from collections.abc import Callable

from coded import BASE, PAGES, answer, open_round, units
from coded import book as frozen_book
from coded import round_page as opened_round
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import Item, RegistryEntry
from annotate.wiring import Wiring

book, round_page = frozen_book, opened_round  # fixtures of that module
Browser = Callable[[str], FlaskClient]
REGISTRY = "/p/study/registry"


def pages_of_items(wiring: Wiring) -> dict[str, str]:
    """Return the address of each item's page by the last part of its own."""
    with wiring.database.read() as session:
        rows = session.execute(select(Item.address, Item.id))
        return {address.rpartition("/")[2]: f"/p/study/items/{key}" for address, key in rows}


def entry(client: FlaskClient, handle: str, **more: str) -> str:
    form = {"kind": "account", "platform": "chirper", "handle": handle, **more}
    made = send(client, REGISTRY, REGISTRY, **form)
    assert made.status_code == 302, made.text
    return made.location


def judge(client: FlaskClient, page: str, into: str) -> None:
    form = {"into": into, "judgement": "same", "reason": "one profile"}
    made = send(client, page, f"{page}/judgements", **form)
    assert made.status_code == 302, made.text


def test_a_merge_by_who_codes_blind_takes_along_the_entries_they_do_not_see(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    owner, coder = sign_in("owner"), sign_in("coder")
    unit = pages_of_items(wiring)["1"].rpartition("/")[2]
    first = entry(owner, "first")
    hidden = entry(owner, "hidden", evidence_item=unit)
    entry(owner, "last")
    judge(owner, hidden, "first")
    assert coder.get(hidden).status_code == 404
    judge(coder, first, "last")
    with wiring.database.read() as session:
        held = {one.handle: one for one in session.scalars(select(RegistryEntry))}
    assert held["hidden"].merged_into_id == held["first"].merged_into_id == held["last"].id
    assert owner.get(f"{REGISTRY}?q=hidden").status_code == 200
    assert owner.get("/p/study/items.json?q=account:hidden").json["total"] == 0


def test_judging_items_the_same_goes_by_judgements_one_does_not_see(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    owner, coder = sign_in("owner"), sign_in("coder")
    at = pages_of_items(wiring)
    said = {"judgement": "same", "reason": "the same words"}
    send(owner, at["2"], f"{at['2']}/same", address=f"{BASE}1", **said)
    assert "the same words" in owner.get(at["2"]).text
    assert "the same words" not in coder.get(at["2"]).text
    made = send(coder, at["3"], f"{at['3']}/same", address=f"{BASE}2", **said | {"reason": "mine"})
    assert made.status_code == 302
    with wiring.database.read() as session:
        held = {one.address: one for one in session.scalars(select(Item))}
    root = held[f"{BASE}1"].id
    assert [held[f"{BASE}{n}"].same_as_id for n in (1, 2, 3)] == [None, root, root]


def test_what_is_said_of_an_address_judged_the_same_as_a_unit_is_closed_as_well(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner, coder = sign_in("owner"), sign_in("coder")
    at = pages_of_items(wiring)
    send(owner, at["6"], f"{at['6']}/same", address=f"{BASE}1", judgement="same", reason="one")
    open_round(owner, wiring, book, q=f"url:{BASE}1")
    send(owner, at["6"], f"{at['6']}/tags", tag="canary")
    send(owner, at["6"], f"{at['6']}/notes", text="canary", kind="remark")
    for page in (at["1"], at["6"], "/p/study/", "/p/study/?q=tag:*", "/p/study/history"):
        assert "canary" in owner.get(page).text or page == at["1"]
        assert "canary" not in coder.get(page).text, page
    assert coder.get("/p/study/items.json?q=tag:canary").json["total"] == 0
    assert coder.get("/p/study/items.json?q=is:noted").json["total"] == 0
    send(owner, at["2"], f"{at['2']}/tags", tag="open")
    assert coder.get("/p/study/items.json?q=tag:open").json["total"] == 1


def test_the_reveal_by_one_of_the_coders_records_how_far_everybody_was(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    for unit in units(wiring, "coder")[:4]:
        assert answer(coder, unit, v_include="no").status_code == 302
    assert answer(manager, units(wiring, "manager")[0], v_include="no").status_code == 302
    send(manager, round_page, f"{round_page}/reveal", sure="yes")
    (told,) = manager.get("/p/study/history.json?what=round&who=me").json["events"]
    assert told["kind"] == "round:reveal"
    assert sorted(told["body"]["submitted"].values()) == [1, 4]
    assert sorted(told["body"]["assigned"].values()) == [6, 6]


def test_an_act_on_many_items_is_undone_whole_or_not_at_all(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    """Rows that are hidden from who undoes are neither “changed since” nor gone."""
    owner, coder = sign_in("owner"), sign_in("coder")
    send(coder, "/me", "/p/study/bulk", all="yes", q="", tag="seen", act="tag")
    many = "/p/study/screening/many?q=is:captured"
    shown = re.search(r'name="shown" value="(\w+)"', coder.get(many).text)[1]
    form = {"verdict": "excluded", "reason": "no", "q": "is:captured", "shown": shown}
    assert send(coder, many, many, **form).status_code == 302
    page = open_round(owner, wiring, book, q=f"url:{BASE}1 OR url:{BASE}2")
    history = coder.get("/p/study/history").text
    doors = re.findall(r'action="(/p/study/(?:bulk|screening/acts)/[^"]+/undo)"', history)
    assert len(doors) == 2, history
    for door in doors:
        refused = send(coder, "/me", door)
        assert refused.status_code == 403, door
        assert "2 of these" in refused.text
    send(owner, page, f"{page}/reveal", sure="yes")
    assert coder.get("/p/study/items.json?q=tag:seen").json["total"] == len(PAGES)
    for door in doors:
        assert send(coder, "/me", door).status_code == 302
    assert coder.get("/p/study/items.json?q=tag:seen").json["total"] == 0
    assert coder.get("/p/study/items.json?q=is:excluded").json["total"] == 0


def test_who_waits_for_a_first_unit_is_a_fellow_coder_too(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner, coder, manager = sign_in("owner"), sign_in("coder"), sign_in("manager")
    page = open_round(owner, wiring, book, dynamic="yes", patience="30")
    memo = {"kind": "analytic", "title": "canary", "text": "what I will answer"}
    assert send(manager, "/p/study/memos", "/p/study/memos", **memo).status_code == 302
    assert "canary" in owner.get("/p/study/memos").text
    assert "canary" not in coder.get("/p/study/memos").text
    send(owner, page, f"{page}/reveal", sure="yes")
    assert "canary" in coder.get("/p/study/memos").text


def test_a_search_saved_while_one_codes_blind_is_on_the_list_after_the_reveal(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    """Its name is written by who may read what is closed; what was there before stays in sight."""
    owner, coder = sign_in("owner"), sign_in("coder")
    searches = "/p/study/searches"
    send(owner, "/me", searches, name="earlier", q="cotton")
    page = open_round(owner, wiring, book)
    later = send(owner, "/me", searches, name="canary", q="tag:canary").location
    send(coder, "/me", searches, name="own", q="cotton")
    door = re.search(r"saved=([0-9a-f-]{36})", later)[1]
    listed = coder.get(searches).text
    assert "canary" not in listed
    assert "earlier" in listed
    assert "own" in listed
    assert "canary" not in coder.get("/p/study/history").text
    assert "canary" not in coder.get(later.replace("tag:canary", "x")).text
    for act in ("seen", "remove", "restore"):
        assert send(coder, "/me", f"{searches}/{door}/{act}").status_code == 404
    taken = send(coder, "/me", searches, name="canary", q="x")
    assert taken.status_code == 302, "that a name is taken would tell that there is such a search"
    send(owner, page, f"{page}/reveal", sure="yes")
    assert coder.get(searches).text.count(">tag:canary<") == 1
