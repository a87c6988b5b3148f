"""Evidence: what was asked for, what was captured, and the items it shows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from annotate.models.watching import ObservedState
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.identifiers import uuid7
from archive.importing.found import Basis, PageKind
from archive.verdict import VerdictWord

ADDRESS = String(8000)


class RequestState(StrEnum):
    """Where a capture request stands; each request is in exactly one."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class Purpose(StrEnum):
    """What a visit is for."""

    CAPTURE = "capture"
    """To keep what is there."""
    OBSERVE = "observe"
    """To see whether it is still there; kept only where it is not as it was."""
    RECAPTURE = "recapture"
    """To see whether it is still there, and to keep it in any case beside what the item shows."""


class ImportState(StrEnum):
    """Where the import of one file stands."""

    WAITING = "waiting"
    """Kept, and to be read."""
    FOUND = "found"
    """Read; a person is to say what of it becomes items."""
    TAKING = "taking"
    """Confirmed, and being carried out."""
    IMPORTED = "imported"
    REFUSED = "refused"
    DISCARDED = "discarded"
    """A person wanted nothing of it."""


class Judgement(StrEnum):
    """Whether two addresses show the same item."""

    SAME = "same"
    NOT_SAME = "not same"
    UNSURE = "unsure"


class Item(Base, kw_only=True, eq=False):
    """One address in one project (decisions 7); tags, notes and fields hang on it."""

    __tablename__ = "item"
    __logged__ = True
    __table_args__ = (
        UniqueConstraint("project_id", "address"),
        Index("ix_item_project_id_created_at_id", "project_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    address: Mapped[str] = mapped_column(ADDRESS)
    surt: Mapped[str] = mapped_column(ADDRESS, default="")
    host: Mapped[str] = mapped_column(String(255), default="", index=True)
    ledger_tag: Mapped[str] = mapped_column(String(32))  # random 128 bits, hex: names it in leaves
    title: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str | None] = mapped_column(String(12), default=None)
    latest_capture_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)
    latest_outcome: Mapped[Outcome | None] = mapped_column(word(Outcome), default=None)
    latest_captured_at: Mapped[datetime | None] = mapped_column(default=None)
    observed_state: Mapped[ObservedState | None] = mapped_column(
        word(ObservedState, listed=False), default=None
    )  # what the last visit after the first good capture found
    observed_at: Mapped[datetime | None] = mapped_column(default=None)
    same_as_id: Mapped[str | None] = mapped_column(
        ForeignKey("item.id"), default=None, index=True
    )  # derived from the judgements: the item that counts for this one
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    row_version: Mapped[int] = mapped_column(default=1)


class CaptureRequest(Base, kw_only=True, eq=False):
    """A wish to capture one address, and what became of it."""

    __tablename__ = "capture_request"
    __logged__ = True
    __table_args__ = (
        Index(
            "ix_capture_request_next",
            *("state", "requested_by", "host", "project_id", "not_before", "priority", "id"),
        ),
        Index("ix_capture_request_project_id_state_outcome", "project_id", "state", "outcome"),
        Index("ix_capture_request_project_id_finished_at", "project_id", "finished_at"),
        Index("ix_capture_request_requested_by_started_at", "requested_by", "started_at"),
    )

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    address: Mapped[str] = mapped_column(ADDRESS)
    host: Mapped[str] = mapped_column(String(255), default="")  # who is to be spared
    purpose: Mapped[Purpose] = mapped_column(word(Purpose, listed=False), default=Purpose.CAPTURE)
    engine: Mapped[str] = mapped_column(String(20), default="auto")
    why: Mapped[str] = mapped_column(Text, default="")  # the person's reason for asking
    requested_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    requested_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    priority: Mapped[int] = mapped_column(default=100)  # smaller goes first
    state: Mapped[RequestState] = mapped_column(word(RequestState), default=RequestState.WAITING)
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome), default=None)
    reason: Mapped[str] = mapped_column(Text, default="")  # of the outcome, in words
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(default=None)  # back-off, spreading
    started_at: Mapped[datetime | None] = mapped_column(default=None)  # of the last attempt
    finished_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    capture_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)
    answered_by: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # an imported file
    session_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # whose cookies
    media: Mapped[bool] = mapped_column(default=False)  # films and sound too


