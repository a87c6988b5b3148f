"""A codebook, a blind round, two coders, the reveal and the settling, through the pages."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable

import pytest
from coded import answer, open_round, units
from coded import book as frozen_book
from coded import round_page as opened_round
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingAnswer,
    CodingRound,
    Event,
    EventKind,
    Project,
    User,
)
from annotate.wiring import Wiring

book, round_page = frozen_book, opened_round  # fixtures of that module
Browser = Callable[[str], FlaskClient]


def test_a_codebook_is_edited_by_forms_and_frozen_for_good(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    manager = sign_in("manager")
    here = send(manager, "/p/study/codebooks", "/p/study/codebooks", name="研究").location
    assert "Nothing to code yet" in manager.get(here).text
    assert send(manager, here, f"{here}/freeze").status_code == 400
    form = {"version": "1", "key": "frame", "label": "الإطار", "type": "nominal", "required": "yes"}
    assert send(manager, here, f"{here}/variables", **form).status_code == 302
    for number, code in enumerate(("food", "denial"), 2):
        form = {"version": str(number), "code": code, "keystroke": code[0]}
        assert send(manager, here, f"{here}/variables/frame/codes", **form).status_code == 302
    stale = send(manager, here, f"{here}/variables", version="1", key="other", type="text")
    assert stale.status_code == 409
    assert send(manager, here, f"{here}/freeze").status_code == 302
    document = manager.get(f"{here}.json").data
    assert hashlib.sha256(document).hexdigest() in manager.get(here).text
    late = send(manager, here, f"{here}/variables", version="5", key="late", type="text")
    assert late.status_code == 400
    assert "frozen" in late.text
    with (
        wiring.database.engine.begin() as connection,
        pytest.raises(IntegrityError, match="frozen"),
    ):
        connection.exec_driver_sql("UPDATE codebook_version SET document = '{}'")


def test_the_next_version_says_what_changed(sign_in: Browser, book: str) -> None:
    owner = sign_in("owner")
    assert send(owner, book, f"{book}/next", reason="").status_code == 400
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    form = {"version": "1", "code": "food", "reason": "too wide", "successor": "denial"}
    assert send(owner, following, f"{following}/variables/frame/retire", **form).status_code == 302
    page = owner.get(following).text
    assert "retired" in page
    assert "old answers need another look" in page
    assert send(owner, following, f"{book}/next", reason="again").status_code == 400


def test_a_codebook_comes_back_from_its_csv_and_json(sign_in: Browser, book: str) -> None:
    owner = sign_in("owner")
    for ending in ("csv", "json"):
        data = owner.get(f"{book}.{ending}").data
        page = "/p/study/codebooks"
        again = send(
            owner, page, page, name=f"From {ending}", file=(io.BytesIO(data), f"x.{ending}")
        )
        assert again.status_code == 302, again.text
        held = json.loads(owner.get(f"{again.location}.json").data)
        first = json.loads(owner.get(f"{book}.json").data)
        for one in (held, first):
            for variable in one["variables"]:
                del variable["id"]
                for code in variable["codes"]:
                    del code["id"]
        assert held["variables"] == first["variables"]


@pytest.mark.parametrize("login", ["coder", "viewer"])
def test_only_managers_touch_codebooks_and_rounds(
    sign_in: Browser, book: str, round_page: str, login: str
) -> None:
    client = sign_in(login)
    assert send(client, "/me", "/p/study/codebooks", name="x").status_code == 403
    assert send(client, "/me", f"{book}/next", reason="x").status_code == 403
    assert send(client, "/me", f"{round_page}/reveal", sure="yes").status_code == 403
    assert client.get(f"{round_page}/settle").status_code == 403


def test_two_people_code_disagree_and_are_settled(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder, manager, owner = sign_in("coder"), sign_in("manager"), sign_in("owner")
    quote = "新疆棉花"
    for number, (first, second) in enumerate(
        zip(units(wiring, "coder"), units(wiring, "manager"), strict=True)
    ):
        got = answer(
            coder, first, v_include="yes", v_frame="food", q_frame=quote, v_strength="weak"
        )
        assert got.status_code == 302, got.text
        frame = "food" if number else "denial"
        got = answer(
            manager, second, v_include="yes", v_frame=frame, q_frame=quote, v_strength="weak"
        )
        assert got.status_code == 302, got.text
    assert "blind" in owner.get(round_page).text
    assert owner.get(f"{round_page}/answers.csv").status_code == 403
    assert send(owner, round_page, f"{round_page}/reveal").status_code == 400
    assert send(owner, round_page, f"{round_page}/reveal", sure="yes").status_code == 302
    page = owner.get(round_page).text
    assert "1 of 1 disagreements unsettled" in page
    assert "83.3%" in page
    settle = owner.get(f"{round_page}/settle").text
    item = re.search(r'name="item" value="([^"]+)"', settle)[1]
    form = {"item": item, "variable": "frame", "v.frame": "denial"}
    silent = send(owner, f"{round_page}/settle", f"{round_page}/settle", **form)
    assert silent.status_code == 400
    form["rationale"] = "the caption denies it"
    assert send(owner, f"{round_page}/settle", f"{round_page}/settle", **form).status_code == 302
    finals = list(csv.DictReader(io.StringIO(owner.get(f"{round_page}/finals.csv").text[1:])))
    assert len(finals) == 18
    settled = [one for one in finals if one["basis"] == "adjudicated"]
    assert [(one["variable"], one["answer"]) for one in settled] == [("frame", "denial")]
    assert "6 of 6" in page
    found = {}
    for query in (
        "code:frame=denial",
        "code:frame=food",
        "code:frame",
        "code:none",
        "code:include=yes",
    ):
        found[query] = owner.get("/p/study/items.json", query_string={"q": query}).json["total"]
    assert list(found.values()) == [1, 5, 6, 0, 6]
    tables = owner.get("/p/study/results.json").json["tables"]
    assert tables["code_frame"] == {"Food": 5, "Denial": 1}
    assert owner.get("/p/study/?q=code:nothing").status_code == 400
    late = answer(coder, units(wiring, "coder")[0], v_include="no")
    assert late.status_code == 400
    assert "revealed" in late.text


def test_the_seals_in_the_log_open_with_the_export(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder, owner = sign_in("coder"), sign_in("owner")
    unit = units(wiring, "coder")[0]
    answer(coder, unit, v_include="no")
    answer(coder, unit, v_include="missing:unclear")
    send(owner, round_page, f"{round_page}/reveal", sure="yes")
    rows = list(csv.DictReader(io.StringIO(owner.get(f"{round_page}/answers.csv").text[1:])))
    assert [row["version"] for row in rows] == ["1", "2"]
    with wiring.database.read() as session:
        logged = [
            json.loads(one)["body"]["commitment"]
            for one in session.scalars(
                select(Event.document)
                .where(Event.kind == EventKind.CODING_SUBMIT)
                .order_by(Event.id)
            )
        ]
    for row, commitment in zip(rows, logged, strict=True):
        text = f"{row['nonce']}\n{row['answers']}".encode()
        assert hashlib.sha256(text).hexdigest() == commitment == row["commitment"]


def test_answers_are_checked_against_the_instrument(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder = sign_in("coder")
    unit = units(wiring, "coder")[0]
    cases = (
        ({}, "an answer is missing"),
        ({"v_include": "maybe"}, "yes or no"),
        ({"v_include": "yes", "v_frame": "food", "v_strength": "weak"}, "quote"),
        (
            {"v_include": "yes", "v_frame": "food", "q_frame": "not there", "v_strength": "weak"},
            "do not stand in the text",
        ),
        ({"v_include": "yes", "v_frame": "war", "v_strength": "weak"}, "no code"),
        ({"v_include": "missing:skipped"}, "no answer here"),
    )
    for form, words in cases:
        got = answer(coder, unit, **form)
        assert got.status_code == 400, form
        assert words in got.text
    with wiring.database.read() as session:
        assert session.scalar(select(CodingAnswer.version)) is None


def test_a_quote_is_anchored_in_code_points(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder = sign_in("coder")
    form = {"v_include": "yes", "v_frame": "food", "q_frame": "القطن", "v_strength": "weak"}
    assert answer(coder, units(wiring, "coder")[0], **form).status_code == 302
    with wiring.database.read() as session:
        held = session.scalar(select(CodingAnswer))
        selector = json.loads(held.selectors)["frame"]
        assert selector["exact"] == "القطن"
        assert selector["suffix"].startswith(" cotton harvest")
        assert len(selector["rendition_sha256"]) == 64


def test_a_draft_outlives_the_page_and_a_stale_submission_is_kept(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder = sign_in("coder")
    unit = units(wiring, "coder")[0]
    kept = send(coder, unit, f"{unit}/draft", **{"v.include": "no", "seconds": "12"})
    assert kept.location.endswith(unit)
    page = sign_in("coder").get(unit).text
    assert "your draft is restored" in page
    assert re.search(r'value="no"[^>]* checked', page)
    assert answer(coder, unit, v_include="no").status_code == 302
    form = {"version": "0", "seconds": "3", "v.include": "missing:unclear"}
    stale = send(coder, unit, unit, **form)
    assert stale.status_code == 409
    assert re.search(r'value="missing:unclear"[^>]* checked', coder.get(unit).text)
    with wiring.database.read() as session:
        assert [one.version for one in session.scalars(select(CodingAnswer))] == [1]


def test_the_stream_leads_through_all_units(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    coder = sign_in("coder")
    start = f"/p/study/coding/{round_page.rsplit('/', 1)[1]}/next"
    seen = []
    for _ in range(6):
        unit = coder.get(start).location
        seen.append(unit)
        assert answer(coder, unit, v_include="no").status_code == 302
    assert sorted(seen) == sorted(units(wiring, "coder"))
    assert coder.get(start).location.endswith("/coding")
    assert "All done" in coder.get("/p/study/coding").text


def test_somebody_elses_unit_is_not_there(
    sign_in: Browser, wiring: Wiring, round_page: str
) -> None:
    for unit in units(wiring, "manager"):
        assert sign_in("coder").get(unit).status_code == 404


def test_a_sample_is_drawn_again_by_its_seed(sign_in: Browser, wiring: Wiring, book: str) -> None:
    owner = sign_in("owner")
    for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        open_round(owner, wiring, book, name=name, size="3", seed=seed)
    with wiring.database.read() as session:
        drawn = {
            one.name: session.scalars(
                select(Assignment.item_id)
                .where(Assignment.round_id == one.id)
                .order_by(Assignment.coder_id, Assignment.position)
            ).all()
            for one in session.scalars(select(CodingRound))
        }
    assert drawn["one"] == drawn["two"] != drawn["three"]
    assert all(len(one) == 6 for one in drawn.values())


def test_a_round_needs_frozen_words_and_enough_people(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    with wiring.database.read() as session:
        version = session.scalar(select(CodebookVersion.id))
    for form, words in (
        ({"coders_per_unit": "3"}, "at least as many people"),
        ({"q": "nothingofthekind"}, "finds no items"),
        ({"name": " "}, "name"),
    ):
        base = {"name": "r", "codebook": version, "q": "", "coders_per_unit": "1", "coder": []}
        if "coders_per_unit" not in form:
            with wiring.database.read() as session:
                base["coder"] = list(session.scalars(select(User.id)))
        got = send(owner, "/p/study/rounds", "/p/study/rounds", **(base | form))
        assert got.status_code == 400
        assert words in got.text
