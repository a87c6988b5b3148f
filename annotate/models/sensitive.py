"""Items that can hurt to look at: what is marked, why, and what each person wants to be shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class MarkSource(StrEnum):
    """What said that an item is sensitive."""

    PERSON = "person"
    FIELD = "field"  # the study field `sensitive`, as lists fill it


class SensitiveMark(Base, kw_only=True, eq=False):
    """That an item is sensitive, from one moment to another; it is while no end stands here.

    Everybody sees it, also who codes blind: it protects. What was said of the item stands
    apart, in `SensitiveReason`, which the rule of visibility.py covers.
    """

    __tablename__ = "sensitive_mark"
    __logged__ = True
    __table_args__ = (
        Index("ix_sensitive_mark_item_id_ended_at", "item_id", "ended_at"),
        Index("ix_sensitive_mark_project_id_ended_at", "project_id", "ended_at"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    source: Mapped[MarkSource] = mapped_column(word(MarkSource), default=MarkSource.PERSON)
    began_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    # The act on many items that made it, and the one that ended it.
    operation_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None, index=True)
    end_operation_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None, index=True)


class SensitiveReason(Base, kw_only=True, eq=False):
    """Why an item was marked sensitive, by whom, and who took the mark off."""

    __tablename__ = "sensitive_reason"
    __logged__ = True

    mark_id: Mapped[str] = mapped_column(ForeignKey("sensitive_mark.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    marked_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
