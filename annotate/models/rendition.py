"""What is made of a capture: its text, the documents in it, what it looks like."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import Base
from annotate.models.evidence import ADDRESS
from archive.clock import utc_now


class Rendition(Base, kw_only=True, eq=False):
    """The text of a capture: derived, says from what and by which version."""

    __tablename__ = "rendition"
    __logged__ = True

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))  # hex, of the text in UTF-8
    version: Mapped[str] = mapped_column(String(60))
    language: Mapped[str | None] = mapped_column(String(12), default=None)  # detected
    language_sure: Mapped[int | None] = mapped_column(default=None)  # 1/1000; None: not measured
    documents_version: Mapped[str] = mapped_column(String(60), default="")
    """By what documents were looked for among the records; "" where none was, or not all."""


class DocumentRendition(Base, kw_only=True, eq=False):
    """The text of a document found among a capture's records, or why there is none."""

    __tablename__ = "document_rendition"
    __logged__ = True

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # of its record in the WARC, from 0
    address: Mapped[str] = mapped_column(ADDRESS)
    kind: Mapped[str] = mapped_column(String(20))  # a DocumentKind
    is_page: Mapped[bool]  # it is what the address itself answered: its text is the capture's
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)  # "" where it is the capture's, or none could be read
    sha256: Mapped[str] = mapped_column(String(64))  # hex, of the document's text in UTF-8
    version: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text)  # what is missing of it, and why; "" where nothing is
    payload_digest: Mapped[str | None] = mapped_column(String(80))
    language: Mapped[str | None] = mapped_column(String(12), default=None)  # detected
    language_sure: Mapped[int | None] = mapped_column(default=None)  # 1/1000


class FormerRendition(Base, kw_only=True, eq=False):
    """A text that another took the place of; annotations made on it name its digest."""

    __tablename__ = "former_rendition"
    __logged__ = True

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # of a document; -1: the capture's own
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)  # hex
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(60))
    replaced_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Likeness(Base, kw_only=True, eq=False):
    """By what a capture can be told to look like another: derived, made at leisure, never shown."""

    __tablename__ = "likeness"

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    text_sha256: Mapped[str] = mapped_column(String(64))  # of the text it was made of
    words: Mapped[bytes]  # a sketch (search/likeness.py); b"" where there is too little text
    screenshot: Mapped[str | None] = mapped_column(String(16))  # hash of the picture, hex
    image: Mapped[str | None] = mapped_column(String(16))  # of the page's largest picture, hex
    version: Mapped[str] = mapped_column(String(60))
