"""How one's own acts are taken back: for each kind of event, the form that does it.

Given only while the act still stands; what others did since is theirs, and stays. The form goes
to the door that serves the act itself, which checks everything once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import (
    Annotation,
    BulkOperation,
    Comment,
    Event,
    EventKind,
    ItemTag,
    Memo,
    Note,
    SameItemJudgement,
    SavedSearch,
    Screening,
    ScreeningOperation,
    StudyField,
)
from annotate.services import fields, sensitive
from annotate.services.live import Happening


@dataclass(frozen=True, slots=True)
class Undo:
    """The form that takes an act back: an endpoint, its arguments, and what the form sends."""

    endpoint: str
    arguments: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)


Finder = Callable[[Session, Event, Happening], Undo | None]


def undo_of(session: Session, event: Event, one: Happening) -> Undo | None:
    """Return how an act is taken back, if it still stands and something can."""
    finder = _FINDERS.get(event.kind)
    return finder(session, event, one) if finder is not None else None


def _tag_off(session: Session, event: Event, one: Happening) -> Undo | None:
    tag_id = str(one.body.get("tag", ""))
    if event.operation_id or session.get(ItemTag, (event.item_id, tag_id)) is None:
        return None
    return Undo("items.remove_tag", {"item_id": event.item_id or "", "tag_id": tag_id})


def _tag_on(session: Session, event: Event, one: Happening) -> Undo | None:
    tag_id = str(one.body.get("tag", ""))
    if event.operation_id or session.get(ItemTag, (event.item_id, tag_id)) is not None:
        return None
    form = {"tag": str(one.body.get("name", ""))}
    return Undo("items.add_tag", {"item_id": event.item_id or ""}, form)


def _bulk(session: Session, event: Event, _one: Happening) -> Undo | None:
    held = session.get(BulkOperation, event.operation_id) if event.operation_id else None
    if held is None or held.undone_at is not None:
        return None
    return Undo("library.undo", {"operation_id": held.id})


def _screened_many(session: Session, event: Event, _one: Happening) -> Undo | None:
    held = session.get(ScreeningOperation, event.operation_id) if event.operation_id else None
    if held is None or held.undone_by_id is not None:
        return None
    return Undo("screening.undo", {"operation_id": held.id})


def _screened(session: Session, event: Event, one: Happening) -> Undo | None:
    """Say again what stood before, if what was said then stands still."""
    held = session.get(Screening, event.item_id)
    if event.operation_id or held is None or not isinstance(one.before, str):
        return None
    verdict = held.verdict.value if held.verdict is not None else "undecided"
    if one.after != (f"{verdict}: {held.reason}" if held.reason else verdict):
        return None
    before, _, reason = one.before.partition(": ")
    form = {"verdict": before, "reason": reason, "version": str(held.row_version)}
    return Undo("screening.save_one", {"item_id": held.item_id}, form)


def _unmark(session: Session, event: Event, _one: Happening) -> Undo | None:
    item_id = event.item_id or ""
    if event.operation_id or not sensitive.among(session, [item_id]):
        return None
    return Undo("sensitive.unmark", {"item_id": item_id})


def _value(session: Session, event: Event, one: Happening) -> Undo | None:
    """Set one field back to what it was, if it still is what it was set to."""
    if not isinstance(one.after, dict) or len(one.after) != 1 or event.item_id is None:
        return None
    ((key, after),) = one.after.items()
    query = select(StudyField).where(StudyField.project_id == event.ledger, StudyField.key == key)
    held = session.scalar(query)
    if held is None or one.body.get("source") != "person":
        return None
    now = fields.values_of(session, [event.item_id])[event.item_id].get(held.id, [])
    if [value.raw for value in now] != after:
        return None
    form = {"value": "; ".join(one.before.get(key, [])), "version": fields.version_of(now)}
    return Undo("items.set_field", {"item_id": event.item_id, "key": key}, form)


def _same(session: Session, event: Event, one: Happening) -> Undo | None:
    query = select(SameItemJudgement.id).where(
        SameItemJudgement.item_id == event.item_id,
        SameItemJudgement.same_as_id == str(one.body.get("other", "")),
        SameItemJudgement.undone_at.is_(None),
    )
    found = session.scalar(query.order_by(SameItemJudgement.id.desc()).limit(1))
    return Undo("items.undo_judgement", {"judgement_id": found}) if found is not None else None


def _note(*, back: bool) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        held = session.scalar(select(Note).where(Note.id == str(one.body.get("note", ""))))
        if held is None or (held.withdrawn_at is not None) != back:
            return None
        return Undo("items.withdraw_note", {"note_id": held.id}, {"back": "yes" if back else "no"})

    return find


def _note_text(session: Session, _event: Event, one: Happening) -> Undo | None:
    held = session.scalar(select(Note).where(Note.id == str(one.body.get("note", ""))))
    if held is None or held.withdrawn_at is not None or held.text != one.after:
        return None
    form = {"text": str(one.before), "version": str(held.row_version)}
    return Undo("items.edit_note", {"note_id": held.id}, form)


def _mark_left(session: Session, _event: Event, one: Happening) -> Undo | None:
    key = str(one.body.get("annotation", ""))
    held = session.scalar(select(Annotation).where(Annotation.id == key))
    if held is None or held.left_at is None or held.withdrawn_at is not None:
        return None
    return Undo("highlights.leave", {"annotation_id": held.id})


def _annotation(act: str) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        key = str(one.body.get("annotation", ""))
        held = session.scalar(select(Annotation).where(Annotation.id == key))
        if held is None or (held.withdrawn_at is None) != (act == "withdraw"):
            return None
        return Undo("highlights.edit", {"annotation_id": held.id}, {"act": act})

    return find


def _comment(act: str) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        query = select(Comment).where(Comment.id == str(one.body.get("comment", "")))
        held = session.scalar(query)
        if held is None:
            return None
        stands = {
            "withdraw": held.withdrawn_at is None,
            "restore": held.withdrawn_at is not None,
            "reopen": held.resolved_at is not None,
            "resolve": held.resolved_at is None,
        }[act]
        return Undo("comments.change", {"comment_id": held.id}, {"act": act}) if stands else None

    return find


def _memo(act: str) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        held = session.scalar(select(Memo).where(Memo.id == str(one.body.get("memo", ""))))
        if held is None or (held.withdrawn_at is None) != (act == "withdraw"):
            return None
        return Undo("memos.change", {"memo_id": held.id}, {"act": act})

    return find


def _memo_text(session: Session, _event: Event, one: Happening) -> Undo | None:
    """An edit is taken back by making the version before it the newest, if none came since."""
    held = session.scalar(select(Memo).where(Memo.id == str(one.body.get("memo", ""))))
    number = int(one.body.get("version", 0))
    if held is None or held.withdrawn_at is not None or held.row_version != number:
        return None
    form = {"act": "restore", "number": str(number - 1), "version": str(number)}
    return Undo("memos.change", {"memo_id": held.id}, form)


def _search(*, back: bool) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        held = session.get(SavedSearch, str(one.body.get("search", "")))
        if held is None or (held.removed_at is not None) != back:
            return None
        endpoint = "library.saved.restore" if back else "library.saved.remove"
        return Undo(endpoint, {"saved_id": held.id})

    return find


_FINDERS: Final[Mapping[EventKind, Finder]] = {
    EventKind.TAG_ADD: _tag_off,
    EventKind.TAG_REMOVE: _tag_on,
    EventKind.BULK_DO: _bulk,
    EventKind.ITEM_SCREEN: _screened,
    EventKind.SCREENING_DO: _screened_many,
    EventKind.SCREENING_UNDO: _screened_many,
    EventKind.ITEM_MARK_SENSITIVE: _unmark,
    EventKind.ITEM_SAME: _same,
    EventKind.VALUE_SET: _value,
    EventKind.NOTE_CREATE: _note(back=False),
    EventKind.NOTE_EDIT: _note_text,
    EventKind.NOTE_WITHDRAW: _note(back=True),
    EventKind.NOTE_RESTORE: _note(back=False),
    EventKind.ANNOTATION_CREATE: _annotation("withdraw"),
    EventKind.ANNOTATION_WITHDRAW: _annotation("restore"),
    EventKind.ANNOTATION_RESTORE: _annotation("withdraw"),
    EventKind.ANNOTATION_LEAVE: _mark_left,
    EventKind.COMMENT_CREATE: _comment("withdraw"),
    EventKind.COMMENT_WITHDRAW: _comment("restore"),
    EventKind.COMMENT_RESTORE: _comment("withdraw"),
    EventKind.COMMENT_RESOLVE: _comment("reopen"),
    EventKind.COMMENT_REOPEN: _comment("resolve"),
    EventKind.MEMO_CREATE: _memo("withdraw"),
    EventKind.MEMO_WITHDRAW: _memo("back"),
    EventKind.MEMO_RESTORE: _memo("withdraw"),
    EventKind.MEMO_EDIT: _memo_text,
    EventKind.SEARCH_SAVE: _search(back=False),
    EventKind.SEARCH_REMOVE: _search(back=True),
    EventKind.SEARCH_RESTORE: _search(back=False),
}
