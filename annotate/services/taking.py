"""Carrying out a confirmed import: WARCs and records into the catalog, pages into captures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Capture,
    EventKind,
    ImportFile,
    ImportPage,
    ImportState,
    Item,
    NoteKind,
    Project,
    Record,
    Rendition,
    WarcFile,
)
from annotate.services import notes
from annotate.services.answers import answer, unanswered
from annotate.services.checks import check_item
from annotate.services.found_pages import FILE_URN, address_of, basis_of_address, time_of
from annotate.services.items import ensure_item
from annotate.services.renditions import of_documents, text_of
from archive.capture.outcome import Outcome
from archive.clock import isoformat, utc_now
from archive.digest import file_sha256
from archive.importing.found import FoundPage, FoundRecord, FoundWarc
from archive.revisits import instant_of
from archive.store import Store
from archive.text import TEXT_VERSION

_BATCH: Final = 1000  # records written at a time
_SHOWING: Final = frozenset({Outcome.COMPLETE, Outcome.PARTIAL})


@dataclass(frozen=True, slots=True)
class PlacedWarc:
    """A WARC of an import, where it stands for good."""

    found: FoundWarc
    path: Path


def catalog_warc(
    session: Session, actor: Actor, file: ImportFile, placed: PlacedWarc, store: Store
) -> WarcFile:
    """Write the row of a WARC; its records follow in `catalog_records`."""
    row = WarcFile(
        project_id=file.project_id,
        import_id=file.id,
        name=placed.found.name[:1000],
        path=store.relative(placed.path),
        size=placed.path.stat().st_size,
        sha256=file_sha256(placed.path),
        records=placed.found.records,
        verdict=placed.found.verdict,
        faults=placed.found.faults,
    )
    session.add(row)
    events.record(
        session,
        EventKind.FILE_IMPORT,
        actor=actor,
        covers=[row],
        project_id=file.project_id,
        body={
            "file": file.id, "warc": row.sha256, "records": row.records,
            "verdict": row.verdict.value, "derived": placed.found.made_by or None,
        },
    )  # fmt: skip
    session.flush()
    return row


def catalog_records(
    session: Session, actor: Actor, warc: WarcFile, records: Iterable[FoundRecord]
) -> None:
    """Write the rows of a WARC's records, a batch and its event at a time; memory stays small."""
    rest = iter(records)
    while batch := list(islice(rest, _BATCH)):
        rows = [_record_row(warc, one) for one in batch]
        session.add_all(rows)
        events.record(
            session,
            EventKind.FILE_IMPORT,
            actor=actor,
            covers=rows,
            project_id=warc.project_id,
            body={"warc": warc.sha256, "from": batch[0].position, "to": batch[-1].position},
        )
        session.flush()
        for row in rows:
            session.expunge(row)


def take_page(
    session: Session,
    actor: Actor,
    project: Project,
    file: ImportFile,
    page: ImportPage,
    found: FoundPage,
    warc: WarcFile,
) -> Capture:
    """Make a ticked page a capture of its item; a request it answers ends with it."""
    item, _new = ensure_item(session, actor, project, address_of(page.address))
    moment, time_basis = time_of(page)
    at = moment or utc_now()
    capture = Capture(
        project_id=project.id,
        item_id=item.id,
        warc_file_id=warc.id,
        address=item.address,
        final_address=found.address or f"{FILE_URN}{file.sha256}",  # as its record has it
        outcome=found.outcome,
        reason=found.reason,
        http_status=found.status,
        captured_at=at,
        finished_at=at,
        engine="import",
        software=_made_with(file, warc),
        main_offset=found.offset,
        main_length=found.length,
        main_record_id=found.record_id,
        payload_digest=found.payload_digest,
        screenshot_record_id=found.screenshot,
        title=found.title,
        language_claimed=found.language_claimed,
        facts=found.facts,
        has_thumbnail=found.thumbnail is not None,
        address_basis=basis_of_address(page),
        time_basis=time_basis,
        address_claimed=page.address_claimed,
        time_claimed=isoformat(page.time_claimed) if page.time_claimed else None,
    )
    written = text_of(
        capture.id, found.text, found.text_version or TEXT_VERSION, own_words=found.body
    )
    written.documents_version = of_documents(())
    capture.language = written.language
    session.add_all([capture, written])
    page.capture_id = capture.id
    _show(item, capture)
    _record(session, actor, file, warc, item, capture, written)
    check_item(session, actor, project, item, capture)
    _add_note(session, actor, project, item, file, page)
    _answer(session, actor, project, file, item, capture)
    return capture


