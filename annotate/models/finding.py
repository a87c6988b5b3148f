"""Finding again: saved searches; and what is derived from captures to find them by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base
from archive.clock import utc_now
from archive.identifiers import uuid7


class SavedSearch(Base, kw_only=True, eq=False):
    """A search of the project under a name; taken away, never deleted."""

    __tablename__ = "saved_search"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    query: Mapped[str] = mapped_column(Text)
    sort: Mapped[str] = mapped_column(String(32))
    zone: Mapped[str | None] = mapped_column(String(64), default=None)  # None: the project's
    related: Mapped[bool] = mapped_column(default=False)  # in related forms
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


class SavedSearchSeen(Base, kw_only=True, eq=False):
    """What one person had seen of a saved search; personal, so it is no event."""

    __tablename__ = "saved_search_seen"

    saved_search_id: Mapped[str] = mapped_column(ForeignKey("saved_search.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    items: Mapped[bytes] = mapped_column(LargeBinary)  # zlib of the ids, 36 ASCII letters each


class DocumentText(Base, kw_only=True, eq=False):
    """The words of a PDF, an Office file or subtitles that a capture holds; derived."""

    __tablename__ = "document_text"
    __logged__ = True

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # of its record in the WARC
    target: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64))  # hex, of the text in UTF-8
    version: Mapped[str] = mapped_column(String(60))  # of what made it
    note: Mapped[str] = mapped_column(Text, default="")  # what is missing of it, or why all is
    made_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class EarlierRendition(Base, kw_only=True, eq=False):
    """A text rendition that a newer version of the rules replaced; kept for what points into it."""

    __tablename__ = "earlier_rendition"
    __logged__ = True
    __table_args__ = (Index("ix_earlier_rendition_capture_id", "capture_id"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"))
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    version: Mapped[str] = mapped_column(String(60))
    replaced_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class CaptureTraits(Base, kw_only=True, eq=False):
    """What a capture is found by besides its words: language with confidence, and likeness."""

    __tablename__ = "capture_traits"

    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(60))  # of the rules that made them
    text_sha256: Mapped[str] = mapped_column(String(64))  # of the rendition they were made from
    language: Mapped[str | None] = mapped_column(String(12), default=None)
    confidence: Mapped[float] = mapped_column(Float, default=0.0)  # 0 to 1
    script: Mapped[str] = mapped_column(String(40), default="")
    shape: Mapped[str] = mapped_column(String(64), default="")  # hex; search/likeness.py
    picture: Mapped[str] = mapped_column(String(16), default="")  # hex; of the thumbnail
