"""What coders, managers and viewers do on the pages, done by programs: lists, queue, project."""

from __future__ import annotations

from collections.abc import Callable

from test_api import Program
from test_api import program as api_program

from annotate.models import Project
from annotate.services import people, saved
from annotate.wiring import Wiring

program = api_program  # the fixture
PAGES = {f"https://example.org/{n}": f"<title>{n}</title><p>新疆棉花 {n}" for n in range(3)}


def test_tags_on_many_are_put_and_taken_back(
    program: Callable[..., Program], capture: Callable
) -> None:
    capture(PAGES)
    ask = program("coder")
    made = ask("POST", "/bulk", {"act": "tag", "tag": "طعام", "query": "棉花"})
    assert (made["changed"], made["of"]) == (3, 3)
    assert [(one["name"], one["items"]) for one in ask("GET", "/tags")["tags"]] == [("طعام", 3)]
    assert ask("POST", f"/bulk/{made['id']}/undo") == {"restored": 3}
    both = {"act": "tag", "tag": "x", "query": "", "items": []}
    assert "either" in ask("POST", "/bulk", both, status=400)["error"]
    program("viewer")("POST", "/bulk", {"act": "tag", "tag": "x", "query": ""}, status=403)


def test_searches_are_saved_seen_taken_off_and_put_back(
    program: Callable[..., Program], capture: Callable
) -> None:
    capture(dict(list(PAGES.items())[:1]))
    coder, manager = program("coder"), program("manager")
    made = coder("POST", "/searches", {"name": "棉", "query": "棉花"})
    capture(dict(list(PAGES.items())[1:]))
    (mine,) = coder("GET", "/searches")["searches"]
    assert (mine["total"], len(mine["new"])) == (3, 2)
    assert coder("POST", f"/searches/{made['id']}/seen") == {"seen": 3}
    assert coder("GET", "/searches")["searches"][0]["new"] == []
    coder("DELETE", f"/searches/{made['id']}")
    assert manager("GET", "/searches")["searches"] == []
    assert coder("POST", f"/searches/{made['id']}/restore")["name"] == "棉"