def finish(session: Session, actor: Actor, file: ImportFile) -> None:
    """Write down that a confirmed import is carried out."""
    query = select(ImportPage.capture_id).where(
        ImportPage.import_id == file.id, ImportPage.capture_id.is_not(None)
    )
    file.pages = len(session.scalars(query).all())
    file.state = ImportState.IMPORTED
    events.record(
        session,
        EventKind.FILE_IMPORT,
        actor=actor,
        covers=[file],
        project_id=file.project_id,
        body={"file": file.id, "name": file.name, "sha256": file.sha256, "size": file.size,
              "records": file.records, "pages": file.pages},
        reason=file.reason,
    )  # fmt: skip
    session.flush()


def records_by_warc(records: Iterable[FoundRecord], number: int) -> Iterator[FoundRecord]:
    """Yield the records of one WARC of a reading."""
    return (record for record in records if record.warc == number)


def _made_with(file: ImportFile, warc: WarcFile) -> str:
    by = f", written by {file.writer}" if file.writer else ""
    return f"imported from {file.name}{by}"[:300] if warc.import_id else ""


def _record_row(warc: WarcFile, record: FoundRecord) -> Record:
    return Record(
        warc_file_id=warc.id,
        position=record.position,
        record_id=record.record_id,
        kind=record.kind,
        target=record.target,
        offset=record.offset,
        length=record.length,
        block_digest=record.block_digest,
        payload_digest=record.payload_digest,
        dated_at=instant_of(record.date),
    )


def _record(
    session: Session,
    actor: Actor,
    file: ImportFile,
    warc: WarcFile,
    item: Item,
    capture: Capture,
    written: Rendition,
) -> None:
    events.record(
        session,
        EventKind.CAPTURE_IMPORT,
        actor=actor,
        covers=[capture, written, item],
        project_id=file.project_id,
        item=item,
        body={
            "capture": capture.id, "file": file.id, "name": file.name, "file_sha256": file.sha256,
            "warc": warc.sha256, "text_sha256": written.sha256,
            "address_basis": capture.address_basis.value, "time_basis": capture.time_basis.value,
            "address_claimed": capture.address_claimed, "time_claimed": capture.time_claimed,
            "captured_at": isoformat(capture.captured_at),
        },
        reason=capture.reason,
    )  # fmt: skip
    session.flush()


def _add_note(
    session: Session, actor: Actor, project: Project, item: Item, file: ImportFile, page: ImportPage
) -> None:
    text = "\n\n".join(filter(None, (page.note, file.note)))
    if text:
        notes.add_note(session, actor, project, item, NoteKind.PROVENANCE, text)


def _answer(
    session: Session, actor: Actor, project: Project, file: ImportFile, item: Item, capture: Capture
) -> None:
    if item.address.startswith("urn:"):
        return
    asked = unanswered(session, project.id, [address_of(item.address)]).get(item.address)
    if asked is not None:
        answer(session, actor, asked, capture, file)


def _show(item: Item, capture: Capture) -> None:
    """Let the item show its newest capture; one that shows the page goes before one that does not.

    A page saved while signed in is often older than the walled try that it answers.
    """
    newer = item.latest_captured_at is None or item.latest_captured_at <= capture.captured_at
    shows, showed = capture.outcome in _SHOWING, item.latest_outcome in _SHOWING
    if not (newer and (shows or not showed)) and not (shows and not showed):
        return
    item.latest_capture_id = capture.id
    item.latest_outcome = capture.outcome
    item.latest_captured_at = capture.captured_at
    item.title = capture.title
    item.language = capture.language
