"""Coding: codebooks and their versions, rounds, what each coder answered, what was decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class VersionState(StrEnum):
    """Whether a codebook version can still be edited."""

    DRAFT = "draft"
    FROZEN = "frozen"


class RoundState(StrEnum):
    """Whether coders of a round may see one another's answers."""

    BLIND = "blind"
    REVEALED = "revealed"
    WITHDRAWN = "withdrawn"
    """Opened by mistake: it counts nowhere, and nobody answered anything in it."""


class Basis(StrEnum):
    """What a final answer rests on."""

    AGREED = "agreed"
    ADJUDICATED = "adjudicated"
    SINGLE = "one coder"


class StudyCodebook(Base, kw_only=True, eq=False):
    """An instrument of a project; what it asks stands in its versions."""

    __tablename__ = "codebook"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class CodebookVersion(Base, kw_only=True, eq=False):
    """One version, as one document. A frozen one never changes: a trigger refuses it too."""

    __tablename__ = "codebook_version"
    __logged__ = True
    __table_args__ = (UniqueConstraint("codebook_id", "number"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    codebook_id: Mapped[str] = mapped_column(ForeignKey("codebook.id"))
    number: Mapped[int]  # 1-based
    document: Mapped[str] = mapped_column(Text)  # annotate/instrument/codebook.py
    state: Mapped[VersionState] = mapped_column(word(VersionState), default=VersionState.DRAFT)
    digest: Mapped[str | None] = mapped_column(String(64), default=None)  # hex, once frozen
    reason: Mapped[str] = mapped_column(Text, default="")  # why this version was begun
    changed_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    frozen_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    frozen_at: Mapped[datetime | None] = mapped_column(default=None)
    row_version: Mapped[int] = mapped_column(default=1)


class CodingRound(Base, kw_only=True, eq=False):
    """A planned pass of coders over a sample of items, blind until it is revealed."""

    __tablename__ = "coding_round"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(String(200))
    version_id: Mapped[str] = mapped_column(ForeignKey("codebook_version.id"))
    state: Mapped[RoundState] = mapped_column(
        word(RoundState, listed=False), default=RoundState.BLIND
    )
    query: Mapped[str] = mapped_column(Text)  # what was sampled from, in the query language
    population: Mapped[int]  # items the query found then
    seed: Mapped[int]
    strata_field: Mapped[str] = mapped_column(String(60), default="")
    coders_per_unit: Mapped[int]
    dynamic: Mapped[bool] = mapped_column(default=False)  # handed to whoever asks next
    patience: Mapped[int] = mapped_column(default=0)  # minutes until an untouched unit is let go
    repeats: Mapped[int] = mapped_column(default=0)  # percent of a coder's units that come again
    recodes: Mapped[str] = mapped_column(Text, default="")  # keys of steps, a line each
    opened_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    revealed_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    revealed_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_why: Mapped[str] = mapped_column(Text, default="")


class RoundCoder(Base, kw_only=True, eq=False):
    """That the units of a round are handed to somebody as they ask."""

    __tablename__ = "round_coder"
    __logged__ = True

    round_id: Mapped[str] = mapped_column(ForeignKey("coding_round.id"), primary_key=True)
    coder_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)


class RoundUnit(Base, kw_only=True, eq=False):
    """An item of a round, with the capture everybody codes from."""

    __tablename__ = "round_unit"
    __logged__ = True

    round_id: Mapped[str] = mapped_column(ForeignKey("coding_round.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), primary_key=True)
    position: Mapped[int]  # 0-based, in sampling order
    capture_id: Mapped[str | None] = mapped_column(ForeignKey("capture.id"), default=None)


class Assignment(Base, kw_only=True, eq=False):
    """That somebody codes an item in a round; `version` 0 until they have submitted.

    One with `again` is a hidden repeat: the same coder meets the item once more, to be compared
    with themselves; it counts nowhere else.
    """

    __tablename__ = "assignment"
    __logged__ = True
    __table_args__ = (
        UniqueConstraint("round_id", "item_id", "coder_id", "again"),
        Index("ix_assignment_coder_id_round_id_position", "coder_id", "round_id", "position"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    round_id: Mapped[str] = mapped_column(ForeignKey("coding_round.id"))
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    coder_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    position: Mapped[int]  # 0-based, in this coder's own order
    version: Mapped[int] = mapped_column(default=0)
    again: Mapped[bool] = mapped_column(default=False)
    handed_at: Mapped[datetime | None] = mapped_column(default=None)  # None: when it was opened
    abandoned_at: Mapped[datetime | None] = mapped_column(default=None)


class CodingAnswer(Base, kw_only=True, eq=False):
    """One submission of a coder: never changed; a correction is the next version.

    The event of a submission holds `commitment` only, the SHA-256 of nonce and answers, so
    that nothing can be read from the log before the reveal, and nothing changed after.
    """

    __tablename__ = "coding_answer"
    __logged__ = True

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # 1-based
    answers: Mapped[str] = mapped_column(Text)  # annotate/instrument/answers.py
    selectors: Mapped[str] = mapped_column(Text, default="{}")  # JSON, by variable
    seconds: Mapped[int]  # spent on the form, as the page counted them
    nonce: Mapped[str] = mapped_column(String(64))
    commitment: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class CodingDraft(Base, kw_only=True, eq=False):
    """What a coder has typed and not submitted. No evidence: replaced with each key press."""

    __tablename__ = "coding_draft"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    answers: Mapped[str] = mapped_column(Text)
    seconds: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Decision(Base, kw_only=True, eq=False):
    """What was settled about one variable of one unit; a later one replaces an earlier."""

    __tablename__ = "decision"
    __logged__ = True
    __table_args__ = (Index("ix_decision_round_id_item_id", "round_id", "item_id"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    round_id: Mapped[str] = mapped_column(ForeignKey("coding_round.id"))
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    variable: Mapped[str] = mapped_column(String(60))
    answer: Mapped[str] = mapped_column(Text)
    selectors: Mapped[str] = mapped_column(Text, default="{}")  # JSON, of the answer's evidence
    rationale: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    coded_it: Mapped[bool]  # the one who decided was one of its coders


class FinalAnswer(Base, kw_only=True, eq=False):
    """One value of a final answer, derived from answers and decisions of a revealed round.

    It answers `code:` in searches and counts; made anew at each reveal and decision.
    """

    __tablename__ = "final_answer"
    __table_args__ = (Index("ix_final_answer_item_id_variable", "item_id", "variable"),)

    round_id: Mapped[str] = mapped_column(ForeignKey("coding_round.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), primary_key=True)
    variable: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)  # or the missing kind in brackets
    basis: Mapped[Basis] = mapped_column(word(Basis))
