"""Comments in threads: on items, captures, highlights, codebooks and coding units.

What is said of a unit while its round is blind is sealed as answers are: its event holds a
commitment only, and visibility.py shows it to nobody but the one who began the thread and, if it
is a question, to those who manage and do not code there. The reveal opens it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotAllowedError, NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    Comment,
    CommentOn,
    CommentVersion,
    EventKind,
    Item,
    Project,
    User,
)
from annotate.services import mentions
from annotate.services.coding import commitment
from archive.clock import utc_now

LONGEST: Final = 20_000  # characters of a comment


@dataclass(frozen=True, slots=True)
class Subject:
    """What a comment is about. `comment_subjects` makes these, and checks that they are there."""

    on: CommentOn
    id: str
    part: str = ""
    item_id: str | None = None
    round_id: str | None = None
    sealed: bool = False
    """It is a unit of a round that is blind, or was withdrawn while it was."""


@dataclass(frozen=True, slots=True)
class Said:
    """One comment with its author and the texts it had before."""

    comment: Comment
    author: str
    earlier: tuple[tuple[CommentVersion, str], ...]


@dataclass(slots=True)
class Thread:
    """A comment and what was answered, oldest first."""

    first: Said
    replies: list[Said] = field(default_factory=list)
    resolved_by: str = ""

    @property
    def is_resolved(self) -> bool:
        """Whether somebody said that it is settled."""
        return self.first.comment.resolved_at is not None


def add(
    session: Session,
    actor: Actor,
    project: Project,
    subject: Subject,
    text: str,
    *,
    question: bool = False,
) -> Comment:
    """Begin a thread.

    :param question: it is for those who manage; of a unit in a blind round only they then read it
    :raises UsageError: the text is empty or too long
    """
    made = Comment(
        project_id=project.id,
        thread_id="",
        on=subject.on,
        subject=subject.id,
        part=subject.part,
        item_id=subject.item_id,
        round_id=subject.round_id,
        asker_id=actor.user_id,
        is_question=question,
        text=_checked(text),
        created_by=actor.user_id,
    )
    made.thread_id = made.id
    return _say(session, actor, project, made, sealed=subject.sealed)


def reply(
    session: Session, actor: Actor, project: Project, to: Comment, text: str, *, sealed: bool
) -> Comment:
    """Answer in a thread; a resolved one stays resolved until somebody opens it again.

    :param sealed: the thread is about a unit of a blind round
    :raises UsageError: the text is empty or too long
    """
    made = Comment(
        project_id=project.id,
        thread_id=to.thread_id,
        on=to.on,
        subject=to.subject,
        part=to.part,
        item_id=to.item_id,
        round_id=to.round_id,
        asker_id=to.asker_id,
        is_question=to.is_question,
        text=_checked(text),
        created_by=actor.user_id,
    )
    return _say(session, actor, project, made, sealed=sealed)


def edit(
    session: Session,
    actor: Actor,
    project: Project,
    one: Comment,
    text: str,
    *,
    seen: int,
    sealed: bool,
) -> None:
    """Give one's own comment another text; the old one stays as a version.

    :param seen: the row version the writer began from
    :raises NotAllowedError: it is somebody else's
    :raises StaleSaveError: it was changed in another window; carries both texts
    :raises UsageError: the text is empty or too long, or the comment is withdrawn
    """
    _refuse_others(actor, one)
    text = _checked(text)
    if one.withdrawn_at is not None:
        raise UsageError("This comment is withdrawn. Write a new one.")
    if one.row_version != seen:
        raise StaleSaveError(
            "This comment was changed in another window. Your text is kept below.",
            theirs=one.text,
            yours=text,
            version=one.row_version,
        )
    if text == one.text:
        return
    before, one.text = one.text, text
    one.row_version += 1
    one.changed_at = utc_now()
    version = _version(one, actor)
    session.add(version)
    _record(
        session, EventKind.COMMENT_EDIT, actor, project, one, version, sealed=sealed, before=before
    )
    session.flush()
    mentions.tell(session, project, one)


def withdraw(
    session: Session, actor: Actor, project: Project, one: Comment, *, sealed: bool, back: bool
) -> None:
    """Withdraw one's own comment, or take that back. What was said stays in its history.

    :raises NotAllowedError: it is somebody else's
    """
    _refuse_others(actor, one)
    if (one.withdrawn_at is None) == back:
        return
    one.withdrawn_at = None if back else utc_now()
    kind = EventKind.COMMENT_RESTORE if back else EventKind.COMMENT_WITHDRAW
    _record(session, kind, actor, project, one, None, sealed=sealed)
    session.flush()


def resolve(
    session: Session, actor: Actor, project: Project, one: Comment, *, sealed: bool, back: bool
) -> None:
    """Say that a thread is settled, or open it again.

    :raises NotFoundError: the beginning of the thread is not this person's to read now
    """
    first = get(session, project, one.thread_id)
    if (first.resolved_at is None) == back:
        return
    first.resolved_at = None if back else utc_now()
    first.resolved_by = None if back else actor.user_id
    kind = EventKind.COMMENT_REOPEN if back else EventKind.COMMENT_RESOLVE
    _record(session, kind, actor, project, first, None, sealed=sealed)
    session.flush()


def get(session: Session, project: Project, comment_id: str) -> Comment:
    """Return a comment of the project.

    :raises NotFoundError: there is none of that id, or it is not this person's to read now
    """
    found = session.scalar(
        select(Comment).where(Comment.id == comment_id, Comment.project_id == project.id)
    )
    if found is None:
        raise NotFoundError("This project has no such comment, or it is not yours to read now.")
    return found


def threads_on(session: Session, project: Project, subject: Subject) -> list[Thread]:
    """Return the threads about one thing, oldest first."""
    return _threads(
        session,
        select(Comment).where(
            Comment.project_id == project.id,
            Comment.on == subject.on,
            Comment.subject == subject.id,
            Comment.part == subject.part,
        ),
    )


def threads_of_item(session: Session, project: Project, item_id: str) -> list[Thread]:
    """Return every thread that concerns an item: on it, its captures, highlights and units."""
    query = select(Comment).where(Comment.project_id == project.id, Comment.item_id == item_id)
    return _threads(session, query)


def open_threads(session: Session, project: Project, *, questions: bool) -> list[Thread]:
    """Return the project's unsettled threads, oldest first; the questions alone if wanted."""
    table = Comment.__table__.c
    unsettled = select(table.id).where(
        table.project_id == project.id, table.id == table.thread_id, table.resolved_at.is_(None)
    )
    query = select(Comment).where(Comment.thread_id.in_(unsettled))
    if questions:
        query = query.where(Comment.is_question)
    return _threads(session, query)


