"""What people say to one another about the work: comments in threads, and who is told of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class CommentOn(StrEnum):
    """What a comment is about."""

    ITEM = "item"
    CAPTURE = "capture"
    HIGHLIGHT = "highlight"
    CODEBOOK = "codebook"  # or one variable or code of it
    UNIT = "unit"  # an item as it is coded in a round


class Told(StrEnum):
    """Why a comment is in somebody's list."""

    MENTION = "mention"
    REPLY = "reply"


class Comment(Base, kw_only=True, eq=False):
    """One comment; those of a thread share the id of its first one.

    A comment on a unit is sealed while its round is blind: only the one who began the thread
    reads it and, if it is a question, those who manage and do not code there (visibility.py).
    """

    __tablename__ = "comment"
    __logged__ = True
    __table_args__ = (
        Index("ix_comment_on_subject_part", "on", "subject", "part"),
        Index("ix_comment_item_id_id", "item_id", "id"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    thread_id: Mapped[str] = mapped_column(IDENTIFIER, index=True)  # its own id: it begins one
    on: Mapped[CommentOn] = mapped_column(word(CommentOn, listed=False))
    subject: Mapped[str] = mapped_column(IDENTIFIER)  # of item, capture, highlight, codebook, unit
    part: Mapped[str] = mapped_column(String(130), default="")  # "variable" or "variable=code"
    item_id: Mapped[str | None] = mapped_column(ForeignKey("item.id"), default=None)
    round_id: Mapped[str | None] = mapped_column(ForeignKey("coding_round.id"), default=None)
    asker_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))  # began the thread
    is_question: Mapped[bool] = mapped_column(default=False)  # of the whole thread
    text: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)  # of the first of a thread
    resolved_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class CommentVersion(Base, kw_only=True, eq=False):
    """One text a comment has had. `nonce` opens the commitment in the event of a sealed one."""

    __tablename__ = "comment_version"
    __logged__ = True

    comment_id: Mapped[str] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # 1-based
    text: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(String(64))
    written_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    written_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class ForYou(Base, kw_only=True, eq=False):
    """That a comment concerns somebody, and when they read it. Nobody else's business: no event."""

    __tablename__ = "for_you"
    __table_args__ = (Index("ix_for_you_user_id_read_at", "user_id", "read_at"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    comment_id: Mapped[str] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    told: Mapped[Told] = mapped_column(word(Told, listed=False))
    read_at: Mapped[datetime | None] = mapped_column(default=None)
