"""The registry: accounts, entities behind them, works that posts carry, and what is said of them.

Nothing here is deleted. A row is withdrawn, and can be put back; a merge is a judgement that can be
undone, and leaves every row with the entry it was written for.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column, relationship

from annotate.models.base import IDENTIFIER, Base, word
from annotate.models.event import Event
from annotate.models.evidence import ADDRESS, Judgement
from archive.clock import utc_now
from archive.identifiers import uuid7

HANDLE = String(200)
EVIDENCED = "evidence_item_id IS NOT NULL OR evidence_capture_id IS NOT NULL OR provenance <> ''"


class EntryKind(StrEnum):
    """What an entry of the registry stands for."""

    ACCOUNT = "account"
    ENTITY = "entity"
    WORK = "work"


class NameKind(StrEnum):
    """What a name is to the one it names."""

    OWN = "own name"
    TRANSLITERATION = "transliteration"
    TRANSLATION = "translation"
    OTHER = "other name"


class KeptRow(MappedAsDataclass, kw_only=True):
    """What rows that people keep have in common: whose they are, their version, do they stand."""

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    made_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    changed_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class EvidencedRow(MappedAsDataclass, kw_only=True):
    """What a statement rests on: an item, a capture of it, or a note on where it comes from."""

    evidence_item_id: Mapped[str | None] = mapped_column(
        ForeignKey("item.id"), default=None, index=True
    )
    evidence_capture_id: Mapped[str | None] = mapped_column(ForeignKey("capture.id"), default=None)
    provenance: Mapped[str] = mapped_column(Text, default="")


class RegistryEntry(KeptRow, EvidencedRow, Base, kw_only=True, eq=False):
    """An account, an entity or a work. `merged_into_id` follows from the judgements."""

    __tablename__ = "registry_entry"
    __logged__ = True
    __table_args__ = (Index("ix_registry_entry_project_id_kind", "project_id", "kind"),)

    kind: Mapped[EntryKind] = mapped_column(word(EntryKind))
    label: Mapped[str] = mapped_column(String(300))  # the name it is shown by
    category: Mapped[str] = mapped_column(String(120), default="")  # "state-media outlet", "film"
    platform: Mapped[str] = mapped_column(String(80), default="")  # of an account
    handle: Mapped[str] = mapped_column(HANDLE, default="")  # of an account, as it is now; no @
    address: Mapped[str] = mapped_column(ADDRESS, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    merged_into_id: Mapped[str | None] = mapped_column(
        ForeignKey("registry_entry.id"), default=None, index=True
    )


class RegistryName(KeptRow, EvidencedRow, Base, kw_only=True, eq=False):
    """A name of an entry in one language and script."""

    __tablename__ = "registry_name"
    __logged__ = True

    entry_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    kind: Mapped[NameKind] = mapped_column(word(NameKind))
    language: Mapped[str] = mapped_column(String(35), default="")  # BCP 47, with script if need be


class HandleUse(KeptRow, EvidencedRow, Base, kw_only=True, eq=False):
    """A handle an account has had, and from when to when; both days included."""

    __tablename__ = "handle_use"
    __logged__ = True

    entry_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), index=True)
    handle: Mapped[str] = mapped_column(HANDLE)
    valid_from: Mapped[date | None] = mapped_column(default=None)
    valid_to: Mapped[date | None] = mapped_column(default=None)


class Assertion(KeptRow, EvidencedRow, Base, kw_only=True, eq=False):
    """A dated statement about an entry, with its basis, its evidence, and who disputes it."""

    __tablename__ = "assertion"
    __logged__ = True
    __table_args__ = (CheckConstraint(EVIDENCED, name="evidenced"),)

    entry_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), index=True)
    property: Mapped[str] = mapped_column(String(120))  # "state-controlled"
    value: Mapped[str] = mapped_column(String(300))  # "yes"
    basis: Mapped[str] = mapped_column(String(300))  # "ownership"
    valid_from: Mapped[date | None] = mapped_column(default=None)  # inclusive; None: ever before
    valid_to: Mapped[date | None] = mapped_column(default=None)  # inclusive; None: until now
    disputed_by: Mapped[str] = mapped_column(Text, default="")


class RelationType(KeptRow, Base, kw_only=True, eq=False):
    """A kind of relation the project added to those every project has."""

    __tablename__ = "relation_type"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    key: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(120))  # read from the subject to the object
    inverse: Mapped[str] = mapped_column(String(120))  # read from the object to the subject
    subject: Mapped[str] = mapped_column(String(20))  # item, account, entity or work
    object: Mapped[str] = mapped_column(String(20))


class Relation(KeptRow, EvidencedRow, Base, kw_only=True, eq=False):
    """A typed relation from an item or entry to an entry or item, with evidence and its time."""

    __tablename__ = "relation"
    __logged__ = True
    __table_args__ = (
        CheckConstraint(EVIDENCED, name="evidenced"),
        CheckConstraint("(subject_item_id IS NULL) <> (subject_entry_id IS NULL)", name="subject"),
        CheckConstraint("(object_item_id IS NULL) <> (object_entry_id IS NULL)", name="object"),
    )

    type: Mapped[str] = mapped_column(String(60))  # a key
    subject_item_id: Mapped[str | None] = mapped_column(
        ForeignKey("item.id"), default=None, index=True
    )
    subject_entry_id: Mapped[str | None] = mapped_column(
        ForeignKey("registry_entry.id"), default=None, index=True
    )
    object_item_id: Mapped[str | None] = mapped_column(
        ForeignKey("item.id"), default=None, index=True
    )
    object_entry_id: Mapped[str | None] = mapped_column(
        ForeignKey("registry_entry.id"), default=None, index=True
    )
    quote: Mapped[str] = mapped_column(Text, default="")  # words of the evidence that show it
    valid_from: Mapped[date | None] = mapped_column(default=None)
    valid_to: Mapped[date | None] = mapped_column(default=None)


class EntryJudgement(KeptRow, Base, kw_only=True, eq=False):
    """A person's word that two entries are, or are not, one; taken back, never deleted."""

    __tablename__ = "entry_judgement"
    __logged__ = True

    entry_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), index=True)
    into_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), index=True)
    judgement: Mapped[Judgement] = mapped_column(word(Judgement))
    reason: Mapped[str] = mapped_column(Text, default="")


class EntryTrace(Base, kw_only=True, eq=False):
    """Which events are about an entry: the way from the entry to its history."""

    __tablename__ = "entry_trace"

    entry_id: Mapped[str] = mapped_column(ForeignKey("registry_entry.id"), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True, init=False)
    event: Mapped[Event] = relationship(lazy="raise")
