"""A round opened by mistake is withdrawn: it counts nowhere, and nothing leaks by it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

from coded import answer, open_round, units
from coded import book as frozen_book
from coded import round_page as opened_round
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from test_api import Program
from test_api import program as api_program
from test_blindness import CANARY, walk

from annotate import migrate as migration
from annotate.models import CodingDraft, CodingRound, Item, RoundState
from annotate.services import codebooks, projects, recoding
from annotate.wiring import Wiring, open_home

book, round_page, program = frozen_book, opened_round, api_program  # fixtures
Browser = Callable[[str], FlaskClient]
WHY = "打开了错误的样本 عينة خاطئة"


def withdraw(client: FlaskClient, page: str, reason: str = WHY):
    return send(client, "/me", f"{page}/withdraw", reason=reason)


def test_a_withdrawn_round_says_so_and_its_coders_are_not_blind_any_more(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    owner, coder = sign_in("owner"), sign_in("coder")
    with wiring.database.read() as session:
        item = session.scalars(select(Item.id)).first()
    here = f"/p/study/items/{item}"
    assert send(coder, here, f"{here}/tags", tag="طعام").status_code == 403
    assert withdraw(coder, round_page).status_code == 403
    assert "Say why" in withdraw(owner, round_page, " ").text
    assert withdraw(owner, round_page).status_code == 302
    assert send(coder, here, f"{here}/tags", tag="طعام").status_code == 302
    page = owner.get(round_page).text
    for words in ("Round (withdrawn)", WHY, "count nowhere"):
        assert words in page
    assert "Reveal" not in page
    assert WHY in owner.get("/p/study/rounds").text
    assert "withdrew the round" in owner.get("/p/study/history").text
    assert "only a blind one" in withdraw(owner, round_page).text
    sure = send(owner, "/me", f"{round_page}/reveal", sure="yes")
    assert (sure.status_code, "nothing to reveal" in sure.text) == (400, True)
    assert owner.get(f"{round_page}/settle").status_code == 400
    assert "(withdrawn)" not in coder.get("/p/study/coding").text


def test_its_name_is_free_and_withdrawn_rounds_are_told_apart(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    for _time in range(2):
        assert withdraw(owner, open_round(owner, wiring, book)).status_code == 302
    with wiring.database.read() as session:
        names = set(session.scalars(select(CodingRound.name)))
    assert names == {"Round (withdrawn)", "Round (withdrawn 2)"}


def test_what_was_typed_stays_with_its_coder_and_what_was_said_of_units_stays_sealed(
    app: Flask, sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    """The manager codes and speaks; the coder and the owner walk every page and find nothing."""
    owner, first, second = sign_in("owner"), sign_in("manager"), sign_in("coder")
    unit = units(wiring, "manager")[0]
    kept = {"v.include": "yes", "m.include": f"{CANARY}draft", "seconds": "1"}
    assert send(first, unit, f"{unit}/draft", **kept).status_code == 302
    talk = f"/p/study/comments/unit/{unit.rsplit('/', 1)[1]}"
    said = send(first, unit, talk, text=f"@coder @owner {CANARY}comment", question="no")
    assert said.status_code == 302
    assert withdraw(owner, round_page).status_code == 302
    assert f"{CANARY}draft" in first.get(unit).text
    assert f"{CANARY}comment" in first.get(unit).text
    assert "was withdrawn" in first.get(unit).text
    assert "Seal and next" not in first.get(unit).text
    assert walk(app, second, wiring, round_page) > 25
    assert walk(app, owner, wiring, round_page) > 25
    late = send(first, unit, f"{unit}/draft", **kept)
    assert (late.status_code, "was withdrawn" in late.text) == (400, True)
    assert answer(first, unit, v_include="no").status_code == 400
    with wiring.database.read() as session:
        assert CANARY in session.scalars(select(CodingDraft.answers)).one()


def test_a_manager_who_coded_there_reads_no_questions_of_fellow_coders_by_withdrawing(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    owner, manager, coder = sign_in("owner"), sign_in("manager"), sign_in("coder")
    unit = units(wiring, "coder")[0]
    talk = f"/p/study/comments/unit/{unit.rsplit('/', 1)[1]}"
    assert send(coder, unit, talk, text="is it 讽刺?", question="yes").status_code == 302
    assert "讽刺" in owner.get("/p/study/comments").text
    assert withdraw(manager, round_page).status_code == 302
    assert "讽刺" not in manager.get("/p/study/comments").text
    assert "讽刺" in owner.get("/p/study/comments").text
    assert "讽刺" in coder.get(unit).text


def test_once_somebody_sealed_an_answer_it_is_refused_with_what_to_do(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    """The manager codes there too and sees nobody's answers, and is refused all the same."""
    manager, coder = sign_in("manager"), sign_in("coder")
    assert "Withdraw the round" in manager.get(round_page).text
    assert answer(coder, units(wiring, "coder")[0], v_include="no").status_code == 302
    page = manager.get(round_page).text
    assert "Withdraw the round" not in page
    assert "cannot be withdrawn" in page
    refused = withdraw(manager, round_page)
    assert refused.status_code == 400
    assert "Reveal it" in refused.text
    with wiring.database.read() as session:
        assert session.scalars(select(CodingRound.state)).one() is RoundState.BLIND


