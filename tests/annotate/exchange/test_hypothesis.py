"""Annotations of Hypothesis: matched, alike, orphaned, each told; nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import import_whole
from flask.testing import FlaskClient
from sqlalchemy import func, select

from annotate.exchange import hypothesis
from annotate.exchange.marks import Standing, place
from annotate.models import Annotation, Note, Project
from annotate.services import imports
from annotate.wiring import Wiring
from archive.text import render_text

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
BASELINES = SHARED / "corpora/annotation/hypothesis-client-anchoring"
ADDRESS = "https://example.org/post"
TEXT = "Long before 新疆棉花 was debated, القطن الأبيض was picked by hand in these valleys each autumn."


def row(name: str, exact: str, **other: object) -> dict[str, object]:
    selector = [{"type": "TextQuoteSelector", "exact": exact, "prefix": "", "suffix": ""}]
    return {
        "id": name, "uri": ADDRESS, "user": "acct:ana@hypothes.is", "text": "看 هذا",
        "tags": ["cotton"], "created": "2024-05-01T10:00:00.000000+00:00",
        "target": [{"source": ADDRESS, "selector": selector if exact else []}],
    } | other  # fmt: skip


ROWS = [
    row("one", "新疆棉花"),
    row("two", "القطن الأبيض was picked by hands in those valleys each autumn"),
    row("three", "words that never stood on this page at all"),
    row("four", "", text="About the page"),
    row("five", "新疆棉花", references=["one"]),
    row("six", "新疆棉花", uri="https://elsewhere.example/"),
]


@pytest.fixture
def export(tmp_path: Path, capture: Callable) -> Path:
    capture({ADDRESS: f"<html><title>Post</title><p>{TEXT}</p></html>"})
    path = tmp_path / "hypothesis.json"
    path.write_text(json.dumps({"total": len(ROWS), "rows": ROWS}, ensure_ascii=False), "utf-8")
    return path


def told(client: FlaskClient, import_id: str) -> dict[str, str]:
    found = client.get(f"/p/study/imports/{import_id}.json").json["annotations"]
    return {one["name"].rpartition("/")[2]: one["standing"] for one in found}


def test_each_annotation_becomes_what_was_shown_before(
    wiring: Wiring, project: Project, export: Path, in_process: None,
    sign_in: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    from annotate.jobs import importing
    from annotate.services import people

    owner = sign_in("owner")
    with wiring.database.read() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
    with export.open("rb") as source:
        file = importing.bring(wiring, actor, project.id, export.name, source, limit=10**9)
    importing.work_off(wiring)
    expected = {"one": "matched", "two": "fuzzy", "three": "orphan",
                "four": "note on the whole page", "five": "reply", "six": "no item"}  # fmt: skip
    assert told(owner, file.id) == expected
    page = owner.get(f"/p/study/imports/{file.id}").text
    assert "Put the annotations on their items" in page
    assert "words that never stood" in page
    with wiring.database.write() as session:
        imports.confirm(session, actor, imports.get_import(session, project.id, file.id))
    importing.work_off(wiring)
    after = told(owner, file.id)
    assert after == expected | dict.fromkeys(("one", "two", "four"), "here already")
    with wiring.database.read() as session:
        marks = list(session.scalars(select(Annotation).order_by(Annotation.start)))
        (note,) = session.scalars(select(Note))
    assert marks[0].exact == "新疆棉花"
    assert marks[1].exact.startswith("القطن الأبيض was picked by hand")
    assert marks[0].body == "看 هذا\n\nTags: cotton"
    assert note.text.startswith("About the page")
    item = owner.get("/p/study/items.json").json["items"][0]["id"]
    assert "ana@hypothes.is, brought in by" in owner.get(f"/p/study/items/{item}/highlights").text


def test_a_second_import_adds_none(
    wiring: Wiring, project: Project, export: Path, in_process: None
) -> None:
    import_whole(wiring, project, export)
    again = export.with_name("again.json")
    again.write_text(json.dumps({"rows": ROWS}), "utf-8")
    second = import_whole(wiring, project, again)
    assert second.state.value == "imported"
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == 2
        assert session.scalar(select(func.count()).select_from(Note)) == 1


def test_rows_that_are_none_are_named() -> None:
    marks, faults = hypothesis.read([3, {"id": "x"}, {"uri": "https://a.example/"}, ROWS[0]])
    assert [mark.name for mark in marks] == ["https://hypothes.is/a/one"]
    assert len(faults) == 3


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared corpora")
@pytest.mark.parametrize("name", ["minimal", "wikipedia-regression-testing"])
def test_the_baselines_of_the_client_anchor_in_our_text(name: str) -> None:
    folder = BASELINES / "html-baselines"
    text = render_text((folder / f"{name}.html").read_text("utf-8")).text
    rows = json.loads((folder / f"{name}.json").read_text("utf-8"))["rows"]
    marks, faults = hypothesis.read([one | {"uri": "https://page.example/"} for one in rows])
    assert faults == []
    standings = [place(text, mark).standing for mark in marks]
    assert standings
    assert all(one in {Standing.MATCHED, Standing.FUZZY, Standing.NOTE} for one in standings)