class RequestAttempt(Base, kw_only=True, eq=False):
    """One try at a request, and how it ended; a try that is running has no end yet."""

    __tablename__ = "request_attempt"
    __logged__ = True

    request_id: Mapped[str] = mapped_column(ForeignKey("capture_request.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1; goes on after "again"
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome, listed=False), default=None)
    reason: Mapped[str] = mapped_column(Text, default="")
    capture_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # what was stored
    again_at: Mapped[datetime | None] = mapped_column(default=None)  # when the next try was due


class QueuePause(Base, kw_only=True, eq=False):
    """While it stands, no worker begins a request of its scope."""

    __tablename__ = "queue_pause"
    __logged__ = True

    scope: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True)  # a project, or "instance"
    reason: Mapped[str] = mapped_column(Text, default="")
    paused_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    paused_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class RequestLease(Base, kw_only=True, eq=False):
    """Which worker is carrying a request out; gone when it ended. Says nothing of evidence."""

    __tablename__ = "request_lease"

    request_id: Mapped[str] = mapped_column(ForeignKey("capture_request.id"), primary_key=True)
    worker: Mapped[str] = mapped_column(String(80))
    process_id: Mapped[int]
    process_started: Mapped[int] = mapped_column(
        BigInteger
    )  # clock ticks since boot: tells pids apart
    host: Mapped[str] = mapped_column(String(255), index=True)
    capture_id: Mapped[str] = mapped_column(IDENTIFIER)
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class WarcFile(Base, kw_only=True, eq=False):
    """One WARC of the home: written by a capture, or imported."""

    __tablename__ = "warc_file"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    import_id: Mapped[str | None] = mapped_column(
        ForeignKey("import_file.id"), default=None, index=True
    )
    name: Mapped[str] = mapped_column(String(1000))
    path: Mapped[str] = mapped_column(String(1000))  # relative to the home
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[str] = mapped_column(String(64), index=True)  # hex, of the whole file
    records: Mapped[int]
    verdict: Mapped[VerdictWord] = mapped_column(word(VerdictWord))
    faults: Mapped[int] = mapped_column(default=0)


