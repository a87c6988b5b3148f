"""Sweeps: the funnel begins with them, and every item names those that found it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import Item, Project, Sweep, ValueSource
from annotate.services import fields, items, people, projects
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
LIST = "/p/study/sweeps"


def make_items(wiring: Wiring, number: int, **values: str) -> None:
    with wiring.database.write() as session:
        project = projects.find_project(session, "study")
        actor = people.actor_of(people.find_user(session, "owner"))
        by_key = {one.key: one for one in fields.fields_of(session, project.id)}
        for n in range(number):
            address = Address.parse(f"https://example.org/{n}")
            item, _new = items.ensure_item(session, actor, project, address)
            given = {by_key[key]: [value] for key, value in values.items()}
            fields.set_values(session, actor, project, item, given, source=ValueSource.LIST)


def add(client: FlaskClient, **form: str) -> str:
    answer = send(client, LIST, LIST, **({"kind": "query"} | form))
    assert answer.status_code == 302, answer.text
    return answer.location


def test_a_sweep_keeps_where_as_whom_when_and_why_it_ended(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    coder = sign_in("coder")
    page = add(
        coder, name="棉花 搜索", platform="微博", query="新疆棉花", identity="no account",
        began_at="2021-03-01T10:00", ended_at="2021-03-01T11:30", seen="400", taken="37",
        stopped="nothing more was shown",
    )  # fmt: skip
    shown = coder.get(page).text
    for words in ("新疆棉花", "no account", "nothing more was shown", "2021-03-01 11:30:00 UTC"):
        assert words in shown
    for form, words in (
        ({"name": "棉花 搜索"}, "already"),
        ({"name": "b", "seen": "3", "taken": "4"}, "More were taken"),
        ({"name": "b", "began_at": "2021-02-02", "ended_at": "2021-02-01"}, "before it began"),
        ({"name": " "}, "has a name"),
        ({"name": "b", "seen": "many"}, "no whole number"),
    ):
        refused = send(coder, LIST, LIST, kind="query", **form)
        assert refused.status_code == 400
        assert words in refused.text


def test_the_funnel_begins_with_sweeps_and_its_numbers_open_their_lists(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    make_items(wiring, 5)
    coder = sign_in("coder")
    first, second = add(coder, name="one", seen="90", taken="3"), add(coder, name="two")
    for page, query in ((first, "url:example.org/0 OR url:example.org/1"), (second, "url:org/1")):
        assert send(coder, page, f"{page}/items", q=query).status_code == 302
    found = coder.get("/p/study/results.json").json["sweeps"]
    assert found["one"] == {"seen": 90, "taken": 3, "items": 2, "counted": 0}
    assert found["two"]["items"] == 1
    assert found["no sweep is named"]["items"] == 3
    for query, number in (("sweep:one", 2), ("sweep:two", 1), ("sweep:none", 3), ("sweep:*", 2)):
        assert coder.get(f"/p/study/items.json?q={query}").json["total"] == number, query
    shown = coder.get("/p/study/results").text
    assert "How the items were found" in shown
    with wiring.database.read() as session:
        item = session.scalars(select(Item.id).where(Item.address == "https://example.org/1")).one()
    related = coder.get(f"/p/study/items/{item}/relations").text
    assert re.search(r"<bdi>one</bdi></a>, .*<bdi>two</bdi>", related)
    assert send(coder, first, f"{first}/items", q="url:org/1", act="take off").status_code == 302
    assert coder.get("/p/study/items.json?q=sweep:one").json["total"] == 1


def test_what_lists_name_becomes_a_sweep_with_its_items(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    make_items(wiring, 4, found_by="سحب الملفات")
    coder = sign_in("coder")
    assert "سحب الملفات</bdi>, 4 items" in coder.get(LIST).text
    made = send(coder, LIST, f"{LIST}/from-lists", name="سحب الملفات")
    assert made.status_code == 302
    assert coder.get('/p/study/items.json?q=sweep:"سحب الملفات"').json["total"] == 4
    assert "not written down yet" not in coder.get(LIST).text
    assert send(coder, LIST, f"{LIST}/from-lists", name="never").status_code == 404


def test_a_list_names_the_sweep_that_found_it(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    manager = sign_in("manager")
    sweep = add(manager, name="profile pass").rsplit("/", 1)[1]
    data = "url\nhttps://example.org/a\nhttps://example.org/b\n"
    page = "/p/study/lists"
    given = {"file": (io.BytesIO(data.encode()), "list.csv")}
    asked = send(manager, page, page, **given)
    assert asked.status_code == 302, asked.text
    look = asked.location
    assert "profile pass" in manager.get(look).text
    form = {"act": "import", "name": "list.csv", "column-0": "address", "sweep": sweep}
    token = look.partition("?")[0]
    was = re.search(r'name="was_encoding" value="([^"]*)"', manager.get(look).text)[1]
    form |= {"was_encoding": was, "encoding": was, "was_sheet": "", "sheet": ""}
    done = send(manager, look, token, **form)
    assert done.status_code == 302, done.text
    assert manager.get('/p/study/items.json?q=sweep:"profile pass"').json["total"] == 2


def test_a_stale_sweep_is_refused_and_a_change_undone(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    coder = sign_in("coder")
    page = add(coder, name="one", seen="10")
    form = {"kind": "query", "row_version": "1", "name": "one"}
    assert send(coder, page, page, seen="20", **form).status_code == 302
    late = send(coder, page, page, seen="30", **form)
    assert late.status_code == 409
    assert "seen: 20" in late.text
    assert "seen: 30" in late.text
    change, _made = re.findall(r"/p/study/changes/(\d+)/undo", coder.get(page).text)
    assert send(coder, page, f"/p/study/changes/{change}/undo").status_code == 302
    with wiring.database.read() as session:
        sweep = session.scalars(select(Sweep)).one()
        assert sweep.seen == 10
    away = f"/p/study/kept/sweep/{sweep.id}/withdraw"
    assert send(coder, page, away, row_version="3").status_code == 302
    assert "one" not in coder.get("/p/study/results.json").json["sweeps"]


def test_viewers_write_no_sweeps(sign_in: Browser, project: Project) -> None:
    viewer = sign_in("viewer")
    assert viewer.get(LIST).status_code == 200
    assert send(viewer, "/me", LIST, name="x", kind="query").status_code == 403
