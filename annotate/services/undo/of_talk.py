"""How what was written is taken back: notes, highlights, comments, memos, saved searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from annotate.models import (
    Annotation,
    Comment,
    Event,
    EventKind,
    Item,
    Memo,
    MemoLink,
    Note,
    SavedSearch,
)
from annotate.services.live import Happening
from annotate.services.undo.form import Finder, Undo


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


def _annotation_words(session: Session, _event: Event, one: Happening) -> Undo | None:
    key = str(one.body.get("annotation", ""))
    held = session.scalar(select(Annotation).where(Annotation.id == key))
    if held is None or held.withdrawn_at is not None or not isinstance(one.before, dict):
        return None
    if not isinstance(one.after, dict) or held.body != one.after.get("body"):
        return None
    form = {"body": str(one.before.get("body", "")), "version": str(held.row_version)}
    return Undo("highlights.edit", {"annotation_id": held.id}, form)


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


def _comment_text(session: Session, _event: Event, one: Happening) -> Undo | None:
    held = session.scalar(select(Comment).where(Comment.id == str(one.body.get("comment", ""))))
    if held is None or held.withdrawn_at is not None or held.text != one.after:
        return None
    form = {"act": "edit", "text": str(one.before), "version": str(held.row_version)}
    return Undo("comments.change", {"comment_id": held.id}, form)


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


def _memo_link(session: Session, _event: Event, one: Happening) -> Undo | None:
    about = str(one.body.get("about", ""))
    query = select(MemoLink).where(
        MemoLink.memo_id == str(one.body.get("memo", "")),
        or_(MemoLink.item_id == about, MemoLink.codebook_id == about),
        MemoLink.part == str(one.body.get("part", "")),
    )
    held = session.scalar(query)
    return Undo("memos.link", {"memo_id": held.memo_id}, {"remove": held.id}) if held else None


def _memo_unlinked(session: Session, event: Event, one: Happening) -> Undo | None:
    memo = session.scalar(select(Memo).where(Memo.id == str(one.body.get("memo", ""))))
    if memo is None or _memo_link(session, event, one) is not None:
        return None
    about = str(one.body.get("about", ""))
    item = session.get(Item, about)
    if item is not None:
        return Undo("memos.link", {"memo_id": memo.id}, {"address": item.address})
    form = {"codebook": about, "part": str(one.body.get("part", ""))}
    return Undo("memos.link", {"memo_id": memo.id}, form)


def _search(*, back: bool) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        held = session.get(SavedSearch, str(one.body.get("search", "")))
        if held is None or (held.removed_at is not None) != back:
            return None
        endpoint = "library.saved.restore" if back else "library.saved.remove"
        return Undo(endpoint, {"saved_id": held.id})

    return find


FINDERS: Final[Mapping[EventKind, Finder]] = {
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
    EventKind.COMMENT_EDIT: _comment_text,
    EventKind.ANNOTATION_EDIT: _annotation_words,
    EventKind.MEMO_LINK: _memo_link,
    EventKind.MEMO_UNLINK: _memo_unlinked,
}
