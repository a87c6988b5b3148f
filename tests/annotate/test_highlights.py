"""Highlights through their pages: marking, stale saves, carrying over, Web Annotations."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import Annotation, Capture
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
ADDRESS = "https://example.org/post"


def page(text: str) -> dict[str, str]:
    return {ADDRESS: f"<html><title>Post</title><body><p>{text}</p></body></html>"}


@pytest.fixture
def held(capture: Callable, wiring: Wiring) -> Capture:
    capture(page("新疆棉花丰收了 القطن في كاشغر cotton and cotton"))
    with wiring.database.read() as session:
        return session.scalars(select(Capture)).one()


def here(capture: Capture) -> str:
    return f"/p/study/items/{capture.item_id}/highlights"


def mark(client: FlaskClient, capture: Capture, **form: object):
    return send(client, here(capture), f"/p/study/captures/{capture.id}/highlights", **form)


def test_words_are_marked_said_and_taken_off(sign_in: Browser, held: Capture) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    made = mark(coder, held, quote="القطن في", body="قالها مرتين")
    assert made.status_code == 302, made.text
    shown = manager.get(here(held)).text
    assert re.search(r"<mark[^>]*>القطن في</mark>", shown)
    one = re.search(r"highlights/([0-9a-f-]{36})\"", shown)[1]
    edit = f"/p/study/highlights/{one}"
    assert send(coder, here(held), edit, version="1", body="twice").status_code == 302
    assert send(manager, here(held), edit, version="1", body="late").status_code == 409
    assert send(manager, here(held), edit, version="2", act="withdraw").status_code == 400
    assert send(coder, here(held), edit, version="2", act="withdraw").status_code == 302
    assert "<mark" not in manager.get(here(held)).text


def test_a_place_says_which_of_two(sign_in: Browser, held: Capture, wiring: Wiring) -> None:
    coder = sign_in("coder")
    assert mark(coder, held, quote="cotton").status_code == 400
    shown = coder.get(here(held)).text
    text = re.search(r'id="text"[^>]*>(.*?)</div>', shown, re.DOTALL)[1]
    at = text.rindex("cotton")
    got = mark(coder, held, quote="cotton", start=str(at), end=str(at + 6))
    assert got.status_code == 302
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
    assert (one.start, one.exact) == (at, "cotton")
    wrong = mark(coder, held, quote="other words", start=str(at), end=str(at + 6))
    assert wrong.status_code == 400


def test_a_viewer_marks_nothing(sign_in: Browser, held: Capture) -> None:
    assert mark(sign_in("viewer"), held, quote="棉花").status_code == 403


def test_carried_over_to_the_next_capture_or_an_orphan(
    sign_in: Browser, held: Capture, capture: Callable, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    mark(coder, held, quote="新疆棉花丰收了", body="stays")
    mark(coder, held, quote="في كاشغر cotton and", body="goes")
    capture(page("新疆棉花又丰收了 القطن في المدينة"))
    with wiring.database.read() as session:
        newest = session.scalars(select(Capture).order_by(Capture.captured_at.desc())).first()
        first = session.scalars(select(Annotation).order_by(Annotation.start)).first()
    shown = coder.get(f"{here(held)}?capture={newest.id}").text
    assert "Orphan" in shown
    assert "% alike" in shown
    carry = f"/p/study/highlights/{first.id}/carry"
    assert send(coder, here(held), carry, capture=newest.id).status_code == 302
    with wiring.database.read() as session:
        held_ones = session.scalars(select(Annotation).order_by(Annotation.id)).all()
    assert [one.capture_id for one in held_ones] == [held.id, held.id, newest.id]
    assert held_ones[2].exact == "新疆棉花又丰收了"


def test_highlights_go_out_as_web_annotations(sign_in: Browser, held: Capture) -> None:
    coder = sign_in("coder")
    mark(coder, held, quote="棉花", body="cotton")
    answer = coder.get(here(held) + ".json")
    assert answer.mimetype == "application/ld+json"
    collection = answer.json
    assert (collection["type"], collection["total"]) == ("AnnotationCollection", 1)
    one = collection["first"]["items"][0]
    assert one["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert one["body"]["value"] == "cotton"
    quote, place = one["target"]["selector"]
    assert (quote["exact"], place["end"] - place["start"]) == ("棉花", 2)
    assert one["target"]["source"] == ADDRESS
