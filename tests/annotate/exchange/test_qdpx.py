"""A project out as REFI-QDA, valid by its schema, and in again: the same names, nothing twice."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import import_whole, send
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import func, select

from annotate.instrument import table
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Missing
from annotate.models import (
    Annotation,
    Assignment,
    Capture,
    CodebookVersion,
    CodingElsewhere,
    CodingRound,
    ImportFile,
    Item,
    Note,
    NoteKind,
    Project,
    Rendition,
    StudyCodebook,
    User,
)
from annotate.services import (
    adjudication,
    annotating,
    codebooks,
    coding,
    elsewhere,
    interchange,
    interchange_out,
    notes,
    people,
    projects,
    reliability,
    rounds,
)
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring
from archive.importing.refi import OWN_NOTE, read_project

Browser = Callable[[str], FlaskClient]
SPACE = "{urn:QDA-XML:project:1.0}"
SHARED = Path(
    os.environ.get("HOLDFAST_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared")
)
BOOK = (
    "variable,variable_label,type,only_if,missing,code,code_label,include,exclude,example\r\n"
    "include,算吗？,boolean,,cannot assess; unclear,,,,,\r\n"
    "frame,النبرة,nominal,include=yes,unclear,food,غذاء,says food,says none,«خبز»\r\n"
    "frame,,,,,denial,否认,,,\r\n"
    "number,How many?,integer,,unclear,,,,,\r\n"
)
PAGES = {
    f"https://example.org/{n}": f"<html><title>Post {n}</title><p>新疆棉花 {n} القطن 🇺🇳 cotton harvest e\u0301t\u00e9</p></html>"
    for n in range(1, 4)
}


@pytest.fixture
def coded(wiring: Wiring, project: Project, capture: Callable) -> Project:
    """Three posts, coded by two in a round that is revealed and settled, and a blind round."""
    capture(PAGES)
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        actor = people.actor_of(owner)
        held = projects.find_project(session, "study")
        version = codebooks.create(session, actor, held, table.read_table("إطار 框架", BOOK))
        codebooks.freeze(session, actor, held, version)
        items = list(session.scalars(select(Item).order_by(Item.address)))
        two = [people.find_user(session, login) for login in ("coder", "manager")]
        found = [item.id for item in items]
        one = _round(session, actor, held, version, two, found, "Pilot")
        blind = _round(session, actor, held, version, two, found, "Still blind")
        _answer(session, one, two[0], "food", "3")
        _answer(session, one, two[1], "denial", "3")
        _answer(session, blind, two[0], "food", "77777")
        rounds.reveal(session, actor, held, one)
        sheet = reliability.sheet(session, one)
        adjudication.decide(
            session, actor, held, sheet, item_id=items[0].id, variable="frame",
            given=Given(("food",)), rationale="Both read it again.",
        )  # fmt: skip
        shown = session.get_one(Capture, items[0].latest_capture_id)
        annotating.add(session, actor, held, shown, quote="🇺🇳 cotton", body="ملاحظة 注")
        notes.add_note(session, actor, held, items[0], NoteKind.REMARK, "谁\x0b说的？")
    return project


def _round(session, actor, project, version, coders, found, name) -> CodingRound:
    plan = rounds.Plan(name=name, query="", size=0, seed=1, coders_per_unit=2, coders=coders)
    return rounds.open_round(session, actor, project, version, plan, found)


def _answer(session, one: CodingRound, coder: User, frame: str, number: str) -> None:
    project = session.get_one(Project, one.project_id)
    mine = session.scalars(
        select(Assignment).where(Assignment.round_id == one.id, Assignment.coder_id == coder.id)
    )
    for assignment in mine.all():
        unit = coding.get_unit(session, project, coder, assignment.id)
        given = {
            "include": Given(("yes",), memo="remark of a coder"),
            "frame": Given((frame,), quote="新疆棉花"),
            "number": Given((), Missing.UNCLEAR) if number == "0" else Given((number,)),
        }
        coding.submit(session, people.actor_of(coder), project, unit, given, seen=0, seconds=5)


def export(wiring: Wiring, project: Project, path: Path) -> Path:
    with wiring.database.read() as session:
        outgoing = interchange_out.gather(session, project)
        with path.open("wb") as out:
            interchange.write_out(session, Viewing(wiring.store), outgoing, out)
    return path


def names_in(path: Path) -> dict[str, list[str]]:
    """Return every GUID of a project by its element, but those of people."""
    with zipfile.ZipFile(path) as package:
        root = etree.fromstring(package.read("project.qde"))
    own = {one.get("guid") for one in root.iter(f"{SPACE}Note") if one.get("name") == OWN_NOTE}
    found: dict[str, list[str]] = {}
    for element in root.iter():
        guid = element.get("guid")
        kind = etree.QName(element).localname
        if guid and guid not in own:
            found.setdefault(kind, []).append(guid)
    return {kind: sorted(guids) for kind, guids in found.items()}


def other_project(wiring: Wiring) -> Project:
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        return projects.create_project(
            session, people.actor_of(owner), owner, slug="other", name="Other"
        )


def counts(wiring: Wiring, project: Project) -> dict[str, int]:
    with wiring.database.read() as session:
        return {
            model.__tablename__: session.scalar(
                select(func.count()).select_from(model).where(model.project_id == project.id)
            )
            or 0
            for model in (Item, Capture, Annotation, CodingElsewhere, Note, StudyCodebook)
        }


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared corpora")
def test_an_export_is_valid_by_the_schema(wiring: Wiring, coded: Project, tmp_path: Path) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    with zipfile.ZipFile(path) as package:
        document = etree.fromstring(package.read("project.qde"))
    schema = etree.XMLSchema(etree.parse(str(SHARED / "corpora/annotation/refi-qda/Project.xsd")))
    assert schema.validate(document), schema.error_log


def test_the_same_project_makes_the_same_bytes(
    wiring: Wiring, coded: Project, tmp_path: Path
) -> None:
    one = export(wiring, coded, tmp_path / "one.qdpx").read_bytes()
    assert one == export(wiring, coded, tmp_path / "two.qdpx").read_bytes()


def test_answers_final_answers_highlights_and_notes_are_in_it(
    wiring: Wiring, coded: Project, tmp_path: Path
) -> None:
    read = read_project(export(wiring, coded, tmp_path / "out.qdpx"))
    assert min(read.users.values()) == "Final (adjudicated)"
    assert all(name.startswith(("op-", "Final")) for name in read.users.values())
    codes = read.all_codes()
    first = next(one for one in read.sources if "example.org/1" in one.description)
    said = [
        (read.users[one.user], codes[one.code].name)
        for one in (*first.codings, *(c for part in first.selections for c in part.codings))
    ]
    assert ("Final (adjudicated)", "غذاء") in said
    assert sum(name == "否认" for _user, name in said) == 1
    marks = [part for part in first.selections if part.description == "ملاحظة 注"]
    assert [first.text[one.start : one.end] for one in marks] == ["🇺🇳 cotton"]
    quoted = [part for part in first.selections if part.codings]
    assert {first.text[one.start : one.end] for one in quoted} == {"新疆棉花"}
    texts = {read.notes[guid].text for guid in first.notes}
    assert texts == {"谁\ufffd说的？"}


def test_a_variable_with_categories_is_a_code_that_cannot_be_given_above_codes_that_can(
    wiring: Wiring, coded: Project, tmp_path: Path
) -> None:
    read = read_project(export(wiring, coded, tmp_path / "out.qdpx"))
    (book,) = read.codes
    frame = next(one for one in book.children if one.name == "النبرة")
    assert (book.codable, frame.codable) == (False, False)
    assert [(one.name, one.codable) for one in frame.children] == [
        ("غذاء", True), ("否认", True), ("(unclear)", True),
    ]  # fmt: skip
    assert next(one for one in book.children if one.name == "How many?").codable


def test_a_blind_round_is_held_back_and_said_to_be(
    sign_in: Browser, coded: Project, wiring: Wiring, tmp_path: Path
) -> None:
    owner = sign_in("owner")
    sent = owner.get("/p/study/exchange/project.qdpx").data
    with zipfile.ZipFile(io.BytesIO(sent)) as package:
        assert not any(b"77777" in package.read(name) for name in package.namelist())
    page = owner.get("/p/study/exchange").text
    assert "Still blind" in page
    assert "Held back" in page


def test_one_who_codes_blind_takes_out_nothing_of_their_items(
    sign_in: Browser, coded: Project, tmp_path: Path
) -> None:
    sent = sign_in("coder").get("/p/study/exchange/project.qdpx").data
    path = tmp_path / "blind.qdpx"
    path.write_bytes(sent)
    read = read_project(path)
    assert not any(one.selections or one.notes for one in read.sources)
    assert "Final (adjudicated)" not in read.users.values()


def test_in_an_empty_project_everything_has_the_names_it_had(
    wiring: Wiring, coded: Project, tmp_path: Path, in_process: None
) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    other = other_project(wiring)
    file = import_whole(wiring, other, path)
    assert file.state.value == "imported", file.reason
    back = export(wiring, other, tmp_path / "back.qdpx")
    before, after = names_in(path), names_in(back)
    assert before.pop("User")
    assert after.pop("User")
    assert after == before
    with wiring.database.read() as session:
        texts = {one.text for one in session.scalars(select(Rendition))}
        assert len(texts) == 3  # the texts of both projects are the same


def test_the_codebook_comes_back_whole(
    wiring: Wiring, coded: Project, tmp_path: Path, in_process: None
) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    other = other_project(wiring)
    import_whole(wiring, other, path)
    with wiring.database.read() as session:
        books = [codebooks.codebooks_of(session, one)[0] for one in (coded, other)]
    ours, theirs = (codebooks.content_of(versions[0]) for _book, versions in books)
    assert theirs == ours


def test_a_second_import_adds_nothing(
    wiring: Wiring, coded: Project, tmp_path: Path, in_process: None
) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    other = other_project(wiring)
    import_whole(wiring, other, path)
    before = counts(wiring, other)
    assert before["coding_elsewhere"] > 10
    assert before["annotation"] > 3
    import_whole(wiring, other, path)
    again = tmp_path / "again.qdpx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))  # the same content in other bytes
    assert again.read_bytes() != path.read_bytes()
    second = import_whole(wiring, other, again)
    assert second.state.value == "imported"
    assert counts(wiring, other) == before


def test_what_comes_back_to_its_own_project_is_there_already(
    wiring: Wiring, coded: Project, tmp_path: Path, in_process: None
) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    before = counts(wiring, coded)
    import_whole(wiring, coded, path)
    assert counts(wiring, coded) == before


def test_what_an_import_brought_is_withdrawn_together(
    wiring: Wiring, coded: Project, tmp_path: Path, in_process: None, sign_in: Browser
) -> None:
    path = export(wiring, coded, tmp_path / "out.qdpx")
    other = other_project(wiring)
    file = import_whole(wiring, other, path)
    owner = sign_in("owner")
    page = f"/p/other/imports/{file.id}"
    assert "Withdraw highlights and codings" in owner.get(page).text
    with wiring.database.read() as session:
        item = session.scalars(select(Item).where(Item.project_id == other.id)).first()
        assert item is not None
    assert "Coded elsewhere" in owner.get(f"/p/other/items/{item.id}").text
    assert send(owner, page, f"{page}/undo-codings").status_code == 302
    assert "Coded elsewhere" not in owner.get(f"/p/other/items/{item.id}").text
    with wiring.database.read() as session:
        assert elsewhere.counts_of(session, session.get_one(ImportFile, file.id)) == 0


def test_a_codebook_goes_out_and_in_as_qdc(
    sign_in: Browser, coded: Project, wiring: Wiring, app: Flask
) -> None:
    owner = sign_in("owner")
    with wiring.database.read() as session:
        (version,) = session.scalars(select(CodebookVersion))
    sent = owner.get(f"/p/study/codebooks/{version.id}.qdc")
    assert sent.status_code == 200
    page = "/p/study/codebooks"
    made = send(owner, page, page, name="Again", file=(io.BytesIO(sent.data), "b.qdc"))
    assert made.status_code == 302, made.text
    with wiring.database.read() as session:
        again = session.get_one(CodebookVersion, made.location.rsplit("/", 1)[1])
        old, new = codebooks.content_of(version), codebooks.content_of(again)
    for one, other in zip(old.variables, new.variables, strict=True):
        assert (one.id, one.label, one.type, one.missing) == (
            other.id, other.label, other.type, other.missing,
        )  # fmt: skip
        assert [(c.id, c.label, c.definition, c.include, c.example) for c in one.codes] == [
            (c.id, c.label, c.definition, c.include, c.example) for c in other.codes
        ]
