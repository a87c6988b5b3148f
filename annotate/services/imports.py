"""Importing archives: the original is kept, pages become items, refused files stay listed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.db import Database
from annotate.errors import NotFoundError, TooLargeError
from annotate.events import Actor
from annotate.models import (
    Base,
    Capture,
    EventKind,
    ImportFile,
    ImportState,
    Item,
    Project,
    Record,
    Rendition,
    WarcFile,
)
from annotate.services.checks import check_item
from annotate.services.facts import dump_facts
from annotate.services.items import ensure_item
from archive.capture.outcome import Outcome
from archive.content import decode_text
from archive.digest import file_sha256
from archive.durable import make_folder, seal
from archive.errors import (
    AddressError,
    DamagedRecordError,
    NotAnArchiveError,
    StoreError,
    UnsafePackageError,
)
from archive.importing.archives import ImportedPage, ImportedWarc, open_archive
from archive.page import read_facts
from archive.reader import read_payload
from archive.store import Original, Store
from archive.text import render_text, rendition
from archive.urlkey import Address
from archive.verify import VerdictWord
from search.language import detect_language

PAGE_LIMIT: Final = 32_000_000  # bytes of one page turned into text


def import_file(
    database: Database,
    store: Store,
    actor: Actor,
    project_id: str,
    name: str,
    source: IO[bytes],
    *,
    limit: int,
) -> ImportFile:
    """Import one archive into a project; a file it holds already is not imported twice.

    :raises TooLargeError: it is larger than `limit` bytes; nothing of it is kept
    """
    try:
        original = store.keep_original(source, limit=limit)
    except StoreError as error:
        raise TooLargeError(f"{name}: {error}. Nothing of it was kept.") from error
    with database.read() as session:
        known = session.scalar(
            select(ImportFile).where(
                ImportFile.project_id == project_id,
                ImportFile.sha256 == original.sha256,
                ImportFile.state == ImportState.IMPORTED,
            )
        )
    if known is not None:
        return known
    with _work_folder(store) as work:
        try:
            kind, warcs = open_archive(original.path, name, work)
        except (NotAnArchiveError, UnsafePackageError) as error:
            return _refuse(database, actor, project_id, name, original, str(error))
        placed = [(warc, _place(original, warc)) for warc in warcs]
    with database.write() as session:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFoundError("The project is gone.")
        made = _file_row(actor, project_id, name, original, kind.value, warcs)
        session.add(made)
        events.record(
            session,
            EventKind.FILE_IMPORT,
            actor=actor,
            covers=[made],
            project_id=project_id,
            body={"file": made.id, "name": name, "sha256": original.sha256, "size": original.size,
                  "records": made.records, "pages": made.pages},
            reason=made.reason,
        )  # fmt: skip
        session.flush()
        for warc, path in placed:
            _import_warc(session, actor, project, made, warc, path, store)
    return made


def imports_of(session: Session, project_id: str) -> list[ImportFile]:
    """Return a project's imported and refused files, newest first."""
    query = select(ImportFile).where(ImportFile.project_id == project_id)
    return list(session.scalars(query.order_by(ImportFile.id.desc())))


def _refuse(
    database: Database, actor: Actor, project_id: str, name: str, original: Original, reason: str
) -> ImportFile:
    refused = ImportFile(
        project_id=project_id,
        name=name,
        kind="",
        size=original.size,
        sha256=original.sha256,
        state=ImportState.REFUSED,
        reason=reason,
        imported_by=actor.user_id,
    )
    with database.write() as session:
        session.add(refused)
        events.record(
            session,
            EventKind.FILE_REFUSE,
            actor=actor,
            covers=[refused],
            project_id=project_id,
            body={"name": name, "sha256": original.sha256},
            reason=reason,
        )
    if original.new:
        shutil.rmtree(original.path.parent, ignore_errors=True)
    return refused


def _file_row(
    actor: Actor,
    project_id: str,
    name: str,
    original: Original,
    kind: str,
    warcs: list[ImportedWarc],
) -> ImportFile:
    faults = [fault for warc in warcs for fault in warc.faults]
    worst = max((warc.verdict for warc in warcs), key=list(VerdictWord).index)
    told = "; ".join(
        f"{fault.kind.value} at byte {fault.offset}: {fault.detail}" for fault in faults[:5]
    )
    further = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return ImportFile(
        project_id=project_id,
        name=name,
        kind=kind,
        size=original.size,
        sha256=original.sha256,
        state=ImportState.IMPORTED,
        verdict=worst,
        reason=told + further,
        records=sum(len(warc.records) for warc in warcs),
        pages=sum(len(warc.pages) for warc in warcs),
        imported_by=actor.user_id,
    )


