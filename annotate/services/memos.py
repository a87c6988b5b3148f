"""Memos of the project, with every version; linked to items and to variables and codes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    EventKind,
    Item,
    Memo,
    MemoDraft,
    MemoKind,
    MemoLink,
    MemoVersion,
    Project,
    StudyCodebook,
    User,
)
from archive.clock import utc_now

LONGEST: Final = 200_000  # characters of a memo
LONGEST_TITLE: Final = 300


@dataclass(frozen=True, slots=True)
class Linked:
    """What a memo is about: an item, or a variable or code."""

    link: MemoLink
    item: Item | None
    codebook: StudyCodebook | None


def create(
    session: Session, actor: Actor, project: Project, kind: MemoKind, title: str, text: str
) -> Memo:
    """Write a memo.

    :raises UsageError: it has no title, or is too long
    """
    title, text = _checked(title, text)
    memo = Memo(
        project_id=project.id,
        kind=kind,
        title=title,
        text=text,
        created_by=actor.user_id,
        changed_by=actor.user_id,
    )
    version = _version(memo, actor)
    session.add_all([memo, version])
    events.record(
        session,
        EventKind.MEMO_CREATE,
        actor=actor,
        covers=[memo, version],
        project_id=project.id,
        body={"memo": memo.id, "kind": kind.value, "name": title},
        after=text,
    )
    session.flush()
    return memo


def edit(
    session: Session,
    actor: Actor,
    project: Project,
    memo: Memo,
    title: str,
    text: str,
    *,
    seen: int,
) -> None:
    """Give a memo a new title and text; the old ones stay as a version.

    :param seen: the row version the writer began from
    :raises StaleSaveError: somebody saved in between; carries both texts. Keep yours with
        `keep_draft`
    :raises UsageError: it has no title, or is too long
    """
    title, text = _checked(title, text)
    if memo.row_version != seen:
        author = session.get(User, memo.changed_by)
        raise StaleSaveError(
            "This memo was changed while you were writing. Yours is kept as your draft: the "
            "memo's page shows it beside what stands now.",
            theirs=f"{memo.title}\n\n{memo.text}",
            yours=f"{title}\n\n{text}",
            version=memo.row_version,
            saved_by=author.display_name if author is not None else "",
        )
    drop_draft(session, actor, memo)
    if (title, text) == (memo.title, memo.text):
        return
    _write(session, actor, project, memo, title, text)


def restore(
    session: Session, actor: Actor, project: Project, memo: Memo, number: int, *, seen: int
) -> None:
    """Make an earlier version the newest again; nothing between is lost.

    :raises NotFoundError: the memo has no such version
    :raises StaleSaveError: somebody saved in between
    """
    held = session.scalar(
        select(MemoVersion).where(MemoVersion.memo_id == memo.id, MemoVersion.version == number)
    )
    if held is None:
        raise NotFoundError("This memo has no such version.")
    edit(session, actor, project, memo, held.title, held.text, seen=seen)


def withdraw(session: Session, actor: Actor, project: Project, memo: Memo, *, back: bool) -> None:
    """Withdraw a memo, or take that back. Its versions stay."""
    if (memo.withdrawn_at is None) == back:
        return
    memo.withdrawn_at = None if back else utc_now()
    events.record(
        session,
        EventKind.MEMO_RESTORE if back else EventKind.MEMO_WITHDRAW,
        actor=actor,
        covers=[memo],
        project_id=project.id,
        body={"memo": memo.id, "name": memo.title},
    )
    session.flush()


def keep_draft(session: Session, actor: Actor, memo: Memo, title: str, text: str) -> None:
    """Keep what came too late for its writer, until they save or drop it."""
    draft = session.get(MemoDraft, (memo.id, actor.user_id))
    if draft is None:
        draft = MemoDraft(memo_id=memo.id, user_id=actor.user_id, title=title, text=text)
        session.add(draft)
    draft.title, draft.text, draft.kept_at = title[:LONGEST_TITLE], text[:LONGEST], utc_now()
    session.flush()


def drop_draft(session: Session, actor: Actor, memo: Memo) -> None:
    """Forget one's draft of a memo, if there is one."""
    draft = session.get(MemoDraft, (memo.id, actor.user_id))
    if draft is not None:
        session.delete(draft)
        session.flush()


def draft_of(session: Session, memo: Memo, user: User) -> MemoDraft | None:
    """Return a person's draft of a memo."""
    return session.get(MemoDraft, (memo.id, user.id))


def link_item(session: Session, actor: Actor, project: Project, memo: Memo, item: Item) -> None:
    """Say that a memo is about an item."""
    known = select(MemoLink).where(MemoLink.memo_id == memo.id, MemoLink.item_id == item.id)
    if session.scalar(known) is None:
        made = MemoLink(memo_id=memo.id, item_id=item.id, added_by=actor.user_id)
        _link(session, actor, project, memo, made)


def link_code(
    session: Session, actor: Actor, project: Project, memo: Memo, codebook_id: str, part: str
) -> None:
    """Say that a memo is about a variable (`frame`) or code (`frame=food`) of a codebook."""
    known = select(MemoLink).where(
        MemoLink.memo_id == memo.id, MemoLink.codebook_id == codebook_id, MemoLink.part == part
    )
    if session.scalar(known) is None:
        made = MemoLink(memo_id=memo.id, codebook_id=codebook_id, part=part, added_by=actor.user_id)
        _link(session, actor, project, memo, made)


