"""Regions and times that other programs marked: put where the capture has what they mark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import capture_pages, import_whole
from flask.testing import FlaskClient
from pictured import HEIGHT, WIDTH, PicturedEngine
from sqlalchemy import select

from annotate.exchange.fragments import Box, apart, read_fragment
from annotate.jobs import importing
from annotate.models import Annotation, Capture, Project
from annotate.selectors.media import Region, TimeRange
from annotate.services import people
from annotate.wiring import Wiring
from archive.capture.attachments import attachment_uri

ADDRESS = "https://example.org/post"
PICTURE = attachment_uri("fullPage", ADDRESS)
SOUND = attachment_uri("media", ADDRESS) + "#1"
# By name: what is marked, in which page, and what becomes of it.
MARKED: dict[str, tuple[object, str]] = {
    "pixels": ({"source": PICTURE, "value": "xywh=pixel:10,20,300,200"}, "10,20,300,200"),
    "bare": ({"source": PICTURE, "value": "xywh=1,2,3,4"}, "1,2,3,4"),
    "percent": (
        {"source": PICTURE, "value": "xywh=percent:25,50,50,12.5"},
        f"{WIDTH // 4},{HEIGHT // 2},{WIDTH // 2},{HEIGHT // 8}",
    ),
    "drawn": ({"source": f"{PICTURE}#tile=1", "value": "xywh=pixel:0.4,9.6,20.2,30.2"}, "0,10,21,30"),
    "iri": (f"{ADDRESS}#t=0.25,1", "0.25,1"),
    "heard": ({"source": SOUND, "value": "t=npt:0.5,1.5"}, "0.5,1.5"),
    "only film": ({"source": ADDRESS, "value": "t=0:01,2.25"}, "1,2.25"),
    "of the page": ({"source": ADDRESS, "value": "xywh=0,0,5,5"}, "does not say of which picture"),
    "another picture": (
        {"source": "https://example.org/other.png", "value": "xywh=0,0,5,5"},
        "no picture of the address",
    ),
    "too far": ({"source": PICTURE, "value": "xywh=0,0,5,99999"}, "not within the picture"),
    "no size": ({"source": PICTURE, "value": "xywh=0,0,0,5"}, "at least one pixel"),
    "no end": ({"source": SOUND, "value": "t=1"}, "a time with an end"),
    "another film": ({"source": "https://example.org/film.mp4", "value": "t=1,2"}, "no film or sound"),
}  # fmt: skip
ORPHANS = 6


def annotation(name: str, target: object) -> dict[str, object]:
    if isinstance(target, dict):
        selector = {"type": "FragmentSelector", "value": target["value"],
                    "conformsTo": "http://www.w3.org/TR/media-frags/"}  # fmt: skip
        target = {"source": target["source"], "scope": ADDRESS, "selector": selector}
    return {
        "@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
        "id": f"https://notes.example/{name.replace(' ', '-')}",
        "body": {"type": "TextualBody", "value": f"看 هذا {name}"}, "target": target,
    }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, wiring: Wiring, project: Project) -> Path:
    pages = {ADDRESS: "<title>Post</title><p>words"}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    held = [annotation(name, target) for name, (target, _what) in MARKED.items()]
    document = {
        "@context": "http://www.w3.org/ns/anno.jsonld", "type": "AnnotationPage",
        "id": "https://notes.example/all", "items": held,
    }  # fmt: skip
    path = tmp_path / "marks.jsonld"
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return path


def test_each_is_put_where_the_capture_has_it_or_listed_with_the_reason(
    wiring: Wiring, project: Project, file: Path, in_process: None,
    sign_in: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    owner = sign_in("owner")
    with wiring.database.read() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
    with file.open("rb") as source:
        brought = importing.bring(wiring, actor, project.id, file.name, source, limit=10**9)
    importing.work_off(wiring)
    page = f"/p/study/imports/{brought.id}"
    told = {
        one["body"].partition("هذا ")[2]: one
        for one in owner.get(f"{page}.json").json["annotations"]
    }
    wrong = {
        name: told[name] for name, (_target, what) in MARKED.items()
        if what not in ((told[name]["place"] or "") + told[name]["reason"])
    }  # fmt: skip
    assert not wrong
    assert sum(one["standing"] == "orphan" for one in told.values()) == ORPHANS
    assert "does not say of which picture" in owner.get(page).text
    import_whole(wiring, project, file)
    with wiring.database.read() as session:
        marks = list(session.scalars(select(Annotation)))
        capture = session.scalars(select(Capture)).one()
    kept = {one.body.partition("هذا ")[2]: one.fragment.partition(":")[2] for one in marks}
    assert kept == {name: what for name, (_target, what) in MARKED.items() if " " not in what}
    assert all(one.capture_id == capture.id and one.source_digest for one in marks)
    again = file.with_name("again.jsonld")
    again.write_text(json.dumps(json.loads(file.read_text("utf-8"))), "utf-8")
    second = import_whole(wiring, project, again)
    assert second.state.value == "imported"
    exported = file.with_name("ours.jsonld")
    exported.write_bytes(owner.get("/p/study/exchange/annotations.jsonld").data)
    assert import_whole(wiring, project, exported).state.value == "imported"
    with wiring.database.read() as session:
        assert len(session.scalars(select(Annotation)).all()) == len(marks)


def test_hypothesis_marks_a_time_of_a_film(
    wiring: Wiring, project: Project, file: Path, in_process: None
) -> None:
    selector = [{"type": "FragmentSelector", "value": value} for value in ("t=0.25,2",)]
    rows = [
        {"id": "one", "uri": ADDRESS, "text": "heard", "target": [{"source": ADDRESS, "selector": selector}]},
        {"id": "two", "uri": ADDRESS, "text": "page", "target": [
            {"source": ADDRESS, "selector": [{"type": "FragmentSelector", "value": "chapter-2"}]}]},
    ]  # fmt: skip
    path = file.with_name("h.json")
    path.write_text(json.dumps({"rows": rows}), "utf-8")
    import_whole(wiring, project, path)
    with wiring.database.read() as session:
        (mark,) = session.scalars(select(Annotation))
    assert (mark.fragment, mark.source, mark.body) == ("t=npt:0.25,2", SOUND, "heard")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("xywh=percent:0,0,100,100", Region(0, 0, 640, 480)),
        ("xywh=pixel:1.5,2.5,10,10", Region(2, 2, 10, 10)),
        ("t=npt:0:00:01.5,2", TimeRange(start=1.5, end=2)),
        ("t=,3", TimeRange(start=0, end=3)),
        ("t=1s,3s", TimeRange(start=1, end=3)),
    ],
)  # fmt: skip
def test_the_forms_of_media_fragments(text: str, read: Region | TimeRange) -> None:
    found = read_fragment(text)
    assert (found.on(640, 480) if isinstance(found, Box) else found) == read


@pytest.mark.parametrize(
    "text", ["t=3,1", "t=1", "xywh=1,2,3", "xywh=pixel:a,b,c,d", "xywh=0,0,1,1&t=1,2", "", "t=1,x"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a rectangle|after it begins|no time"):
        read_fragment(text)


def test_a_fragment_is_taken_from_its_address_and_others_are_left() -> None:
    assert apart("https://a.example/x#xywh=1,2,3,4") == ("https://a.example/x", "xywh=1,2,3,4")
    assert apart("urn:x#tile=1&t=1,2") == ("urn:x#tile=1", "t=1,2")
    assert apart("https://a.example/?t=1#part") == ("https://a.example/?t=1#part", "")
    assert apart("https://a.example/?a=1&t=30") == ("https://a.example/?a=1&t=30", "")
