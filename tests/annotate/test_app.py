"""The application through its pages: who may what, work that is not lost, numbers that open."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import PASSWORD, send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Executable, delete, select, text, update

from annotate.app import ROOMS, create_app
from annotate.db import Database
from annotate.errors import UnloggedChangeError
from annotate.migrate import SCRIPTS
from annotate.models import Base, Event, Item, Project, Tag
from annotate.services import people
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
Capture = Callable[[dict[str, str]], None]
POST = (
    "<html lang=zh><title>官方账号</title><article><a rel=author href=/u/state_one>官方 @state_one</a>"
    "<time datetime='2020-05-31T23:30:00-05:00'>x</time><div itemprop=articleBody>走进喀什的棉花地 @traveller_1"
    "</div></article><script>alert(1)</script>"
)
URL = "http://site.example/a/1"
ITEM = "/p/study/items/"


@pytest.fixture
def item_id(capture: Capture, wiring: Wiring) -> str:
    capture({URL: POST, "http://site.example/a/2": "<title>القطن</title><p>القطن في كاشغر"})
    with wiring.database.read() as session:
        return session.scalars(select(Item.id).where(Item.address == URL)).one()


def test_every_page_asks_for_a_sign_in_and_strangers_learn_nothing(
    app: Flask, sign_in: Browser, item_id: str
) -> None:
    nobody, stranger = app.test_client(), sign_in("stranger")
    checked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "slug" not in rule.arguments:
            continue
        values = {"slug": "study", "item_id": item_id, "capture_id": "x", "position": 0}
        with app.test_request_context():
            url = rule.build({key: values.get(key, "x") for key in rule.arguments})
        assert url is not None
        assert nobody.get(url[1]).status_code in {302, 401}, url
        answer = stranger.get(url[1])
        cookies_count = not url[1].startswith("/api/")  # there only tokens do
        assert answer.status_code == (404 if cookies_count else 401), url
        assert "棉花" not in answer.text
        checked += 1
    assert checked >= 12


@pytest.mark.parametrize(
    ("role", "action", "form", "status"),
    [
        ("viewer", "tags", {"tag": "x"}, 403),
        ("coder", "tags", {"tag": "x"}, 302),
        ("viewer", "notes", {"text": "x"}, 403),
        ("coder", "notes", {"text": "x"}, 302),
        ("viewer", "capture", {}, 403),
    ],
)
def test_roles(
    sign_in: Browser, item_id: str, role: str, action: str, form: dict[str, str], status: int
) -> None:
    client = sign_in(role)
    answer = send(client, "/me", f"{ITEM}{item_id}/{action}", **form)
    assert answer.status_code == status


def test_settings_need_a_manager(sign_in: Browser) -> None:
    form = {"name": "x", "reporting_zone": "UTC", "version": "1"}
    assert send(sign_in("coder"), "/me", "/p/study/settings", **form).status_code == 403
    bad = {**form, "reporting_zone": "Mars"}
    assert "no time zone" in send(sign_in("manager"), "/me", "/p/study/settings", **bad).text


def test_a_form_from_elsewhere_is_refused(sign_in: Browser, item_id: str) -> None:
    answer = sign_in("coder").post(f"{ITEM}{item_id}/tags", data={"tag": "x"})
    assert answer.status_code == 400
    assert "reload" in answer.text


def test_another_host_name_is_refused(app: Flask) -> None:
    assert app.test_client().get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_a_sign_in_link_works_once(app: Flask, wiring: Wiring, project: Project) -> None:
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, "coder"), minutes=5)
    client, url = app.test_client(), f"/sign-in/link/{token}"
    assert client.get(url).status_code == client.get(url).status_code == 200
    assert send(client, url, url).status_code == 302
    assert client.get("/").status_code == 200
    assert "used already" in app.test_client().get(url).text


def test_a_new_password_ends_the_links_that_were_given_out(
    app: Flask, wiring: Wiring, project: Project
) -> None:
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, "coder"), minutes=5)
    with wiring.database.write() as session:
        coder = people.find_user(session, "coder")
        people.change_user(session, people.SYSTEM, coder, password="another long password")
    url = f"/sign-in/link/{token}"
    assert "not known" in app.test_client().get(url).text
    assert app.test_client().post(url).status_code == 400


def test_a_wrong_password_says_not_which_part(app: Flask, project: Project) -> None:
    answers = [
        send(app.test_client(), "/sign-in", "/sign-in", login=login, password="wrong wrong wrong")
        for login in ("owner", "nobody")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert all("do not belong together" in answer.text for answer in answers)


def test_sign_ins_are_limited(wiring: Wiring, project: Project) -> None:
    client = create_app(wiring).test_client()
    statuses = [
        send(client, "/sign-in", "/sign-in", login="owner", password="x").status_code
        for _ in range(12)
    ]
    assert statuses[-1] == 429


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil"])
def test_signing_in_never_leads_elsewhere(app: Flask, project: Project, target: str) -> None:
    client = app.test_client()
    answer = send(client, "/sign-in", "/sign-in", login="owner", password=PASSWORD, next=target)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("query", "found"),
    [("棉花", 1), ("القطن", 1), ("lang:zh", 1), ("tag:none", 0), ("after:2020-06", 1), ("after:2020-06-02", 0), ("before:2020-06-01", 1),
     ("after:2020-05 zone", 0), ("site:site.example", 2), ("author:@state_one", 1), ("promotes:traveller_1", 1)],
)  # fmt: skip
def test_the_library_finds(sign_in: Browser, item_id: str, query: str, found: int) -> None:
    answer = sign_in("viewer").get("/p/study/items.json", query_string={"q": query})
    assert answer.json["total"] == found, query


def test_a_query_that_cannot_be_read_is_shown_with_its_place(
    sign_in: Browser, item_id: str
) -> None:
    answer = sign_in("viewer").get("/p/study/", query_string={"q": "a OR"})
    assert answer.status_code == 400
    assert "at character 3" in answer.text


def test_tag_note_and_find(sign_in: Browser, item_id: str, wiring: Wiring) -> None:
    from annotate.jobs.indexing import index_now

    coder = sign_in("coder")
    send(coder, "/me", f"{ITEM}{item_id}/tags", tag="خلافات")
    send(coder, "/me", f"{ITEM}{item_id}/notes", text="передано источником")
    index_now(wiring)
    for query in ('tag:"خلافات"', "источником", "note:источником"):
        found = coder.get("/p/study/items.json", query_string={"q": query}).json
        assert [one["address"] for one in found["items"]] == [URL], query
    page = coder.get(f"{ITEM}{item_id}").text
    assert "передано источником" in page
    assert "خلافات" in page
    assert "note:create" in coder.get(f"{ITEM}{item_id}?tab=history").text


def test_a_stale_note_is_answered_with_both_texts(sign_in: Browser, item_id: str) -> None:
    one, other = sign_in("coder"), sign_in("manager")
    send(one, "/me", f"{ITEM}{item_id}/notes", text="first")
    note = one.get(f"{ITEM}{item_id}.json").json["notes"][0]
    url = f"/p/study/notes/{note['id']}"
    assert send(other, "/me", url, text="second", version=1).status_code == 302
    answer = send(one, "/me", url, text="mine", version=1)
    assert answer.status_code == 409
    assert "second" in answer.text
    assert "mine" in answer.text
    assert one.get(f"{ITEM}{item_id}.json").json["notes"][0]["text"] == "second"


def test_a_text_for_a_note_that_was_withdrawn_meanwhile_is_not_lost(
    sign_in: Browser, item_id: str
) -> None:
    one, other = sign_in("coder"), sign_in("manager")
    send(one, "/me", f"{ITEM}{item_id}/notes", text="first")
    note = one.get(f"{ITEM}{item_id}.json").json["notes"][0]
    url = f"/p/study/notes/{note['id']}"
    assert send(one, "/me", f"{url}/withdraw").status_code == 302
    answer = send(other, "/me", url, text="long and careful", version=1)
    assert answer.status_code == 409
    assert "long and careful" in answer.text
    assert "withdrawn while you were writing" in answer.text
    assert send(one, "/me", f"{url}/withdraw", back="yes").status_code == 302
    assert send(other, "/me", url, text="long and careful", version=1).status_code == 302


def test_a_stale_field_is_answered_with_both_values(sign_in: Browser, item_id: str) -> None:
    coder = sign_in("coder")
    page = coder.get(f"{ITEM}{item_id}").text
    form = re.search(r'fields/narrative[^>]*>.*?name="version" value="(\w+)"', page, re.DOTALL)
    assert form is not None
    url = f"{ITEM}{item_id}/fields/narrative"
    assert send(coder, "/me", url, value="food", version=form[1]).status_code == 302
    assert send(coder, "/me", url, value="rail", version=form[1]).status_code == 409


def test_bulk_tags_are_undone_exactly(sign_in: Browser, item_id: str, wiring: Wiring) -> None:
    coder = sign_in("coder")
    send(coder, "/me", f"{ITEM}{item_id}/tags", tag="seen")
    send(coder, "/me", "/p/study/bulk", all="yes", q="", tag="seen", act="tag")
    assert coder.get("/p/study/items.json?q=tag:seen").json["total"] == 2
    undo = re.search(r'action="(/p/study/bulk/[^"]+/undo)"', coder.get("/p/study/").text)
    assert undo is not None
    send(coder, "/me", undo[1])
    found = coder.get("/p/study/items.json?q=tag:seen").json
    assert [one["address"] for one in found["items"]] == [URL]


def test_who_tagged_many_undoes_it_or_a_manager(sign_in: Browser, item_id: str) -> None:
    manager = sign_in("manager")
    send(manager, "/me", "/p/study/bulk", all="yes", q="", tag="swept", act="tag")
    undo = re.search(r'action="(/p/study/bulk/[^"]+/undo)"', manager.get("/p/study/").text)
    assert undo is not None
    for undoes, expected, left in (("coder", 403, 2), ("owner", 302, 0)):
        person = sign_in(undoes)
        assert send(person, "/me", undo[1]).status_code == expected
        assert person.get("/p/study/items.json?q=tag:swept").json["total"] == left


def test_the_static_view_runs_nothing(sign_in: Browser, item_id: str) -> None:
    viewer = sign_in("viewer")
    capture_id = re.search(r'src="/c/([^/]+)/view"', viewer.get(f"{ITEM}{item_id}").text)
    assert capture_id is not None
    answer = viewer.get(f"/c/{capture_id[1]}/view")
    assert "棉花" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["Content-Security-Policy"].endswith("sandbox allow-same-origin")
    assert viewer.get(f"/c/{capture_id[1]}/records/1").status_code == 200
    assert sign_in("stranger").get(f"/c/{capture_id[1]}/view").status_code == 404


def test_others_see_it_live(sign_in: Browser, item_id: str) -> None:
    one, other = sign_in("coder"), sign_in("viewer")
    before = other.get("/p/study/events.json?after=0").json["position"]
    send(one, "/me", f"{ITEM}{item_id}/tags", tag="live")
    news = other.get(f"/p/study/events.json?after={before}").json["events"]
    assert [(one["kind"], one["item"]) for one in news if one["kind"] == "tag:add"] == [
        ("tag:add", item_id)
    ]


def test_csv_runs_no_formula(sign_in: Browser, item_id: str) -> None:
    coder = sign_in("coder")
    send(coder, "/me", f"{ITEM}{item_id}/tags", tag="=1+1")
    text = coder.get("/p/study/items.csv").data.decode("utf-8-sig")
    assert "'=1+1" in text
    assert "棉" not in text.splitlines()[0]


def test_every_change_is_an_event_that_hashes(wiring: Wiring, item_id: str) -> None:
    import hashlib

    with wiring.database.read() as session:
        events = session.scalars(select(Event).order_by(Event.ledger, Event.n)).all()
    by_ledger: dict[str, list[int]] = {}
    for event in events:
        by_ledger.setdefault(event.ledger, []).append(event.n)
        assert hashlib.sha256(event.document.encode()).hexdigest() == event.digest
        assert json.loads(event.leaf)["d"] == event.digest
        assert event.actor not in event.leaf
    assert all(numbers == list(range(len(numbers))) for numbers in by_ledger.values())


def test_a_change_without_an_event_is_refused(wiring: Wiring, project: Project) -> None:
    with pytest.raises(UnloggedChangeError), wiring.database.write() as session:
        session.add(Tag(project_id=project.id, name="x", folded="x", created_by="x"))
    with wiring.database.read() as session:
        held = session.get_one(Project, project.id)
        held.name = "other"
        with pytest.raises(UnloggedChangeError):
            session.flush()


@pytest.mark.parametrize(
    "statement",
    [
        update(Project).values(name="x"),
        update(Project.__table__).values(name="x"),
        delete(Project.__table__),
        update(Event).values(kind="tag:add"),
        delete(Event.__table__),
        text("UPDATE project SET name = 'x'"),
    ],
    ids=str,
)
def test_no_statement_goes_past_the_events(
    wiring: Wiring, project: Project, statement: Executable
) -> None:
    for opened in (wiring.database.write, wiring.database.read):
        with opened() as session:
            with pytest.raises(UnloggedChangeError):
                session.execute(statement)
            assert session.get_one(Project, project.id).name == project.name


def test_an_event_is_neither_changed_nor_deleted(wiring: Wiring, project: Project) -> None:
    with pytest.raises(UnloggedChangeError), wiring.database.write() as session:
        session.scalars(select(Event)).first().actor = "nobody"
    with pytest.raises(UnloggedChangeError), wiring.database.write() as session:
        session.delete(session.scalars(select(Event)).first())


def test_migrations_bring_an_empty_database_to_the_models(wiring: Wiring) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database: Database = wiring.database
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert found == []
    assert list((SCRIPTS / "versions").glob("*.py"))


def test_every_room_is_there(app: Flask) -> None:
    assert set(ROOMS) <= set(app.blueprints)


def test_a_project_defines_fields_of_its_own(sign_in: Browser, item_id: str) -> None:
    manager = sign_in("manager")
    form = {"key": "topic", "label": "موضوع", "type": "choice"}
    assert send(manager, "/me", "/p/study/fields", **form).status_code == 302
    assert send(manager, "/me", "/p/study/fields", **form).status_code == 400
    for key in ("tag", "excluded", "observed", "differs", "id", "tags", "screening", "address"):
        refused = send(manager, "/me", "/p/study/fields", **{**form, "key": key})
        assert refused.status_code == 400, key
    assert (
        send(sign_in("coder"), "/me", "/p/study/fields", **{**form, "key": "b"}).status_code == 403
    )
    page = manager.get(f"{ITEM}{item_id}").text
    version = re.search(r'fields/topic[^>]*>.*?name="version" value="(\w+)"', page, re.DOTALL)
    assert version is not None
    send(manager, "/me", f"{ITEM}{item_id}/fields/topic", value="rail", version=version[1])
    assert manager.get("/p/study/items.json?q=topic:rail").json["total"] == 1
    assert manager.get("/p/study/items.json").json["facets"]["topic"] == {"rail": 1}
