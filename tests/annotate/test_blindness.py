"""What somebody who codes blind may not read, by any route; and what is stored all the same."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

from coded import PAGES, answer, open_round, units
from coded import book as frozen_book
from coded import round_page as opened_round
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from planted import (
    CANARY,
    PLANTED,
    plant_a_decision,
    plant_a_search,
    plant_coding_elsewhere,
    plant_in_the_registry,
    plant_talk,
    version_of,
)
from sqlalchemy import select
from sqlalchemy.orm import Session
from test_closed_labels import held_as_asked
from werkzeug.routing import BuildError

from annotate.models import (
    Assignment,
    CodebookVersion,
    FinalAnswer,
    Item,
    RoundUnit,
    User,
)
from annotate.wiring import Wiring

book, round_page = frozen_book, opened_round  # fixtures of that module
Browser = Callable[[str], FlaskClient]


def test_blind_coders_meet_no_byte_of_what_others_did(
    app: Flask, sign_in: Browser, wiring: Wiring, round_page: str, capture: Callable
) -> None:
    """Coder A and the owner leave marks everywhere; coder B walks every page and finds none."""
    owner, first, second = sign_in("owner"), sign_in("manager"), sign_in("coder")
    with wiring.database.read() as session:
        item, earlier, address = session.execute(
            select(Item.id, Item.latest_capture_id, Item.address)
        ).first()
    registry = "/p/study/registry"
    known = {"kind": "account", "platform": "chirper", "handle": "known", "label": "Known"}
    send(owner, registry, registry, **known)
    capture({address: PAGES[address]})
    before = {one: second.get(one).data for one in counted_pages()}
    here = f"/p/study/items/{item}"
    assert send(owner, here, f"{here}/tags", tag=f"{CANARY}tag").status_code == 302
    for kind in ("provenance", "remark"):
        got = send(owner, here, f"{here}/notes", text=f"{CANARY}note 棉花", kind=kind)
        assert got.status_code == 302
    field = send(owner, here, f"{here}/fields/narrative", value=f"{CANARY}value", version="")
    assert field.status_code in {302, 400, 409}
    send(
        owner,
        "/me",
        f"{here}/fields/narrative",
        value=f"{CANARY}value",
        version=version_of(owner, here),
    )
    other = next(one for one in PAGES if one != address)
    judged = {"address": other, "judgement": "unsure", "reason": f"{CANARY}judged"}
    assert send(owner, here, f"{here}/same", **judged).status_code == 302
    form = {"verdict": "excluded", "reason": f"{CANARY}reason"}
    got = send(owner, here, f"/p/study/screening/items/{item}", **form, version="0")
    assert got.status_code == 302, got.text
    many = "/p/study/screening/many?q=is:captured"
    shown = re.search(r'name="shown" value="(\w+)"', owner.get(many).text)[1]
    got = send(owner, many, many, **form, q="is:captured", shown=shown)
    assert got.status_code == 302, got.text
    unit = next(one for one in units(wiring, "manager"))
    form = {"v_include": "yes", "v_frame": "food", "q_frame": "新疆棉花", "v_strength": "weak"}
    form |= {"m_frame": f"{CANARY}memo"}
    assert answer(first, unit, **form).status_code == 302
    kept = {"m.include": f"{CANARY}draft", "e.include": f"https://{CANARY}draft/#t=npt:1,2"}
    send(first, unit, f"{unit}/draft", **kept, seconds="1")
    marks = f"/p/study/captures/{earlier}/highlights"
    assert send(owner, here, marks, quote="新疆棉花", body=f"{CANARY}mark").status_code == 302
    plant_coding_elsewhere(wiring, item)
    registered = plant_in_the_registry(owner, item)
    plant_talk(owner, first, here, unit, book_of(wiring))
    plant_a_decision(wiring, item)
    plant_a_search(owner)
    from annotate.jobs.indexing import index_now

    index_now(wiring)
    assert f"{CANARY}tag" in owner.get(here).text
    assert f"{CANARY}judged" in owner.get(here).text
    assert f"{CANARY}said" in owner.get(registered).text
    assert f"{CANARY}quote" in owner.get(f"{here}/relations").text
    assert second.get(registered).status_code == 200
    assert f"{CANARY}mark" in owner.get("/p/study/highlights").text
    assert f"{CANARY}search" in owner.get("/p/study/searches").text
    assert f"{CANARY}mark" in owner.get(f"{here}/highlights").text
    assert walk(app, second, wiring, round_page) > 25
    tokens = "/p/study/tokens"
    made = send(second, tokens, tokens, name="t", scope=["read", "write", "code"], days="1")
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = (
        f"Bearer {re.search('hft_[-_a-zA-Z0-9]+', made.text)[0]}"
    )
    assert walk(app, program, wiring, round_page, below="/api/") > 10
    held_as_asked(wiring, "coder")
    after = {one: second.get(one).data for one in counted_pages()}
    for page, held in before.items():
        assert stripped(after[page]) == stripped(held), page
    refused = send(second, here, f"{here}/notes", text="mine", kind="remark")
    assert refused.status_code == 403
    assert "blind" in refused.text
    got = send(second, here, f"/p/study/screening/items/{item}", **form, version="0")
    assert got.status_code == 403
    send(owner, round_page, f"{round_page}/reveal", sure="yes")
    shown = second.get(here).text
    assert f"{CANARY}tag" in shown
    assert shown.count(f"{CANARY}comment") == 4  # of the item, its capture, and a unit of it
    assert f"{CANARY}memo" in shown
    assert f"{CANARY}comment" in second.get("/p/study/for-you").text
    assert second.get("/p/study/memos").text.count(f"{CANARY}memo") == 6
    assert f"{CANARY}memo" in sign_in("owner").get(f"{round_page}/answers.csv").text


def test_who_codes_an_item_again_reads_nothing_of_an_earlier_round(
    app: Flask, sign_in: Browser, wiring: Wiring, book: str, round_page: str
) -> None:
    """A first round is revealed; the coder of a second one is blind to its answers, too."""
    owner, first, second = sign_in("owner"), sign_in("manager"), sign_in("coder")
    for unit in units(wiring, "manager"):
        form = {"v_include": "no", "m_include": f"{CANARY}memo"}
        assert answer(first, unit, **form).status_code == 302
    for unit in units(wiring, "coder"):
        assert answer(second, unit, v_include="no").status_code == 302
    send(owner, round_page, f"{round_page}/reveal", sure="yes")
    assert f"{CANARY}memo" in second.get(f"{round_page}/answers.csv").text
    with wiring.database.read() as session:
        ids = {one.login: one.id for one in session.scalars(select(User))}
    again = open_round(
        owner, wiring, book, name="Again", size="4", coder=[ids["coder"], ids["owner"]]
    )
    page = second.get(round_page).text
    assert "4 of the 6 units of this round are held back from you" in page
    for name in ("answers.csv", "finals.csv", "matrix.csv?variable=frame"):
        refused = second.get(f"{round_page}/{name}")
        assert refused.status_code == 403
        assert "held back from you" in refused.text
        assert first.get(f"{round_page}/{name}").status_code == 200
    assert "held back" not in first.get(round_page).text
    made = send(second, "/p/study/tokens", "/p/study/tokens", name="t", scope=["read"], days="1")
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = (
        f"Bearer {re.search('hft_[-_a-zA-Z0-9]+', made.text)[0]}"
    )
    api = f"/api/v1/projects/study/rounds/{round_page.rsplit('/', 1)[1]}"
    agreed = program.get(f"{api}/agreement").json
    assert agreed["held_back"] == 4
    assert {one["units"] for one in agreed["variables"] if one["variable"] == "include"} == {2}
    finals = program.get(f"{api}/finals").json
    assert finals["held_back"] == 4
    with wiring.database.read() as session:
        closed = set(
            session.scalars(
                select(RoundUnit.item_id).where(RoundUnit.round_id == again.rsplit("/", 1)[1])
            )
        )
    assert closed.isdisjoint(one["item"] for one in finals["finals"])
    assert "You code 4 of this project’s items blind" in second.get("/p/study/results").text
    # Somebody blind who reveals or settles stores the same as anybody: of all units.
    with wiring.database.read() as session:
        stored = finals_of(session, round_page)
    assert len(stored) == 6
    send(owner, again, f"{again}/reveal", sure="yes")
    with wiring.database.read() as session:
        assert finals_of(session, round_page) == stored
    assert "held back" not in second.get(round_page).text


def test_a_blind_manager_who_reveals_another_round_stores_every_final_answer(
    sign_in: Browser, wiring: Wiring, book: str, round_page: str
) -> None:
    manager, coder = sign_in("manager"), sign_in("coder")
    for client, login in ((manager, "manager"), (coder, "coder")):
        for unit in units(wiring, login):
            assert answer(client, unit, v_include="no").status_code == 302
    with wiring.database.read() as session:
        ids = {one.login: one.id for one in session.scalars(select(User))}
    coders = [ids["manager"], ids["coder"]]
    open_round(sign_in("owner"), wiring, book, name="Again", coder=coders)
    assert send(manager, round_page, f"{round_page}/reveal", sure="yes").status_code == 302
    with wiring.database.read() as session:
        assert len(finals_of(session, round_page)) == 6


def finals_of(session: Session, round_page: str) -> set[tuple[str, str, str]]:
    rows = session.scalars(
        select(FinalAnswer).where(FinalAnswer.round_id == round_page.rsplit("/", 1)[1])
    )
    return {(one.item_id, one.variable, one.value) for one in rows}


def readable(data: bytes) -> bytes:
    """Return the bytes of an answer; of a zip, those of its files."""
    if not data.startswith(b"PK\x03\x04"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return b"\n".join(package.read(name) for name in package.namelist())


def book_of(wiring: Wiring) -> str:
    with wiring.database.read() as session:
        return session.scalars(select(CodebookVersion.codebook_id)).first()


def counted_pages() -> list[str]:
    queries = (f"{CANARY}*", f"note:{CANARY}note", f"tag:{CANARY}tag", "is:noted", "is:untagged",
               f"narrative:{CANARY}value", "narrative:none", "tag:*", "棉花", "is:excluded",
               "is:unscreened", "is:included", f"excluded:{CANARY}reason", "is:counted", "", "creator:known",
               "relation:promotes", "relation:none", "creator:none", "memo:*",
               f"memo:{CANARY}memo")  # fmt: skip
    pages = [f"/p/study/?q={query}" for query in queries]
    return [*pages, "/p/study/registry", "/p/study/registry?q=canary", "/p/study/results", "/p/study/for-you",
            "/p/study/comments", "/p/study/memos"]  # fmt: skip


def stripped(page: bytes) -> bytes:
    """Leave out what moves by itself: form tokens and the feed's position."""
    page = re.sub(rb'value="[\w.-]{80,}"', b"", page)
    return re.sub(rb'data-after="\d*"', b"", page)


