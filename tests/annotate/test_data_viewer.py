"""Somebody who may see numbers meets no byte of the evidence, by any page or endpoint."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import BuildError

from annotate.instrument import table
from annotate.instrument.answers import Given
from annotate.models import (
    Annotation,
    Assignment,
    Capture,
    CaptureRequest,
    CodebookVersion,
    CodingRound,
    ImportFile,
    Item,
    Note,
    Project,
    Role,
    Tag,
)
from annotate.permissions import ACTS, Act
from annotate.services import (
    adjudication,
    codebooks,
    coding,
    people,
    projects,
    reliability,
    rounds,
)
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
SECRET = b"canaryevidence"
PAGE = (
    "<html lang=zh><title>canaryevidence title</title><meta name=author content=canaryevidence>"
    "<p>canaryevidence 棉花 القطن</p></html>"
)
BOOK = "variable,type,code\r\nframe,nominal,food\r\nframe,,denial\r\nremark,text,\r\n"
OPEN = ("/p/study/results", "/p/study/results.json", "/p/study/results.xlsx", "/p/study/data",
        "/p/study/data.csv", "/p/study/data.json", "/p/study/data.xlsx", "/p/study/codebooks",
        "/p/study/rounds", "/p/study/tokens", "/")  # fmt: skip


@pytest.fixture
def study(wiring: Wiring, project: Project, capture: Callable, sign_in: Browser) -> Project:
    """A captured page, noted, marked and coded in words and codes, its round revealed."""
    capture({"https://example.org/canaryevidence": PAGE, "https://example.org/b": PAGE})
    owner = sign_in("owner")
    item = owner.get("/p/study/items.json").json["items"][0]
    here = f"/p/study/items/{item['id']}"
    send(owner, here, f"{here}/notes", text="canaryevidence note", kind="remark")
    marks = f"/p/study/captures/{item['capture_id']}/highlights"
    marked = send(owner, f"{here}/highlights", marks, quote="canaryevidence 棉花", body="")
    assert marked.status_code == 302
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        version = codebooks.create(session, actor, held, table.read_table("Book", BOOK))
        codebooks.freeze(session, actor, held, version)
        coder = people.find_user(session, "coder")
        found = list(session.scalars(select(Item.id)))
        one = rounds.open_round(
            session, actor, held, version, rounds.Plan("R", "", 0, 1, 1, [coder]), found
        )
        given = {
            "frame": Given(("food",), quote="canaryevidence"),
            "remark": Given(("canaryevidence says the page",)),
        }
        for mine in session.scalars(select(Assignment)).all():
            unit = coding.get_unit(session, held, coder, mine.id)
            coding.submit(session, people.actor_of(coder), held, unit, given, seen=0, seconds=1)
        rounds.reveal(session, actor, held, one)
        adjudication.refresh(session, one)
        assert reliability.sheet(session, one).units
    return project


def test_no_page_and_no_endpoint_gives_them_a_byte_of_the_evidence(
    app: Flask, wiring: Wiring, study: Project, sign_in: Browser
) -> None:
    viewer = sign_in("data-viewer")
    walked = walk(app, wiring, viewer)
    assert len(walked) > 60
    made = send(viewer, "/p/study/tokens", "/p/study/tokens", name="t", scope=["read"], days="1")
    program = app.test_client()
    words = re.search("hft_[-_a-zA-Z0-9]+", made.text)
    assert words is not None
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {words[0]}"
    asked = walk(app, wiring, program, below="/api/")
    assert len(asked) > 15
    allowed = {path for path, status in {**walked, **asked}.items() if status == 200}
    assert set(OPEN) <= allowed
    assert "/api/v1/projects/study/data" in allowed
    # The walk is worth something: a viewer of evidence does meet it on the way.
    assert SECRET in sign_in("viewer").get("/p/study/").data


def test_the_list_as_data_has_the_codes_and_no_words(study: Project, sign_in: Browser) -> None:
    viewer = sign_in("data-viewer")
    rows = viewer.get("/p/study/data.json").json["items"]
    assert [row["code_frame"] for row in rows] == [["food"], ["food"]]
    assert not {"title", "address", "tags", "code_remark"} & rows[0].keys()
    assert viewer.get("/p/study/data.json?q=code:frame=food").json["total"] == 2
    assert viewer.get("/p/study/data.json?q=code:frame=denial").json["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "棉花",
        "title:canary*",
        "note:x",
        "-棉花",
        "code:frame=food OR 棉花",
        "code:remark=c*",
        "memo:canary",
        "url:canary",
        "site:example.org",
        "host:example.org",
        "excluded:can*",
        "similar:https://example.org/b",
        "counts-as:url=canary",
        'counts-as:"code=remark=c*"',
        "-url:canary",
        "counts-as:found_by=x",
    ],
)
def test_they_cannot_search_for_words(query: str, study: Project, sign_in: Browser) -> None:
    viewer = sign_in("data-viewer")
    for path in ("/p/study/data", "/p/study/data.json", "/p/study/data.csv"):
        assert viewer.get(path, query_string={"q": query}).status_code == 400


def test_numbers_open_the_list_as_data_and_other_pages_are_refused(
    study: Project, sign_in: Browser
) -> None:
    viewer = sign_in("data-viewer")
    page = viewer.get("/p/study/results").text
    links = re.findall(r'<td class="n"><a href="(/p/study/data\?[^"]*)">(\d+)</a>', page)
    assert links
    for address, number in links:
        shown = viewer.get(address.replace("&amp;", "&"))
        if shown.status_code == 200:
            assert f"{number} item" in shown.text
    assert "remark" not in page
    refused = viewer.get("/p/study/")
    assert refused.status_code == 403
    assert "data-viewer" in refused.text


def test_the_people_page_of_a_project_offers_the_role(
    study: Project, sign_in: Browser, wiring: Wiring
) -> None:
    owner = sign_in("owner")
    settings = "/p/study/settings"
    assert '<option value="data-viewer">data-viewer</option>' in owner.get(settings).text
    put = send(owner, settings, "/p/study/members", login="viewer", role="data-viewer")
    assert put.status_code == 302
    assert sign_in("viewer").get("/p/study/").status_code == 403


def test_only_seeing_numbers_is_theirs() -> None:
    assert ACTS[Role.DATA_VIEWER] == {Act.COUNT}
    assert all(Act.COUNT in acts for acts in ACTS.values())


def walk(app: Flask, wiring: Wiring, client: FlaskClient, below: str = "/") -> dict[str, int]:
    """Ask for every GET route with every id there is; return the status of each address."""
    with wiring.database.read() as session:
        ids = {
            "item_id": Item, "capture_id": Capture, "round_id": CodingRound, "note_id": Note,
            "version_id": CodebookVersion, "assignment_id": Assignment, "unit_id": Assignment,
            "tag_id": Tag, "import_id": ImportFile, "annotation_id": Annotation,
            "request_id": CaptureRequest,
        }  # fmt: skip
        known = {name: list(session.scalars(select(model.id)))[:1] for name, model in ids.items()}
    known |= {"slug": ["study"], "login": ["coder"]}
    found: dict[str, int] = {}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        if not rule.rule.startswith(below):
            continue
        values: list[dict[str, object]] = [{}]
        for name in sorted(rule.arguments):
            options = known.get(name) or ["0", 0]
            values = [held | {name: one} for held in values for one in options]
        for one in values:
            try:
                address = adapter.build(rule.endpoint, one)
            except BuildError:
                continue
            for query in ("", "?q=canary*", "?variable=remark&after=0", "?tab=history"):
                got = client.get(address + query)
                assert SECRET not in readable(got.data), f"{address}{query}"
                assert got.status_code < 500, address
                got.close()
                found.setdefault(address, got.status_code)
    return found


def readable(data: bytes) -> bytes:
    if not data.startswith(b"PK\x03\x04"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return b"\n".join(package.read(name) for name in package.namelist())
