"""The one stream of events, in the two layers of integrity.md §2."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word

INSTANCE_LEDGER = "instance"


class EventKind(StrEnum):
    """What happened, as `subject:act`."""

    USER_CREATE = "user:create"
    USER_CHANGE = "user:change"
    USER_SIGN_IN = "user:sign-in"
    API_TOKEN_CREATE = "api-token:create"
    API_TOKEN_REVOKE = "api-token:revoke"
    PROJECT_CREATE = "project:create"
    PROJECT_CHANGE = "project:change"
    MEMBER_ADD = "member:add"
    MEMBER_CHANGE = "member:change"
    MEMBER_CHOOSE_PICTURES = "member:choose-pictures"
    MEMBER_REMOVE = "member:remove"
    FIELD_DEFINE = "field:define"
    ITEM_CREATE = "item:create"
    ITEM_MARK_SENSITIVE = "item:mark-sensitive"
    ITEM_UNMARK_SENSITIVE = "item:unmark-sensitive"
    ITEM_SAME = "item:judge-same"
    ITEM_UNSAME = "item:undo-judgement"
    ITEM_SCREEN = "item:screen"
    SCREENING_DO = "screening:do"
    SCREENING_UNDO = "screening:undo"
    REQUEST_CREATE = "request:create"
    REQUEST_START = "request:start"
    REQUEST_RETRY = "request:retry"
    REQUEST_CANCEL = "request:cancel"
    REQUEST_FINISH = "request:finish"
    REQUEST_CHANGE = "request:change"
    REQUEST_ANSWER = "request:answer"
    QUEUE_PAUSE = "queue:pause"
    QUEUE_RESUME = "queue:resume"
    ITEM_OBSERVE = "item:observe"
    WATCH_CREATE = "watch:create"
    WATCH_CHANGE = "watch:change"
    WATCH_RUN = "watch:run"
    CAPTURE_STORE = "capture:store"
    CAPTURE_READ_AGAIN = "capture:read-again"
    CAPTURE_CHECK_REPLAY = "capture:check-replay"
    CAPTURE_IMPORT = "capture:import"
    FILE_RECEIVE = "file:receive"
    FILE_READ = "file:read"
    FILE_CONFIRM = "file:confirm"
    FILE_DISCARD = "file:discard"
    FILE_IMPORT = "file:import"
    FILE_REFUSE = "file:refuse"
    FIXITY_RUN = "fixity:run"
    LIST_IMPORT = "list:import"
    VALUE_SET = "value:set"
    VALUE_CHECK = "value:check"
    TAG_CREATE = "tag:create"
    TAG_ADD = "tag:add"
    TAG_REMOVE = "tag:remove"
    BULK_DO = "bulk:do"
    BULK_UNDO = "bulk:undo"
    NOTE_CREATE = "note:create"
    NOTE_EDIT = "note:edit"
    NOTE_WITHDRAW = "note:withdraw"
    NOTE_RESTORE = "note:restore"
    COMMENT_CREATE = "comment:create"
    COMMENT_EDIT = "comment:edit"
    COMMENT_WITHDRAW = "comment:withdraw"
    COMMENT_RESTORE = "comment:restore"
    COMMENT_RESOLVE = "comment:resolve"
    COMMENT_REOPEN = "comment:reopen"
    MEMO_CREATE = "memo:create"
    MEMO_EDIT = "memo:edit"
    MEMO_LINK = "memo:link"
    MEMO_UNLINK = "memo:unlink"
    MEMO_WITHDRAW = "memo:withdraw"
    MEMO_RESTORE = "memo:restore"
    ANNOTATION_CREATE = "annotation:create"
    ANNOTATION_EDIT = "annotation:edit"
    ANNOTATION_WITHDRAW = "annotation:withdraw"
    ANNOTATION_RESTORE = "annotation:restore"
    ANNOTATION_LEAVE = "annotation:leave"
    CODEBOOK_CREATE = "codebook:create"
    CODEBOOK_CHANGE = "codebook:change"
    CODEBOOK_FREEZE = "codebook:freeze"
    CODEBOOK_DISCARD = "codebook:discard"
    ROUND_OPEN = "round:open"
    ROUND_REVEAL = "round:reveal"
    ROUND_WITHDRAW = "round:withdraw"
    ASSIGNMENT_HAND = "assignment:hand"
    ASSIGNMENT_ABANDON = "assignment:abandon"
    ASSIGNMENT_PASS = "assignment:pass"
    ASSIGNMENT_RETURN = "assignment:return"
    CODING_SUBMIT = "coding:submit"
    DECISION_MAKE = "decision:make"
    CODING_IMPORT = "coding:import"
    CODING_IMPORT_UNDO = "coding:undo-import"
    EGRESS_SET = "egress:set"
    EGRESS_CLEAR = "egress:clear"
    SESSION_ADD = "capture-session:add"
    SESSION_DELETE = "capture-session:delete"
    EXPORT_MAKE = "export:make"
    SEARCH_SAVE = "search:save"
    SEARCH_REMOVE = "search:remove"
    SEARCH_RESTORE = "search:restore"
    ENTRY_CREATE = "registry-entry:create"
    ENTRY_CHANGE = "registry-entry:change"
    ENTRY_JUDGE = "registry-entry:judge-same"
    ENTRY_UNJUDGE = "registry-entry:undo-judgement"
    ENTRY_IMPORT = "registry-entry:import"
    NAME_CREATE = "registry-name:create"
    NAME_CHANGE = "registry-name:change"
    HANDLE_CREATE = "handle:create"
    HANDLE_CHANGE = "handle:change"
    ASSERTION_CREATE = "assertion:create"
    ASSERTION_CHANGE = "assertion:change"
    RELATION_TYPE_CREATE = "relation-type:create"
    RELATION_TYPE_CHANGE = "relation-type:change"
    RELATION_CREATE = "relation:create"
    RELATION_CHANGE = "relation:change"
    SWEEP_CREATE = "sweep:create"
    SWEEP_CHANGE = "sweep:change"
    SWEEP_FIND = "sweep:find"
    SWEEP_UNFIND = "sweep:take-off"
    VALUE_DECIDE = "value:decide"
    VALUE_UNDECIDE = "value:undo-decision"


class Event(Base, kw_only=True, eq=False):
    """One act: private document, opaque leaf, and its place in its ledger.

    `id` is the position in the one feed that index, open pages and the ledger follow; `n` is
    the 0-based leaf index within `ledger`, gap-free. `document` is one line of RFC 8785 JSON,
    `digest` its SHA-256 in hex, without a final newline (decisions 20).
    """

    __tablename__ = "event"
    __logged__ = False  # it is the log
    __table_args__ = (
        UniqueConstraint("ledger", "n"),
        Index("ix_event_item_id_id", "item_id", "id"),
        Index("ix_event_ledger_id", "ledger", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ledger: Mapped[str] = mapped_column(String(36))  # a project's id, or "instance"
    n: Mapped[int]
    at: Mapped[datetime]
    # Not listed by the database: a new kind must not mean copying the log.
    kind: Mapped[EventKind] = mapped_column(word(EventKind, listed=False))
    actor: Mapped[str] = mapped_column(String(40))  # a pseudonym
    item_id: Mapped[str | None] = mapped_column(ForeignKey("item.id"), default=None)
    operation_id: Mapped[str | None] = mapped_column(IDENTIFIER, default=None, index=True)
    document: Mapped[str] = mapped_column(Text, default="")
    leaf: Mapped[str] = mapped_column(Text, default="")
    # No two are alike, so that thousands are inserted by one statement and still told apart.
    digest: Mapped[str] = mapped_column(String(64), insert_sentinel=True)
