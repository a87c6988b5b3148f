"""The team's work on items: tags, notes with versions, and study fields with their sources."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7
from archive.page import DatePrecision


class NoteKind(StrEnum):
    """What a note is about."""

    PROVENANCE = "provenance"
    REMARK = "remark"


class FieldType(StrEnum):
    """What the values of a study field are."""

    TEXT = "text"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    ACCOUNT = "account"
    RELATION = "relation"  # several values, each an account
    LANGUAGE = "language"


class FieldCheck(StrEnum):
    """What of a captured page a field's value is compared with (decisions 8)."""

    NONE = "none"
    AUTHOR = "author"
    POSTED_AT = "posted_at"
    PROMOTES = "promotes"


class ValueSource(StrEnum):
    """Where a value came from."""

    LIST = "list"
    CAPTURE = "capture"
    PERSON = "person"


class ValueState(StrEnum):
    """How a value stands against what the captured page shows."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_VISIBLE = "not visible"
    UNCHECKED = "unchecked"


class KeptClaim(StrEnum):
    """Which of two claims that contradict each other a person holds to."""

    LIST = "the list"
    PAGE = "the page"
    OTHER = "another value"
    UNSURE = "unsure"


class AnnotationKind(StrEnum):
    """What somebody marked."""

    TEXT = "text"  # words of the text
    REGION = "region"  # a rectangle of a picture
    TIME = "time"  # a stretch of a film or sound


class BulkKind(StrEnum):
    """What was done to many items at once."""

    TAG = "tag"
    UNTAG = "untag"


class Tag(Base, kw_only=True, eq=False):
    """A word of the project; retired, never deleted."""

    __tablename__ = "tag"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "folded"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(String(120))
    folded: Mapped[str] = mapped_column(String(240))  # NFKC, case-folded: what makes it one tag
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class ItemTag(Base, kw_only=True, eq=False):
    """A tag on an item, and whose hand put it there."""

    __tablename__ = "item_tag"
    __logged__ = True
    __table_args__ = (Index("ix_item_tag_tag_id_item_id", "tag_id", "item_id"),)

    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), primary_key=True)
    tag_id: Mapped[str] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    tagged_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    tagged_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    operation_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)


class BulkOperation(Base, kw_only=True, eq=False):
    """One act on many items; `items` (JSON list of ids) are exactly the rows it changed."""

    __tablename__ = "bulk_operation"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    kind: Mapped[BulkKind] = mapped_column(word(BulkKind))
    tag_id: Mapped[str] = mapped_column(ForeignKey("tag.id"))
    items: Mapped[str] = mapped_column(Text)
    done_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    done_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    undone_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)


class Note(Base, kw_only=True, eq=False):
    """A note on an item; its texts are the versions, the last of which is shown."""

    __tablename__ = "note"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    kind: Mapped[NoteKind] = mapped_column(word(NoteKind))
    text: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class NoteVersion(Base, kw_only=True, eq=False):
    """One text a note has had, by whom and when."""

    __tablename__ = "note_version"
    __logged__ = True

    note_id: Mapped[str] = mapped_column(ForeignKey("note.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # 1-based
    text: Mapped[str] = mapped_column(Text)
    written_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    written_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Annotation(Base, kw_only=True, eq=False):
    """Words, a region or a stretch of time that somebody marked, and what they say of it.

    Places in text are code points of the rendition whose digest stands beside them; the
    rendition never changes, so the place is exact by construction. A region or stretch of time
    is a Media Fragment of `source`, a record of the capture; it has no words.
    """

    __tablename__ = "annotation"
    __logged__ = True
    __table_args__ = (Index("ix_annotation_item_id_start", "item_id", "start"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    capture_id: Mapped[str] = mapped_column(ForeignKey("capture.id"))
    rendition_sha256: Mapped[str] = mapped_column(String(64))
    start: Mapped[int]  # code points, from 0
    end: Mapped[int]  # exclusive
    exact: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    suffix: Mapped[str] = mapped_column(Text)
    kind: Mapped[AnnotationKind] = mapped_column(
        word(AnnotationKind, listed=False), default=AnnotationKind.TEXT
    )
    fragment: Mapped[str] = mapped_column(Text, default="")  # xywh=pixel:… or t=npt:…
    source: Mapped[str] = mapped_column(Text, default="")  # target of the record marked
    source_digest: Mapped[str] = mapped_column(String(80), default="")  # of its payload
    body: Mapped[str] = mapped_column(Text, default="")
    # On which earlier mark it rests, and how alike the places are, in 1/1000.
    carried_from: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)
    carried_score: Mapped[int | None] = mapped_column(default=None)
    # The newer capture somebody decided not to carry it to.
    left_at: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)
    made_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class StudyField(Base, kw_only=True, eq=False):
    """A field the project records of each item."""

    __tablename__ = "study_field"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    key: Mapped[str] = mapped_column(String(60))  # what people type before the colon
    label: Mapped[str] = mapped_column(String(120))
    type: Mapped[FieldType] = mapped_column(word(FieldType))
    check: Mapped[FieldCheck] = mapped_column(word(FieldCheck), default=FieldCheck.NONE)
    is_proposal: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)


class FieldValue(Base, kw_only=True, eq=False):
    """One value of one field of one item, with its source and its standing.

    `current` values count. A person's value sets the list's aside without erasing it; what a
    capture shows is kept beside both, and is current only where nobody gave a value.
    """

    __tablename__ = "field_value"
    __logged__ = True
    __table_args__ = (
        Index("ix_field_value_item_id_field_id", "item_id", "field_id"),
        Index("ix_field_value_field_id_current_value", "field_id", "current", "value"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    field_id: Mapped[str] = mapped_column(ForeignKey("study_field.id"))
    value: Mapped[str] = mapped_column(Text)  # normalised: what facets and counts use
    raw: Mapped[str] = mapped_column(Text)  # as it stood in the source
    source: Mapped[ValueSource] = mapped_column(word(ValueSource))
    state: Mapped[ValueState] = mapped_column(word(ValueState), default=ValueState.UNCHECKED)
    current: Mapped[bool] = mapped_column(default=True)
    instant: Mapped[datetime | None] = mapped_column(default=None)  # of a datetime, in UTC
    precision: Mapped[DatePrecision | None] = mapped_column(word(DatePrecision), default=None)
    selector: Mapped[str] = mapped_column(Text, default="")  # where in the page
    capture_id: Mapped[str | None] = mapped_column(ForeignKey("capture.id"), default=None)
    set_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    set_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class ValueDecision(Base, kw_only=True, eq=False):
    """A person's decision where the page contradicts a claim; both claims stay as they were.

    `claimed` and `shown` (JSON lists) are what stood against each other then: where the page shows
    something else later, the question is open again.
    """

    __tablename__ = "value_decision"
    __logged__ = True
    __table_args__ = (Index("ix_value_decision_item_id_field_id", "item_id", "field_id"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    field_id: Mapped[str] = mapped_column(ForeignKey("study_field.id"))
    capture_id: Mapped[str | None] = mapped_column(ForeignKey("capture.id"), default=None)
    claimed: Mapped[str] = mapped_column(Text)
    shown: Mapped[str] = mapped_column(Text)
    kept: Mapped[KeptClaim] = mapped_column(word(KeptClaim))
    reason: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[str] = mapped_column(Text, default="[]")  # JSON: ids of the values then current
    after: Mapped[str] = mapped_column(Text, default="[]")  # JSON: ids of those it made current
    decided_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    undone_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
