"""Making the texts of stored captures again, by the extractors of today: `holdfast rebuild text`.

One capture is one transaction, and what is done shows in its rows: broken off anywhere, it goes on
with what is left. What cannot be made again stays as it is, and is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.models import Capture, Record, Rendition, WarcFile
from annotate.services import renditions
from annotate.services.people import SYSTEM
from annotate.services.renditions import MadeAgain
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring
from archive.content import decode_text
from archive.errors import DamagedRecordError
from archive.extraction.found import Place, documents_in
from archive.importing.reading import PAGE_LIMIT, TEXT_TYPES, is_html
from archive.page import read_facts
from archive.reader import read_payload
from archive.record import RecordRef
from archive.snapshot import open_snapshot
from archive.text import TEXT_VERSION, render_text

SNAPSHOT_PREFIX: Final = "urn:mhtml:"
_TOLD: Final = 50  # captures between two words on how far it is


@dataclass(slots=True)
class Reread:
    """How far a rebuilding of texts is, in captures."""

    total: int
    done: int = 0
    changed: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Capture and reason, where a text could not be made again."""


def rebuild_text(wiring: Wiring, report: Callable[[Reread], None] | None = None) -> Reread:
    """Make again every text that earlier extractors made, and look for documents never looked for.

    :param report: told how far it is, now and then
    """
    with wiring.database.read() as session:
        query = select(func.count()).select_from(Rendition).where(renditions.is_outdated())
        progress = Reread(session.scalar(query) or 0)
    for capture_id in _outdated(wiring):
        reason = _read_again(wiring, capture_id, progress)
        if reason:
            progress.problems.append((capture_id, reason))
        progress.done += 1
        if report is not None and progress.done % _TOLD == 0:
            report(progress)
    return progress


def _outdated(wiring: Wiring) -> Iterator[str]:
    """Yield the captures whose texts are outdated, once each."""
    last = ""
    while True:
        with wiring.database.read() as session:
            found = session.scalars(
                select(Rendition.capture_id)
                .where(renditions.is_outdated(), Rendition.capture_id > last)
                .order_by(Rendition.capture_id)
                .limit(_TOLD)
            ).all()
        if not found:
            return
        yield from found
        last = found[-1]


def _read_again(wiring: Wiring, capture_id: str, progress: Reread) -> str:
    """Make one capture's texts again; return why its own could not be, "" where all went well."""
    try:
        made, reason = _made(wiring, capture_id)
    except (NotFoundError, DamagedRecordError, OSError) as error:
        return str(error)
    with wiring.database.write() as session:
        capture = session.get_one(Capture, capture_id)
        progress.changed += renditions.put_in_place(session, SYSTEM, capture, made)
    return reason


def _made(wiring: Wiring, capture_id: str) -> tuple[MadeAgain, str]:
    """Read a capture's bytes once more.

    :raises NotFoundError: its WARC is not in the home
    :raises DamagedRecordError: a record cannot be read
    """
    with wiring.database.read() as session:
        capture = session.get_one(Capture, capture_id)
        rendition = session.get_one(Rendition, capture_id)
        warc = session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None
        records = records_of(session, warc)
    if warc is None:
        return MadeAgain(None, "", ()), ""
    path = Viewing(wiring.store).warc_path(warc)
    own = [] if warc.import_id is not None else records
    # The documents of an imported file are pages of their own, to be taken or not (imports.md).
    documents = tuple(documents_in(path, [place_of(one) for one in own], seconds=None))
    main = next((one for one in own if one.record_id == capture.main_record_id), None)
    page = next((one for one in documents if main and one.position == main.position), None)
    if page is not None and page.text and _is_of_document(rendition):
        return MadeAgain(page.text, page.version, documents, page.position), ""
    read = page_of(capture, own, path)
    own_words = read.own_words if read is not None else ""
    if not renditions.has_old_text(rendition):
        return MadeAgain(None, "", documents, own_words=own_words), ""
    if read is None:
        reason = "what its text was made of is not in the capture; the text stays as it was"
        return MadeAgain(None, "", documents), reason
    return MadeAgain(read.text, TEXT_VERSION, documents, own_words=own_words), ""


def _is_of_document(rendition: Rendition) -> bool:
    return not rendition.text.strip() or rendition.version.startswith("holdfast-documents/")


@dataclass(frozen=True, slots=True)
class Page:
    """A page read once more."""

    text: str
    own_words: str


def page_of(capture: Capture, records: list[Record], path: Path) -> Page | None:
    """Read a page once more; None where what its text was made of is not there.

    A browser's text was made of the document as it stood in the browser: the snapshot is that.
    """
    snapshot = next((one for one in records if _is_snapshot(one)), None)
    if snapshot is not None:
        opened = open_snapshot(path, RecordRef(snapshot.offset, snapshot.length))
        document = opened.document if opened is not None else None
        return _read(document.body, document.content_type) if document is not None else None
    if capture.engine == "browser" or capture.main_offset is None or capture.main_length is None:
        return None
    payload = read_payload(
        path, RecordRef(capture.main_offset, capture.main_length), limit=PAGE_LIMIT
    )
    return _read(payload.body, payload.content_type)


def _read(body: bytes, content_type: str) -> Page | None:
    if is_html(content_type):
        markup = decode_text(body, content_type)
        return Page(render_text(markup).text, read_facts(markup).body)
    if content_type.lower().startswith(TEXT_TYPES):
        return Page(decode_text(body, content_type), "")
    return None


def _is_snapshot(record: Record) -> bool:
    return (record.target or "").startswith(SNAPSHOT_PREFIX)


def place_of(record: Record) -> Place:
    """Return where a record stands."""
    return Place(
        record.position, record.kind, record.target, record.offset, record.length,
        record.payload_digest,
    )  # fmt: skip


def records_of(session: Session, warc: WarcFile | None) -> list[Record]:
    """Return the records of a capture's own WARC; of an imported one none is needed."""
    if warc is None or warc.import_id is not None:
        return []
    query = select(Record).where(Record.warc_file_id == warc.id).order_by(Record.position)
    return list(session.scalars(query))
