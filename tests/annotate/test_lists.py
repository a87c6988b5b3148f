"""Lists of addresses: mapped, looked at, imported; what is wrong is named by its line."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient

from annotate.errors import UsageError
from annotate.models import Project
from annotate.services import lists, people, projects
from annotate.services.fields import fields_of
from annotate.wiring import Wiring

GOOD = "URL;Author;Posted at;promotes\nhttp://s.example/1;@a;2020-05-31T23:30:00-05:00;x;y\n"
ROWS = (
    "url,author,posted_at,promotes,author_state_controlled\n"
    "/a/1,one,2020-05-31T23:30:00-05:00,x;y,yes\n"
    "/a/2,two,2020-05-31T23:30:00,x,yes\n"
    "/a/3,three,2020-05-31,,perhaps\n"
    "ftp://s.example/4,four,2020-05-31,,no\n"
    "/a/5,five,2020-02-30,,no\n"
    "/a/6,six\n"
    "/a/7,七,2020-05-31,x,no\n"
)


def report(wiring: Wiring, text: str, *, dry_run: bool = False) -> lists.ListReport:
    table = lists.read_list("list.csv", text.encode())
    with wiring.database.write() as session:
        project = projects.find_project(session, "study")
        owner = people.actor_of(people.find_user(session, "owner"))
        mapping = lists.guess_mapping(table, fields_of(session, project.id))
        return lists.import_list(
            session, owner, project, table, mapping,
            base_address="http://s.example", dry_run=dry_run,
        )  # fmt: skip


def test_faults_are_named_by_line_and_the_rest_comes_in(wiring: Wiring, project: Project) -> None:
    looked = report(wiring, ROWS, dry_run=True)
    done = report(wiring, ROWS)
    assert (looked.new_items, done.new_items, done.queued) == (2, 2, 2)
    told = {fault.line: fault.reason for fault in done.faults}
    assert set(told) == {3, 4, 5, 6, 7}
    assert "no time zone" in told[3]
    assert "neither yes nor no" in told[4]
    assert "http://" in told[5]
    assert "no date" in told[6]
    assert "2 cells" in told[7]
    assert lists.faults_csv(lists.read_list("x", ROWS.encode()), done.faults).count("\n") == 6


def test_a_second_run_adds_nothing(wiring: Wiring, project: Project) -> None:
    report(wiring, ROWS)
    again = report(wiring, ROWS)
    assert (again.new_items, again.changed_values, again.queued) == (0, 0, 0)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16"),
        ("адрес".encode("cp1251"), "neither UTF-8"),
        (b"PK\x03\x04\x00\x00", "spreadsheet"),
        (b"a,a\n1,2\n", "same name"),
        (b'a,b\n"open', "no CSV"),
    ],
)
def test_a_file_that_is_no_list_imports_nothing(data: bytes, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        lists.read_list("x.csv", data)


def test_through_the_page(sign_in: Callable[[str], FlaskClient]) -> None:
    manager = sign_in("manager")
    file = (io.BytesIO(b"\xef\xbb\xbf" + ROWS.encode()), "liste 名单.csv")
    page = send(manager, "/me", "/p/study/lists", file=file).text
    assert "Line 3" in page
    action = re.search(r'action="(/p/study/lists/[^"]+)"', page)
    assert action is not None
    form = {
        f"column-{at}": key
        for at, key in enumerate(
            ["address", "author", "posted_at", "promotes", "author_state_controlled"]
        )
    }
    done = send(
        manager,
        "/me",
        action[1],
        name="l.csv",
        base="http://s.example",
        act="import",
        capture="yes",
        **form,
    )
    assert "5 rows were skipped" in done.text
    queue = manager.get("/p/study/queue.json").json
    assert (queue["total"], queue["waiting"]) == (2, 2)
    assert "no longer here" in send(manager, "/me", action[1], act="import", **form).text


def test_addresses_by_hand(sign_in: Callable[[str], FlaskClient]) -> None:
    coder = sign_in("coder")
    form = {"addresses": "http://s.example/1\nnonsense\nhttp://s.example/1"}
    answer = send(coder, "/me", "/p/study/queue", **form)
    assert answer.status_code == 400
    assert "nonsense" in answer.text
    assert coder.get("/p/study/queue.json").json["total"] == 1
