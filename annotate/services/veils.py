"""What of an item each person is shown at once: the pictures, or a veil over them.

What can hurt is blurred and silent until the person asks for it, each time anew; who asked not
to be given sensitive items meets a notice instead. Text is veiled for the latter only: others
decide by it whether to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError
from annotate.events import Actor
from annotate.models import (
    EventKind,
    Membership,
    PictureChoice,
    Project,
    SensitiveReason,
    User,
)
from annotate.services.sensitive import held_of


@dataclass(frozen=True, slots=True)
class Veil:
    """How an item's pictures, films and sound come before one person."""

    hides: bool = False
    """They are blurred and out of reach until asked for."""
    avoids: bool = False
    """The person asked not to be given such items: not even the blurred picture is sent."""
    sensitive: bool = False
    by_project: bool = False
    """Blurred only because the project blurs every item."""
    reason: str = ""
    by: str = ""
    at: datetime | None = None


def veil_of(
    session: Session, project: Project, user: User, item_id: str, *, shown: bool = False
) -> Veil:
    """Return how an item comes before a person.

    :param shown: they asked to see it, now
    """
    held = held_of(session, [item_id]).get(item_id)
    choice = choice_of(session, project, user)
    if held is None:
        return Veil(hides=blurred(project, choice, sensitive=False, shown=shown), by_project=True)
    said = session.execute(
        select(SensitiveReason.reason, User.display_name)
        .join(User, User.id == SensitiveReason.marked_by)
        .where(SensitiveReason.mark_id == held.id)
    ).one_or_none()
    return Veil(
        hides=blurred(project, choice, sensitive=True, shown=shown),
        avoids=choice is PictureChoice.AVOID and not shown,
        sensitive=True,
        reason=said[0] if said else "",
        by=said[1] if said else "",
        at=held.began_at,
    )


def blurred(project: Project, choice: PictureChoice, *, sensitive: bool, shown: bool) -> bool:
    """Tell whether pictures of an item wait blurred."""
    if shown or choice is PictureChoice.SHOW:
        return False
    return sensitive or project.blurs_all


def choice_of(session: Session, project: Project, user: User) -> PictureChoice:
    """Return what a member wants of sensitive items; who is no member is asked each time."""
    query = select(Membership.pictures).where(
        Membership.project_id == project.id, Membership.user_id == user.id
    )
    return session.scalar(query) or PictureChoice.ASK


def choose(
    session: Session, actor: Actor, project: Project, user: User, choice: PictureChoice
) -> None:
    """Keep what a member wants of sensitive items in this project. It is theirs alone to know.

    :raises NotFoundError: they are not in the project
    """
    membership = session.scalar(
        select(Membership).where(Membership.project_id == project.id, Membership.user_id == user.id)
    )
    if membership is None:
        raise NotFoundError("You are not in this project.")
    if membership.pictures is choice:
        return
    membership.pictures = choice
    events.record(
        session,
        EventKind.MEMBER_CHOOSE_PICTURES,
        actor=actor,
        covers=[membership],
        project_id=project.id,  # not what was chosen: all members read the log
    )
    session.flush()


def blur_all(session: Session, actor: Actor, project: Project, *, wanted: bool) -> None:
    """Let the pictures of every item of the project wait blurred, or of sensitive ones only."""
    if project.blurs_all is wanted:
        return
    before, project.blurs_all = project.blurs_all, wanted
    events.record(
        session,
        EventKind.PROJECT_CHANGE,
        actor=actor,
        covers=[project],
        project_id=project.id,
        before={"blurs_all": before},
        after={"blurs_all": wanted},
    )
    session.flush()


def avoiding(session: Session, project: Project) -> frozenset[str]:
    """Return the ids of the members who are not to be given sensitive items."""
    return frozenset(
        session.scalars(
            select(Membership.user_id).where(
                Membership.project_id == project.id, Membership.pictures == PictureChoice.AVOID
            )
        )
    )
