"""Memos: what the team thinks, how it works and what it decided, with every version."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class MemoKind(StrEnum):
    """What a memo is for."""

    ANALYTIC = "analytic"  # what the material seems to say
    METHOD = "method"  # how the study is done, and why so
    DECISION = "decision"  # what was decided, when, on what ground


class Memo(Base, kw_only=True, eq=False):
    """A memo of the project; its texts are the versions, the last of which is shown."""

    __tablename__ = "memo"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    kind: Mapped[MemoKind] = mapped_column(word(MemoKind, listed=False))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    changed_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class MemoVersion(Base, kw_only=True, eq=False):
    """One title and text a memo has had, by whom and when."""

    __tablename__ = "memo_version"
    __logged__ = True

    memo_id: Mapped[str] = mapped_column(ForeignKey("memo.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # 1-based
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    written_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class MemoDraft(Base, kw_only=True, eq=False):
    """A text that came too late, kept for its writer until they save or drop it."""

    __tablename__ = "memo_draft"

    memo_id: Mapped[str] = mapped_column(ForeignKey("memo.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class MemoLink(Base, kw_only=True, eq=False):
    """That a memo is about an item, or about a variable or code of a codebook."""

    __tablename__ = "memo_link"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    memo_id: Mapped[str] = mapped_column(ForeignKey("memo.id"), index=True)
    item_id: Mapped[str | None] = mapped_column(ForeignKey("item.id"), default=None, index=True)
    codebook_id: Mapped[str | None] = mapped_column(ForeignKey("codebook.id"), default=None)
    part: Mapped[str] = mapped_column(String(130), default="")  # "variable" or "variable=code"
    added_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
