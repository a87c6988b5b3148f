"""Units handed to whoever asks next, units let go, hidden repeats, and coders over time."""

from __future__ import annotations

import csv
import io
import runpy
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from coded import answer, open_round, units
from coded import book as frozen_book
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select
from test_api import Program
from test_api import program as api_program

from annotate import migrate as migration
from annotate.models import Assignment, CodingAnswer, CodingRound, Event, EventKind, User
from annotate.services import consistency, reliability
from annotate.services.drawing import repeated
from annotate.wiring import Wiring

program, book = api_program, frozen_book  # fixtures of those modules
Browser = Callable[[str], FlaskClient]


@pytest.fixture
def dynamic(sign_in: Browser, wiring: Wiring, book: str) -> str:
    """A round whose six units are handed to coder and manager as they ask."""
    return open_round(sign_in("owner"), wiring, book, dynamic="yes", patience="30")


def take(client: FlaskClient, page: str) -> str:
    number = page.rsplit("/", 1)[1]
    return send(client, "/p/study/coding", f"/p/study/coding/{number}/take").location


def test_units_are_handed_one_by_one_until_each_has_its_coders(
    sign_in: Browser, wiring: Wiring, dynamic: str
) -> None:
    assert units(wiring, "coder") == []
    seen: dict[str, list[str]] = {}
    for login in ("coder", "manager"):
        client = sign_in(login)
        assert "Take the next unit" in client.get("/p/study/coding").text
        unit = take(client, dynamic)
        assert take(client, dynamic) == unit  # one at a time
        while "/unit/" in unit:
            seen.setdefault(login, []).append(unit)
            unit = answer(client, unit, v_include="no").location
    assert [len(held) for held in seen.values()] == [6, 6]
    with wiring.database.read() as session:
        held = session.scalars(select(Assignment)).all()
    assert set(Counter(one.item_id for one in held).values()) == {2}
    owner = sign_in("owner")
    page = owner.get(f"{dynamic}/workload").text
    assert page.count("2 of 2") == 6
    assert page.count(">sealed<") == 12
    assert sign_in("viewer").get(f"{dynamic}/workload").status_code == 403


def test_who_is_handed_units_is_blind_before_the_first(
    sign_in: Browser, wiring: Wiring, dynamic: str
) -> None:
    coder, owner = sign_in("coder"), sign_in("owner")
    found = coder.get("/p/study/items.json").json["items"][0]["id"]
    here = f"/p/study/items/{found}"
    assert send(owner, here, f"{here}/tags", tag="secretword").status_code == 302
    assert "secretword" not in coder.get(here).text
    outsider = send(owner, "/p/study/coding", f"/p/study/coding/{dynamic.rsplit('/', 1)[1]}/take")
    assert outsider.status_code == 404