class Record(Base, kw_only=True, eq=False):
    """One record of a WARC written here, as its writer listed it."""

    __tablename__ = "record"
    __logged__ = True

    warc_file_id: Mapped[str] = mapped_column(ForeignKey("warc_file.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # 0-based, in file order
    record_id: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    target: Mapped[str | None] = mapped_column(ADDRESS, default=None, index=True)
    offset: Mapped[int] = mapped_column(BigInteger)
    length: Mapped[int] = mapped_column(BigInteger)
    block_digest: Mapped[str | None] = mapped_column(String(80), default=None)
    payload_digest: Mapped[str | None] = mapped_column(String(80), default=None, index=True)
    dated_at: Mapped[datetime | None] = mapped_column(default=None)  # WARC-Date, of imports


class Capture(Base, kw_only=True, eq=False):
    """One fetch of one address, by us or by whoever made an imported file."""

    __tablename__ = "capture"
    __logged__ = True
    __table_args__ = (Index("ix_capture_item_id_captured_at", "item_id", "captured_at"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"))
    request_id: Mapped[str | None] = mapped_column(ForeignKey("capture_request.id"), default=None)
    warc_file_id: Mapped[str | None] = mapped_column(
        ForeignKey("warc_file.id"), default=None, index=True
    )
    address: Mapped[str] = mapped_column(ADDRESS)
    final_address: Mapped[str | None] = mapped_column(ADDRESS, default=None)
    outcome: Mapped[Outcome] = mapped_column(word(Outcome))
    reason: Mapped[str] = mapped_column(Text, default="")
    http_status: Mapped[int | None] = mapped_column(default=None)
    captured_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    engine: Mapped[str] = mapped_column(String(40))
    software: Mapped[str] = mapped_column(String(300), default="")
    operator_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
    main_offset: Mapped[int | None] = mapped_column(BigInteger, default=None)
    main_length: Mapped[int | None] = mapped_column(BigInteger, default=None)
    main_record_id: Mapped[str | None] = mapped_column(String(200), default=None)
    payload_digest: Mapped[str | None] = mapped_column(String(80), default=None)
    body_sha256: Mapped[str | None] = mapped_column(String(64), default=None)  # own words of a page
    screenshot_record_id: Mapped[str | None] = mapped_column(String(200), default=None)
    title: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str | None] = mapped_column(String(12), default=None)  # detected
    language_claimed: Mapped[str | None] = mapped_column(String(35), default=None)
    facts: Mapped[str] = mapped_column(Text, default="{}")  # canonical JSON of PageFacts
    has_thumbnail: Mapped[bool] = mapped_column(default=False)
    session_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)  # whose cookies
    media_files: Mapped[int | None] = mapped_column(default=None)  # None: not asked for
    replay_similarity: Mapped[int | None] = mapped_column(default=None)  # of text, in 1/1000
    replay_missing: Mapped[int | None] = mapped_column(default=None)  # parts of the static view
    replay_check: Mapped[str] = mapped_column(Text, default="")  # JSON of the replay check
    # What address and time rest on; for imports, also what the file itself claimed.
    address_basis: Mapped[Basis] = mapped_column(word(Basis, listed=False), default=Basis.CAPTURED)
    time_basis: Mapped[Basis] = mapped_column(word(Basis, listed=False), default=Basis.CAPTURED)
    address_claimed: Mapped[str | None] = mapped_column(ADDRESS, default=None)
    time_claimed: Mapped[str | None] = mapped_column(String(80), default=None)


class ImportFile(Base, kw_only=True, eq=False):
    """One file a person brought in; refused ones stay listed with their reason."""

    __tablename__ = "import_file"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    name: Mapped[str] = mapped_column(String(1000))
    kind: Mapped[str] = mapped_column(String(20))  # a FileKind, "" until it is read
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[ImportState] = mapped_column(word(ImportState, listed=False))
    verdict: Mapped[VerdictWord | None] = mapped_column(word(VerdictWord), default=None)
    reason: Mapped[str] = mapped_column(Text, default="")
    records: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int] = mapped_column(default=0)
    imported_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    imported_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    writer: Mapped[str] = mapped_column(String(300), default="")  # as the file claims
    remarks: Mapped[str] = mapped_column(Text, default="[]")  # JSON: what it lacks, how it was read
    note: Mapped[str] = mapped_column(Text, default="")  # the person's, kept with each item
    found: Mapped[int] = mapped_column(default=0)  # pages in it; `pages` of them were taken
    container_id: Mapped[str | None] = mapped_column(
        ForeignKey("import_file.id"), default=None
    )  # the ZIP it came in


class ImportPage(Base, kw_only=True, eq=False):
    """Something found in a file, before and after a person says what becomes of it.

    Not logged: it says nothing until it is confirmed, and then the events say it.
    """

    __tablename__ = "import_page"
    __table_args__ = (UniqueConstraint("import_id", "position"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    import_id: Mapped[str] = mapped_column(ForeignKey("import_file.id"))
    position: Mapped[int]  # 0-based, in the order of the reading
    kind: Mapped[PageKind] = mapped_column(word(PageKind, listed=False))
    title: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[Outcome] = mapped_column(word(Outcome, listed=False))
    reason: Mapped[str] = mapped_column(Text, default="")
    address_claimed: Mapped[str | None] = mapped_column(ADDRESS, default=None)
    address_basis: Mapped[Basis] = mapped_column(word(Basis, listed=False))
    address_from: Mapped[str] = mapped_column(String(200), default="")  # where the file says it
    time_claimed: Mapped[datetime | None] = mapped_column(default=None)
    time_basis: Mapped[Basis] = mapped_column(word(Basis, listed=False))
    redirected_from: Mapped[str] = mapped_column(Text, default="[]")  # JSON: addresses
    ticked: Mapped[bool] = mapped_column(default=True)
    address: Mapped[str] = mapped_column(ADDRESS, default="")  # as it is to be
    taken_at: Mapped[str] = mapped_column(String(80), default="")  # time as a person wrote it
    note: Mapped[str] = mapped_column(Text, default="")
    capture_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None)


class SameItemJudgement(Base, kw_only=True, eq=False):
    """A person's word that two items are, or are not, the same; undone, never deleted."""

    __tablename__ = "same_item_judgement"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    same_as_id: Mapped[str] = mapped_column(ForeignKey("item.id"), index=True)
    judgement: Mapped[Judgement] = mapped_column(word(Judgement))
    reason: Mapped[str] = mapped_column(Text, default="")
    judged_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    judged_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"), default=None)
