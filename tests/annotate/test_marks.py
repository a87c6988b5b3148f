"""Regions, ranges of time, carrying over and texts made again, through pages and API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from conftest import capture_pages, send
from flask import Flask
from flask.testing import FlaskClient
from pictured import HEIGHT, TILE, WIDTH, PicturedEngine
from sqlalchemy import select

from annotate.exchange import jsonld
from annotate.models import Annotation, Capture, Event, EventKind, Item, Project, Rendition
from annotate.services import people, projects, renditions, sensitive
from annotate.services.renditions import MadeAgain
from annotate.wiring import Wiring
from archive.capture.attachments import attachment_uri

Browser = Callable[[str], FlaskClient]
HERE = "https://example.org/%E5%B8%96%E5%AD%90"


@pytest.fixture
def held(wiring: Wiring, project: Project) -> Capture:
    pages = {HERE: "<title>Post</title><p>新疆棉花丰收了 القطن في كاشغر"}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    return newest(wiring)


def newest(wiring: Wiring) -> Capture:
    with wiring.database.read() as session:
        return session.scalars(select(Capture).order_by(Capture.captured_at.desc())).first()


def again(wiring: Wiring, project: Project, text: str) -> Capture:
    pages = {HERE: f"<title>Post</title><p>{text}"}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    return newest(wiring)


def here(capture: Capture, on: str = "text") -> str:
    return f"/p/study/items/{capture.item_id}/highlights?on={on}"


PICTURE = attachment_uri("fullPage", HERE)
SOUND = attachment_uri("media", HERE) + "#1"


def region(client: FlaskClient, capture: Capture, *numbers: object, source: str = PICTURE):
    names = ("r.x", "r.y", "r.w", "r.h")
    form = dict(zip(names, (str(one) for one in numbers), strict=False))
    to = f"/p/study/captures/{capture.id}/marks"
    return send(client, here(capture), to, **form, **{"r.source": source, "on": "pictures"})


def times(client: FlaskClient, capture: Capture, start: str, end: str, source: str = SOUND):
    form = {"t.source": source, "t.start": start, "t.end": end, "on": "films"}
    return send(client, here(capture), f"/p/study/captures/{capture.id}/marks", **form)


def test_a_region_is_marked_by_numbers_and_shown_with_its_crop(
    sign_in: Browser, held: Capture, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    made = region(coder, held, 10, 20, 300, 200)
    assert made.status_code == 302, made.text
    shown = coder.get(here(held, "pictures")).text
    assert re.search(r'<rect class="region" x="10" y="20" width="300" height="200"', shown)
    assert 'viewBox="10 20 300 200"' in shown
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in shown
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
        logged = session.scalars(
            select(Event.document).where(Event.kind == EventKind.ANNOTATION_CREATE)
        ).one()
    assert (one.fragment, one.source) == ("xywh=pixel:10,20,300,200", PICTURE)
    assert one.source_digest.startswith("sha256:")
    assert json.loads(logged)["after"]["fragment"] == one.fragment
    assert coder.get(f"/c/{held.id}/part?u={PICTURE.replace('%', '%25')}").mimetype == "image/png"
    assert "<b>1</b>pictures and films" in coder.get("/p/study/exchange").text


def test_the_second_tile_of_a_tall_picture_has_pixels_of_its_own(
    sign_in: Browser, held: Capture, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    tile = f"{PICTURE}#tile=1"
    assert region(coder, held, 0, 0, WIDTH, TILE, source=tile).status_code == 302
    assert region(coder, held, 0, 0, WIDTH, TILE + 1, source=tile).status_code == 400
    shown = coder.get(here(held, "pictures")).text
    assert "Picture 2 of 2" in shown
    part = coder.get(f"/c/{held.id}/part", query_string={"u": tile})
    assert part.mimetype == "image/png"


def test_what_is_no_region_of_the_picture_is_refused(sign_in: Browser, held: Capture) -> None:
    coder = sign_in("coder")
    for numbers, words in (
        ((0, 0, WIDTH + 1, 10), "not within the picture"),
        ((0, HEIGHT - 5, 10, 10), "not within the picture"),
        ((0, 0, 0, 10), "at least one pixel"),
        ((1, 2, 3), "four whole numbers"),
        ((-1, 0, 5, 5), "four whole numbers"),
        ((), "Draw a region"),
    ):
        got = region(coder, held, *numbers)
        assert (got.status_code, words in got.text) == (400, True), numbers


def test_a_mark_on_what_the_capture_does_not_hold_is_refused(
    sign_in: Browser, held: Capture
) -> None:
    coder = sign_in("coder")
    for source in ("https://example.org/other.png", SOUND, HERE, ""):
        assert region(coder, held, 0, 0, 5, 5, source=source).status_code == 400
    assert times(coder, held, "0", "1", source=PICTURE).status_code == 400
    assert region(sign_in("viewer"), held, 0, 0, 5, 5).status_code == 403


def test_a_range_of_time_is_marked_by_numbers_and_played_alone(
    sign_in: Browser, held: Capture, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    assert times(coder, held, "0:01.25", "2,5").status_code == 302
    shown = coder.get(here(held, "films")).text
    assert "0:01.25 to 0:02.5" in shown
    assert "#t=npt:1.25,2.5" in shown
    assert "Start here" in shown
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
    assert (one.fragment, one.source) == ("t=npt:1.25,2.5", SOUND)
    for start, end, words in (("2", "1", "after it begins"), ("1", "", "a start and an end"),
                              ("one", "2", "is no time"), ("1:75", "3:00", "is no time")):  # fmt: skip
        got = times(coder, held, start, end)
        assert (got.status_code, words in got.text) == (400, True), (start, end)


def test_regions_and_times_go_out_as_fragment_selectors(sign_in: Browser, held: Capture) -> None:
    coder = sign_in("coder")
    region(coder, held, 10, 20, 300, 200)
    times(coder, held, "1", "2")
    collection = coder.get(f"/p/study/items/{held.item_id}/highlights.json").json
    assert collection["total"] == 2
    drawn, heard = (one["target"] for one in collection["first"]["items"])
    assert drawn["source"] == PICTURE
    assert drawn["selector"] == {
        "type": "FragmentSelector",
        "conformsTo": "http://www.w3.org/TR/media-frags/",
        "value": "xywh=pixel:10,20,300,200",
    }
    assert heard["selector"]["value"] == "t=npt:1,2"
    assert drawn["state"]["type"] == "TimeState"
    assert drawn["state"]["sourceDate"].startswith(f"{held.captured_at:%Y-%m-%dT%H:%M:%S}")
    assert drawn["scope"] == HERE
    assert [fault for one in jsonld.annotations_in(collection) for fault in jsonld.check(one)] == []


def test_what_was_taken_off_is_put_back(sign_in: Browser, held: Capture, wiring: Wiring) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    region(coder, held, 1, 2, 3, 4)
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation.id)).one()
    edit = f"/p/study/highlights/{one}"
    form = {"version": "1", "act": "withdraw", "on": "pictures"}
    assert send(coder, here(held), edit, **form).status_code == 302
    assert "1 you took off" in coder.get(here(held, "pictures")).text
    assert "you took off" not in manager.get(here(held, "pictures")).text
    assert send(manager, here(held), edit, act="restore").status_code == 400
    assert send(coder, here(held), edit, act="restore").status_code == 302
    assert "you took off" not in coder.get(here(held, "pictures")).text
    assert 'x="1" y="2" width="3" height="4"' in coder.get(here(held, "pictures")).text


def mark(client: FlaskClient, capture: Capture, quote: str):
    to = f"/p/study/captures/{capture.id}/highlights"
    return send(client, here(capture), to, quote=quote)


def test_nothing_is_carried_over_unless_a_person_says_so(
    sign_in: Browser, held: Capture, wiring: Wiring, project: Project
) -> None:
    coder, listing = sign_in("coder"), "/p/study/highlights"
    for words in ("新疆棉花丰收了", "القطن في كاشغر"):
        assert mark(coder, held, words).status_code == 302
    assert region(coder, held, 1, 2, 3, 4).status_code == 302
    assert "Nothing is open" in coder.get(listing).text
    later = again(wiring, project, "新疆棉花又丰收了 完全不同的话语在这里写着")
    with wiring.database.read() as session:
        assert {one.capture_id for one in session.scalars(select(Annotation))} == {held.id}
    shown = coder.get(listing).text
    for word in ("proposed", "orphan", "redo"):
        assert shown.count(f'class="badge {word}"') == 1, word
    first, second, third = re.findall(r'id="m-([0-9a-f-]{36})"', shown)
    refused = send(coder, listing, f"/p/study/highlights/{second}/carry", capture=later.id)
    assert refused.status_code == 400
    refused = send(coder, listing, f"/p/study/highlights/{third}/carry", capture=later.id)
    assert "draw it again" in refused.text
    form = {"capture": later.id, "back": "list"}
    done = send(coder, listing, f"/p/study/highlights/{first}/carry", **form)
    assert done.location.endswith(listing)
    with wiring.database.read() as session:
        made = session.scalars(select(Annotation).where(Annotation.carried_from == first)).one()
    assert (made.exact, made.capture_id) == ("新疆棉花又丰收了", later.id)
    assert 750 <= made.carried_score < 1000
    for one in (second, third):
        send(coder, listing, f"/p/study/highlights/{one}/leave", capture=later.id)
    assert "Nothing is open" in coder.get(listing).text
    assert "2 left where they are" in coder.get(listing).text
    send(coder, listing, f"/p/study/highlights/{second}/leave")
    assert coder.get(listing).text.count('class="badge orphan"') == 1
    viewer = sign_in("viewer")
    assert "Leave it where it is" not in viewer.get(listing).text
    to = f"/p/study/highlights/{second}/leave"
    assert send(viewer, listing, to, capture=later.id).status_code == 403
    assert "% alike" in coder.get(f"{here(held)}&capture={later.id}").text


def test_an_orphan_is_marked_by_hand_and_then_asked_for_no_more(
    sign_in: Browser, held: Capture, wiring: Wiring, project: Project
) -> None:
    coder, listing = sign_in("coder"), "/p/study/highlights"
    mark(coder, held, "القطن في كاشغر")
    region(coder, held, 1, 2, 3, 4)
    later = again(wiring, project, "完全不同的话语")
    links = re.findall(r'href="([^"]+)">Mark it by hand', coder.get(listing).text)
    assert len(links) == 2
    for link in links:
        shown = coder.get(link.replace("&amp;", "&")).text
        assert "You make this mark again" in shown
        one = re.search(r'name="from" value="([^"]+)"', shown)[1]
        base = f"/p/study/captures/{later.id}"
        form = {"from": one, "quote": "不同的话", "r.source": PICTURE}
        form |= {f"r.{name}": "9" for name in "xywh"}
        to = f"{base}/marks" if "on=pictures" in link else f"{base}/highlights"
        assert send(coder, here(later), to, **form).status_code == 302
    assert "Nothing is open" in coder.get(listing).text
    assert "made again by hand" in coder.get(here(later)).text


def test_the_next_capture_asks_for_the_newest_mark_only(
    sign_in: Browser, held: Capture, wiring: Wiring, project: Project
) -> None:
    coder, listing = sign_in("coder"), "/p/study/highlights"
    mark(coder, held, "棉花丰收了")
    later = again(wiring, project, "新疆棉花丰收了 …")
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation.id)).one()
    send(coder, listing, f"/p/study/highlights/{one}/carry", capture=later.id)
    again(wiring, project, "新疆棉花丰收了！")
    shown = re.findall(r'id="m-([0-9a-f-]{36})"', coder.get(listing).text)
    assert len(shown) == 1
    assert shown != [one]


def test_a_text_made_again_does_not_move_a_highlight(
    sign_in: Browser, held: Capture, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    mark(coder, held, "棉花丰收")
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        capture = session.get_one(Capture, held.id)
        text = "Menu 新疆棉花丰收了 القطن"
        renditions.put_in_place(session, actor, capture, MadeAgain(text, "holdfast-text/9", ()))
    shown = coder.get(here(held)).text
    body = re.search(r'id="text"[^>]*>(.*?)</div>', shown, re.DOTALL)[1]
    assert "<mark" not in body
    assert "earlier texts" in shown
    listed = coder.get("/p/study/highlights").text
    assert 'class="badge proposed"' in listed
    one = re.search(r'id="m-([0-9a-f-]{36})"', listed)[1]
    send(coder, here(held), f"/p/study/highlights/{one}/carry", capture=held.id)
    assert re.search(r"<mark[^>]*>棉花丰收</mark>了", coder.get(here(held)).text)
    with wiring.database.read() as session:
        digest = session.get_one(Rendition, held.id).sha256
        rows = session.scalars(select(Annotation).order_by(Annotation.id)).all()
    assert [one.rendition_sha256 == digest for one in rows] == [False, True]
    assert "Nothing is open" in coder.get("/p/study/highlights").text


def test_programs_mark_every_kind(
    app: Flask, sign_in: Browser, held: Capture, wiring: Wiring, project: Project
) -> None:
    coder, tokens = sign_in("coder"), "/p/study/tokens"
    made = send(coder, tokens, tokens, name="t", scope=["read", "write"], days="1")
    program = app.test_client()
    token = re.search("hft_[-_a-zA-Z0-9]+", made.text)[0]
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    api = "/api/v1/projects/study"
    found = program.get(f"{api}/captures/{held.id}/sources").json["sources"]
    assert [(one["kind"], one["width"], one["height"]) for one in found] == [
        ("picture", WIDTH, HEIGHT), ("picture", WIDTH, TILE), ("sound", None, None),
    ]  # fmt: skip
    marks = f"{api}/captures/{held.id}/marks"
    drawn = program.post(marks, json={"mark": f"{found[1]['uri']}&xywh=pixel:1,2,3,4"})
    assert (drawn.status_code, drawn.json["kind"]) == (200, "region")
    heard = program.post(marks, json={"mark": f"{SOUND}&t=npt:0.5,1", "body": "صوت"}).json
    assert heard["place"] == "t=npt:0.5,1"
    assert program.post(marks, json={"mark": PICTURE}).status_code == 400
    words = program.post(f"{api}/captures/{held.id}/highlights", json={"quote": "棉花"}).json
    assert program.post(f"{api}/highlights/{words['id']}/withdraw").json["withdrawn"]
    assert not program.post(f"{api}/highlights/{words['id']}/restore").json["withdrawn"]
    edited = {"body": "cotton", "row_version": 3}
    assert program.post(f"{api}/highlights/{words['id']}", json=edited).json["row_version"] == 4
    assert program.post(f"{api}/highlights/{words['id']}", json=edited).status_code == 409
    assert program.get(f"{api}/items/{held.item_id}/highlights").json["total"] == 3
    later = again(wiring, project, "新疆棉花丰收了 ！")
    open_ones = program.get(f"{api}/marks/open").json["marks"]
    assert sorted(one["standing"] for one in open_ones) == ["proposed", "redo", "redo"]
    carried = program.post(f"{api}/highlights/{words['id']}/carry", json={"capture": later.id})
    assert carried.json["exact"] == "棉花"
    left = program.post(f"{api}/highlights/{heard['id']}/leave", json={"capture": later.id})
    assert left.json["left_at"] == later.id
    assert len(program.get(f"{api}/marks/open").json["marks"]) == 1


def test_the_history_takes_marks_off_and_puts_them_back(
    sign_in: Browser, held: Capture, wiring: Wiring, project: Project
) -> None:
    coder, history = sign_in("coder"), "/p/study/history?who=me&what=annotation"
    mark(coder, held, "القطن في كاشغر")

    def press() -> None:
        form = re.search(
            r'<td><form method="post" action="([^"]+)">(.*?)Undo',
            coder.get(history).text,
            re.DOTALL,
        )
        sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2]))
        sent.pop("csrf_token")
        assert send(coder, history, form[1], **sent).status_code == 302

    for withdrawn in (True, False):
        press()
        with wiring.database.read() as session:
            one = session.scalars(select(Annotation)).one()
        assert (one.withdrawn_at is not None) == withdrawn
    later = again(wiring, project, "完全不同的话语")
    send(coder, history, f"/p/study/highlights/{one.id}/leave", capture=later.id)
    press()
    with wiring.database.read() as session:
        assert session.scalars(select(Annotation)).one().left_at is None
    assert "put a mark back" in coder.get(history).text


def test_what_can_hurt_is_behind_the_veil_here_too(
    sign_in: Browser, held: Capture, wiring: Wiring
) -> None:
    coder = sign_in("coder")
    region(coder, held, 10, 20, 300, 200)
    times(coder, held, "1", "2")
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        item = session.get_one(Item, held.item_id)
        sensitive.mark(session, actor, projects.find_project(session, "study"), item, "graphic")
    drawn, heard = (coder.get(here(held, on)).text for on in ("pictures", "films"))
    for shown in (drawn, heard, coder.get(here(held, "page")).text):
        assert 'class="veiled" inert' in shown
    assert 'viewBox="10 20 300 200"' not in drawn, "no crop beside the veil"
    assert "300 × 200 pixels at 10, 20" in drawn
    assert "Play this range" not in heard
    lifted = coder.get(here(held, "films") + "&show=yes").text
    assert re.search(r'<audio[^>]* muted preload="none"', lifted)
    assert "Play this range" in lifted
