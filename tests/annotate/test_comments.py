"""Comments: threads, versions, settling, who is told, and what a blind round keeps sealed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import (
    Assignment,
    CommentVersion,
    Event,
    EventKind,
    Project,
    StudyCodebook,
)
from annotate.services import codebooks, items, people, projects, rounds
from annotate.services.coding import commitment
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
BOOK = "variable,type,code\ninclude,boolean,\nframe,nominal,food\nframe,,denial\n"
WORDS = "هل هذا من شينجيانغ؟ 是新疆吗？"


@pytest.fixture
def item(wiring: Wiring, project: Project) -> str:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        address = Address.parse("https://example.org/1")
        return items.ensure_item(session, actor, here, address)[0].id


@pytest.fixture
def blind_round(wiring: Wiring, item: str) -> str:
    """Coder and manager code the item blind; the owner does not."""
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        here = projects.find_project(session, "study")
        version = codebooks.create(session, actor, here, table.read_table("Book", BOOK))
        codebooks.freeze(session, actor, here, version)
        who = [people.find_user(session, one) for one in ("coder", "manager")]
        plan = rounds.Plan("First", "", 0, 1, 2, who)
        return rounds.open_round(session, actor, here, version, plan, [item]).id


def say(client: FlaskClient, item: str, text: str, **form: object) -> str:
    """Comment on an item; return the comment's id."""
    made = send(
        client, f"/p/study/items/{item}", f"/p/study/comments/item/{item}", text=text, **form
    )
    assert made.status_code == 302, made.text
    return made.location.rpartition("#c-")[2]


def act(client: FlaskClient, item: str, comment: str, what: str, **form: object):
    page = f"/p/study/items/{item}"
    return send(client, page, f"/p/study/comments/{comment}", act=what, **form)


def unread(client: FlaskClient) -> int:
    """Return the number in the head of a page, which an open page is told too."""
    page = client.get("/p/study/memos").text
    hidden, number = re.search(r'id="unread"( hidden)?><span data-number>(\d+)<', page).groups()
    assert bool(hidden) is (number == "0")
    assert client.get("/p/study/events.json").json["for_you"] == int(number)
    return int(number)


def test_a_thread_is_answered_settled_and_opened_again(sign_in: Browser, item: str) -> None:
    coder, manager, viewer = sign_in("coder"), sign_in("manager"), sign_in("viewer")
    here = f"/p/study/items/{item}"
    first = say(coder, item, WORDS)
    assert act(manager, item, first, "reply", text="نعم").status_code == 302
    shown = viewer.get(here).text
    assert WORDS in shown
    assert shown.index(WORDS) < shown.index("نعم")
    assert "New comment" not in shown
    assert send(viewer, here, f"/p/study/comments/item/{item}", text="x").status_code in {400, 403}
    assert act(manager, item, first, "resolve").status_code == 302
    assert "Settled by" in viewer.get(here).text
    assert WORDS not in viewer.get("/p/study/comments").text
    assert act(coder, item, first, "reopen").status_code == 302
    assert "Settled by" not in viewer.get(here).text
    assert WORDS in viewer.get("/p/study/comments").text
    assert act(coder, item, first, "shout").status_code == 400
    kinds = [EventKind.COMMENT_CREATE, EventKind.COMMENT_RESOLVE, EventKind.COMMENT_REOPEN]
    history = viewer.get(f"{here}?tab=history").text
    assert all(kind.value in history for kind in kinds)


def test_a_comment_is_changed_by_its_writer_with_versions_and_withdrawn(
    sign_in: Browser, wiring: Wiring, item: str
) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    one = say(coder, item, "first words")
    assert act(manager, item, one, "edit", text="theirs", version="1").status_code == 403
    assert act(manager, item, one, "withdraw").status_code == 403
    assert act(coder, item, one, "edit", text="  ", version="1").status_code == 400
    assert act(coder, item, one, "edit", text="second words", version="1").status_code == 302
    late = act(coder, item, one, "edit", text="third words", version="1")
    assert late.status_code == 409
    assert "second words" in late.text
    assert "third words" in late.text
    shown = manager.get(f"/p/study/items/{item}").text
    assert "second words" in shown
    assert '<del dir="auto">first words</del>' in shown
    assert act(coder, item, one, "withdraw").status_code == 302
    gone = manager.get(f"/p/study/items/{item}").text
    assert '<div class="words" dir="auto">second words' not in gone
    assert "Withdrawn by" in gone
    assert act(coder, item, one, "edit", text="x", version="2").status_code == 400
    assert act(coder, item, one, "restore").status_code == 302
    assert "second words" in manager.get(f"/p/study/items/{item}").text
    with wiring.database.read() as session:
        texts = session.scalars(select(CommentVersion.text).order_by(CommentVersion.version)).all()
    assert texts == ["first words", "second words"]