def test_an_untouched_unit_is_let_go_and_answers_that_come_after_all_are_kept(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    page = open_round(
        sign_in("owner"), wiring, book, dynamic="yes", patience="30", coders_per_unit="1", size="1"
    )
    coder, manager = sign_in("coder"), sign_in("manager")
    mine = take(coder, page)
    assert "/unit/" not in take(manager, page)
    age(wiring, minutes=29)
    assert "/unit/" not in take(manager, page)
    age(wiring, minutes=2)
    theirs = take(manager, page)
    assert "/unit/" in theirs
    assert ">abandoned<" in sign_in("owner").get(f"{page}/workload").text
    assert answer(manager, theirs, v_include="no").status_code == 302
    # The first comes back: nothing is lost, and the unit has one coder more than planned.
    assert answer(coder, mine, v_include="yes", v_frame="food", q_frame="棉花", v_strength="weak")
    with wiring.database.read() as session:
        assert len(session.scalars(select(CodingAnswer)).all()) == 2
        kinds = Counter(session.scalars(select(Event.kind)))
    assert kinds[EventKind.ASSIGNMENT_ABANDON] == 1
    assert kinds[EventKind.ASSIGNMENT_HAND] == 2


def age(wiring: Wiring, *, minutes: int) -> None:
    """Let all units have been handed earlier than they were."""
    with sqlite3.connect(wiring.home / "holdfast.sqlite3") as connection:
        for number, text in connection.execute("SELECT id, handed_at FROM assignment").fetchall():
            before = datetime.fromisoformat(text) - timedelta(minutes=minutes)
            connection.execute(
                "UPDATE assignment SET handed_at = ? WHERE id = ?",
                (before.isoformat(" "), number),
            )


def test_units_of_a_coder_who_leaves_are_passed_on(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    page = open_round(owner, wiring, book, coders_per_unit="1")
    with wiring.database.read() as session:
        logins = {one.login: one.id for one in session.scalars(select(User))}
    coder = sign_in("coder")
    held = units(wiring, "coder")
    assert answer(coder, held[0], v_include="no").status_code == 302
    form = {"from": logins["coder"], "to": logins["owner"]}
    got = send(owner, f"{page}/workload", f"{page}/pass", **form)
    assert got.status_code == 302, got.text
    assert len(units(wiring, "owner")) == len(held) - 1
    assert "0 units left for you" in coder.get("/p/study/coding").text
    assert f"{len(held) - 1} units left for you" in owner.get("/p/study/coding").text


def test_repeats_stand_half_the_list_behind_and_are_drawn_again_by_the_seed() -> None:
    held = [f"u{n}" for n in range(40)]
    for seed in range(20):
        ordered = repeated(held, 20, seed)
        assert ordered == repeated(held, 20, seed)
        assert [unit for unit, again in ordered if not again] == held
        places = {one: place for place, one in enumerate(ordered)}
        twice = [unit for unit, again in ordered if again]
        assert len(set(twice)) == len(twice) == 8
        for unit in twice:
            assert places[unit, True] - places[unit, False] >= 20
    assert repeated(held, 0, 1) == [(unit, False) for unit in held]
    assert repeated(["a"], 50, 1) == [("a", False)]


def test_hidden_repeats_are_told_after_the_reveal_and_count_nowhere_else(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    page = open_round(owner, wiring, book, repeats="50")
    with wiring.database.read() as session:
        held = session.scalars(select(Assignment).order_by(Assignment.position)).all()
        first = {(one.coder_id, one.item_id): one.id for one in held if not one.again}
    again = [one for one in held if one.again]
    assert len(held), len(again) == (18, 6)
    changed = again[0]
    for login in ("coder", "manager"):
        client = sign_in(login)
        mine = units(wiring, login)
        assert "again" not in client.get(mine[0]).text
        for unit in mine:
            said = "yes" if unit.endswith(changed.id) else "no"
            form = {"v_include": said}
            if said == "yes":
                form |= {"v_frame": "food", "q_frame": "新疆棉花", "v_strength": "weak"}
            assert answer(client, unit, **form).status_code == 302
    assert "With themselves" not in owner.get(page).text
    send(owner, page, f"{page}/reveal", sure="yes")
    text = owner.get(page).text
    assert "With themselves" in text
    assert "0 of 0 disagreements unsettled" in text
    rows = list(csv.DictReader(io.StringIO(owner.get(f"{page}/answers.csv").text[1:])))
    assert Counter(row["again"] for row in rows) == {"no": 12, "yes": 6}
    with wiring.database.read() as session:
        one = session.get_one(CodingRound, page.rsplit("/", 1)[1])
        sheet = reliability.sheet(session, one)
        steady = {
            (each.coder.id, each.variable.key): each.agreement
            for each in consistency.steadiness(session, sheet)
        }
        login = session.get_one(User, changed.coder_id).login
    assert first[changed.coder_id, changed.item_id] != changed.id
    assert steady[changed.coder_id, "include"].percent == pytest.approx(2 / 3), login
    others = [
        a for (coder, key), a in steady.items() if key == "include" and coder != changed.coder_id
    ]
    assert [one.percent for one in others] == [1.0]
    assert all(len(row.values) == 2 for row in consistency.uses(sheet))


def test_dynamic_rounds_bring_repeats_too(sign_in: Browser, wiring: Wiring, book: str) -> None:
    page = open_round(
        sign_in("owner"), wiring, book, dynamic="yes", patience="30", repeats="20",
        coders_per_unit="1",
    )  # fmt: skip
    coder = sign_in("coder")
    unit = take(coder, page)
    while "/unit/" in unit:
        unit = answer(coder, unit, v_include="no").location
    with wiring.database.read() as session:
        held = session.scalars(select(Assignment).order_by(Assignment.position)).all()
    assert Counter(one.again for one in held) == {False: 6, True: 1}
    place = {(one.item_id, one.again): one.position for one in held}
    (again,) = [one for one in held if one.again]
    assert again.position - place[again.item_id, False] >= 5


def test_over_time_and_why_a_unit_is_used(sign_in: Browser, wiring: Wiring, book: str) -> None:
    owner = sign_in("owner")
    page = open_round(owner, wiring, book)
    with wiring.database.read() as session:
        order = session.scalars(select(Assignment.item_id).order_by(Assignment.item_id)).all()
    ids = sorted(set(order))
    for login in ("coder", "manager"):
        client = sign_in(login)
        for number, unit in enumerate(units(wiring, login)):
            if login == "manager" and number == 5:
                continue  # one unit stays with a single coder
            said = "missing:unclear" if (login, number) == ("coder", 0) else "no"
            if login == "manager" and number == 3:
                said = "yes"
            form = {"v_include": said}
            if said == "yes":
                form |= {"v_frame": "food", "q_frame": "新疆棉花", "v_strength": "weak"}
            assert answer(client, unit, **form).status_code == 302
    send(owner, page, f"{page}/reveal", sure="yes")
    text = owner.get(page).text
    assert "Of 6 units: 5 used; 1 one coder only." in text
    assert "Over time" in text
    rows = list(csv.DictReader(io.StringIO(owner.get(f"{page}/units.csv").text[1:])))
    by_variable = {
        name: Counter(row["use"] for row in rows if row["variable"] == name)
        for name in ("include", "frame")
    }
    assert by_variable["include"] == {"used": 5, "one coder only": 1}
    assert by_variable["frame"] == {"asked of fewer than two coders": 5, "one coder only": 1}
    with wiring.database.read() as session:
        sheet = reliability.sheet(session, session.get_one(CodingRound, page.rsplit("/", 1)[1]))
        variable = sheet.codebook.variable("include")
        found = {one.coder.login: one.tenths for one in consistency.drift(session, sheet, variable)}
    assert len(ids) == 6
    assert [one.agree for one in found["coder"]] == [0.0, 1.0, 1.0, 0.0, 1.0, None]
    assert [one.units for one in found["manager"]] == [1, 1, 1, 1, 1]


def test_a_program_takes_units_and_sees_who_has_what(
    program: Callable[..., Program], sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner, coder = program("owner"), program("coder")
    body = {"name": "Asked", "codebook": book.rsplit("/", 1)[1], "seed": 1, "coders_per_unit": 1}
    body |= {"coders": ["coder"], "dynamic": True, "patience": 5, "query": "is:captured"}
    made = owner("POST", "/rounds", body)
    here = f"/rounds/{made['id']}"
    unit = coder("POST", f"{here}/take")["unit"]
    sealed = {"answers": {"include": {"values": ["no"]}}, "version": 0, "seconds": 1}
    coder("POST", f"/units/{unit['id']}", sealed)
    coder("POST", f"{here}/take")
    assert owner("POST", f"{here}/pass", {"from": "coder", "to": "manager"})["passed"] == 1
    standing = [
        {login: cell["standing"] for login, cell in one["coders"].items()}
        for one in owner("GET", f"{here}/workload")["units"]
    ]
    assert standing[:2] == [{"coder": "sealed"}, {"coder": "abandoned", "manager": "open"}]
    owner("GET", f"{here}/answers", status=403)
    owner("POST", f"{here}/reveal")
    assert owner("GET", here)["state"] == "revealed"
    found = owner("GET", f"{here}/consistency")
    assert Counter(one["use"] for one in found["units"])["one coder only"] == 3
    assert len(owner("GET", f"{here}/answers")["answers"]) == 1


def test_a_home_from_before_keeps_its_answers(sign_in: Browser, wiring: Wiring, book: str) -> None:
    """A migration makes the table of assignments anew; answers and drafts still find theirs."""
    open_round(sign_in("owner"), wiring, book)
    coder = sign_in("coder")
    first, second = units(wiring, "coder")[:2]
    assert answer(coder, first, v_include="no").status_code == 302
    send(coder, second, f"{second}/draft", **{"v.include": "no", "seconds": "1"})
    wiring.database.engine.dispose()
    path = wiring.home / "holdfast.sqlite3"
    with sqlite3.connect(path) as connection:  # back to the shape before that migration
        connection.executescript(
            """
            PRAGMA legacy_alter_table=ON;
            ALTER TABLE assignment RENAME TO newer;
            CREATE TABLE assignment (
                id VARCHAR(36) NOT NULL, round_id VARCHAR(36) NOT NULL,
                item_id VARCHAR(36) NOT NULL, coder_id VARCHAR(36) NOT NULL,
                position INTEGER NOT NULL, version INTEGER NOT NULL,
                CONSTRAINT pk_assignment PRIMARY KEY (id),
                CONSTRAINT uq_assignment_round_id_item_id_coder_id
                    UNIQUE (round_id, item_id, coder_id)
            );
            INSERT INTO assignment
                SELECT id, round_id, item_id, coder_id, position, version FROM newer;
            DROP TABLE newer;
            CREATE INDEX ix_assignment_coder_id_round_id_position
                ON assignment (coder_id, round_id, position);
            CREATE INDEX ix_assignment_item_id ON assignment (item_id);
            """
        )
        held = connection.execute("SELECT id, version FROM assignment ORDER BY id").fetchall()
    script = next(migration.SCRIPTS.glob("versions/*_dynamic_rounds.py"))
    step = runpy.run_path(str(script))["_widen_assignment"]
    engine = wiring.database.engine
    with engine.connect() as one, migration._references_at_rest(one), one.begin():
        with Operations.context(MigrationContext.configure(one)):
            step()
        migration._refuse_broken(one)
    with sqlite3.connect(path) as connection:
        again = connection.execute("SELECT id, version, again FROM assignment ORDER BY id")
        assert again.fetchall() == [(*row, 0) for row in held]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert "sealed once" in coder.get(first).text
    assert "your draft is restored" in coder.get(second).text
    assert answer(coder, second, v_include="no").status_code == 302