def test_a_search_that_cannot_be_answered_any_more_does_not_hide_the_others(
    program: Callable[..., Program], wiring: Wiring, project: Project
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        saved.save(session, actor, project, name="gone", query="nosuchfield:x")
    coder = program("coder")
    coder("POST", "/searches", {"name": "kept", "query": "棉花"})
    gone, kept = coder("GET", "/searches")["searches"]
    assert (gone["total"], kept["total"]) == (None, 0)
    assert "nosuchfield" in gone["why"]


def test_the_queue_is_listed_steered_and_paused(
    program: Callable[..., Program], project: Project
) -> None:
    ask = program("manager")
    asked = ask("POST", "/requests", {"addresses": ["https://example.org/1"]})["requests"]
    listed = ask("GET", "/requests?state=waiting")["requests"]
    assert [one["id"] for one in listed] == asked
    here = f"/requests/{asked[0]}"
    assert ask("POST", f"{here}/cancel")["state"] == "cancelled"
    ask("POST", f"{here}/cancel", status=400)
    assert ask("POST", f"{here}/retry")["state"] == "waiting"
    assert ask("PUT", "/queue/paused", {"paused": True, "reason": "x"})["paused"]
    program("coder")("PUT", "/queue/paused", {"paused": False}, status=403)
    assert not ask("PUT", "/queue/paused", {"paused": False})["paused"]


def test_visits_are_asked_for_and_watches_begun_and_stopped(
    program: Callable[..., Program], capture: Callable
) -> None:
    capture(PAGES)
    ask = program("manager")
    assert "3" in ask("POST", "/visits", {"query": "棉花"})["told"]
    item = ask("GET", "/items")["items"][0]["id"]
    assert ask("GET", f"/items/{item}/visits")["visits"] == []
    body = {"query": "棉花", "every_hours": 24, "keep": "changed"}
    kinds = ask("POST", "/watches", body | {"keep": "nothing like it"}, status=400)["error"]
    body["keep"] = kinds.rpartition(": ")[2].split(", ")[0].rstrip(".")
    made = ask("POST", "/watches", body)
    assert made["active"]
    assert not ask("PUT", f"/watches/{made['id']}/active", {"active": False})["active"]
    assert [one["id"] for one in ask("GET", "/watches")["watches"]] == [made["id"]]


def test_the_project_is_changed_and_its_numbers_read(
    program: Callable[..., Program], project: Project
) -> None:
    owner = program("owner")
    held = owner("GET", "")
    body = {"name": "研究", "reporting_zone": "UTC+08:00", "version": held["version"]}
    owner("PUT", "", body | {"window_from": "2020-01-01"})
    owner("PUT", "", body, status=409)
    assert owner("GET", "")["window_from"] == "2020-01-01"
    owner("POST", "/fields", {"key": "place", "label": "مكان", "type": "text"})
    assert "place" in [one["key"] for one in owner("GET", "")["fields"]]
    owner("PUT", "/members/stranger", {"role": "viewer"})
    roles = {one["login"]: one["role"] for one in owner("GET", "/members")["members"]}
    assert roles["stranger"] == "viewer"
    owner("PUT", "/members/stranger", {"role": "none"})
    program("manager")("PUT", "/members/stranger", {"role": "viewer"}, status=403)
    scope = owner("GET", "/results")["scope"]
    assert {"label": "excluded by screening", "number": 0, "query": "is:excluded"} in scope


def test_many_requests_are_steered_at_once(program: Callable[..., Program]) -> None:
    ask = program("coder")
    addresses = [f"https://{host}.example/{n}" for host in ("a", "b") for n in range(2)]
    asked = ask("POST", "/requests", {"addresses": addresses})["requests"]
    body = {"act": "cancel", "host": "a.example"}
    assert ask("POST", "/queue/bulk", body) == {"of": 2, "changed": 2}
    body = {"act": "cancel", "requests": asked}
    assert ask("POST", "/queue/bulk", body) == {"of": 4, "changed": 2}
    ask("POST", "/queue/bulk", body | {"host": "a.example"}, status=400)
    ask("POST", "/queue/bulk", {"act": "cancel"}, status=400)
    ask("POST", "/queue/bulk", body | {"act": "burn"}, status=400)
    program("viewer")("POST", "/queue/bulk", body, status=403)


def test_visits_of_items_named_and_sensitive_marks_on_many(
    program: Callable[..., Program], capture: Callable
) -> None:
    capture(PAGES)
    ask, manager = program("coder"), program("manager")
    first = ask("GET", "/items")["items"][0]["id"]
    assert "1" in ask("POST", "/visits", {"items": [first], "spread_hours": 2})["told"]
    ask("POST", "/visits", {"items": [first], "spread_hours": -1}, status=400)
    ask("POST", "/visits", {"items": ["x"]}, status=404)
    body = {"sensitive": True, "query": "棉花"}
    ask("POST", "/sensitive", body, status=400)
    made = ask("POST", "/sensitive", body | {"reason": "伤者"})
    assert (made["changed"], made["of"]) == (3, 3)
    assert ask("GET", f"/items/{first}/sensitive")["reason"] == "伤者"
    manager("POST", f"/sensitive/{made['id']}/undo", status=404)
    assert ask("POST", f"/sensitive/{made['id']}/undo") == {"restored": 3}
    assert ask("PUT", "/blurs-all", {"blurs_all": True}, status=403)
    assert manager("PUT", "/blurs-all", {"blurs_all": True}) == {"blurs_all": True}


def test_a_comment_is_taken_back_in_read_and_memos_say_what_they_are_about(
    program: Callable[..., Program], capture: Callable
) -> None:
    capture(dict(list(PAGES.items())[:1]))
    coder, manager = program("coder"), program("manager")
    item = coder("GET", "/items")["items"][0]["id"]
    said = {"on": "item", "id": item, "text": "@manager 请看"}
    made = coder("POST", "/comments", said)["id"]
    coder("DELETE", f"/comments/{made}")
    manager("POST", f"/comments/{made}/restore", status=403)
    assert not coder("POST", f"/comments/{made}/restore")["withdrawn"]
    assert manager("GET", "/me/for-you")["unread"] == 1
    assert manager("PUT", "/me/for-you", {"comments": [made], "read": True}) == {"unread": 0}
    memo = coder("POST", "/memos", {"kind": "method", "title": "T", "text": "one"})["id"]
    here = f"/memos/{memo}"
    (link,) = coder("POST", f"{here}/links", {"item": item})["links"]
    assert link["item"] == item
    coder("POST", f"{here}/links", {"item": item, "codebook": "x"}, status=400)
    assert coder("DELETE", f"{here}/links/{link['id']}") == {"links": []}
    coder("PUT", here, {"title": "T", "text": "two", "version": 1})
    assert coder("POST", f"{here}/restore", {"number": 1, "version": 2})["text"] == "one"
    coder("POST", f"{here}/restore", {"number": 1, "version": 2}, status=409)
