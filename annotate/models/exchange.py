"""What came from other programs: the names things have there, and what was coded there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class ForeignKind(StrEnum):
    """What of ours a foreign name stands for."""

    CODEBOOK = "codebook"
    SOURCE = "source"  # a capture, whose text is the source
    MEDIA = "media"  # a picture, film or sound: the UUID of its record
    HIGHLIGHT = "highlight"
    NOTE = "note"


class ForeignName(Base, kw_only=True, eq=False):
    """The name something of ours has in files it was exchanged by, and who made it there.

    A file that is read again finds what it brought by these names, and adds nothing twice; a file
    that is written uses them, so that a thing keeps its name through every program.
    """

    __tablename__ = "foreign_name"
    __logged__ = True
    __table_args__ = (
        UniqueConstraint("project_id", "kind", "name"),
        Index("ix_foreign_name_row_id", "row_id"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    kind: Mapped[ForeignKind] = mapped_column(word(ForeignKind, listed=False))
    name: Mapped[str] = mapped_column(String(500))  # a GUID in small letters, or an address
    row_id: Mapped[str] = mapped_column(IDENTIFIER)
    item_id: Mapped[str | None] = mapped_column(ForeignKey("item.id"), default=None, index=True)
    maker: Mapped[str] = mapped_column(String(300), default="")  # as the file names them
    maker_name: Mapped[str] = mapped_column(String(500), default="")  # their GUID or account there
    import_id: Mapped[str | None] = mapped_column(ForeignKey("import_file.id"), default=None)


class CodingElsewhere(Base, kw_only=True, eq=False):
    """A coding that a file brought: in no round of ours, and in no count of agreement."""

    __tablename__ = "coding_elsewhere"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "guid"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"))  # whose text was coded
    annotation_id: Mapped[str | None] = mapped_column(
        ForeignKey("annotation.id"), default=None
    )  # the words coded; None: the text as a whole
    guid: Mapped[str] = mapped_column(IDENTIFIER)  # its name in the file
    code_id: Mapped[str] = mapped_column(IDENTIFIER)  # of a code or variable of a codebook
    label: Mapped[str] = mapped_column(Text)  # of the code, as the file has it
    coder: Mapped[str] = mapped_column(String(300), default="")  # as the file names them
    coder_guid: Mapped[str] = mapped_column(String(36), default="")
    made_at: Mapped[datetime | None] = mapped_column(default=None)  # as the file says
    notes: Mapped[str] = mapped_column(Text, default="[]")  # JSON: guid, name, text of each
    import_id: Mapped[str | None] = mapped_column(ForeignKey("import_file.id"), default=None)
    brought_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
