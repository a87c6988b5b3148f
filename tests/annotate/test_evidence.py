"""Evidence of answers: required, checked, shown side by side, and never missing from a final answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import capture_pages, send
from flask.testing import FlaskClient
from pictured import PicturedEngine
from sqlalchemy import select

from annotate.instrument import answers as instrument
from annotate.instrument import table
from annotate.instrument.answers import Given
from annotate.models import Assignment, CodingAnswer, CodingRound, Decision, Item, Project, User
from annotate.services import codebooks, people, projects, rounds
from annotate.wiring import Wiring
from archive.capture.attachments import attachment_uri

Browser = Callable[[str], FlaskClient]
HERE = "https://example.org/post"
PICTURE = attachment_uri("fullPage", HERE)
SOUND = attachment_uri("media", HERE) + "#1"
BOOK = (
    "variable,type,missing,code,evidence_required\n"
    "frame,nominal,unclear,food,yes\nframe,,,denial,\nframe,,,other,\n"
)


@pytest.fixture
def settle(wiring: Wiring, project: Project) -> str:
    """An open blind round of coder and manager on one item; return where it will be settled."""
    pages = {HERE: "<title>Post</title><p>棉花 said once,<p>棉花 said twice: القطن في كاشغر"}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        version = codebooks.create(session, actor, held, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, held, version)
        coders = [people.find_user(session, one) for one in ("coder", "manager")]
        plan = rounds.Plan("Round", "", 0, 1, 2, coders)
        found = list(session.scalars(select(Item.id)))
        opened = rounds.open_round(session, actor, held, version, plan, found)
        return f"/p/study/rounds/{opened.id}/settle"


def unit_of(wiring: Wiring, login: str) -> str:
    with wiring.database.read() as session:
        query = select(Assignment.id).join(User, User.id == Assignment.coder_id)
        return f"/p/study/coding/unit/{session.scalar(query.where(User.login == login))}"


def answer(client: FlaskClient, wiring: Wiring, login: str, value: str, **more: str):
    unit = unit_of(wiring, login)
    form = {"version": "0", "seconds": "1", "v.frame": value}
    return send(client, unit, unit, **form, **{key.replace("_", "."): v for key, v in more.items()})


def sealed(wiring: Wiring) -> tuple[Given, dict]:
    with wiring.database.read() as session:
        held = session.scalars(select(CodingAnswer)).one()
    return instrument.load(held.answers)["frame"], json.loads(held.selectors)["frame"]


REGION = {"r_frame_source": PICTURE, "r_frame_x": "10", "r_frame_y": "20", "r_frame_w": "30",
          "r_frame_h": "40"}  # fmt: skip
TIME = {"t_frame_source": SOUND, "t_frame_start": "0:01", "t_frame_end": "2.5"}


def test_without_required_evidence_nothing_is_sealed(
    sign_in: Browser, wiring: Wiring, settle: str
) -> None:
    coder = sign_in("coder")
    bare = answer(coder, wiring, "coder", "food")
    assert (bare.status_code, "evidence is required" in bare.text) == (400, True)
    outside = answer(coder, wiring, "coder", "food", **(REGION | {"r_frame_w": "9000"}))
    assert (outside.status_code, "not within the picture" in outside.text) == (400, True)
    foreign = answer(coder, wiring, "coder", "food", **(REGION | {"r_frame_source": "https://x/"}))
    assert foreign.status_code == 400
    half = answer(coder, wiring, "coder", "food", **(REGION | {"r_frame_h": ""}))
    assert (half.status_code, "four whole numbers" in half.text) == (400, True)
    with wiring.database.read() as session:
        assert session.scalar(select(CodingAnswer.version)) is None
    assert answer(coder, wiring, "coder", "missing:unclear").status_code == 302


@pytest.mark.parametrize(
    ("form", "place"),
    [(REGION, f"{PICTURE}#xywh=pixel:10,20,30,40"), (TIME, f"{SOUND}&t=npt:1,2.5")],
)
def test_a_region_or_a_range_of_time_is_evidence(
    sign_in: Browser, wiring: Wiring, settle: str, form: dict[str, str], place: str
) -> None:
    made = answer(sign_in("coder"), wiring, "coder", "food", **form)
    assert made.status_code == 302, made.text
    given, selectors = sealed(wiring)
    assert given.marks == (place,)
    one = selectors["marks"][0]
    assert one["selector"]["conformsTo"] == "http://www.w3.org/TR/media-frags/"
    assert place.endswith(one["selector"]["value"])
    assert one["source_digest"].startswith("sha256:")


def test_a_quote_stands_where_it_was_marked_not_where_it_stands_first(
    sign_in: Browser, wiring: Wiring, settle: str
) -> None:
    coder = sign_in("coder")
    text = re.search(
        r'id="text"[^>]*>(.*?)</div>', coder.get(unit_of(wiring, "coder")).text, re.DOTALL
    )[1]
    second = text.rindex("棉花")
    wrong = answer(coder, wiring, "coder", "food", q_frame="棉花", p_frame=str(second + 1))
    assert wrong.status_code == 400
    made = answer(coder, wiring, "coder", "food", q_frame="棉花", p_frame=str(second))
    assert made.status_code == 302, made.text
    assert sealed(wiring)[1]["start"] == second > text.index("棉花")


def test_a_quote_changed_by_hand_is_looked_for_again(
    sign_in: Browser, wiring: Wiring, settle: str
) -> None:
    made = answer(sign_in("coder"), wiring, "coder", "food", q_frame="القطن", p_frame="0")
    assert made.status_code == 302, made.text
    assert sealed(wiring)[1]["exact"] == "القطن"


def test_a_quote_over_two_lines_is_found(sign_in: Browser, wiring: Wiring, settle: str) -> None:
    made = answer(sign_in("coder"), wiring, "coder", "food", q_frame="said once, 棉花 said")
    assert made.status_code == 302, made.text
    assert sealed(wiring)[1]["exact"] == "said once,\n棉花 said"


def test_a_draft_keeps_what_is_whole_and_the_form_shows_it(
    sign_in: Browser, wiring: Wiring, settle: str
) -> None:
    coder, unit = sign_in("coder"), unit_of(wiring, "coder")
    form = {"v.frame": "food", "seconds": "1", "e.frame": f"{SOUND}&t=npt:1,2", "r.frame.x": "5"}
    assert send(coder, unit, f"{unit}/draft", **form).location.endswith(unit)
    shown = coder.get(unit).text
    assert re.search(r'name="e.frame" value="[^"]*t=npt:1,2" checked', shown)
    assert "Sound 1: 0:01 to 0:02" in shown


def test_evidence_stands_side_by_side_and_no_final_answer_is_without_it(
    sign_in: Browser, wiring: Wiring, settle: str
) -> None:
    coder, manager, owner = sign_in("coder"), sign_in("manager"), sign_in("owner")
    assert answer(coder, wiring, "coder", "food", **REGION).status_code == 302
    quoted = answer(manager, wiring, "manager", "denial", q_frame="القطن في كاشغر")
    assert quoted.status_code == 302
    with wiring.database.read() as session:
        one = session.scalars(select(CodingRound.id)).one()
        item = session.scalars(select(Item.id)).one()
    round_page = f"/p/study/rounds/{one}"
    send(owner, round_page, f"{round_page}/reveal", sure="yes")
    shown = owner.get(settle).text
    assert 'viewBox="10 20 30 40"' in shown
    assert "“القطن في كاشغر”" in shown
    base = {"item": item, "variable": "frame", "rationale": "seen", "v.frame": "other"}
    bare = send(owner, settle, settle, **base)
    assert (bare.status_code, "evidence is required" in bare.text) == (400, True)
    unfit = send(owner, settle, settle, **base, **{"q.frame": "not on the page"})
    assert unfit.status_code == 400
    with wiring.database.read() as session:
        assert session.scalars(select(Decision)).all() == []
    done = send(owner, settle, settle, **base, **{"q.frame": "said twice"})
    assert done.status_code == 302, done.text
    base["v.frame"] = "food"  # settled anew, with the evidence of the coder who said so
    assert send(owner, settle, settle, **base).status_code == 302
    with wiring.database.read() as session:
        kept = session.scalars(select(Decision).order_by(Decision.id)).all()
    assert json.loads(kept[0].selectors)["frame"]["exact"] == "said twice"
    mark = json.loads(kept[1].selectors)["frame"]["marks"][0]
    assert (mark["source"], mark["selector"]["value"]) == (PICTURE, "xywh=pixel:10,20,30,40")
    finals = owner.get(f"{round_page}/finals.csv").text
    assert "xywh=pixel:10,20,30,40" in finals


def test_answers_without_marks_are_stored_as_ever() -> None:
    plain = {"frame": Given(("food",), None, "words", "memo")}
    document = instrument.dump(plain)
    assert document == '{"frame":{"memo":"memo","missing":null,"quote":"words","values":["food"]}}'
    more = {"frame": Given(("food",), None, "words", "", 7, ("a#t=npt:1,2",))}
    assert instrument.load(instrument.dump(more)) == more