def test_who_is_named_or_answered_finds_it_in_their_list(sign_in: Browser, item: str) -> None:
    coder, manager, owner = sign_in("coder"), sign_in("manager"), sign_in("owner")
    first = say(coder, item, "@manager, look; not mail@owner.example nor @managers")
    assert (unread(manager), unread(owner), unread(coder)) == (1, 0, 0)
    act(manager, item, first, "reply", text="I see. @coder @manager")
    assert (unread(manager), unread(coder)) == (1, 1)  # nobody is told of their own words
    page = "/p/study/for-you"
    shown = coder.get(page).text
    assert "I see." in shown
    assert "names you" in shown
    one = re.search(r'name="comment" value="([^"]+)"', shown)[1]
    assert send(owner, page, page, comment=one, read="yes").status_code == 302
    assert unread(coder) == 1  # the list is one's own
    send(coder, page, page, comment=one, read="yes")
    assert unread(coder) == 0
    send(coder, page, page, comment=one, read="no")
    assert unread(coder) == 1
    answer = re.search(r'id="c-([^"]+)"', shown)[1]
    act(manager, item, answer, "withdraw")
    assert unread(coder) == 0
    act(manager, item, answer, "edit", text="x", version="1")
    stranger = sign_in("stranger")
    assert stranger.get(page).status_code == 404


def test_what_a_coder_says_of_a_unit_stays_between_them_and_those_who_manage(
    sign_in: Browser, wiring: Wiring, item: str, blind_round: str
) -> None:
    coder, fellow, owner, viewer = (sign_in(one) for one in ("coder", "manager", "owner", "viewer"))
    unit = unit_of(wiring, "coder")
    page, place = f"/p/study/coding/unit/{unit}", f"/p/study/comments/unit/{unit}"
    send(coder, page, place, text="a doubt of mine @owner @manager", **{"from": "unit"})
    send(coder, page, place, text="a question of mine", question="yes", **{"from": "unit"})
    assert "a doubt of mine" in coder.get(page).text
    listed = "/p/study/comments"
    for client, sees in ((coder, (True, True)), (owner, (False, True)), (fellow, (False, False)),
                         (viewer, (False, False))):  # fmt: skip
        shown = client.get(listed).text
        assert ("a doubt of mine" in shown, "a question of mine" in shown) == sees
        assert client.get("/p/study/?q=doubt").status_code == 200
    assert unread(owner) == unread(fellow) == 0
    assert fellow.get(place).status_code == 404
    assert send(fellow, listed, place, text="mine too").status_code == 404
    question = re.search(r'id="c-([^"]+)"', owner.get(listed).text)[1]
    got = send(owner, listed, f"{listed}/{question}", act="reply", text="take the second rule")
    assert got.status_code == 302
    assert "take the second rule" in coder.get(page).text
    assert "take the second rule" not in fellow.get(listed).text
    assert unread(coder) == 1
    refused = send(coder, page, f"/p/study/comments/item/{item}", text="about the item")
    assert refused.status_code == 403
    send(owner, "/me", f"/p/study/rounds/{blind_round}/reveal", sure="yes")
    for client in (fellow, viewer):
        shown = client.get(f"/p/study/items/{item}").text
        assert "a doubt of mine" in shown
        assert "take the second rule" in shown
    assert unread(fellow) == 1  # the mention comes with the reveal


def test_the_event_of_a_sealed_comment_holds_a_commitment_and_opens_with_its_nonce(
    sign_in: Browser, wiring: Wiring, blind_round: str
) -> None:
    unit = unit_of(wiring, "coder")
    coder = sign_in("coder")
    place = f"/p/study/comments/unit/{unit}"
    send(coder, f"/p/study/coding/unit/{unit}", place, text="sealed words")
    with wiring.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == EventKind.COMMENT_CREATE)).one()
        version = session.scalars(select(CommentVersion)).one()
    document = json.loads(event.document)
    assert event.item_id is None
    assert "sealed words" not in event.document
    assert document["body"]["commitment"] == commitment(version.nonce, version.text)


def test_a_fellow_coders_words_on_the_codebook_wait_for_the_reveal(
    sign_in: Browser, wiring: Wiring, blind_round: str
) -> None:
    coder, fellow, owner = sign_in("coder"), sign_in("manager"), sign_in("owner")
    with wiring.database.read() as session:
        book = session.scalars(select(StudyCodebook.id)).one()
    place = f"/p/study/comments/codebook/{book}"
    for client, words in ((fellow, "post 3 is food"), (owner, "codes are exclusive")):
        got = send(client, place, f"{place}?part=frame%3Dfood", text=words)
        assert got.status_code == 302, got.text
    assert send(owner, place, f"{place}?part=nothing", text="x").status_code == 404
    shown = f"{place}?part=frame%3Dfood"
    assert "codes are exclusive" in coder.get(shown).text
    assert "post 3 is food" not in coder.get(shown).text
    assert "post 3 is food" in owner.get(shown).text
    send(owner, "/me", f"/p/study/rounds/{blind_round}/reveal", sure="yes")
    assert "post 3 is food" in coder.get(shown).text


def test_an_open_page_of_the_item_is_told(sign_in: Browser, item: str) -> None:
    coder, viewer = sign_in("coder"), sign_in("viewer")
    at = viewer.get("/p/study/events.json").json["position"]
    say(coder, item, "new")
    (news,) = viewer.get(f"/p/study/events.json?after={at}").json["events"]
    assert (news["kind"], news["item"]) == (EventKind.COMMENT_CREATE.value, item)


def unit_of(wiring: Wiring, login: str) -> str:
    with wiring.database.read() as session:
        user = people.find_user(session, login)
        return session.scalars(select(Assignment.id).where(Assignment.coder_id == user.id)).one()
