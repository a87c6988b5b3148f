"""Programs bring in files, lists and codebooks, set the way out, and make tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import PASSWORD, send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from test_api import Program
from test_api import program as api_program
from test_import_views import MHTML, SAVED
from test_ways import COOKIES, SECRET, documents

from annotate.models import Capture, CaptureRequest, Event, EventKind, Project
from annotate.services import people, projects
from annotate.wiring import Wiring

program = api_program  # the fixture
Programs = Callable[..., Program]
LIST = (
    "网址,语言,备注\nhttps://s.example/1,zh,一\nhttps://s.example/2,ar,二\nnot an address,zh,=三\n"
).encode()
BY_COLUMN = {"网址": "address", "语言": "language"}
ACCOUNTS = "handle,platform,owner\nمرصد,twitter,وزارة\n观察,weibo,部\n".encode()


@pytest.mark.usefixtures("in_process")
def test_a_file_is_sent_chosen_from_and_taken(program: Programs, wiring: Wiring) -> None:
    ask = program("manager")
    sent = ask.send("/imports", "صفحة.html", SAVED.encode(), note="from a witness")
    here = f"/imports/{sent['id']}"
    found = ask("GET", here)
    assert (found["state"], found["found"], found["ticked"]) == ("found", 1, 1)
    (page,) = found["pages_found"]
    assert page["address"] == "https://s.example/1"
    assert ask("GET", "/items")["total"] == 0
    assert ask("PUT", f"{here}/ticked", {"ticked": False}) == {"ticked": 0}
    said = {"id": page["id"], "ticked": True, "address": "nowhere"}
    ask("PUT", f"{here}/choices", {"pages": [said]})
    assert "cannot be taken yet" in ask("POST", f"{here}/confirm", status=400)["error"]
    said |= {"address": "https://s.example/right", "note": "by hand"}
    assert ask("PUT", f"{here}/choices", {"pages": [said]}) == {"ticked": 1}
    assert ask("POST", f"{here}/confirm") == {"id": sent["id"], "pages": 1}
    done = ask("GET", here)
    assert done["state"] == "imported"
    item = ask("GET", f"/items/{done['pages_found'][0]['item']}")
    assert item["address"] == "https://s.example/right"
    with wiring.database.read() as session:
        assert session.scalars(select(Capture)).one().item_id == item["id"]
    assert [one["state"] for one in ask("GET", "/imports")["imports"]] == ["imported"]


@pytest.mark.usefixtures("in_process")
def test_choices_that_cannot_be_are_refused_whole(program: Programs, project: Project) -> None:
    ask = program("manager")
    one, other = (
        ask.send("/imports", name, text.encode())["id"]
        for name, text in (("a.html", SAVED), ("b.mhtml", MHTML))
    )
    mine, others = (ask("GET", f"/imports/{key}")["pages_found"][0]["id"] for key in (one, other))
    path = f"/imports/{one}/choices"
    for wrong in ({"id": mine}, {"id": mine, "ticked": "yes"}, {"id": mine, "ticked": True, "x": 1},
                  mine):  # fmt: skip
        ask("PUT", path, {"pages": [wrong]}, status=400)
    both = [{"id": key, "ticked": False} for key in (mine, others)]
    ask("PUT", path, {"pages": both}, status=404)
    assert ask("GET", f"/imports/{one}")["ticked"] == 1


@pytest.mark.usefixtures("in_process")
def test_files_are_confirmed_together_or_discarded(program: Programs, project: Project) -> None:
    ask = program("manager")
    page = ask.send("/imports", "a.html", SAVED.encode())["id"]
    nameless = ask.send("/imports", "b.mhtml", MHTML.encode())["id"]
    (found,) = ask("GET", f"/imports/{nameless}")["pages_found"]
    said = {"id": found["id"], "ticked": True, "address": ""}
    ask("PUT", f"/imports/{nameless}/choices", {"pages": [said]})
    done = ask("POST", "/imports/confirm")
    assert done["confirmed"] == [{"id": page, "pages": 1}]
    assert [one["id"] for one in done["faults"]] == [nameless]
    assert ask("POST", f"/imports/{nameless}/discard")["state"] == "discarded"
    ask("POST", f"/imports/{nameless}/discard", status=400)
    ask("POST", "/imports/confirm", status=400)
    assert "list of addresses" in ask.send("/imports", "l.csv", LIST, status=400)["error"]


def test_a_file_of_no_known_kind_is_refused_and_says_why(
    program: Programs, in_process: None
) -> None:
    ask = program("manager")
    sent = ask.send("/imports", "x.exe", b"MZ\x00\x01")
    refused = ask("GET", f"/imports/{sent['id']}")
    assert refused["state"] == "refused"
    assert refused["reason"]
    program("viewer").send("/imports", "a.html", SAVED.encode(), status=403)


def test_a_list_is_sent_mapped_looked_at_and_brought_in(
    program: Programs, wiring: Wiring, project: Project
) -> None:
    ask = program("manager")
    sent = ask.send("/lists", "清单.csv", LIST)
    assert (sent["name"], sent["rows"], sent["columns"]) == (
        "清单.csv",
        3,
        ["网址", "语言", "备注"],
    )
    assert sent["mapping"]["网址"] == "address"
    here = f"/lists/{sent['id']}"
    assert ask("GET", here)["first"][0][0] == "https://s.example/1"
    wrong = {"mapping": {"no such": "address"}}
    assert "no column" in ask("POST", f"{here}/look", wrong, status=400)["error"]
    ask("POST", f"{here}/look", {"mapping": {"网址": "nothing like it"}}, status=400)
    seen = ask("POST", f"{here}/look", {"mapping": BY_COLUMN})
    assert (seen["new"], seen["known"], [one["line"] for one in seen["skipped"]]) == (2, 0, [4])
    assert ask("GET", "/requests")["total"] == 0
    done = ask("POST", f"{here}/import", {"mapping": BY_COLUMN})
    assert (done["new"], done["queued"], len(done["skipped"])) == (2, 2, 1)
    left = ask("GET", f"{here}/skipped")
    assert [row[0] for row in left["rows"]] == ["4"]
    assert "not an address" in left["csv"]
    ask("POST", f"{here}/import", {"mapping": BY_COLUMN}, status=404)
    again = ask.send("/lists", "清单.csv", LIST)["id"]
    body = {"mapping": BY_COLUMN, "capture": False}
    done = ask("POST", f"/lists/{again}/import", body)
    assert (done["new"], done["known"], done["values"], done["queued"]) == (0, 2, 0, 0)
    with wiring.database.read() as session:
        rows = session.scalars(select(CaptureRequest.address)).all()
    assert sorted(rows) == ["https://s.example/1", "https://s.example/2"]


def test_a_list_is_its_senders_own_and_of_one_project(
    program: Programs, sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    sent = program("manager").send("/lists", "l.csv", LIST)["id"]
    program("owner")("GET", f"/lists/{sent}", status=404)
    assert sign_in("owner").get(f"/p/study/lists/{sent}").status_code == 404
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        manager = people.find_user(session, "manager")
        acts = people.actor_of(owner)
        other = projects.create_project(session, acts, owner, slug="other", name="Other")
        projects.set_member(session, acts, other, manager, projects.Role.MANAGER)
    browser = sign_in("manager")
    assert browser.get(f"/p/study/lists/{sent}").status_code == 200
    assert browser.get(f"/p/other/lists/{sent}").status_code == 404
    program("manager")("GET", "/lists/..%2F..%2Fholdfast", status=404)


def test_a_list_of_accounts_fills_the_registry(program: Programs, project: Project) -> None:
    ask = program("manager")
    sent = ask.send("/registry-lists", "账号.csv", ACCOUNTS)
    here = f"/registry-lists/{sent['id']}"
    body = {"mapping": sent["mapping"], "note": "a colleague's list"}
    assert body["mapping"] == {"handle": "handle", "platform": "platform", "owner": "owner"}
    ask("POST", f"{here}/look", body | {"mapping": {"handle": "shoe size"}}, status=400)
    ask("POST", f"{here}/import", body | {"note": " "}, status=400)
    seen = ask("POST", f"{here}/look", body)
    assert seen["accounts"] == 2
    assert ask("GET", "/registry")["entries"] == []
    assert ask("POST", f"{here}/import", body) == seen
    labels = {one["label"] for one in ask("GET", "/registry")["entries"]}
    assert {"مرصد", "观察"} <= labels
    ask("POST", f"{here}/import", body, status=404)


def test_a_codebook_is_made_from_a_file(program: Programs, project: Project) -> None:
    ask = program("manager")
    first = ask("POST", "/codebooks", {"document": {"v": 1, "name": "One", "variables": [
        {"key": "include", "label": "Counts?", "type": "boolean"}]}})  # fmt: skip
    document = ask("GET", f"/codebooks/{first['id']}")["document"]
    made = ask.send("/codebooks/from-file", "x.json", document.encode(), name="Two")
    copy = json.loads(ask("GET", f"/codebooks/{made['id']}")["document"])
    assert (copy["name"], copy["variables"][0]["key"]) == ("Two", "include")
    assert (
        "UTF-8" in ask.send("/codebooks/from-file", "x.csv", b"\xff\xfe\xfa", status=400)["error"]
    )


def test_the_way_out_is_set_and_its_password_never_told(
    program: Programs, wiring: Wiring, project: Project
) -> None:
    ask = program("manager")
    assert ask("GET", "/way-out") == {"proxy": None}
    body = {"host": "127.0.0.1", "port": 1080, "user": "ana", "password": SECRET,
            "resolver": "9.9.9.9"}  # fmt: skip
    told = ask("PUT", "/way-out", body)
    assert (told["proxy"]["port"], told["proxy"]["password"]) == (1080, True)
    del body["password"]
    told = ask("PUT", "/way-out", body | {"port": 1081})
    assert (told["proxy"]["port"], told["proxy"]["password"]) == (1081, True)
    assert ask("GET", "/way-out") == told
    assert SECRET not in json.dumps(told) + documents(wiring)
    assert [one.read_text() for one in (wiring.home / "secrets").iterdir()] == [SECRET]
    ask("PUT", "/way-out", body | {"port": 0}, status=400)
    program("coder")("PUT", "/way-out", body, status=403)
    program("coder")("DELETE", "/way-out", status=403)
    assert ask("DELETE", "/way-out") == {"proxy": None}
    assert not list((wiring.home / "secrets").iterdir())


def test_a_capture_session_is_kept_chosen_and_deleted_and_its_cookies_never_told(
    program: Programs, wiring: Wiring, project: Project
) -> None:
    ask = program("manager")
    form = {"name": "Ana abroad", "consent": "Ana agreed", "identity": ["Ana", "@ana"]}
    made = ask.send("/sessions", "cookies.txt", COOKIES, **form)
    assert (made["cookies"], made["domains"], made["identity_strings"]) == (1, ["example.org"], 2)
    listed = ask("GET", "/sessions")["sessions"]
    assert listed == [made]
    assert "cookie-value-4711" not in json.dumps(listed) + documents(wiring)
    assert "@ana" not in json.dumps(listed) + documents(wiring)
    asked = {"addresses": ["https://example.org/1"], "session": "Ana abroad"}
    one = program("coder")("POST", "/requests", asked)["requests"][0]
    with wiring.database.read() as session:
        assert session.get_one(CaptureRequest, one).session_id == made["id"]
    ask("POST", "/requests", asked | {"session": "Nobody"}, status=404)
    ask.send("/sessions", "c.txt", b"not cookies", name="x", consent="y", status=400)
    program("coder")("DELETE", f"/sessions/{made['id']}", status=403)
    assert ask("DELETE", f"/sessions/{made['id']}") == {"deleted": made["id"]}
    assert ask("GET", "/sessions")["sessions"] == []
    assert not list((wiring.home / "sessions").iterdir())


def test_a_token_makes_tokens_that_can_no_more_than_itself(
    app: Flask, program: Programs, wiring: Wiring
) -> None:
    ask = program("manager", ("read", "write"))
    whole = program("manager")
    body = {"name": "nightly", "scopes": ["read"], "days": 1}
    assert "ends before" in ask("POST", "/me/tokens", body, status=403)["error"]
    with app.test_client() as browser:
        send(browser, "/sign-in", "/sign-in", login="manager", password=PASSWORD)
        page = "/p/study/tokens"
        form = {"name": "long", "scope": ["read", "write"], "days": "9"}
        words = send(browser, page, page, **form).text
    long = Program(app, words[words.index("hft_") :].split("<")[0].strip())
    for scopes in (["manage"], ["read", "code"]):
        told = long("POST", "/me/tokens", body | {"scopes": scopes}, status=403)
        assert "scope" in told["error"]
    long("POST", "/me/tokens", body | {"scopes": ["root"]}, status=400)
    long("POST", "/me/tokens", body | {"days": 10}, status=403)
    made = long("POST", "/me/tokens", body)
    child = Program(app, made.pop("token"))
    assert child("GET", "")["role"] == "manager"
    child("POST", "/requests", {"addresses": ["https://example.org/"]}, status=403)
    listed = long("GET", "/me/tokens")["tokens"]
    assert made in listed
    assert "hft_" not in json.dumps(listed)
    able = next(one["id"] for one in listed if "manage" in one["scopes"])
    child("DELETE", f"/me/tokens/{able}", status=403)
    program("coder")("DELETE", f"/me/tokens/{made['id']}", status=404)
    grown = child("POST", "/me/tokens", body, status=403)
    assert "ends before" in grown["error"]
    assert child("DELETE", f"/me/tokens/{made['id']}")["revoked_at"]
    child("GET", "", status=401)
    again = Program(app, long("POST", "/me/tokens", body)["token"])
    mother = next(one["id"] for one in listed if one["name"] == "long")
    long("DELETE", f"/me/tokens/{mother}")
    again("GET", "", status=401)
    whole("DELETE", f"/me/tokens/{able}")
    whole("GET", "", status=401)
    with wiring.database.read() as session:
        kinds = session.scalars(select(Event.kind)).all()
    assert kinds.count(EventKind.API_TOKEN_REVOKE) == 4


def test_a_package_leaves_and_stops_where_an_identity_stands_in_it(
    program: Programs, capture: Callable
) -> None:
    capture({"https://example.org/1": "<title>棉花</title><p>signed in as @ana"})
    manager, ask = program("manager"), program("viewer")
    held = ask("GET", "/package?q=棉花")
    assert (held["items"], held["captures"], held["files"]) == (1, 1, 1)
    body = {"kind": "wacz", "query": "棉花"}

    def fetch(more: dict[str, object]) -> bytes:
        answer = ask.client.post(
            "/api/v1/projects/study/package", json=body | more, headers=ask.headers
        )
        assert answer.status_code == 200, answer.text
        return answer.data

    assert fetch({}).startswith(b"PK")
    assert b"example" in fetch({"kind": "cdxj"})
    manager.send("/sessions", "c.txt", COOKIES, name="Ana", consent="agreed", identity=["@ana"])
    told = ask("POST", "/package", body, status=409)
    assert (told["seen"][0]["times"], told["seen"][0]["address"]) == (1, "https://example.org/1")
    assert "@ana" not in json.dumps(told)
    assert fetch({"known": True}).startswith(b"PK")
    for wrong in ({"kind": "exe"}, {"item": "x"}, {"cookies": "some"}):
        ask("POST", "/package", body | wrong, status=400)
    ask("POST", "/package", {"kind": "wacz", "item": ""}, status=400)
    program("data-viewer")("POST", "/package", body, status=403)


def test_files_leave_as_the_pages_give_them(
    app: Flask,
    program: Programs,
    sign_in: Callable[[str], FlaskClient],
    capture: Callable,
    wiring: Wiring,
) -> None:
    capture({"https://example.org/1": "<title>棉花</title><p>القطن"})
    ask, browser = program("viewer"), sign_in("viewer")
    with wiring.database.read() as session:
        one = session.scalars(select(Capture)).one()

    def fetch(path: str, status: int = 200, **more: str) -> bytes:
        where = f"/api/v1/projects/study{path}"
        with ask.client.get(where, headers={**ask.headers, **more}) as answer:
            assert answer.status_code == status, answer.text
            return answer.data

    for path, page in (
        (f"/captures/{one.id}/warc", f"/c/{one.id}/capture.warc.gz"),
        (f"/captures/{one.id}/citation.ris", f"/c/{one.id}/citation.ris"),
        (f"/captures/{one.id}/citation.json", f"/c/{one.id}/citation.json"),
        (f"/captures/{one.id}/recorded", f"/c/{one.id}/recorded.json"),
        ("/registry.csv", "/p/study/registry.csv"),
        ("/network.gexf", "/p/study/network.gexf"),
        ("/exchange/annotations.jsonld?q=棉花", "/p/study/exchange/annotations.jsonld?q=棉花"),
    ):
        with browser.get(page) as answer:
            assert fetch(path) == answer.data, path
    assert fetch("/exchange/project.qdpx").startswith(b"PK")
    assert len(fetch(f"/captures/{one.id}/warc", 206, Range="bytes=0-9")) == 10
    fetch("/codebooks/0/qdc", 404)
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        viewer = people.find_user(session, "viewer")
        acts = people.actor_of(owner)
        other = projects.create_project(session, acts, owner, slug="other", name="Other")
        projects.set_member(session, acts, other, viewer, projects.Role.VIEWER)
    page = "/p/other/tokens"
    made = send(browser, page, page, name="t", scope=["read"], days="1").text
    ask.headers = {"Authorization": f"Bearer {re.search('hft_[-_a-zA-Z0-9]+', made)[0]}"}
    answer = ask.client.get(f"/api/v1/projects/other/captures/{one.id}/warc", headers=ask.headers)
    assert answer.status_code == 404  # a capture of the first project, by a token of the second
