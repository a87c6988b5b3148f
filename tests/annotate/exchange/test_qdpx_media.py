"""Marks on pictures, films and sounds in REFI-QDA: out with their files, in again, nothing twice."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import capture_pages, import_whole
from exchange.test_qdpx import SHARED, SPACE, counts, export, names_in, other_project
from flask.testing import FlaskClient
from lxml import etree
from pictured import WIDTH, PicturedEngine, picture, sound
from sqlalchemy import select

from annotate.instrument import table
from annotate.instrument.answers import Given
from annotate.models import (
    Annotation,
    Assignment,
    Capture,
    CodingElsewhere,
    ImportFile,
    Item,
    Project,
)
from annotate.selectors.media import read_mark
from annotate.services import (
    annotating,
    codebooks,
    coding,
    elsewhere,
    imports,
    people,
    projects,
    rounds,
    sources,
)
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring
from archive.capture.attachments import attachment_uri
from archive.importing.refi import MediaKind, read_project

ADDRESS = "https://example.org/帖子"
BOOK = "variable,type,code,evidence_required\nframe,nominal,food,yes\nframe,,denial,\n"


@pytest.fixture
def marked(wiring: Wiring, project: Project) -> Project:
    """A capture with a region, a range of time, and an answer that rests on a region."""
    pages = {ADDRESS: "<title>Post</title><p>新疆棉花丰收了 القطن"}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        capture = session.scalars(select(Capture)).one()
        base = attachment_uri("fullPage", capture.address)
        found = sources.of_capture(session, Viewing(wiring.store), capture)
        for uri, body in (
            (f"{base}#xywh=pixel:10,20,300,200", "ملاحظة 注"),
            (f"{base}#tile=1&xywh=pixel:0,0,5,5", ""),
            (f"{attachment_uri('media', capture.address)}#1&t=npt:0.25,1.5", "what is said"),
        ):
            annotating.add_media(
                session, actor, held, capture, found, read_mark(uri), body=body
            )  # fmt: skip
        version = codebooks.create(session, actor, held, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, held, version)
        coder = people.find_user(session, "coder")
        plan = rounds.Plan("Round", "", 0, 1, 1, [coder])
        one = rounds.open_round(session, actor, held, version, plan, [capture.item_id])
        assignment = session.scalars(select(Assignment.id)).one()
        unit = coding.get_unit(session, held, coder, assignment)
        rests = f"{base}#xywh=pixel:700,800,20,30", f"{base}#xywh=pixel:1,2,3,4"
        coding.submit(
            session, people.actor_of(coder), held, unit, {"frame": Given(("food",), marks=rests)},
            seen=0, seconds=5, sources=found,
        )  # fmt: skip
        rounds.reveal(session, actor, held, one)
    return project


def places(wiring: Wiring, project: Project) -> set[tuple[str, str]]:
    with wiring.database.read() as session:
        rows = session.scalars(select(Annotation).where(Annotation.project_id == project.id))
        return {(one.fragment, one.body) for one in rows}


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared corpora")
def test_what_goes_out_is_valid_by_the_schema_and_holds_the_files(
    wiring: Wiring, marked: Project, tmp_path: Path
) -> None:
    path = export(wiring, marked, tmp_path / "out.qdpx")
    assert path.read_bytes() == export(wiring, marked, tmp_path / "again.qdpx").read_bytes()
    with zipfile.ZipFile(path) as package:
        document = etree.fromstring(package.read("project.qde"))
        files = {name: package.read(name) for name in package.namelist()}
    schema = etree.XMLSchema(etree.parse(str(SHARED / "corpora/annotation/refi-qda/Project.xsd")))
    assert schema.validate(document), schema.error_log
    paths = {
        element.get("path").replace("internal://", "Sources/"): etree.QName(element).localname
        for element in document.iterfind(f"{SPACE}Sources/*")
        if element.get("path")
    }
    assert sorted(paths.values()) == ["AudioSource", "PictureSource", "PictureSource"]
    digests = {hashlib.sha256(files[name]).digest() for name in paths}
    assert digests == {
        hashlib.sha256(data).digest() for data in (picture(), picture(WIDTH, 400), sound())
    }


def test_regions_and_times_are_in_it_with_their_coders(
    wiring: Wiring, marked: Project, tmp_path: Path
) -> None:
    read = read_project(export(wiring, marked, tmp_path / "out.qdpx"))
    selections = {one.place: (source, one) for source in read.media for one in source.selections}
    assert set(selections) == {
        (10, 20, 310, 220), (0, 0, 5, 5), (250, 1500), (700, 800, 720, 830), (1, 2, 4, 6)
    }  # fmt: skip
    source, drawn = selections[10, 20, 310, 220]
    assert (source.kind, drawn.description) == (MediaKind.PICTURE, "ملاحظة 注")
    assert selections[250, 1500][0].kind is MediaKind.SOUND
    coded = [selections[place][1].codings for place in ((700, 800, 720, 830), (1, 2, 4, 6))]
    codes = read.all_codes()
    assert [[codes[one.code].name for one in each] for each in coded] == [["food"], ["food"]]
    assert read.users[coded[0][0].user].startswith("op-")


def test_in_an_empty_project_pictures_sounds_and_marks_have_the_names_they_had(
    wiring: Wiring, marked: Project, tmp_path: Path, in_process: None,
    sign_in: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    path = export(wiring, marked, tmp_path / "out.qdpx")
    other = other_project(wiring)
    file = import_whole(wiring, other, path)
    assert file.state.value == "imported", file.reason
    assert not [one for one in imports.remarks_of(file) if "no place" in one]
    assert places(wiring, other) == places(wiring, marked) | {
        ("xywh=pixel:700,800,20,30", ""), ("xywh=pixel:1,2,3,4", "")
    }  # fmt: skip
    before, after = names_in(path), names_in(export(wiring, other, tmp_path / "back.qdpx"))
    assert before.pop("User")
    assert after.pop("User")
    assert after == before
    with wiring.database.read() as session:
        item = session.scalars(select(Item).where(Item.project_id == other.id)).one()
        assert item.address == session.scalars(select(Item.address)).first()
    owner = sign_in("owner")
    shown = owner.get(f"/p/other/items/{item.id}/highlights?on=pictures").text
    assert '<rect class="region" x="10" y="20" width="300" height="200"' in shown
    heard = owner.get(f"/p/other/items/{item.id}/highlights?on=films").text
    assert "0:00.25 to 0:01.5" in heard


def test_a_second_import_adds_nothing_and_what_comes_home_is_there_already(
    wiring: Wiring, marked: Project, tmp_path: Path, in_process: None
) -> None:
    path = export(wiring, marked, tmp_path / "out.qdpx")
    before = counts(wiring, marked)
    import_whole(wiring, marked, path)
    # What coders quoted is in a round here, and marks of that are not made a second time either.
    assert counts(wiring, marked) == before
    other = other_project(wiring)
    import_whole(wiring, other, path)
    first = counts(wiring, other)
    assert (first["annotation"], first["coding_elsewhere"]) == (5, 3)
    again = tmp_path / "again.qdpx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert import_whole(wiring, other, again).state.value == "imported"
    assert counts(wiring, other) == first
    back = export(wiring, other, tmp_path / "back.qdpx")
    assert import_whole(wiring, marked, back).state.value == "imported"
    assert counts(wiring, marked) == before


def test_one_who_codes_blind_takes_out_no_mark_and_no_picture(
    wiring: Wiring, marked: Project, sign_in: Callable[[str], FlaskClient], tmp_path: Path
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        _book, versions = codebooks.codebooks_of(session, held)[0]
        found = list(session.scalars(select(Item.id)))
        plan = rounds.Plan("Blind", "", 0, 1, 1, [people.find_user(session, "coder")])
        rounds.open_round(session, actor, held, versions[0], plan, found)
    for login, number in (("coder", 0), ("owner", 3)):
        path = tmp_path / f"{login}.qdpx"
        path.write_bytes(sign_in(login).get("/p/study/exchange/project.qdpx").data)
        assert len(read_project(path).media) == number
        with zipfile.ZipFile(path) as package:
            assert sum(not name.endswith((".txt", ".qde")) for name in package.namelist()) == number


G = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(8)]


def foreign(tmp_path: Path, media: str, files: dict[str, bytes]) -> Path:
    """A project with pictures and films as another program writes it."""
    document = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Project xmlns="urn:QDA-XML:project:1.0" name="Theirs" origin="Another 1.0">'
        f'<Users><User guid="{G[2].upper()}" name="Ana"/></Users>'
        f'<CodeBook><Codes><Code guid="{G[3]}" name="Feelings" isCodable="true"/></Codes></CodeBook>'
        f"<Sources>{media}</Sources></Project>"
    )
    path = tmp_path / "theirs.qdpx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("project.qde", document)
        for name, data in files.items():
            package.writestr(f"sources/{name}", data)
    return path


PICTURE = (
    f'<PictureSource guid="{G[4]}" name="照片.png" path="internal://p.png">'
    f'<PictureSelection guid="{G[0]}" name="6:1" firstX="310" firstY="1" secondX="10" secondY="60">'
    f'<Coding guid="{G[1]}" creatingUser="{G[2]}"><CodeRef targetGUID="{G[3]}"/></Coding>'
    "</PictureSelection>"
    f'<PictureSelection guid="{G[5]}" name="6:2" firstX="0" firstY="0" secondX="9999" secondY="60"/>'
    "</PictureSource>"
)
FILM = (
    f'<VideoSource guid="{G[6]}" name="coke.mp4" path="relative:///coke.mp4">'
    f'<VideoSelection guid="{G[7]}" name="00:16" begin="16176" end="45358"/></VideoSource>'
)


def test_a_picture_of_another_program_becomes_an_item_with_its_regions(
    wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = foreign(tmp_path, PICTURE + FILM, {"p.png": picture()})
    file = import_whole(wiring, project, path)
    assert file.state.value == "imported", file.reason
    told = " ".join(imports.remarks_of(file))
    assert "1 picture, 1 film" in told
    assert "“6:2” on “照片.png”: This region is not within the picture" in told
    assert "“00:16” on “coke.mp4”: the project does not have" in told
    with wiring.database.read() as session:
        (mark,) = session.scalars(select(Annotation))
        (coded,) = session.scalars(select(CodingElsewhere))
        (item,) = session.scalars(select(Item))
    assert mark.fragment == "xywh=pixel:10,1,300,59"
    assert (coded.annotation_id, coded.coder) == (mark.id, "Ana")
    assert item.address == f"urn:sha256:{hashlib.sha256(picture()).hexdigest()}"
    assert item.title == "照片.png"
    back = export(wiring, project, tmp_path / "back.qdpx")
    read = read_project(back)
    assert [one.guid for one in read.media] == [G[4]]
    assert [one.guid for one in read.media[0].selections] == [G[0]]
    assert read.sources == ()
    import_whole(wiring, project, back)
    other = other_project(wiring)
    import_whole(wiring, other, back)
    assert counts(wiring, project) == counts(wiring, other)
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        row = session.get_one(ImportFile, file.id)
        assert elsewhere.undo(session, actor, session.get_one(Project, project.id), row) == 2


def test_a_file_that_is_no_picture_carries_no_region(
    wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = foreign(tmp_path, PICTURE, {"p.png": b"<script>alert(1)</script>"})
    file = import_whole(wiring, project, path)
    assert "“6:1” on “照片.png”: This capture has no such picture" in " ".join(
        imports.remarks_of(file)
    )
    assert counts(wiring, project)["annotation"] == 0


def test_a_picture_whose_bytes_are_damaged_is_refused(
    wiring: Wiring, project: Project, tmp_path: Path, in_process: None
) -> None:
    path = foreign(tmp_path, PICTURE, {"p.png": picture()})
    data = bytearray(path.read_bytes())
    at = data.index(picture()[:8]) + 3000
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    file = import_whole(wiring, project, path)
    assert file.state.value == "refused"
    assert "damaged" in file.reason
