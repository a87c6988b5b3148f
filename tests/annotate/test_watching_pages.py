"""Looking again, comparing and what was recorded, through the pages people use."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select
from test_watching import URL, Site, post

from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import CaptureRequest, Item, Project, Purpose
from annotate.services import fields, people, requests
from annotate.wiring import Wiring
from archive.capture.attachments import Attachments, PageRequest
from archive.clock import utc_now
from archive.page_info import explain, read_page_info
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def worker(wiring: Wiring, project: Project, site: Site) -> Worker:
    made = Worker(wiring, "test")
    made._engines = dict.fromkeys(("auto", "http"), site)
    site.put(post("Cotton and rail. قطن"))
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        requests.ask(session, owner, session.get_one(Project, project.id), [Address.parse(URL)])
    assert made.step()
    index_now(wiring)
    return made


@pytest.fixture
def item_url(wiring: Wiring, worker: Worker) -> str:
    with wiring.database.read() as session:
        return f"/p/study/items/{session.scalars(select(Item.id)).one()}"


def test_a_deletion_is_shown_everywhere_and_changes_no_number(
    wiring: Wiring, project: Project, worker: Worker, site: Site, item_url: str, sign_in: Browser
) -> None:
    coder, viewer = sign_in("coder"), sign_in("viewer")
    make_it_count(wiring, project)
    before = coder.get("/p/study/results.json").json
    assert before["posts"] == 1
    assert "seen_after_capture" not in before["tables"]
    site.put("<title>هذا المنشور غير متوفر</title>", 200)
    assert send(viewer, "/me", f"{item_url}/look").status_code == 403
    assert send(coder, "/me", f"{item_url}/look").status_code == 302
    assert worker.step()
    after = coder.get("/p/study/results.json").json
    assert after["tables"].pop("seen_after_capture") == {"deleted": 1}
    assert after == before
    assert coder.get("/p/study/items.json?q=observed:deleted").json["total"] == 1
    assert coder.get("/p/study/items.json?q=is:counted+observed:none").json["total"] == 0
    assert coder.get("/p/study/items.json?q=cotton").json["total"] == 1, "its words are still found"
    assert coder.get("/p/study/?q=observed:eaten").status_code == 400
    row = coder.get("/p/study/items.json").json["items"][0]
    assert (row["deleted_after_capture"], row["outcome"]) == ("yes", "complete")
    assert "deleted_after_capture" in coder.get("/p/study/items.csv").data.decode("utf-8-sig")
    page = coder.get(item_url).text
    assert 'badge deleted">deleted' in page
    assert "هذا المنشور غير متوفر" in page
    assert "shown in lists and searches" in page
    watching = viewer.get("/p/study/watching").text
    assert re.search(r"<b>1</b><span class=\"badge deleted\">", watching)
    assert "item:observe" in coder.get(f"{item_url}?tab=history").text


def make_it_count(wiring: Wiring, project: Project) -> None:
    """Give the item what the study's rule asks for."""
    from annotate.models import ValueSource

    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        by_key = {one.key: one for one in fields.fields_of(session, held.id)}
        wanted = {
            "author_state_controlled": "yes",
            "promotes": "traveller_1",
            "posted_at": "2020-05-01T00:00:00+00:00",
        }
        values = {by_key[key]: [value] for key, value in wanted.items()}
        item = session.scalars(select(Item)).one()
        fields.set_values(session, owner, held, item, values, source=ValueSource.PERSON)


def test_ticked_items_and_whole_searches_are_visited_again(
    wiring: Wiring, worker: Worker, item_url: str, sign_in: Browser
) -> None:
    coder = sign_in("coder")
    assert send(coder, "/me", "/p/study/revisit", again="look").status_code == 400
    item_id = item_url.rpartition("/")[2]
    send(coder, "/me", "/p/study/revisit", again="look", item=item_id, spread="6")
    send(coder, "/me", "/p/study/revisit", again="capture", all="yes", q="cotton")
    with wiring.database.read() as session:
        asked = session.scalars(select(CaptureRequest).order_by(CaptureRequest.id)).all()
    assert [one.purpose for one in asked] == [Purpose.CAPTURE, Purpose.OBSERVE]
    assert asked[1].not_before is not None
    send(coder, "/me", f"/p/study/queue/{asked[1].id}/cancel")
    send(coder, "/me", "/p/study/revisit", again="capture", all="yes", q="cotton")
    with wiring.database.read() as session:
        assert len(session.scalars(select(CaptureRequest)).all()) == 3


