"""Projects: making them, their window and zone, and who is in them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events, permissions
from annotate.errors import (
    NameTakenError,
    NotAllowedError,
    NotFoundError,
    StaleSaveError,
    UsageError,
)
from annotate.events import Actor
from annotate.models import EventKind, Membership, Project, Role, User
from annotate.permissions import Act
from annotate.services.fields import POST_FIELDS, define_fields
from annotate.services.zones import parse_zone

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


def create_project(
    session: Session,
    actor: Actor,
    owner: User,
    *,
    slug: str,
    name: str,
    is_demo: bool = False,
    base_address: str = "",
) -> Project:
    """Make a project with the fields a study of posts begins with.

    :raises UsageError: the short name will not do in an address
    :raises NameTakenError: another project has it
    """
    if not _SLUG.fullmatch(slug):
        raise UsageError("A project's short name has small letters, digits and hyphens only.")
    if session.scalar(select(Project.id).where(Project.slug == slug)) is not None:
        raise NameTakenError(f"There is a project {slug!r} already.")
    project = Project(
        slug=slug, name=name.strip() or slug, is_demo=is_demo, base_address=base_address
    )
    membership = Membership(project_id=project.id, user_id=owner.id, role=Role.OWNER)
    session.add(project)
    session.add(membership)
    events.record(
        session,
        EventKind.PROJECT_CREATE,
        actor=actor,
        covers=[project, membership],
        project_id=project.id,
        body={"slug": slug, "name": project.name, "owner": owner.pseudonym},
    )
    session.flush()
    define_fields(session, actor, project, POST_FIELDS)
    return project


def find_project(session: Session, slug: str) -> Project:
    """Return a project by its short name.

    :raises NotFoundError: there is none
    """
    project = session.scalar(select(Project).where(Project.slug == slug))
    if project is None:
        raise NotFoundError(f"There is no project {slug!r} here.")
    return project


def projects_of(session: Session, user: User) -> list[tuple[Project, Role]]:
    """Return the projects a person is in, by name."""
    query = (
        select(Project, Membership.role)
        .join(Membership, Membership.project_id == Project.id)
        .where(Membership.user_id == user.id)
        .order_by(Project.name)
    )
    return [(project, role) for project, role in session.execute(query)]


def role_in(session: Session, project: Project, user: User) -> Role | None:
    """Return a person's role; None if they are not in the project."""
    return session.scalar(
        select(Membership.role).where(
            Membership.project_id == project.id, Membership.user_id == user.id
        )
    )


def undoes_others(session: Session, actor: Actor, project: Project) -> bool:
    """Tell whether an actor may undo what others did to many items."""
    user = session.get(User, actor.user_id) if actor.user_id else None
    role = role_in(session, project, user) if user is not None else None
    return role is not None and permissions.may(role, Act.UNDO_OTHERS)


def refuse_undoing(session: Session, actor: Actor, project: Project, done_by: str) -> None:
    """Let an act on many items be undone by whoever did it, and by who may undo others' acts.

    :raises NotAllowedError: the actor is neither
    """
    if actor.user_id != done_by and not undoes_others(session, actor, project):
        raise NotAllowedError(
            "Somebody else did this to many items. Whoever did it undoes it, or a manager. "
            "Nothing was changed."
        )


def members_of(session: Session, project: Project) -> list[tuple[User, Role]]:
    """Return the members with their roles, by name."""
    query = (
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.project_id == project.id)
        .order_by(User.display_name)
    )
    return [(user, role) for user, role in session.execute(query)]


def set_member(
    session: Session, actor: Actor, project: Project, user: User, role: Role | None
) -> None:
    """Give a person a role; None takes them out.

    :raises UsageError: the project would be without an owner
    """
    membership = session.scalar(
        select(Membership).where(Membership.project_id == project.id, Membership.user_id == user.id)
    )
    before = membership.role if membership is not None else None
    if before is role:
        return
    if before is Role.OWNER and _owners(session, project) < 2:
        raise UsageError("A project keeps at least one owner; name another first.")
    if membership is None:
        membership = Membership(project_id=project.id, user_id=user.id, role=role or Role.VIEWER)
        session.add(membership)
        kind = EventKind.MEMBER_ADD
    elif role is not None:
        membership.role = role
        kind = EventKind.MEMBER_CHANGE
    else:
        session.delete(membership)
        kind = EventKind.MEMBER_REMOVE
    events.record(
        session,
        kind,
        actor=actor,
        covers=[membership],
        project_id=project.id,
        body={"member": user.pseudonym},
        before=before.value if before else None,
        after=role.value if role else None,
    )
    session.flush()


def change_project(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    seen_version: int | None = None,
    name: str,
    description: str,
    window_from: date | None,
    window_to: date | None,
    reporting_zone: str,
    base_address: str = "",
) -> None:
    """Set what a project is called and over what it counts.

    :raises UsageError: the window is turned round or the zone unknown
    :raises StaleSaveError: somebody saved in between
    """
    parse_zone(reporting_zone)
    if window_from is not None and window_to is not None and window_to < window_from:
        raise UsageError("The window ends before it begins.")
    before = _settings(project)
    after = {
        "name": name.strip() or project.slug,
        "description": description,
        "window_from": window_from.isoformat() if window_from else None,
        "window_to": window_to.isoformat() if window_to else None,
        "reporting_zone": reporting_zone.strip(),
        "base_address": base_address.strip(),
    }
    if seen_version is not None and seen_version != project.row_version:
        raise StaleSaveError(
            "The project's settings were changed while you were editing them.",
            theirs=str(before),
            yours=str(after),
            version=project.row_version,
        )
    if before == after:
        return
    project.name = str(after["name"])
    project.description = description
    project.window_from, project.window_to = window_from, window_to
    project.reporting_zone = reporting_zone.strip()
    project.base_address = base_address.strip()
    project.row_version += 1
    events.record(
        session,
        EventKind.PROJECT_CHANGE,
        actor=actor,
        covers=[project],
        project_id=project.id,
        before=before,
        after=after,
    )
    session.flush()


def _settings(project: Project) -> dict[str, str | None]:
    return {
        "name": project.name,
        "description": project.description,
        "window_from": project.window_from.isoformat() if project.window_from else None,
        "window_to": project.window_to.isoformat() if project.window_to else None,
        "reporting_zone": project.reporting_zone,
        "base_address": project.base_address,
    }


def _owners(session: Session, project: Project) -> int:
    query = (
        select(func.count())
        .select_from(Membership)
        .where(Membership.project_id == project.id, Membership.role == Role.OWNER)
    )
    return session.scalar(query) or 0
