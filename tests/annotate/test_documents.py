"""Documents found in captures: searched, shown for what they are, failures said."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conftest import FakeEngine
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import Capture, DocumentRendition, Item, Project, Rendition
from annotate.services import people, projects, requests
from annotate.wiring import Wiring
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Outcome
from archive.text import render_text
from archive.urlkey import Address
from archive.writer import CaptureWriter
from tests.archive.extraction.test_documents import ARABIC, CHINESE, pdf, word_file

SITE = "https://example.org/"
Parts = Mapping[str, tuple[str, bytes]]


class Server(FakeEngine):
    """Answers each address with what the test says, the parts of a page after it."""

    def __init__(self, answers: Mapping[str, Parts]) -> None:
        super().__init__({})
        self.answers = answers

    def capture(self, job: CaptureJob) -> CaptureResult:
        now = datetime.now(UTC)
        writer = CaptureWriter(
            job.warc_path, capture_id=job.capture_id, software="fake", instance=job.instance
        )
        parts = self.answers[job.address.exact]
        for url, (declared, body) in parts.items():
            writer.exchange(
                Exchange(
                    url, now, "GET", "/", [], b"", "200 OK",
                    [("Content-Type", declared), ("Content-Length", str(len(body)))],
                    io.BytesIO(body), len(body), None, None, None, "document",
                )
            )  # fmt: skip
        declared, body = parts[job.address.target]
        is_page = declared.startswith("text/html")
        made = render_text(body.decode() if is_page else "")
        return CaptureResult(
            capture_id=job.capture_id, outcome=Outcome.COMPLETE, reason="",
            warc=writer.finish({}, target=job.address.target), status=200,
            final_url=job.address.target, title=made.title or "file.pdf", text=made.text,
            language_claimed=None, facts=None, started_at=now, finished_at=now,
            engine="fake", software="fake 1", guard=(), thumbnail_png=None,
        )  # fmt: skip


Serve = Callable[[Mapping[str, Parts]], None]


@pytest.fixture
def serve(wiring: Wiring, project: Project) -> Serve:
    def captured(answers: Mapping[str, Parts]) -> None:
        with wiring.database.write() as session:
            owner = people.actor_of(people.find_user(session, "owner"))
            held = projects.find_project(session, project.slug)
            requests.ask(session, owner, held, [Address.parse(url) for url in answers])
        worker = Worker(wiring, "test")
        worker._engines["auto"] = Server(answers)
        while worker.step():
            pass
        index_now(wiring)

    return captured


def found(client: FlaskClient, query: str) -> list[str]:
    items = client.get("/p/study/items.json", query_string={"q": query}).json["items"]
    return [one["address"] for one in items]


def page(words: str) -> tuple[str, bytes]:
    return "text/html; charset=utf-8", f"<title>post</title><p>{words}</p>".encode()


def test_words_of_a_document_beside_a_page_find_the_item(
    serve: Serve, sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    report = {SITE: page("a post"), f"{SITE}report.docx": ("application/zip", word_file())}
    serve({SITE: report, f"{SITE}other": {f"{SITE}other": page("nothing of it")}})
    viewer = sign_in("viewer")
    assert found(viewer, f'"{ARABIC}"') == [SITE]
    assert found(viewer, CHINESE) == [SITE]
    shown = viewer.get("/p/study/", query_string={"q": CHINESE}).text
    assert "In a document of the capture (DOCX" in shown
    with wiring.database.read() as session:
        document = session.scalars(select(DocumentRendition)).one()
        item = session.scalars(select(Item).where(Item.address == SITE)).one()
    tab = f"/p/study/items/{item.id}?tab=text"
    assert "Field report" in viewer.get(tab).text
    assert CHINESE not in viewer.get(tab).text
    text = viewer.get(f"{tab}&document={document.position}&find={CHINESE}").text
    assert f'<mark id="mark-1" class="shown">{CHINESE}</mark>' in text
    assert document.sha256 in text
    assert f'name="document" value="{document.position}"' in text


def test_a_document_at_the_address_itself_is_the_items_text(
    serve: Serve, sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    serve({f"{SITE}a.pdf": {f"{SITE}a.pdf": ("application/pdf", pdf("cotton of Kashgar"))}})
    viewer = sign_in("viewer")
    assert found(viewer, '"cotton of Kashgar"') == [f"{SITE}a.pdf"]
    with wiring.database.read() as session:
        text = session.scalars(select(Rendition)).one()
        document = session.scalars(select(DocumentRendition)).one()
        capture = session.scalars(select(Capture)).one()
    assert "cotton of Kashgar" in text.text
    assert document.is_page
    assert document.sha256 == text.sha256
    assert text.version == document.version
    assert capture.language == text.language == "en"
    shown = viewer.get(f"/p/study/items/{capture.item_id}?tab=text").text
    assert "It is what the address itself answered" in shown


def test_a_document_that_cannot_be_read_is_said_on_the_page(
    serve: Serve, sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    broken = ("application/pdf", b"%PDF-1.7 cut off")
    serve({SITE: {SITE: page("a post"), f"{SITE}b.pdf": broken}})
    with wiring.database.read() as session:
        item = session.scalars(select(Item)).one()
        document = session.scalars(select(DocumentRendition)).one()
    assert document.note
    shown = sign_in("viewer").get(f"/p/study/items/{item.id}?tab=text").text
    assert "It could not be read." in shown
    assert "Its bytes are kept." in shown


def test_words_only_an_older_capture_has_still_find_the_item(
    serve: Serve, sign_in: Callable[[str], FlaskClient], wiring: Wiring
) -> None:
    serve({SITE: {SITE: page("the first wording 棉花")}})
    serve({SITE: {SITE: page("the second wording")}})
    viewer = sign_in("viewer")
    assert found(viewer, "棉花") == [SITE]
    assert found(viewer, "second") == [SITE]
    assert "not in the newest" in viewer.get("/p/study/", query_string={"q": "棉花"}).text


def test_words_of_a_tombstone_do_not_find_the_item(
    serve: Serve, sign_in: Callable[[str], FlaskClient], wiring: Wiring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    serve({SITE: {SITE: page("the post")}})
    real = Server.capture
    monkeypatch.setattr(
        Server, "capture", lambda self, job: replace(real(self, job), outcome=Outcome.GONE)
    )
    serve({SITE: {SITE: page("was taken down")}})
    viewer = sign_in("viewer")
    assert found(viewer, "post") == [SITE]
    assert found(viewer, "taken") == []
