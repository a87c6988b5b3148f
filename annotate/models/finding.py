"""Finding again: saved searches, and what each person has seen of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
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
