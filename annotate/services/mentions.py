"""Whom a comment concerns: those it names with @, and those whose thread it answers in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.models import Comment, ForYou, Project, Told, User
from annotate.services.projects import members_of
from archive.clock import utc_now


@dataclass(frozen=True, slots=True)
class Entry:
    """One comment in somebody's list."""

    comment: Comment
    author: str
    told: Told
    is_read: bool


def tell(session: Session, project: Project, one: Comment) -> None:
    """Put a comment on the lists of those it concerns; nobody is told twice of one comment."""
    told = {user.id: Told.MENTION for user in named_in(session, project, one.text)}
    members = {user.id for user, _role in members_of(session, project)}
    query = select(Comment.created_by).where(Comment.thread_id == one.thread_id)
    for user_id in session.scalars(query):
        if user_id in members:
            told.setdefault(user_id, Told.REPLY)
    told.pop(one.created_by, None)
    known = set(session.scalars(select(ForYou.user_id).where(ForYou.comment_id == one.id)))
    session.add_all(
        ForYou(user_id=user_id, comment_id=one.id, told=why)
        for user_id, why in told.items()
        if user_id not in known
    )
    session.flush()


def named_in(session: Session, project: Project, text: str) -> list[User]:
    """Return the members a text names as @sign-in-name or @Displayed Name."""
    found = []
    for user, _role in members_of(session, project):
        names = "|".join(re.escape(name) for name in (user.login, user.display_name))
        if re.search(rf"(?<!\w)@(?:{names})(?!\w)", text, re.IGNORECASE):
            found.append(user)
    return found


def for_you(session: Session, project: Project, user: User, limit: int = 200) -> list[Entry]:
    """Return a person's list, what is unread first, each newest first.

    What they may not read now is not in it, and comes once they may.
    """
    query = (
        select(ForYou, Comment, User.display_name)
        .join(Comment, Comment.id == ForYou.comment_id)
        .join(User, User.id == Comment.created_by)
        .where(
            ForYou.user_id == user.id,
            Comment.project_id == project.id,
            Comment.withdrawn_at.is_(None),
        )
        .order_by(ForYou.read_at.is_not(None), Comment.id.desc())
        .limit(limit)
    )
    return [
        Entry(comment, author, entry.told, entry.read_at is not None)
        for entry, comment, author in session.execute(query)
    ]


def unread(session: Session, project: Project, user: User) -> int:
    """Return how many comments of a person's list they have not read."""
    query = (
        select(func.count())
        .select_from(ForYou)
        .join(Comment, Comment.id == ForYou.comment_id)
        .where(
            ForYou.user_id == user.id,
            ForYou.read_at.is_(None),
            Comment.project_id == project.id,
            Comment.withdrawn_at.is_(None),
        )
    )
    return session.scalar(query) or 0


def set_read(
    session: Session, project: Project, user: User, comment_ids: Sequence[str], *, read: bool
) -> None:
    """Note of comments on a person's own list that they have read them, or have not."""
    query = (
        select(ForYou)
        .join(Comment, Comment.id == ForYou.comment_id)
        .where(
            ForYou.user_id == user.id,
            ForYou.comment_id.in_(comment_ids),
            Comment.project_id == project.id,
        )
    )
    for entry in session.scalars(query):
        entry.read_at = utc_now() if read else None
    session.flush()