def test_it_counts_nowhere(sign_in: Browser, wiring: Wiring, book: str) -> None:
    owner = sign_in("owner")
    withdrawn = open_round(owner, wiring, book)
    rounds = re.compile(r'<td class="n">(\d+)</td>')
    assert rounds.findall(owner.get("/p/study/codebooks").text) == ["1"]
    assert withdraw(owner, withdrawn).status_code == 302
    assert rounds.findall(owner.get("/p/study/codebooks").text) == ["0"]
    assert "still blind" not in owner.get("/p/study/exchange").text
    with wiring.database.read() as session:
        one = session.scalars(select(CodingRound)).one()
        project = projects.find_project(session, "study")
        version = codebooks.get_version(session, project, one.version_id)
        assert recoding.migration(session, project, version).blind_rounds == 0
        assert recoding._coded_since(session, version) == set()
    assert owner.get(f"{withdrawn}/workload").status_code == 200


def test_a_program_withdraws_and_nothing_is_handed_out_after(
    sign_in: Browser, program: Callable[..., Program], wiring: Wiring, book: str
) -> None:
    page = open_round(sign_in("owner"), wiring, book, dynamic="yes", patience="5")
    here = f"/rounds/{page.rsplit('/', 1)[1]}"
    coder, manager = program("coder"), program("manager")
    assert coder("POST", f"{here}/take")["unit"]
    coder("POST", f"{here}/withdraw", {"reason": WHY}, status=403)
    manager("POST", f"{here}/withdraw", {"reason": ""}, status=400)
    done = manager("POST", f"{here}/withdraw", {"reason": WHY})
    assert (done["state"], done["withdrawn_why"]) == ("withdrawn", WHY)
    assert "withdrawn" in coder("POST", f"{here}/take", status=400)["error"]
    manager("POST", f"{here}/pass", {"from": "coder", "to": "owner"}, status=400)
    manager("GET", f"{here}/agreement", status=400)
    manager("POST", f"{here}/reveal", status=400)


def test_a_home_from_before_can_withdraw(sign_in: Browser, wiring: Wiring, round_page: str) -> None:
    """A migration makes the table of rounds anew; units, answers and rounds still find theirs."""
    coder = sign_in("coder")
    assert answer(coder, units(wiring, "coder")[0], v_include="no").status_code == 302
    wiring.database.engine.dispose()
    path = wiring.home / "holdfast.sqlite3"
    script = next(migration.SCRIPTS.glob("versions/*_withdrawn_rounds.py"))
    before = re.search(r'down_revision = "(\d+)"', script.read_text())[1]
    with sqlite3.connect(path) as connection:  # back to the shape before that migration
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'coding_round'"
        ).fetchone()[0]
        lines = [line for line in made.splitlines() if "withdrawn" not in line]
        text = "\n".join(lines).rstrip().removesuffix(")").rstrip().rstrip(",")
        text += ",\n CONSTRAINT roundstate CHECK (state IN ('blind', 'revealed'))\n)"
        columns = [
            row[1]
            for row in connection.execute("PRAGMA table_info(coding_round)")
            if not row[1].startswith("withdrawn")
        ]
        names = ", ".join(columns)
        connection.executescript(
            f"""
            PRAGMA legacy_alter_table=ON;
            ALTER TABLE coding_round RENAME TO newer;
            {text};
            INSERT INTO coding_round ({names}) SELECT {names} FROM newer;
            DROP TABLE newer;
            CREATE TABLE kept AS SELECT * FROM api_token;
            DROP TABLE api_token;
            CREATE TABLE api_token (
                id VARCHAR(36) NOT NULL PRIMARY KEY, token_hash VARCHAR(64) NOT NULL UNIQUE,
                name VARCHAR(120) NOT NULL, user_id VARCHAR(36) NOT NULL,
                project_id VARCHAR(36) NOT NULL, scopes VARCHAR(80) NOT NULL,
                created_at DATETIME NOT NULL, expires_at DATETIME NOT NULL, revoked_at DATETIME
            );
            DROP TABLE kept;
            UPDATE alembic_version SET version_num = '{before}';
            """
        )
    open_home(wiring.config).database.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT state FROM coding_round").fetchall() == [("blind",)]
    owner = sign_in("owner")
    assert "cannot be withdrawn" in owner.get(round_page).text
    assert withdraw(owner, open_round(owner, wiring, book_of(wiring), name="B")).status_code == 302


def book_of(wiring: Wiring) -> str:
    with wiring.database.read() as session:
        return f"/p/study/codebooks/{session.scalars(select(CodingRound.version_id)).first()}"
