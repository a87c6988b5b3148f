"""The REST API: tokens and their scopes, the same rules as the pages, a whole blind round."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.agreement.report import assess
from annotate.models import ApiToken, Item, Project, Role
from annotate.services import items, people, projects
from annotate.views.api.spec import ENDPOINTS
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
ALL = ("read", "write", "code", "manage")


class Program:
    """A program with a token."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.client.open(
            f"/api/v1/projects/study{path}", method=method, json=body, headers=self.headers
        )
        assert answer.status_code == status, answer.text
        return answer.json

    def send(self, path: str, name: str, data: bytes, /, *, status: int = 200, **form: Any) -> Any:
        """Send a file, as a form."""
        answer = self.client.post(
            f"/api/v1/projects/study{path}",
            data={"file": (io.BytesIO(data), name), **form},
            headers=self.headers,
        )
        assert answer.status_code == status, answer.text
        return answer.json


@pytest.fixture
def program(app: Flask, sign_in: Browser) -> Callable[..., Program]:
    def made(login: str, scopes: tuple[str, ...] = ALL) -> Program:
        page = "/p/study/tokens"
        answer = send(sign_in(login), page, page, name="test", scope=list(scopes), days="1")
        assert answer.status_code == 200, answer.text
        return Program(app, re.search(r"hft_[\w-]+", answer.text)[0])

    return made


def test_without_a_token_nothing_is_said(app: Flask, sign_in: Browser, project: Project) -> None:
    for client in (app.test_client(), sign_in("owner")):
        for path in ("", "/items", "/codebooks", "/rounds"):
            answer = client.get(f"/api/v1/projects/study{path}")
            assert answer.status_code == 401
            assert "token" in answer.json["error"]
    bad = app.test_client().get("/api/v1/projects/study", headers={"Authorization": "Bearer x"})
    assert bad.status_code == 401


def test_a_token_is_kept_as_a_hash_and_revoked(
    program: Callable, sign_in: Browser, wiring: Wiring
) -> None:
    ask = program("coder")
    assert ask("GET", "")["role"] == "coder"
    with wiring.database.read() as session:
        token = session.scalars(select(ApiToken)).one()
        assert token.token_hash not in ask.headers["Authorization"]
    page = "/p/study/tokens"
    stranger = send(sign_in("manager"), page, f"{page}/{token.id}/revoke")
    assert stranger.status_code == 404
    assert send(sign_in("coder"), page, f"{page}/{token.id}/revoke").status_code == 302
    ask("GET", "", status=401)


def test_scopes_and_roles_both_have_to_allow(program: Callable) -> None:
    reader, viewer = program("owner", ("read",)), program("viewer")
    reader("POST", "/requests", {"addresses": ["https://example.org/"]}, status=403)
    viewer("POST", "/requests", {"addresses": ["https://example.org/"]}, status=403)
    reader("POST", "/codebooks", {"document": {}}, status=403)


def test_a_token_is_for_one_project(
    app: Flask, program: Callable, wiring: Wiring, project: Project
) -> None:
    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        projects.create_project(session, people.actor_of(owner), owner, slug="other", name="Other")
    ask = program("owner")
    answer = ask.client.get("/api/v1/projects/other", headers=ask.headers)
    assert answer.status_code == 404


def test_items_tags_notes_fields_and_highlights(
    program: Callable, capture: Callable, wiring: Wiring
) -> None:
    capture({"https://example.org/1": "<title>棉花</title><p>新疆棉花 القطن"})
    ask = program("coder")
    found = ask("GET", "/items?q=棉花")
    assert found["total"] == 1
    item = found["items"][0]["id"]
    tag = ask("POST", f"/items/{item}/tags", {"name": "طعام"})
    assert ask("GET", '/items?q=tag:"طعام"')["total"] == 1
    note = ask("POST", f"/items/{item}/notes", {"text": "seen", "kind": "remark"})
    path = f"/notes/{note['id']}"
    assert ask("PUT", path, {"text": "seen twice", "version": 1})["version"] == 2
    stale = ask("PUT", path, {"text": "late", "version": 1}, status=409)
    assert (stale["theirs"], stale["yours"]) == ("seen twice", "late")
    shown = ask("GET", f"/items/{item}")
    assert [one["text"] for one in shown["notes"]] == ["seen twice"]
    body = {"values": ["zh"], "version": shown["field_versions"]["language"]}
    assert ask("PUT", f"/items/{item}/fields/language", body)["values"] == ["zh"]
    ask("PUT", f"/items/{item}/fields/language", body | {"values": ["ar"]}, status=409)
    text = ask("GET", f"/items/{item}/text")
    at = text["text"].index("القطن")
    made = {"quote": "القطن", "start": at, "end": at + 5, "body": "cotton"}
    assert ask("POST", f"/captures/{text['capture']}/highlights", made)["exact"] == "القطن"
    assert ask("GET", f"/items/{item}/highlights")["total"] == 1
    ask("DELETE", f"/items/{item}/tags/{tag['id']}")
    assert ask("GET", "/items?q=is:tagged")["total"] == 0
    asked = ask("POST", "/requests", {"addresses": ["https://example.org/2"], "engine": "http"})
    assert ask("GET", f"/requests/{asked['requests'][0]}")["state"] == "waiting"
    assert ask("GET", f"/items/{item}/captures")["captures"][0]["outcome"] == "complete"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ({"name": 5}, "type string"),
        ({}, "lacks “name”"),
        ({"name": "x", "more": 1}, "Unknown: more"),
    ],
)
def test_bodies_are_checked(
    program: Callable, capture: Callable, wiring: Wiring, body: Any, words: str
) -> None:
    capture({"https://example.org/1": "<p>x"})
    with wiring.database.read() as session:
        item = session.scalars(select(Item.id)).one()
    assert words in program("coder")("POST", f"/items/{item}/tags", body, status=400)["error"]


