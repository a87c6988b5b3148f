"""Texts made of captures: the page's own, and those of documents found among its records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Capture,
    DocumentRendition,
    EventKind,
    FormerRendition,
    Item,
    Rendition,
)
from archive.extraction.document import EXTRACTION_VERSION
from archive.extraction.found import FoundDocument
from archive.text import TEXT_VERSION
from search.language import tell_language

OWN: Final = -1
"""Where a former text names a document's position: it was the capture's own."""
_PRESENT: Final = {
    version.rpartition("/")[0] + "/": version for version in (TEXT_VERSION, EXTRACTION_VERSION)
}


@dataclass(frozen=True, slots=True)
class MadeAgain:
    """What was made again of a capture; `text` None: its own text stays as it is."""

    text: str | None
    version: str
    documents: tuple[FoundDocument, ...]
    page: int | None = None
    """Position of the record whose document is the capture's own text."""
    own_words: str = ""
    """The post's own, without what stands around them: they tell the language."""


def text_of(capture_id: str, text: str, version: str, *, own_words: str = "") -> Rendition:
    """Return the row of a capture's text.

    :param own_words: the post's own, without what stands around them: they tell the language
    """
    made = Rendition(capture_id=capture_id, text="", sha256="", version="")
    fill(made, text, version, own_words=own_words)
    return made


def fill(row: Rendition, text: str, version: str, *, own_words: str = "") -> None:
    """Put a text into its row, with its digest and its language."""
    told = tell_language(own_words or text)
    row.text, row.version = text, version
    row.sha256 = sha256_of(text)
    row.language, row.language_sure = told.language, told.thousandths


def sha256_of(text: str) -> str:
    """Return the digest of a text in UTF-8, in hex, as `archive.text` does."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def of_documents(found: Sequence[FoundDocument]) -> str:
    """Return what a rendition says of the looking for documents: "" where not all were read."""
    return "" if any(one.put_off for one in found) else EXTRACTION_VERSION


def documents_of(
    capture_id: str, found: Sequence[FoundDocument], page: int | None
) -> list[DocumentRendition]:
    """Return the rows of documents.

    :param page: position of the record the address itself was answered with, where its text is
        the capture's own and stands there
    """
    rows = []
    for one in found:
        told = tell_language(one.text)
        is_page = one.position == page
        rows.append(
            DocumentRendition(
                capture_id=capture_id,
                position=one.position,
                address=one.address,
                kind=one.kind.value,
                is_page=is_page,
                title=one.title,
                text="" if is_page else one.text,
                sha256=one.sha256,
                version=one.version,
                note=one.note,
                payload_digest=one.payload_digest,
                language=told.language,
                language_sure=told.thousandths,
            )
        )
    return rows


def documents_in_capture(session: Session, capture_id: str) -> list[DocumentRendition]:
    """Return the documents found in a capture, in the order of its records."""
    query = select(DocumentRendition).where(DocumentRendition.capture_id == capture_id)
    return list(session.scalars(query.order_by(DocumentRendition.position)))


def former_texts(session: Session, capture_id: str) -> list[FormerRendition]:
    """Return the texts that others took the place of, newest first."""
    query = select(FormerRendition).where(FormerRendition.capture_id == capture_id)
    return list(session.scalars(query.order_by(FormerRendition.replaced_at.desc())))


def is_outdated() -> ColumnElement[bool]:
    """Return the criterion of texts that a reading by the present extractors may better."""
    return or_(
        Rendition.documents_version != EXTRACTION_VERSION,
        Rendition.language_sure.is_(None),
        *(
            and_(Rendition.version.startswith(kind), Rendition.version != version)
            for kind, version in _PRESENT.items()
        ),
    )


def has_old_text(rendition: Rendition) -> bool:
    """Tell whether a capture's own text was made by an earlier version of what makes it."""
    return any(
        rendition.version.startswith(kind) and rendition.version != version
        for kind, version in _PRESENT.items()
    )


def put_in_place(session: Session, actor: Actor, capture: Capture, made: MadeAgain) -> bool:
    """Put what was made again in place of what there is, which is kept; False if no text differs.

    It is written down with an event, and the index follows it.
    """
    own = session.get_one(Rendition, capture.id)
    item = session.get_one(Item, capture.item_id)
    before = {"text_sha256": own.sha256, "text_version": own.version}
    text, version = (own.text, own.version) if made.text is None else (made.text, made.version)
    differs = sha256_of(text) != own.sha256
    kept = _kept(session, capture.id, OWN, own) if differs else []
    fill(own, text, version, own_words=made.own_words)
    own.documents_version = of_documents(made.documents)
    documents, replaced = _documents_in_place(session, capture.id, made)
    capture.language = own.language
    if item.latest_capture_id == capture.id:
        item.language = own.language
    events.record(
        session,
        EventKind.CAPTURE_READ_AGAIN,
        actor=actor,
        covers=[capture, item, own, *documents, *kept, *replaced],
        project_id=capture.project_id,
        item=item,
        body={
            "capture": capture.id,
            "documents": [{"record": one.position, "text_sha256": one.sha256} for one in documents],
        },
        before=before,
        after={"text_sha256": own.sha256, "text_version": own.version},
    )
    session.flush()
    return differs or bool(documents)


def _documents_in_place(
    session: Session, capture_id: str, made: MadeAgain
) -> tuple[list[DocumentRendition], list[FormerRendition]]:
    """Put documents in place; return the rows that differ, and the texts they took the place of."""
    held = {one.position: one for one in documents_in_capture(session, capture_id)}
    changed, kept = [], []
    for row in documents_of(capture_id, made.documents, made.page):
        old = held.get(row.position)
        if old is not None and old.sha256 == row.sha256 and old.version == row.version:
            continue
        if old is not None:
            kept += _kept(session, capture_id, row.position, old)
        changed.append(session.merge(row))
    return changed, kept


def _kept(
    session: Session, capture_id: str, position: int, old: Rendition | DocumentRendition
) -> list[FormerRendition]:
    """Return the row that keeps a text; none where it is empty or kept already."""
    known = session.get(FormerRendition, (capture_id, position, old.sha256))
    if known is not None or not old.text:
        return []
    row = FormerRendition(
        capture_id=capture_id,
        position=position,
        sha256=old.sha256,
        text=old.text,
        version=old.version,
    )
    session.add(row)
    return [row]