def test_watches_are_made_stopped_and_listed(
    worker: Worker, sign_in: Browser, item_url: str
) -> None:
    manager, coder = sign_in("manager"), sign_in("coder")
    form = {
        "q": "قطن",
        "every": "7",
        "unit": "days",
        "spread": "24",
        "keep": "when changed",
        "engine": "as before",
    }
    assert send(coder, "/me", "/p/study/watching", **form).status_code == 403
    assert send(manager, "/me", "/p/study/watching", **{**form, "every": "x"}).status_code == 400
    assert send(manager, "/me", "/p/study/watching", **{**form, "spread": "900"}).status_code == 400
    assert send(manager, "/me", "/p/study/watching", **{**form, "q": "a OR"}).status_code == 400
    assert send(manager, "/me", "/p/study/watching", **form).status_code == 302
    page = coder.get("/p/study/watching").text
    assert "every 168 h, scattered over 24 h" in page
    stop = re.search(
        r'action="(/p/study/watching/[^"]+/stop)"', manager.get("/p/study/watching").text
    )
    assert stop is not None
    send(manager, "/me", stop[1])
    assert "stopped" in coder.get("/p/study/watching").text


def test_two_captures_are_compared_word_by_word(
    worker: Worker, site: Site, item_url: str, sign_in: Browser
) -> None:
    coder = sign_in("coder")
    site.put(post("Cotton and rail. حرير"))
    send(coder, "/me", f"{item_url}/look")
    assert worker.step()
    page = coder.get(item_url).text
    link = re.search(r'href="(/p/study/items/[^"]+/compare[^"]+)"', page)
    assert link is not None
    page = coder.get(link[1].replace("&amp;", "&")).text
    assert "<del>قطن</del><ins>حرير</ins>" in page
    assert 'dir="auto"' in page
    assert sign_in("stranger").get(link[1].replace("&amp;", "&")).status_code == 404
    assert coder.get(f"{item_url}/compare?old=nonsense&new=nonsense").status_code == 404
    assert coder.get(f"{item_url}/compare").status_code == 200


def test_what_was_recorded_is_told_with_what_is_missing_and_why(
    wiring: Wiring, project: Project, site: Site, sign_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive.writer import CaptureWriter

    finish = CaptureWriter.finish
    at = utc_now()

    def with_ledger(self, notes, *, target):
        lines = [
            PageRequest(URL, "document", at, status=200, size=100, record_id="<urn:none>"),
            PageRequest("https://site.example/a.css", "stylesheet", at, error="net::ERR_NAME_NOT_RESOLVED"),
            PageRequest("https://site.example/ڤ.js", "script", at, error="net::ERR_ABORTED"),
        ]  # fmt: skip
        Attachments(self, target, None).page_info(lines, at=at)
        refusal = {"at": "2026-11-25", "host": "10.0.0.1", "port": 80, "outcome": "refused-address"}
        return finish(
            self,
            {**notes, "guard_refusals": [refusal], "transformations": ["Scrolled."]},
            target=target,
        )

    monkeypatch.setattr(CaptureWriter, "finish", with_ledger)
    worker = Worker(wiring, "test")
    worker._engines = dict.fromkeys(("auto", "http"), site)
    site.put(post("Cotton"))
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        requests.ask(session, owner, session.get_one(Project, project.id), [Address.parse(URL)])
    assert worker.step()
    coder = sign_in("coder")
    with wiring.database.read() as session:
        capture_id = session.scalars(select(Item.latest_capture_id)).one()
    page = coder.get(f"/c/{capture_id}/recorded").text
    assert "3 requests went out" in page
    assert "the name of the server is not known (ERR_NAME_NOT_RESOLVED)" in page
    assert "10.0.0.1" in page
    assert "Scrolled." in page
    only = coder.get(f"/c/{capture_id}/recorded?show=missing&kind=script").text
    assert "the page or the browser gave it up" in only
    assert "a.css" not in only
    told = coder.get(f"/c/{capture_id}/recorded.json").json
    assert (told["total"], told["missing"], told["has_ledger"]) == (3, 2, True)
    assert sign_in("stranger").get(f"/c/{capture_id}/recorded").status_code == 404


def test_reasons_are_words() -> None:
    assert "guard refuses the address" in explain("refused-address: 10.0.0.1")
    assert explain("something new") == "something new"
    info = read_page_info(
        b'{"page": "p", "requests": [{"url": "u", "truncated": "length", "record": "r", "new": 1}]}'
    )
    assert "longer than the limit" in info.requests[0].why
    assert not info.requests[0].is_whole