def _place(original: Original, warc: ImportedWarc) -> Path:
    """Put a derived WARC beside its original; an original that is a WARC stays where it is."""
    if not warc.derived:
        return original.path
    target = original.path.parent / "derived" / warc.path.name
    make_folder(target.parent)
    if not target.exists():
        seal(warc.path, target)
    return target


def _import_warc(
    session: Session,
    actor: Actor,
    project: Project,
    file: ImportFile,
    warc: ImportedWarc,
    path: Path,
    store: Store,
) -> None:
    row = WarcFile(
        project_id=project.id,
        import_id=file.id,
        name=warc.name,
        path=store.relative(path),
        size=path.stat().st_size,
        sha256=file_sha256(path),
        records=len(warc.records),
        verdict=warc.verdict,
        faults=len(warc.faults),
    )
    records = [
        Record(
            warc_file_id=row.id,
            position=position,
            record_id=(record.record_id or "")[:200],
            kind=record.type[:40],
            target=record.target,
            offset=record.ref.offset,
            length=record.ref.length,
            block_digest=(record.header("WARC-Block-Digest") or "")[:80] or None,
            payload_digest=(record.header("WARC-Payload-Digest") or "")[:80] or None,
        )
        for position, record in enumerate(warc.records)
    ]
    added: list[Base] = [row, *records]
    session.add_all(added)
    events.record(
        session,
        EventKind.FILE_IMPORT,
        actor=actor,
        covers=added,
        project_id=project.id,
        body={"warc": row.sha256, "records": row.records, "verdict": row.verdict.value},
    )
    session.flush()
    for page in warc.pages:
        _import_page(session, actor, project, row, path, page)


def _import_page(
    session: Session, actor: Actor, project: Project, warc: WarcFile, path: Path, page: ImportedPage
) -> None:
    try:
        address = Address.parse(page.address)
    except AddressError:
        return  # the record stays listed in its WARC; as an item it could not be addressed
    item, _new = ensure_item(session, actor, project, address)
    markup, outcome, reason = "", Outcome.COMPLETE, ""
    try:
        payload = read_payload(path, page.record.ref, limit=PAGE_LIMIT)
        markup = decode_text(payload.body, payload.content_type)
    except DamagedRecordError as error:
        outcome, reason = Outcome.PARTIAL, str(error)
    made = render_text(markup)
    facts = read_facts(markup)
    capture = Capture(
        project_id=project.id,
        item_id=item.id,
        warc_file_id=warc.id,
        address=item.address,
        final_address=page.record.target,
        outcome=outcome,
        reason=reason,
        http_status=page.record.http_status,
        captured_at=page.captured_at,
        finished_at=page.captured_at,
        engine="import",
        software=f"imported from {warc.name}",
        main_offset=page.record.ref.offset,
        main_length=page.record.ref.length,
        main_record_id=page.record.record_id,
        payload_digest=page.record.header("WARC-Payload-Digest"),
        title=made.title,
        language=detect_language(facts.body or made.text),
        language_claimed=(made.language_claimed or "")[:35] or None,
        facts=dump_facts(facts),
    )
    text = rendition(made.title, made.text, made.language_claimed)
    written = Rendition(
        capture_id=capture.id, text=made.text, sha256=text.sha256, version=text.version
    )
    session.add_all([capture, written])
    _show(item, capture)
    events.record(
        session,
        EventKind.CAPTURE_IMPORT,
        actor=actor,
        covers=[capture, written, item],
        project_id=project.id,
        item=item,
        body={"capture": capture.id, "warc": warc.sha256, "text_sha256": written.sha256},
        reason=reason,
    )
    session.flush()
    check_item(session, actor, project, item, capture)


def _show(item: Item, capture: Capture) -> None:
    if item.latest_captured_at is not None and item.latest_captured_at > capture.captured_at:
        return
    item.latest_capture_id = capture.id
    item.latest_outcome = capture.outcome
    item.latest_captured_at = capture.captured_at
    item.title = capture.title
    item.language = capture.language


@contextmanager
def _work_folder(store: Store) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="import-", dir=store.home / "tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
