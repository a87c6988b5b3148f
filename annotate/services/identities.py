"""Capture sessions: identities a project's captures may be made with, and who agreed to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import CaptureSession, EventKind, Project
from archive.capture.cookies import read_cookies
from archive.capture.sessions import CaptureSession as Cookies
from archive.capture.sessions import SessionStore
from archive.clock import utc_now

IDENTITY_LIMIT: Final = 100  # strings that tell who is signed in


def sessions_of(session: Session, project_id: str) -> list[CaptureSession]:
    """Return the sessions of a project that are not deleted, by name."""
    query = select(CaptureSession).where(
        CaptureSession.project_id == project_id, CaptureSession.deleted_at.is_(None)
    )
    return list(session.scalars(query.order_by(CaptureSession.name)))


def find_session(session: Session, project_id: str, named: str) -> CaptureSession:
    """Return a session of the project by its name or id.

    :raises NotFoundError: there is none, or it was deleted
    """
    for one in sessions_of(session, project_id):
        if named in {one.id, one.name}:
            return one
    raise NotFoundError(f"This project has no capture session {named!r}; add one in its settings.")


def chosen(session: Session, project_id: str, named: str) -> CaptureSession | None:
    """Return the session a form or command names, None where it names none.

    :raises NotFoundError: there is none of that name or id
    """
    return find_session(session, project_id, named) if named else None


def add_session(
    session: Session,
    actor: Actor,
    project: Project,
    store: SessionStore,
    *,
    name: str,
    consent: str,
    file: bytes,
    identity: Sequence[str] = (),
) -> CaptureSession:
    """Keep the cookies of an identity for this project's captures.

    :param consent: whose identity it is, who agreed to its use, and what for
    :param identity: strings that tell who is signed in: name, handle, mail address
    :raises UsageError: name or consent are missing
    :raises NameTakenError: the project has a session of this name
    :raises CookieFormatError: the file is no file of cookies
    """
    name, consent = " ".join(name.split()), consent.strip()
    if not name or len(name) > 120:
        raise UsageError("Give the session a name of at most 120 characters.")
    if not consent:
        raise UsageError("Say whose identity this is, who agreed to its use, and what for.")
    if any(one.name == name for one in sessions_of(session, project.id)):
        raise NameTakenError(f"The project has a capture session {name!r} already.")
    strings = tuple(dict.fromkeys(filter(None, (one.strip() for one in identity))))
    if len(strings) > IDENTITY_LIMIT:
        raise UsageError(f"At most {IDENTITY_LIMIT} identity strings are taken.")
    cookies = read_cookies(file)
    ends = [one.expires for one in cookies if one.expires is not None]
    row = CaptureSession(
        project_id=project.id,
        name=name,
        consent=consent,
        cookies=len(cookies),
        domains="\n".join(sorted({one.domain for one in cookies})),
        expires_at=_moment(max(ends)) if len(ends) == len(cookies) else None,
        identity_strings=len(strings),
        created_by=actor.user_id,
    )
    store.save(Cookies(row.id, cookies, strings))
    session.add(row)
    events.record(
        session,
        EventKind.SESSION_ADD,
        actor=actor,
        covers=[row],
        project_id=project.id,
        body={"session": row.id, "cookies": row.cookies, "domains": row.domains.split("\n")},
        reason=consent,
    )
    session.flush()
    return row


def delete_session(session: Session, actor: Actor, project: Project, row: CaptureSession) -> None:
    """Take a session out of use; its captures keep its id. Delete its file afterwards."""
    row.deleted_at = utc_now()
    events.record(
        session,
        EventKind.SESSION_DELETE,
        actor=actor,
        covers=[row],
        project_id=project.id,
        body={"session": row.id},
    )
    session.flush()


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # a year no calendar has
        return None