def _threads(session: Session, query: Any) -> list[Thread]:
    rows = session.scalars(query.order_by(Comment.id)).all()
    if not rows:
        return []
    names = dict(session.execute(select(User.id, User.display_name)).all())
    earlier = _earlier(session, [one.id for one in rows if one.row_version > 1], names)
    found: dict[str, Thread] = {}
    for one in rows:
        said = Said(one, names.get(one.created_by, ""), earlier.get(one.id, ()))
        if one.id == one.thread_id:
            found[one.id] = Thread(said, resolved_by=names.get(one.resolved_by or "", ""))
        elif one.thread_id in found:
            found[one.thread_id].replies.append(said)
    return list(found.values())


def _earlier(
    session: Session, ids: Sequence[str], names: dict[str, str]
) -> dict[str, tuple[tuple[CommentVersion, str], ...]]:
    if not ids:
        return {}
    query = select(CommentVersion).where(CommentVersion.comment_id.in_(ids))
    found: dict[str, tuple[tuple[CommentVersion, str], ...]] = {}
    for version in session.scalars(query.order_by(CommentVersion.version)):
        held = found.get(version.comment_id, ())
        found[version.comment_id] = (*held, (version, names.get(version.written_by, "")))
    return {key: held[:-1] for key, held in found.items()}


def _say(
    session: Session, actor: Actor, project: Project, made: Comment, *, sealed: bool
) -> Comment:
    version = _version(made, actor)
    session.add_all([made, version])
    _record(session, EventKind.COMMENT_CREATE, actor, project, made, version, sealed=sealed)
    session.flush()
    mentions.tell(session, project, made)
    return made


def _version(one: Comment, actor: Actor) -> CommentVersion:
    return CommentVersion(
        comment_id=one.id,
        version=one.row_version,
        text=one.text,
        nonce=secrets.token_hex(32),
        written_by=actor.user_id,
    )


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    project: Project,
    one: Comment,
    version: CommentVersion | None,
    *,
    sealed: bool,
    before: str | None = None,
) -> None:
    """Record what happened; of a sealed comment nothing but a commitment and no item."""
    body: dict[str, Any] = {"comment": one.id, "thread": one.thread_id, "on": one.on.value}
    if one.part:
        body["part"] = one.part
    if sealed and version is not None:
        body["commitment"] = commitment(version.nonce, version.text)
    item = session.get(Item, one.item_id) if one.item_id is not None and not sealed else None
    events.record(
        session,
        kind,
        actor=actor,
        covers=[one] if version is None else [one, version],
        project_id=project.id,
        item=item,
        body=body,
        before=None if sealed else before,
        after=version.text if version is not None and not sealed else None,
    )


def _refuse_others(actor: Actor, one: Comment) -> None:
    if one.created_by != actor.user_id:
        raise NotAllowedError("Only who wrote a comment changes it. Answer it instead.")


def _checked(text: str) -> str:
    plain = text.replace("\r\n", "\n").strip()
    if not plain:
        raise UsageError("A comment without words is not kept. Write something first.")
    if len(plain) > LONGEST:
        raise UsageError(f"A comment has at most {LONGEST} characters; this one has {len(plain)}.")
    return plain
