"""`holdfast rebuild text`: what earlier extractors made is made again, and kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, update

from annotate.cli import holdfast
from annotate.jobs import rereading
from annotate.jobs.indexing import index_now
from annotate.models import (
    Capture,
    DocumentRendition,
    Event,
    EventKind,
    FormerRendition,
    Rendition,
    WarcFile,
)
from annotate.services.renditions import sha256_of
from annotate.wiring import Wiring
from archive.extraction.document import EXTRACTION_VERSION
from archive.text import TEXT_VERSION
from search.query import Term
from search.whoosh_engine import WhooshEngine
from tests.annotate.conftest import _empty_home, app, capture, project, sign_in, wiring
from tests.annotate.test_documents import SITE, Serve, page, serve
from tests.archive.extraction.test_documents import pdf

__all__ = ["_empty_home", "app", "capture", "project", "serve", "sign_in", "wiring"]
OLD = "words an old extractor made, without the cotton"


def rebuilt(wiring: Wiring) -> tuple[int, str]:
    command = ["--home", str(wiring.home), "rebuild", "text"]
    done = CliRunner().invoke(holdfast, command, standalone_mode=False)
    assert done.exception is None, done.output
    return done.return_value, done.output


def as_an_older_holdfast_left_it(wiring: Wiring, text: str = OLD) -> None:
    """Put the home back to where documents were not read and texts were made otherwise."""
    with wiring.database.engine.begin() as connection:
        connection.execute(DocumentRendition.__table__.delete())
        connection.execute(
            update(Rendition).values(
                text=text, sha256=sha256_of(text), version="holdfast-text/1",
                documents_version="", language=None, language_sure=None,
            )
        )  # fmt: skip


def found(wiring: Wiring, word: str) -> int:
    index_now(wiring)
    return len(WhooshEngine(wiring.index).find(Term(word)).scores)


def test_old_texts_are_made_again_and_kept(
    wiring: Wiring, serve: Serve, sign_in: Callable[[str], FlaskClient]
) -> None:
    serve({SITE: {SITE: page("cotton 棉花"), f"{SITE}r": ("application/pdf", pdf("railway"))}})
    as_an_older_holdfast_left_it(wiring)
    assert rebuilt(wiring) == (0, "1 captures read again, 1 with other texts\n")
    with wiring.database.read() as session:
        text = session.scalars(select(Rendition)).one()
        former = session.scalars(select(FormerRendition)).one()
        document = session.scalars(select(DocumentRendition)).one()
        event = session.scalars(
            select(Event).where(Event.kind == EventKind.CAPTURE_READ_AGAIN)
        ).one()
    assert (text.text, text.version) == ("cotton 棉花", TEXT_VERSION)
    assert (former.text, former.sha256, former.version) == (OLD, sha256_of(OLD), "holdfast-text/1")
    assert "railway" in document.text
    assert former.sha256 in event.document
    assert text.sha256 in event.document
    assert found(wiring, "railway") == found(wiring, "cotton") == 1
    assert rebuilt(wiring) == (0, "0 captures read again, 0 with other texts\n")
    shown = sign_in("viewer").get(f"/p/study/items/{event.item_id}?tab=text").text
    assert OLD in shown
    assert former.sha256 in shown


def test_a_document_captured_before_documents_were_read_gets_its_words(
    wiring: Wiring, serve: Serve
) -> None:
    serve({f"{SITE}a": {f"{SITE}a": ("application/pdf", pdf("a cotton report of the year"))}})
    as_an_older_holdfast_left_it(wiring, "")
    assert found(wiring, "report") == 1  # the index still has what was indexed at first
    assert rebuilt(wiring)[0] == 0
    with wiring.database.read() as session:
        text = session.scalars(select(Rendition)).one()
        assert session.scalars(select(DocumentRendition)).one().is_page
        assert session.scalars(select(FormerRendition)).all() == []
    assert "cotton report of" in text.text
    assert text.version == EXTRACTION_VERSION
    assert text.language == "en"


def test_broken_off_it_goes_on_with_what_is_left(
    wiring: Wiring, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve({f"{SITE}{at}": {f"{SITE}{at}": page(f"post {at}")} for at in range(4)})
    as_an_older_holdfast_left_it(wiring)
    monkeypatch.setattr(rereading, "_TOLD", 1)
    seen: list[int] = []

    def breaks_off(progress: rereading.Reread) -> None:
        seen.append(progress.done)
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rereading.rebuild_text(wiring, breaks_off)
    assert seen == [1, 2]
    left = rereading.rebuild_text(wiring)
    assert (left.total, left.done, left.changed) == (2, 2, 2)
    with wiring.database.read() as session:
        assert {one.version for one in session.scalars(select(Rendition))} == {TEXT_VERSION}


def test_what_cannot_be_made_again_stays_and_is_named(wiring: Wiring, serve: Serve) -> None:
    serve({SITE: {SITE: page("cotton")}, f"{SITE}b": {f"{SITE}b": page("rail")}})
    as_an_older_holdfast_left_it(wiring)
    with wiring.database.read() as session:
        lost, warc = session.execute(
            select(Capture, WarcFile).join(WarcFile, WarcFile.id == Capture.warc_file_id)
        ).first()
    wiring.store.path(warc.path).unlink()
    code, output = rebuilt(wiring)
    assert code == 1
    assert f"capture {lost.id}: The file {warc.path} is not in the archive home." in output
    assert "2 captures read again, 1 with other texts" in output
    with wiring.database.read() as session:
        assert session.get_one(Rendition, lost.id).text == OLD


def test_pages_of_imports_are_made_again_too(
    wiring: Wiring, capture: Callable[[dict[str, str]], None]
) -> None:
    capture({SITE: "<title>t</title><p>cotton"})
    with wiring.database.engine.begin() as connection:
        connection.execute(update(Capture).values(engine="import"))
    as_an_older_holdfast_left_it(wiring)
    assert rebuilt(wiring)[0] == 0
    with wiring.database.read() as session:
        assert session.scalars(select(Rendition)).one().text == "cotton"