def walk(app: Flask, client: FlaskClient, wiring: Wiring, round_page: str, below: str = "/") -> int:
    """Ask for every GET route with every id there is; no answer may hold the canary."""
    with wiring.database.read() as session:
        known = {
            "slug": ["study"],
            "item_id": list(session.scalars(select(Item.id)))[:2],
            "round_id": [round_page.rsplit("/", 1)[1]],
            "version_id": list(session.scalars(select(CodebookVersion.id))),
            "assignment_id": list(session.scalars(select(Assignment.id))),
            "unit_id": list(session.scalars(select(Assignment.id))),
            "login": ["coder"],
        }
        from annotate.models import (
            Assertion,
            Capture,
            Comment,
            ImportFile,
            Memo,
            Note,
            RegistryEntry,
            Relation,
            ScreeningOperation,
            Sweep,
            Tag,
        )

        known["entry_id"] = list(session.scalars(select(RegistryEntry.id)))
        known["assertion_id"] = list(session.scalars(select(Assertion.id)))
        known["relation_id"] = list(session.scalars(select(Relation.id)))
        known["sweep_id"] = list(session.scalars(select(Sweep.id)))
        known["comment_id"] = list(session.scalars(select(Comment.id)))[:2]
        known["memo_id"] = list(session.scalars(select(Memo.id)))
        known["on"] = ["item", "capture", "codebook", "unit"]
        known["subject_id"] = list(session.scalars(select(Comment.subject).distinct()))

        known["capture_id"] = list(session.scalars(select(Capture.id)))[:2]
        known["note_id"] = list(session.scalars(select(Note.id)))
        known["tag_id"] = list(session.scalars(select(Tag.id)))
        known["operation_id"] = list(session.scalars(select(ScreeningOperation.id)))
        known["import_id"] = list(session.scalars(select(ImportFile.id)))
    asked = 0
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        if not rule.rule.startswith(below):
            continue
        values = [{}]
        for name in sorted(rule.arguments):
            options = known.get(name, ["0", "1"])
            values = [held | {name: one} for held in values for one in options]
        for one in values:
            try:
                address = adapter.build(rule.endpoint, one)
            except BuildError:  # the rule takes numbers only
                continue
            for query in ("", f"?q={CANARY}*", "?after=0", "?tab=history", "?variable=frame"):
                got = client.get(address + query)
                asked += 1
                assert not PLANTED.search(readable(got.data)), f"{address}{query}"
                assert got.status_code < 500, address
                got.close()
    return asked
