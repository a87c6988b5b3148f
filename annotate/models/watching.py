"""Watching: what later visits to an item saw, and what is visited again by itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7

_ADDRESS = String(8000)


class ObservedState(StrEnum):
    """What a visit found, held against what was captured before."""

    LIVE = "live"
    CHANGED = "changed"
    DELETED = "deleted"
    PRIVATE = "private"
    BLOCKED = "blocked"
    REDIRECTED = "redirected"
    NOT_REACHED = "not reached"


class Keep(StrEnum):
    """Of which visits the bytes are kept."""

    WHEN_CHANGED = "when changed"
    EACH_TIME = "each time"


class Observation(Base, kw_only=True, eq=False):
    """What one visit saw of an item that had been captured before; never a count's ground."""

    __tablename__ = "observation"
    __logged__ = True
    __table_args__ = (Index("ix_observation_item_id_seen_at", "item_id", "seen_at"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    request_id: Mapped[str | None] = mapped_column(ForeignKey("capture_request.id"), default=None)
    state: Mapped[ObservedState] = mapped_column(word(ObservedState, listed=False))
    seen_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    http_status: Mapped[int | None] = mapped_column(default=None)
    final_address: Mapped[str | None] = mapped_column(_ADDRESS, default=None)
    phrase: Mapped[str] = mapped_column(Text, default="")  # that decided, as the list has it
    phrases_version: Mapped[str] = mapped_column(String(200), default="")
    text_sha256: Mapped[str | None] = mapped_column(String(64), default=None)  # hex, of UTF-8
    body_sha256: Mapped[str | None] = mapped_column(String(64), default=None)  # of its own words
    compared_with: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # a capture
    likeness: Mapped[int | None] = mapped_column(default=None)  # of the words, in thousandths
    capture_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # where it was kept
    engine: Mapped[str] = mapped_column(String(40), default="")


class Watch(Base, kw_only=True, eq=False):
    """A search whose items are visited again and again; none exists unless somebody makes one."""

    __tablename__ = "watch"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    query: Mapped[str] = mapped_column(Text, default="")
    every_hours: Mapped[int]
    spread_hours: Mapped[int]  # over which the visits of one round are scattered at random
    keep: Mapped[Keep] = mapped_column(word(Keep, listed=False), default=Keep.WHEN_CHANGED)
    engine: Mapped[str] = mapped_column(String(20), default="as before")
    is_active: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None] = mapped_column(default=None)
    last_asked: Mapped[int] = mapped_column(default=0)  # visits asked for by the last round
    fault: Mapped[str] = mapped_column(Text, default="")  # why the last round did not happen
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
