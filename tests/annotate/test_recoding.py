"""A codebook changes mid-study: earlier answers keep their meaning, exactly the right units are
coded again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from coded import (
    answer,
    open_round,
    units,
)
from coded import book as frozen_book
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select
from test_api import Program
from test_api import program as api_program

from annotate.errors import UsageError
from annotate.instrument import answers as instrument
from annotate.instrument import editing, references
from annotate.instrument.answers import Given
from annotate.instrument.carrying import Fate, carry, steps
from annotate.instrument.codebook import Code, Codebook, Variable, VariableType
from annotate.instrument.codebook import check as check_book
from annotate.models import Assignment, CodebookVersion, CodingAnswer, CodingRound, Event, EventKind
from annotate.wiring import Wiring

program, book = api_program, frozen_book  # fixtures of those modules
Browser = Callable[[str], FlaskClient]


def frames(*codes: str) -> Codebook:
    held = Variable(
        "frame", "Frame", VariableType.NOMINAL, codes=tuple(Code(one, one.title()) for one in codes)
    )
    other = Variable("tone", "Tone", VariableType.BOOLEAN)
    return Codebook("Frames", variables=(other, held))


def given(value: str) -> dict[str, Given]:
    return {"tone": Given(("yes",)), "frame": Given((value,))}


def test_a_merge_is_followed_through_versions_and_a_split_stops_there() -> None:
    first = frames("food", "farming", "denial", "war")
    second = editing.merge(first, "frame", ["food", "farming"], "land", "Land", "too close")
    third = editing.split(second, "frame", "land", [("soil", "Soil"), ("meal", "Meal")], "too wide")
    check_book(third)
    assert carry(first, second, given("food")).answers["frame"].values == ("land",)
    assert [one.fate for one in carry(first, second, given("food")).met] == [Fate.MERGED]
    met = carry(first, third, given("farming"))
    assert "frame" not in met.answers
    assert met.answers["tone"].values == ("yes",)
    assert [(one.fate, one.code, one.to) for one in met.met] == [
        (Fate.SPLIT, "farming", ("soil", "meal"))
    ]
    assert carry(first, third, given("war")) == carry(first, first, given("war"))


def test_renaming_asks_nobody() -> None:
    first = frames("food", "denial")
    second = editing.rename(first, "frame", "food", "الطعام")
    second = editing.rename(second, "frame", None, "框架")
    assert steps(first, second) == []
    assert carry(first, second, given("food")).answers == given("food")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: editing.retire(b, "frame", "food", "", " "), "Say why"),
        (lambda b: editing.split(b, "frame", "food", [("one", "")], "x"), "at least two"),
        (lambda b: editing.split(b, "frame", "food", [("a", ""), ("denial", "")], "x"), "already"),
        (lambda b: editing.merge(b, "frame", ["food"], "food", "", "x"), "which codes"),
        (lambda b: editing.rename(b, "frame", "nothing", "x"), "no code"),
        (lambda b: editing.remove_code(b, b, "frame", "food"), "frozen version"),
    ],
)
def test_a_change_that_would_lose_answers_is_refused(change: Callable, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        change(frames("food", "denial"))


def test_a_condition_follows_what_its_code_became() -> None:
    first = editing.variable_of(frames("food", "denial"), "frame")
    asked = Variable(
        "who", "Who?", VariableType.TEXT, condition=instrument_condition("frame", "food")
    )
    book = Codebook("b", variables=(first, asked))
    book = editing.split(book, "frame", "food", [("soil", ""), ("meal", "")], "wide")
    assert editing.variable_of(book, "who").condition.values == ("soil", "meal")


def instrument_condition(variable: str, *values: str):
    from annotate.instrument.codebook import Condition

    return Condition(variable, values)


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (VariableType.DATETIME, "2020-05-31T01:00+08:00", "2020-05-30T17:00:00+00:00"),
        (VariableType.DATETIME, "2020-05-31T01:00", None),
        (VariableType.TIME_RANGE, "1:02-1:30.5", "62,90.5"),
        (VariableType.TIME_RANGE, "t=npt:10,20", "10,20"),
        (VariableType.TIME_RANGE, "20-10", None),
        (VariableType.TIME_RANGE, "soon", None),
        (VariableType.ACCOUNT, "  新华社   北京 ", "新华社 北京"),
    ],
)
def test_every_type_of_answer_is_checked(kind: VariableType, written: str, kept: str) -> None:
    book = Codebook("b", variables=(Variable("v", "V", kind),))
    if kept is None:
        with pytest.raises(UsageError, match="V"):
            instrument.checked(book, {"v": Given((written,))})
    else:
        assert instrument.checked(book, {"v": Given((written,))})["v"].values == (kept,)


def test_names_with_ids_are_compared_by_their_id() -> None:
    one = references.write("新华社", "01890a5d-ac96-774b-bcce-b302099a8057")
    other = references.write("Xinhua", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert references.read(one) == ("新华社", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert Given((one,)).key == Given((other,)).key != Given(("Xinhua",)).key


@pytest.fixture
def revealed(sign_in: Browser, wiring: Wiring, book: str) -> str:
    """Six units coded by two: 0 and 1 food, 2 and 3 denial, 4 and 5 do not count."""
    page = open_round(sign_in("owner"), wiring, book)
    for login in ("coder", "manager"):
        client = sign_in(login)
        for number, unit in enumerate(units(wiring, login)):
            form = {"v_include": "no"}
            if number < 4:
                frame = "food" if number < 2 else "denial"
                form = {"v_include": "yes", "v_frame": frame, "q_frame": "新疆棉花"}
                form |= {"v_strength": "weak", "m_include": f"{login} {number}"}
            assert answer(client, unit, **form).status_code == 302
    owner = sign_in("owner")
    send(owner, page, f"{page}/reveal", sure="yes")
    return page


def changed(owner: FlaskClient, here: str, act: str, **form: object):
    version = re.search(r'name="version" value="(\d+)"', owner.get(here).text)[1]
    return send(owner, here, f"{here}/{act}", version=version, **form)


def found(client: FlaskClient, query: str) -> int:
    return client.get("/p/study/items.json", query_string={"q": query}).json["total"]


def test_a_split_queues_exactly_its_units_and_nothing_else_is_asked(
    sign_in: Browser, wiring: Wiring, book: str, revealed: str
) -> None:
    owner = sign_in("owner")
    first_round = owner.get(f"{revealed}/finals.csv").text
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    split = {"code": "food", "into": ["soil", "meal"], "into_label": ["Soil", "الوجبة"]}
    got = changed(owner, following, "variables/frame/split", reason="too wide", **split)
    assert got.status_code == 302, got.text
    page = owner.get(f"{following}/recoding").text
    assert "2 units to be coded again" in page
    assert "Freeze this version to open a round" in page
    assert send(owner, following, f"{following}/freeze").status_code == 302
    with wiring.database.read() as session:
        coded = session.execute(
            select(Assignment.item_id, CodingAnswer.answers).join(
                CodingAnswer, CodingAnswer.assignment_id == Assignment.id
            )
        ).all()
        food = {item for item, given in coded if '"food"' in given}
        people = dict(
            session.execute(select(Assignment.coder_id, Assignment.coder_id).distinct()).all()
        )
    form = {
        "name": "Again", "coders_per_unit": "2", "seed": "1", "coder": list(people),
        "step": "split:frame:food",
    }  # fmt: skip
    made = send(owner, f"{following}/recoding", f"{following}/recoding", **form)
    assert made.status_code == 302, made.text
    with wiring.database.read() as session:
        again = session.scalars(select(CodingRound).where(CodingRound.name == "Again")).one()
        mine = session.execute(
            select(Assignment.item_id, Assignment.id)
            .join_from(Assignment, CodingRound)
            .where(CodingRound.id == again.id)
        ).all()
    assert {item for item, _id in mine} == food
    assert len(mine) == 4
    assert "0 units to be coded again" in owner.get(f"{following}/recoding").text
    # The coder finds all but the frame as it was answered, and only their own words.
    coder = sign_in("coder")
    unit = coder.get(f"/p/study/coding/{again.id}/next").location
    form_page = coder.get(unit).text
    assert "what changed is open" in form_page
    assert re.search(r'name="v.include" value="yes"[^>]* checked', form_page)
    assert not re.search(r'name="v.frame"[^>]* checked', form_page)
    assert re.search(r"coder \d", form_page)
    assert not re.search(r"manager \d", form_page)
    for login in ("coder", "manager"):
        client = sign_in(login)
        for _ in range(2):
            unit = client.get(f"/p/study/coding/{again.id}/next").location
            form = {
                "v_include": "yes",
                "v_frame": "soil",
                "q_frame": "新疆棉花",
                "v_strength": "weak",
            }
            assert answer(client, unit, **form).status_code == 302
    here = f"/p/study/rounds/{again.id}"
    assert found(owner, "code:frame=food") == 2
    send(owner, here, f"{here}/reveal", sure="yes")
    assert owner.get(f"{revealed}/finals.csv").text == first_round
    assert [found(owner, f"code:frame={one}") for one in ("food", "soil", "denial")] == [0, 2, 2]
    tables = owner.get("/p/study/results.json").json["tables"]
    assert tables["code_frame"] == {"Denial": 2, "Soil": 2}


def test_a_merge_carries_answers_and_their_own_version_keeps_them(
    sign_in: Browser, book: str, revealed: str
) -> None:
    owner = sign_in("owner")
    before = owner.get(f"{revealed}/answers.csv").text
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    form = {"code": ["food", "denial"], "into": "", "new": "story", "label": "قصة"}
    got = changed(owner, following, "variables/frame/merge", reason="one story", **form)
    assert got.status_code == 302, got.text
    page = owner.get(f"{following}/recoding").text
    assert "Carried over" in page
    assert "0 units to be coded again" in page
    changed(owner, following, "variables/frame/codes", code="other", label="Other")
    assert send(owner, following, f"{following}/freeze").status_code == 302
    assert owner.get("/p/study/results.json").json["tables"]["code_frame"] == {"قصة": 4}
    queries = ("code:frame=story", "code:frame=food", "code:frame=denial")
    assert [found(owner, one) for one in queries] == [4, 2, 2]
    assert owner.get(f"{revealed}/answers.csv").text == before


def test_keys_of_a_frozen_version_stay_and_its_codes_are_not_taken_out(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    with wiring.database.read() as session:
        version = session.get(CodebookVersion, following.rsplit("/", 1)[1])
        held = json.loads(version.document)["variables"][1]
    got = changed(owner, following, "variables/frame/codes", id=held["codes"][0]["id"], code="eat")
    assert got.status_code == 400
    assert "stays" in got.text
    got = changed(owner, following, "variables/frame/remove-code", code="food")
    assert "Retire it instead" in got.text
    form = {"id": held["id"], "key": "frame", "label": "الإطار", "type": "nominal"}
    assert changed(owner, following, "variables", **form).status_code == 302
    assert "renamed" in owner.get(following).text


def test_changes_of_a_draft_are_taken_back_one_by_one_and_the_draft_given_up(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    documents = [owner.get(f"{following}.json").data]
    for label in ("One", "Two"):
        changed(owner, following, "variables/frame/rename", code="food", label=label)
        documents.append(owner.get(f"{following}.json").data)
    assert send(owner, following, f"{following}/undo", version="1").status_code == 409
    for expected in (documents[1], documents[0]):
        assert changed(owner, following, "undo").status_code == 302
        assert owner.get(f"{following}.json").data == expected
    assert changed(owner, following, "undo").status_code == 400
    assert "Take back" not in owner.get(following).text
    assert send(owner, following, f"{following}/discard").status_code == 302
    assert owner.get(following).status_code == 404
    again = send(owner, book, f"{book}/next", reason="once more")
    assert again.status_code == 302
    assert send(owner, book, f"{book}/discard").status_code == 400
    with wiring.database.read() as session:
        kinds = [one.kind for one in session.scalars(select(Event).order_by(Event.id))]
    assert kinds.count(EventKind.CODEBOOK_CHANGE) == 4
    assert kinds.count(EventKind.CODEBOOK_DISCARD) == 1


def test_uses_are_not_counted_before_the_reveal(
    sign_in: Browser, wiring: Wiring, book: str
) -> None:
    owner = sign_in("owner")
    page = open_round(owner, wiring, book)
    form = {"v_include": "yes", "v_frame": "food", "q_frame": "新疆棉花", "v_strength": "weak"}
    answer(sign_in("coder"), units(wiring, "coder")[0], **form)
    used = re.compile(r'<td class="mono">f</td><td class="n">1</td>')
    assert not used.search(owner.get(book).text)
    send(owner, page, f"{page}/reveal", sure="yes")
    assert used.search(owner.get(book).text)


def test_who_codes_blind_does_not_learn_earlier_answers_by_the_queue(
    sign_in: Browser, wiring: Wiring, book: str, revealed: str
) -> None:
    owner, manager = sign_in("owner"), sign_in("manager")
    following = send(owner, book, f"{book}/next", reason="the pilot").location
    split = {"code": "food", "into": ["soil", "meal"], "into_label": ["", ""]}
    changed(owner, following, "variables/frame/split", reason="too wide", **split)
    assert manager.get(f"{following}/recoding").status_code == 200
    open_round(owner, wiring, book, name="Second")
    refused = manager.get(f"{following}/recoding")
    assert (refused.status_code == 403) == hidden_answers(manager, revealed)
    assert owner.get(f"{following}/recoding").status_code == 200


def hidden_answers(client: FlaskClient, page: str) -> bool:
    """Whether earlier answers to units of an open round are kept from its coders."""
    return "food" not in client.get(f"{page}/answers.csv").text


def test_a_program_migrates_a_codebook(
    program: Callable[..., Program], book: str, revealed: str
) -> None:
    ask = program("owner")
    first = book.rsplit("/", 1)[1]
    draft = ask("POST", f"/codebooks/{first}/next", {"reason": "the pilot"})
    here, row = f"/codebooks/{draft['id']}", draft["row_version"]
    acts = (
        ("rename", {"variable": "include", "label": "算吗"}),
        ("retype", {"variable": "strength", "type": "text"}),
        (
            "split",
            {"variable": "frame", "code": "food", "into": {"a": "A", "b": "B"}, "reason": "x"},
        ),
        ("retire", {"variable": "frame", "code": "denial", "reason": "never"}),
        ("undo", {}),
        ("merge", {"variable": "frame", "codes": ["denial"], "into": "a", "reason": "same"}),
    )
    for act, body in acts:
        row = ask("POST", f"{here}/{act}", body | {"row_version": row})["row_version"]
    ask("POST", f"{here}/undo", {"row_version": 1}, status=409)
    held = {one["key"]: one for one in ask("GET", f"{here}/recoding")["steps"]}
    assert {key: (one["answers"], len(one["units"]), one["asks"]) for key, one in held.items()} == {
        "split:frame:food": (4, 2, True),
        "merged:frame:denial": (4, 2, False),
        "retyped:strength": (8, 4, True),
    }
    ask("POST", f"{here}/freeze")
    body = {"name": "Again", "coders": ["coder"], "coders_per_unit": 1, "seed": 1}
    made = ask("POST", f"{here}/recoding", body | {"steps": ["split:frame:food"]})
    assert made["population"] == 2
    assert made["recodes"] == ["split:frame:food"]
    ask("POST", f"{here}/recoding", body | {"steps": ["nothing"]}, status=400)
    second = ask("POST", f"{here}/next", {"reason": "more"})
    assert ask("DELETE", f"/codebooks/{second['id']}")["discarded"] == second["id"]
