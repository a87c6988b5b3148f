"""Finding: sweeps in which items were looked for; saved searches, and who has seen what of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from annotate.models.registry import KeptRow
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


class SweepKind(StrEnum):
    """What was looked at in a sweep."""

    QUERY = "query"
    PROFILE = "profile"
    OTHER = "other"


class Sweep(KeptRow, Base, kw_only=True, eq=False):
    """One pass of looking for items: where, how, as whom, what was seen and taken, why it ended."""

    __tablename__ = "sweep"
    __logged__ = True

    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[SweepKind] = mapped_column(word(SweepKind))
    platform: Mapped[str] = mapped_column(String(120), default="")
    query: Mapped[str] = mapped_column(Text, default="")  # the words searched, or the profile
    identity: Mapped[str] = mapped_column(String(200), default="")  # signed in as whom, or not
    began_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    seen: Mapped[int | None] = mapped_column(default=None)  # how many posts were looked at
    taken: Mapped[int | None] = mapped_column(default=None)  # how many were taken, as noted then
    stopped: Mapped[str] = mapped_column(Text, default="")  # why it ended
    note: Mapped[str] = mapped_column(Text, default="")
    capture_id: Mapped[str | None] = mapped_column(ForeignKey("capture.id"), default=None)


class SweepItem(Base, kw_only=True, eq=False):
    """An item a sweep found."""

    __tablename__ = "sweep_item"
    __logged__ = True

    sweep_id: Mapped[str] = mapped_column(ForeignKey("sweep.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), primary_key=True, index=True)
    added_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
