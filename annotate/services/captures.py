"""Writing a finished capture into the catalog, after its WARC is durable on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError
from annotate.events import Actor
from annotate.models import (
    Base,
    Capture,
    CaptureRequest,
    EventKind,
    Item,
    Project,
    Purpose,
    Record,
    WarcFile,
)
from annotate.services.checks import check_item
from annotate.services.counting import SEEN
from annotate.services.facts import dump_facts
from annotate.services.observations import body_digest
from annotate.services.renditions import documents_of, of_documents, text_of
from archive.capture.job import CaptureResult
from archive.clock import isoformat
from archive.extraction.found import FoundDocument, Place
from archive.store import Store
from archive.text import TEXT_VERSION
from archive.verdict import VerdictWord
from archive.writer import WarcSummary, WrittenRecord

SCREENSHOT_PREFIXES = ("urn:fullPage:", "urn:view:")


def places_of(summary: WarcSummary) -> list[Place]:
    """Return where the records of a capture just written stand."""
    return [
        Place(at, one.type, one.target, one.offset, one.length, one.payload_digest)
        for at, one in enumerate(summary.record_list)
    ]


def with_page_words(result: CaptureResult, documents: Sequence[FoundDocument]) -> CaptureResult:
    """Return the result with the document's words, where the address answered with a document."""
    page = _page_document(result, documents)
    if page is None or not page.text or result.text.strip():
        return result
    return replace(result, text=page.text, title=page.title or result.title)


def store_capture(
    session: Session,
    actor: Actor,
    request: CaptureRequest,
    result: CaptureResult,
    store: Store,
    documents: Sequence[FoundDocument] = (),
) -> Capture | None:
    """Write the rows of a capture, their event, and check the item's claims against it.

    None where nothing was recorded, as when the guard refused.

    :param documents: found among its records; the result's text is `with_page_words`
    """
    project = session.get(Project, request.project_id)
    item = session.get(Item, request.item_id)
    if project is None or item is None:
        raise NotFoundError("The request's project or item is gone.")
    if result.warc is None:
        _note_outcome(session, actor, project, item, result)
        return None
    warc, records = _warc_rows(project, result.warc, store)
    page = _page_document(result, documents)
    is_document = page is not None and page.text == result.text != ""
    capture = _capture(project, item, request, result, warc)
    written = text_of(
        capture.id,
        result.text,
        page.version if page and is_document else TEXT_VERSION,
        own_words=result.facts.body if result.facts else "",
    )
    written.documents_version = of_documents(documents)
    capture.language = written.language
    found = documents_of(capture.id, documents, page.position if page and is_document else None)
    shown = _show_on_item(item, capture, request.purpose)
    added: list[Base] = [warc, *records, capture, written, *found]
    session.add_all(added)
    events.record(
        session,
        EventKind.CAPTURE_STORE,
        actor=actor,
        covers=[capture, item, warc, written, *found, *records],
        project_id=project.id,
        item=item,
        body={
            "capture": capture.id,
            "request": request.id,
            "outcome": result.outcome.value,
            "warc": {"sha256": warc.sha256, "size": warc.size, "records": warc.records},
            "text_sha256": written.sha256,
            "text_version": written.version,
            "documents": [{"record": one.position, "text_sha256": one.sha256} for one in found],
            "engine": result.engine,
            "captured_at": isoformat(result.started_at),
            "session": request.session_id,
            "media_files": result.media_files,
            "guard": [entry.as_json() for entry in result.guard],
        },
        reason=result.reason,
    )
    session.flush()
    if shown:
        check_item(session, actor, project, item, capture)
    return capture


def _note_outcome(
    session: Session, actor: Actor, project: Project, item: Item, result: CaptureResult
) -> None:
    if item.latest_capture_id is not None:
        return
    item.latest_outcome = result.outcome
    events.record(
        session,
        EventKind.CAPTURE_STORE,
        actor=actor,
        covers=[item],
        project_id=project.id,
        item=item,
        body={
            "outcome": result.outcome.value,
            "warc": None,
            "guard": [entry.as_json() for entry in result.guard],
        },
        reason=result.reason,
    )
    session.flush()


def _warc_rows(
    project: Project, summary: WarcSummary, store: Store
) -> tuple[WarcFile, list[Record]]:
    warc = WarcFile(
        project_id=project.id,
        name=summary.path.name,
        path=store.relative(summary.path),
        size=summary.size,
        sha256=summary.sha256,
        records=summary.records,
        verdict=VerdictWord.INTACT,  # the writer read it back before naming it
    )
    records = [
        Record(
            warc_file_id=warc.id,
            position=position,
            record_id=record.record_id,
            kind=record.type,
            target=record.target,
            offset=record.offset,
            length=record.length,
            block_digest=record.block_digest,
            payload_digest=record.payload_digest,
        )
        for position, record in enumerate(summary.record_list)
    ]
    return warc, records


def _capture(
    project: Project, item: Item, request: CaptureRequest, result: CaptureResult, warc: WarcFile
) -> Capture:
    summary = result.warc
    listed = summary.record_list if summary is not None else ()
    main = _main_record(listed, result.final_url)
    picture = next(
        (one for one in listed if (one.target or "").startswith(SCREENSHOT_PREFIXES)), None
    )
    return Capture(
        id=result.capture_id,
        project_id=project.id,
        item_id=item.id,
        request_id=request.id,
        warc_file_id=warc.id,
        address=request.address,
        final_address=result.final_url,
        outcome=result.outcome,
        reason=result.reason,
        http_status=result.status,
        captured_at=result.started_at,
        finished_at=result.finished_at,
        engine=result.engine,
        software=result.software,
        operator_id=request.requested_by,
        main_offset=main.offset if main else None,
        main_length=main.length if main else None,
        main_record_id=main.record_id if main else None,
        payload_digest=(main.payload_digest or main.block_digest) if main else None,
        screenshot_record_id=picture.record_id if picture else None,
        title=result.title,
        language_claimed=result.language_claimed,
        facts=dump_facts(result.facts) if result.facts is not None else "{}",
        has_thumbnail=result.thumbnail_png is not None,
        session_id=request.session_id,
        body_sha256=body_digest(result),
        media_files=result.media_files,
    )


def _page_document(
    result: CaptureResult, documents: Sequence[FoundDocument]
) -> FoundDocument | None:
    """Return the document that the address itself answered with."""
    if result.warc is None or not documents:
        return None
    listed = result.warc.record_list
    main = _main_record(listed, result.final_url)
    return next((one for one in documents if listed[one.position] is main), None)


def _main_record(records: tuple[WrittenRecord, ...], final: str | None) -> WrittenRecord | None:
    """Return the response of the page itself: the first of its address after the redirects."""
    responses = [record for record in records if record.type == "response"]
    return next((one for one in responses if one.target == final), next(iter(responses), None))


def _show_on_item(item: Item, capture: Capture, purpose: Purpose) -> bool:
    """Let the item show its newest capture; True if it does.

    What was seen is never hidden by what came later: neither by a tombstone, a sign-in page or
    an error, nor by what a mere look kept. So a deletion changes no count and no search.
    """
    has_good = item.latest_capture_id is not None and item.latest_outcome in SEEN
    if has_good and (capture.outcome not in SEEN or purpose is not Purpose.CAPTURE):
        return False
    if item.latest_capture_id is not None and not capture.title and item.title:
        item.latest_outcome = capture.outcome
        return False
    item.latest_capture_id = capture.id
    item.latest_outcome = capture.outcome
    item.latest_captured_at = capture.captured_at
    item.title = capture.title
    item.language = capture.language
    return True
