"""Screening: which items are in the study, who said so and why, one by one or many at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class Verdict(StrEnum):
    """What screening said of an item."""

    INCLUDED = "included"
    EXCLUDED = "excluded"


class Screening(Base, kw_only=True, eq=False):
    """What stands of one item. A verdict that was taken back leaves the row, without one."""

    __tablename__ = "screening"
    __logged__ = True

    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    verdict: Mapped[Verdict | None] = mapped_column(word(Verdict), default=None)
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    row_version: Mapped[int] = mapped_column(default=0)  # counts what was ever said of the item


class ScreeningOperation(Base, kw_only=True, eq=False):
    """One act on many items, or the undo of one; an undo can be undone.

    `changes` is a JSON list of what it changed and nothing else: item id, verdict and reason
    before, and the row version it left behind, by which an undo knows what was changed since.
    """

    __tablename__ = "screening_operation"
    __logged__ = True
    __table_args__ = (Index("ix_screening_operation_project_id_id", "project_id", "id"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    query: Mapped[str] = mapped_column(Text)  # what found the items, in the query language
    found: Mapped[int]  # items it found then
    verdict: Mapped[Verdict | None] = mapped_column(word(Verdict))
    reason: Mapped[str] = mapped_column(Text)
    changes: Mapped[str] = mapped_column(Text)
    kept: Mapped[int] = mapped_column(default=0)  # of an undo: rows somebody changed since
    undoes_id: Mapped[str | None] = mapped_column(
        ForeignKey("screening_operation.id"), default=None
    )
    undone_by_id: Mapped[str | None] = mapped_column(
        ForeignKey("screening_operation.id"), default=None
    )
    done_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    done_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
