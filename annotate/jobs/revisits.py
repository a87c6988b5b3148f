"""Revisits of imported files and the records that hold their bodies, brought together.

When a file is taken, and again when another one brings what was missing. The view looks the
original up each time; here its words become the capture's text, and the capture says how it
was found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import Capture, EventKind, Item, Rendition, WarcFile
from annotate.services.originals import OriginalRecord, ProjectOriginals
from annotate.services.renditions import fill
from annotate.wiring import Wiring
from archive.capture.outcome import Outcome
from archive.errors import DamagedRecordError
from archive.importing.bounded import Limits
from archive.importing.found import MISSING_BODY, FoundPage, PageKind
from archive.importing.words import with_words_of
from archive.reader import read_block
from archive.record import RecordRef
from archive.revisits import Resolved, RevisitClaim, claim_of_fields, resolve
from archive.text import TEXT_VERSION

_MOST: Final = 2000  # captures looked at again after one import
_HEAD: Final = 1 << 20


def complete_page(wiring: Wiring, project_id: str, page: FoundPage) -> FoundPage:
    """Return a page whose body was missing with the words of its original, if the project has it.

    The reason then says in which file it stands and how it was found.
    """
    if page.revisit is None:
        return page
    with wiring.database.read() as session:
        found = resolve(page.revisit, ProjectOriginals(session, project_id))
    return page if found is None else _completed(wiring, page, found)


def complete_waiting(wiring: Wiring, actor: Actor, project_id: str) -> int:
    """Look again for the bodies that captures of earlier imports lack; return how many came."""
    with wiring.database.read() as session:
        waiting = [
            (capture.id, claim, page)
            for capture, warc in _waiting(session, project_id)
            if (claim := _claim(wiring, capture, warc)) is not None
            and (page := _page_of(capture)) is not None
        ]
    done = 0
    for capture_id, claim, page in waiting:
        read = complete_page(wiring, project_id, replace(page, revisit=claim))
        if read.reason == page.reason:
            continue
        with wiring.database.write() as session:
            _write(session, actor, session.get_one(Capture, capture_id), read)
        done += 1
    return done


def _completed(wiring: Wiring, page: FoundPage, found: Resolved[OriginalRecord]) -> FoundPage:
    original = found.place
    path = wiring.store.path(original.warc.path)
    ref = RecordRef(original.record.offset, original.record.length)
    told = (
        f"a revisit: body from record {original.record.record_id} of {original.warc.name}, "
        f"found by {found.by.value}"
    )
    config = wiring.config
    limits = Limits(memory=config.import_memory, seconds=config.import_seconds)
    whole = replace(page, outcome=Outcome.COMPLETE, reason=told)
    return with_words_of(whole, path, ref, limits)


def _waiting(session: Session, project_id: str) -> list[tuple[Capture, WarcFile]]:
    query = (
        select(Capture, WarcFile)
        .join(WarcFile, WarcFile.id == Capture.warc_file_id)
        .where(
            Capture.project_id == project_id,
            Capture.engine == "import",
            Capture.outcome == Outcome.PARTIAL,
            Capture.reason.startswith(MISSING_BODY),
        )
        .order_by(Capture.id)
        .limit(_MOST)
    )
    return [(capture, warc) for capture, warc in session.execute(query)]


def _claim(wiring: Wiring, capture: Capture, warc: WarcFile) -> RevisitClaim | None:
    ref = RecordRef(capture.main_offset or 0, capture.main_length or 0)
    try:
        head, _block = read_block(wiring.store.path(warc.path), ref, limit=_HEAD)
    except DamagedRecordError:
        return None
    return claim_of_fields(head.fields)


def _page_of(capture: Capture) -> FoundPage | None:
    if capture.main_offset is None or capture.main_length is None:
        return None
    return FoundPage(
        warc=0, kind=PageKind.PAGE, address=capture.address,
        address_basis=capture.address_basis, address_from="", captured_at=None,
        time_basis=capture.time_basis, outcome=capture.outcome, reason=capture.reason,
        status=capture.http_status, offset=capture.main_offset, length=capture.main_length,
        record_id=capture.main_record_id, payload_digest=capture.payload_digest,
    )  # fmt: skip


def _write(session: Session, actor: Actor, capture: Capture, read: FoundPage) -> None:
    item = session.get_one(Item, capture.item_id)
    words = session.get_one(Rendition, capture.id)
    before = {"outcome": capture.outcome.value, "reason": capture.reason}
    capture.outcome, capture.reason = read.outcome, read.reason
    capture.title, capture.facts = read.title, read.facts
    capture.language_claimed = read.language_claimed
    fill(words, read.text, read.text_version or TEXT_VERSION, own_words=read.body)
    capture.language = words.language
    if item.latest_capture_id == capture.id:
        item.latest_outcome, item.title = capture.outcome, capture.title
        item.language = capture.language
    events.record(
        session,
        EventKind.CAPTURE_IMPORT,
        actor=actor,
        covers=[capture, words, item],
        project_id=capture.project_id,
        item=item,
        body={"capture": capture.id, "text_sha256": words.sha256},
        before=before,
        after={"outcome": capture.outcome.value, "reason": capture.reason},
        reason=capture.reason,
    )
    session.flush()