def test_the_description_names_every_endpoint(app: Flask, project: Project) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path) for path, held in document["paths"].items() for method in held
    }
    routed = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/projects")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == routed
    assert len(ENDPOINTS) == len(described)


def test_a_form_with_a_file_is_described_and_checked_as_a_body_is(
    app: Flask, program: Callable, project: Project
) -> None:
    held = app.test_client().get("/api/v1/openapi.json").json["paths"]
    described = held["/projects/{slug}/sessions"]["post"]["requestBody"]["content"]
    schema = described["multipart/form-data"]["schema"]
    assert schema["required"] == ["name", "consent", "file"]
    assert schema["properties"]["file"] == {"contentMediaType": "application/octet-stream"}
    ask = program("manager")
    assert "“file”" in ask("POST", "/imports", {"note": "x"}, status=400)["error"]
    assert "Unknown: more" in ask.send("/imports", "a.html", b"x", more="1", status=400)["error"]
    assert "lacks “name”" in ask.send("/sessions", "c.txt", b"x", status=400)["error"]
    for refused in (program("coder"), program("manager", ("read",))):
        for path in ("/imports", "/lists", "/registry-lists", "/sessions", "/codebooks/from-file"):
            refused.send(path, "a.csv", b"url\n", status=403)


BOOK = {
    "v": 1,
    "name": "Posts",
    "variables": [
        {"key": "include", "label": "Counts?", "type": "boolean"},
        {
            "key": "narrative",
            "label": "Story?",
            "type": "nominal",
            "required": False,
            "condition": {"variable": "include", "values": ["yes"]},
        },
    ],
}


@pytest.mark.slow
def test_the_studys_coders_through_the_api(
    shared: Path, app: Flask, program: Callable, wiring: Wiring, project: Project
) -> None:
    """Both coders' 806 answers enter blind; the agreement is the study's planted one."""
    bounded = bool(os.environ.get("HOLDFAST_BOUNDED"))
    decisions = json.loads((shared / "study/decisions.json").read_text("utf-8"))
    urls = sorted({one["url"] for one in decisions})[: 40 if bounded else None]
    given = {(one["coder"], one["url"]): one for one in decisions}
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        addresses = [Address.parse(f"https://example.org{url}") for url in urls]
        items.ensure_items(session, owner, held, addresses)
        paths = {
            one.id: one.address.removeprefix("https://example.org")
            for one in session.scalars(select(Item))
        }
        coders = {"coder_a": "coder", "coder_b": "manager"}
        assert projects.role_in(session, held, people.find_user(session, "manager")) is Role.MANAGER
    manage = program("owner")
    narratives = sorted({one["narrative"] for one in decisions if one["narrative"]})
    book = json.loads(json.dumps(BOOK))
    book["variables"][1]["codes"] = [{"key": name} for name in narratives]
    version = manage("POST", "/codebooks", {"document": book})["id"]
    manage("POST", f"/codebooks/{version}/freeze")
    opened = manage(
        "POST",
        "/rounds",
        {"name": "First", "codebook": version, "seed": 1, "coders": list(coders.values()),
         "coders_per_unit": 2},
    )["id"]  # fmt: skip
    for coder, login in coders.items():
        ask = program(login)
        for unit in ask("GET", f"/rounds/{opened}/units")["units"]:
            one = given[coder, paths[unit["item"]]]
            answers = {"include": {"values": ["yes" if one["include"] else "no"]}}
            if one["include"] and one["narrative"]:
                answers["narrative"] = {"values": [one["narrative"]]}
            body = {"answers": answers, "version": 0, "seconds": 1}
            assert ask("POST", f"/units/{unit['id']}", body)["version"] == 1
        ask("GET", f"/rounds/{opened}/agreement", status=403)
    manage("GET", f"/rounds/{opened}/agreement", status=403)
    manage("POST", f"/rounds/{opened}/reveal")
    found = {
        (one["variable"], one["policy"]): one
        for one in manage("GET", f"/rounds/{opened}/agreement")["variables"]
    }
    rows = [tuple(given[coder, url]["include"] for coder in coders) for url in urls]
    plain = assess(rows)
    include = found["include", ""]
    assert (include["percent"], include["alpha"]) == (plain.percent, plain.alpha)
    if not bounded:
        expected = json.loads((shared / "study/expected.json").read_text("utf-8"))["agreement"]
        names = {
            "include": include,
            "narrative (none counts as a value)": found[
                "narrative", "none counts as a value where it was not asked"
            ],
            "narrative (items both include)": found[
                "narrative", "units where it was asked of all their coders"
            ],
        }
        for name, one in names.items():
            assert round(one["percent"], 4) == expected[name]["percent"]
            assert round(one["alpha"], 4) == expected[name]["krippendorff_alpha_nominal"]
            assert one["units"] == expected[name].get("n", len(urls))
    for dispute in manage("GET", f"/rounds/{opened}/disputes")["disputes"][:5]:
        decision = {
            "item": dispute["item"],
            "variable": dispute["variable"],
            "answer": next(filter(None, dispute["answers"].values()), {}),
            "rationale": "read again",
        }
        manage("POST", f"/rounds/{opened}/decisions", decision)
    assert manage("GET", f"/rounds/{opened}/finals")["finals"]
