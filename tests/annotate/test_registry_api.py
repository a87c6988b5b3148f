"""The registry over the API: the same rules as the pages, stale saves with both values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient

from annotate.models import Project

Ask = Callable[..., Any]


@pytest.fixture
def ask(app: Flask, sign_in: Callable[[str], FlaskClient], project: Project) -> Ask:
    page = "/p/study/tokens"
    scopes = ["read", "write", "manage"]
    made = send(sign_in("manager"), page, page, name="t", scope=scopes, days="1")
    token = re.search(r"hft_[\w-]+", made.text)[0]
    client = app.test_client()

    def asked(method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.open(f"/api/v1/projects/study{path}", method=method, json=body,
                             headers=headers)  # fmt: skip
        assert answer.status_code == status, answer.text
        return answer.json

    return asked


def test_the_whole_of_the_registry_is_written_and_read_by_a_program(ask: Ask) -> None:
    account = ask("POST", "/registry", {"kind": "account", "platform": "p", "handle": "دانا"})
    entity = ask("POST", "/registry", {"kind": "entity", "label": "部委"})
    here = f"/registry/{account['id']}"
    ask("POST", f"{here}/names", {"name": "Дана", "kind": "transliteration", "language": "ru"})
    ask("POST", f"{here}/handles", {"handle": "dana_old", "valid_to": "2020-12-31"})
    said = {"property": "state-controlled", "value": "yes", "basis": "ownership"}
    assert "evidence" in ask("POST", f"{here}/assertions", said, status=400)["error"]
    stated = ask("POST", f"{here}/assertions", said | {"provenance": "its imprint"})
    relation = {"type": "belongs-to", "subject": account["id"], "object": "部委"}
    assert "evidence" in ask("POST", "/relations", relation, status=400)["error"]
    related = ask("POST", "/relations", relation | {"provenance": "a register"})
    assert related["object_entry_id"] == entity["id"]
    found = ask("GET", "/registry?q=дана")
    assert [one["id"] for one in found["entries"]] == [account["id"]]
    shown = ask("GET", here)
    assert [one["name"] for one in shown["names"]] == ["Дана"]
    assert [one["handle"] for one in shown["handles"]] == ["dana_old"]
    assert [one["id"] for one in shown["assertions"]] == [stated["id"]]
    assert [one["id"] for one in shown["relations"]] == [related["id"]]
    kinds = {one["kind"] for one in ask("GET", f"{here}/history")["history"]}
    assert kinds == {
        "registry-entry:create", "registry-name:create", "handle:create", "assertion:create",
        "relation:create",
    }  # fmt: skip


def test_a_stale_save_is_409_with_both_values(ask: Ask) -> None:
    made = ask("POST", "/registry", {"kind": "entity", "label": "One"})
    here = f"/registry/{made['id']}"
    said = {"property": "p", "value": "v", "basis": "b", "provenance": "n"}
    stated = ask("POST", f"{here}/assertions", said)
    ask("PUT", here, {"row_version": 1, "label": "Two"})
    late = ask("PUT", here, {"row_version": 1, "label": "Three"}, status=409)
    assert ("Two" in late["theirs"], "Three" in late["yours"], late["version"]) == (True, True, 2)
    there = f"/assertions/{stated['id']}"
    ask("PUT", there, said | {"row_version": 1, "value": "w"})
    late = ask("PUT", there, said | {"row_version": 1, "value": "x"}, status=409)
    assert ("w" in late["theirs"], "x" in late["yours"]) == (True, True)
    assert ask("GET", here)["label"] == "Two"


def test_changes_are_undone_and_rows_put_back(ask: Ask) -> None:
    made = ask("POST", "/registry", {"kind": "entity", "label": "One"})
    here = f"/registry/{made['id']}"
    ask("PUT", here, {"row_version": 1, "label": "Two"})
    change = ask("GET", f"{here}/history")["history"][0]
    assert (change["before"], change["after"]) == ({"label": "One"}, {"label": "Two"})
    assert ask("POST", f"/changes/{change['id']}/undo")["label"] == "One"
    away = f"/kept/registry_entry/{made['id']}/withdraw"
    assert ask("POST", away, {"row_version": 3})["withdrawn"] is True
    assert ask("GET", "/registry")["total"] == 0
    ask("POST", away, {"row_version": 3, "back": True}, status=409)
    assert ask("POST", away, {"row_version": 4, "back": True})["withdrawn"] is False
    assert ask("GET", "/registry")["total"] == 1


def test_a_merge_and_its_undoing(ask: Ask) -> None:
    first, second = (
        ask("POST", "/registry", {"kind": "account", "platform": "p", "handle": one})
        for one in ("a", "b")
    )
    judged = {"into": second["id"], "judgement": "same", "reason": "one profile"}
    row = ask("POST", f"/registry/{first['id']}/judgements", judged)
    assert ask("GET", f"/registry/{first['id']}")["merged_into"] == second["id"]
    assert ask("GET", f"/registry/{second['id']}")["counts_together_with"] == [first["id"]]
    ask("POST", f"/registry-judgements/{row['id']}/undo")
    assert ask("GET", f"/registry/{first['id']}")["merged_into"] is None
    assert ask("GET", "/registry")["total"] == 2
    again = ask("POST", f"/registry-judgements/{row['id']}/undo", status=400)
    assert "already" in again["error"]


def test_kinds_of_relations_are_added(ask: Ask) -> None:
    spec = {"key": "funds", "label": "funds", "inverse": "funded by"}
    ends = {"subject": "entity", "object": "entity"}
    ask("POST", "/relation-types", spec | ends)
    assert "funds" in {one["key"] for one in ask("GET", "/relation-types")["types"]}
    ask("POST", "/relation-types", spec | ends | {"key": "No"}, status=400)
    ask("POST", "/relation-types", spec | ends | {"key": "x", "object": "thing"}, status=400)


def test_what_is_ill_formed_is_refused_by_name(ask: Ask) -> None:
    made = ask("POST", "/registry", {"kind": "entity", "label": "One"})
    here = f"/registry/{made['id']}"
    said = {"property": "p", "value": "v", "basis": "b", "provenance": "n"}
    for body, words in (
        (said | {"valid_from": "yesterday"}, "no day"),
        (said | {"valid_from": "2021-01-02", "valid_to": "2021-01-01"}, "before the first"),
        (said | {"basis": " "}, "basis"),
        (said | {"property": "state-controlled", "value": "maybe"}, "yes or no"),
    ):
        assert words in ask("POST", f"{here}/assertions", body, status=400)["error"]
    assert "handle" in ask("POST", "/registry", {"kind": "account"}, status=400)["error"]
    assert "none of" in ask("POST", "/registry", {"kind": "thing"}, status=400)["error"]
    ask("POST", f"{here}/handles", {"handle": "x"}, status=400)
    ask("GET", "/registry/nothing", status=404)
    ask("POST", "/changes/999999/undo", status=404)


def test_sweeps_are_written_changed_and_say_what_they_found(ask: Ask) -> None:
    asked = ask("POST", "/requests", {"addresses": ["https://example.org/1"]})
    assert asked
    item = ask("GET", "/items")["items"][0]["id"]
    spec = {"name": "搜索", "kind": "query", "seen": 9, "began_at": "2021-03-01T10:00:00+08:00"}
    sweep = ask("POST", "/sweeps", spec)
    assert sweep["began_at"].startswith("2021-03-01T02:00:00")
    there = f"/sweeps/{sweep['id']}"
    assert ask("POST", f"{there}/items", {"items": [item, item, "nothing"]}) == {"added": 1}
    shown = {one["name"]: one for one in ask("GET", "/sweeps")["sweeps"]}
    assert shown["搜索"]["items"] == {"number": 1, "query": 'sweep:"搜索"'}
    ask("PUT", there, spec | {"row_version": 1, "seen": 10})
    late = ask("PUT", there, spec | {"row_version": 1, "seen": 11}, status=409)
    assert (late["theirs"], late["yours"]) == ("seen: 10", "seen: 11")
    assert ask("POST", f"{there}/items/take-off", {"items": [item]}) == {"taken_off": 1}
    ask("POST", "/sweeps", spec | {"name": "x", "began_at": "2021-03-01"}, status=400)
    ask("POST", "/sweeps", spec | {"name": "x", "kind": "guess"}, status=400)


def test_differences_are_decided_by_a_program(
    ask: Ask, capture: Callable[[dict[str, str]], None]
) -> None:
    post = '<title>x</title><article><a rel="author" href="/@paper">@paper</a></article>'
    capture({"https://example.org/1": post})
    item = ask("GET", "/items")["items"][0]["id"]
    ask("PUT", f"/items/{item}/fields/author", {"values": ["papper"]})
    (one,) = ask("GET", "/differences")["differences"]
    assert (one["claimed"], one["shown"], one["decision"]) == (["papper"], ["paper"], None)
    there = f"/differences/{item}/author"
    body = {"kept": "the page", "version": one["version"]}
    ask("POST", there, body | {"version": "older"}, status=409)
    ask("POST", there, body | {"kept": "neither"}, status=400)
    made = ask("POST", there, body)
    assert ask("GET", "/differences")["differences"] == []
    ask("POST", f"/decisions-of-values/{made['id']}/undo")
    assert len(ask("GET", "/differences")["differences"]) == 1