def unlink(session: Session, actor: Actor, project: Project, memo: Memo, link_id: str) -> None:
    """Say that a memo is not about something after all.

    :raises NotFoundError: the memo has no such link
    """
    held = session.get(MemoLink, link_id)
    if held is None or held.memo_id != memo.id:
        raise NotFoundError("This memo has no such link.")
    session.delete(held)
    _record_link(session, EventKind.MEMO_UNLINK, actor, project, memo, held)
    session.flush()


def get(session: Session, project: Project, memo_id: str) -> Memo:
    """Return a memo of the project.

    :raises NotFoundError: there is none of that id, or it is not this person's to read now
    """
    found = session.scalar(select(Memo).where(Memo.id == memo_id, Memo.project_id == project.id))
    if found is None:
        raise NotFoundError("This project has no such memo, or it is not yours to read now.")
    return found


def memos_of(
    session: Session, project: Project, *, kind: MemoKind | None = None, words: str = ""
) -> list[tuple[Memo, str]]:
    """Return memos with who wrote in them last, the last changed first; withdrawn ones at the end.

    :param words: what title or text has to hold, as one stretch, letters folded
    """
    query = (
        select(Memo, User.display_name)
        .join(User, User.id == Memo.changed_by)
        .where(Memo.project_id == project.id)
        .order_by(Memo.withdrawn_at.is_not(None), Memo.changed_at.desc(), Memo.id)
    )
    if kind is not None:
        query = query.where(Memo.kind == kind)
    wanted = _fold(words)
    return [
        (memo, name)
        for memo, name in session.execute(query)
        if not wanted or wanted in _fold(f"{memo.title}\n{memo.text}")
    ]


def about_item(session: Session, project: Project, item_id: str) -> list[Memo]:
    """Return the memos about an item, the last changed first."""
    linked = select(MemoLink.memo_id).where(MemoLink.item_id == item_id)
    return list(
        session.scalars(
            select(Memo)
            .where(Memo.project_id == project.id, Memo.id.in_(linked), Memo.withdrawn_at.is_(None))
            .order_by(Memo.changed_at.desc(), Memo.id)
        )
    )


def items_with(session: Session, project: Project, words: str) -> frozenset[str]:
    """Return the items some memo is about that holds these words; `*`: any memo."""
    wanted = "" if words == "*" else words
    ids = [
        memo.id
        for memo, _name in memos_of(session, project, words=wanted)
        if memo.withdrawn_at is None
    ]
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        query = select(MemoLink.item_id).where(
            MemoLink.memo_id.in_(ids[start : start + 500]), MemoLink.item_id.is_not(None)
        )
        found.update(one for one in session.scalars(query) if one is not None)
    return frozenset(found)


def links_of(session: Session, memo: Memo) -> list[Linked]:
    """Return what a memo is about, in the order it was said."""
    rows = session.execute(
        select(MemoLink, Item, StudyCodebook)
        .outerjoin(Item, Item.id == MemoLink.item_id)
        .outerjoin(StudyCodebook, StudyCodebook.id == MemoLink.codebook_id)
        .where(MemoLink.memo_id == memo.id)
        .order_by(MemoLink.id)
    )
    return [Linked(link, item, codebook) for link, item, codebook in rows]


def versions_of(session: Session, memo: Memo) -> Sequence[tuple[MemoVersion, str]]:
    """Return a memo's versions with their authors, newest first."""
    rows = session.execute(
        select(MemoVersion, User.display_name)
        .join(User, User.id == MemoVersion.written_by)
        .where(MemoVersion.memo_id == memo.id)
        .order_by(MemoVersion.version.desc())
    )
    return [(version, name) for version, name in rows]


def _write(
    session: Session, actor: Actor, project: Project, memo: Memo, title: str, text: str
) -> None:
    before = {"title": memo.title, "text": memo.text}
    memo.title, memo.text = title, text
    memo.row_version += 1
    memo.changed_by, memo.changed_at = actor.user_id, utc_now()
    version = _version(memo, actor)
    session.add(version)
    events.record(
        session,
        EventKind.MEMO_EDIT,
        actor=actor,
        covers=[memo, version],
        project_id=project.id,
        body={"memo": memo.id, "version": memo.row_version, "name": title},
        before=before,
        after={"title": title, "text": text},
    )
    session.flush()


def _version(memo: Memo, actor: Actor) -> MemoVersion:
    return MemoVersion(
        memo_id=memo.id,
        version=memo.row_version,
        title=memo.title,
        text=memo.text,
        written_by=actor.user_id,
    )


def _link(session: Session, actor: Actor, project: Project, memo: Memo, made: MemoLink) -> None:
    session.add(made)
    _record_link(session, EventKind.MEMO_LINK, actor, project, memo, made)
    session.flush()


def _record_link(
    session: Session, kind: EventKind, actor: Actor, project: Project, memo: Memo, link: MemoLink
) -> None:
    # The item stands in the body, so that a link to an item one codes blind can be made.
    events.record(
        session,
        kind,
        actor=actor,
        covers=[link],
        project_id=project.id,
        body={
            "memo": memo.id,
            "name": memo.title,
            "about": link.item_id or link.codebook_id,
            "part": link.part,
        },
    )


def _checked(title: str, text: str) -> tuple[str, str]:
    short, plain = " ".join(title.split()), text.replace("\r\n", "\n").strip()
    if not short or len(short) > LONGEST_TITLE:
        raise UsageError(f"A memo has a title of 1 to {LONGEST_TITLE} characters.")
    if len(plain) > LONGEST:
        raise UsageError(f"A memo has at most {LONGEST} characters; this one has {len(plain)}.")
    return short, plain


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
