"""API tokens: made for one person in one project, with scopes and an end; kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotAllowedError, NotFoundError, SignInError, UsageError
from annotate.events import Actor
from annotate.models import ApiToken, EventKind, Project, Scope, User
from annotate.permissions import Act
from archive.clock import isoformat, utc_now

PREFIX: Final = "hft_"  # so that a token left in a file is recognised for what it is
LONGEST_DAYS: Final = 366
_SCOPE_OF: Final = {
    Act.COUNT: Scope.READ,
    Act.READ: Scope.READ,
    Act.EXPORT: Scope.READ,
    Act.CODE: Scope.CODE,
    Act.SEE_COOKIES: Scope.MANAGE,
    Act.MANAGE_CODING: Scope.MANAGE,
    Act.CHANGE_PROJECT: Scope.MANAGE,
    Act.MANAGE_MEMBERS: Scope.MANAGE,
}


def make_token(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    name: str,
    scopes: Sequence[Scope],
    days: int,
    within: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for the one who acts; return it with the words that are shown only now.

    :param days: until it ends
    :param within: the token it is asked with, if with one; the new one can no more than that
    :raises UsageError: no scope, no name, or too long a life
    :raises NotAllowedError: it would have a scope, or live, beyond `within`
    """
    if not name.strip():
        raise UsageError("Say what the token is for.")
    if not scopes:
        raise UsageError("Choose what the token may be used for.")
    if not 1 <= days <= LONGEST_DAYS:
        raise UsageError(f"A token lives from 1 to {LONGEST_DAYS} days.")
    ends = utc_now() + timedelta(days=days)
    if within is not None:
        _require_within({scope.value for scope in scopes}, within)
        if ends > within.expires_at:
            raise NotAllowedError(
                f"This token ends on {isoformat(within.expires_at)}; what it makes ends before."
            )
    words = PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(
        token_hash=_hash(words),
        name=name.strip(),
        user_id=actor.user_id,
        project_id=project.id,
        scopes=" ".join(sorted({scope.value for scope in scopes})),
        expires_at=ends,
        made_with_id=within.id if within is not None else None,
    )
    session.add(made)
    events.record(
        session,
        EventKind.API_TOKEN_CREATE,
        actor=actor,
        covers=[made],
        project_id=project.id,
        body={"token": made.id, "scopes": made.scopes, "days": days},
    )
    session.flush()
    return made, words


def tokens_of(session: Session, user_id: str, project_id: str) -> list[ApiToken]:
    """Return a person's tokens of a project, newest first."""
    query = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.project_id == project_id)
    return list(session.scalars(query.order_by(ApiToken.id.desc())))


def revoke(
    session: Session,
    actor: Actor,
    project: Project,
    token_id: str,
    *,
    within: ApiToken | None = None,
) -> ApiToken:
    """End a token of one's own, and every token that was made with it.

    :param within: the token it is asked with, if with one
    :raises NotFoundError: there is none of that id
    :raises NotAllowedError: it has a scope that `within` has not
    """
    token = session.get(ApiToken, token_id)
    if token is None or token.user_id != actor.user_id or token.project_id != project.id:
        raise NotFoundError("You have no such token in this project.")
    if within is not None:
        _require_within(set(token.scopes.split()), within)
    for ending in _line_of(session, token):
        if ending.revoked_at is not None:
            continue
        ending.revoked_at = utc_now()
        events.record(
            session,
            EventKind.API_TOKEN_REVOKE,
            actor=actor,
            covers=[ending],
            project_id=project.id,
            body={"token": ending.id} | ({"with": token.id} if ending is not token else {}),
        )
    session.flush()
    return token


def check_token(session: Session, words: str) -> tuple[User, ApiToken]:
    """Return whose token this is.

    :raises SignInError: it is unknown, ended or revoked, or its owner shut out
    """
    token = session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(words)))
    user = session.get(User, token.user_id) if token is not None else None
    if token is None or user is None or not user.is_active:
        raise SignInError("This token is not known here.")
    if token.revoked_at is not None or token.expires_at < utc_now():
        raise SignInError("This token has ended. Make a new one under Settings.")
    return user, token


def allows(token: ApiToken, act: Act) -> bool:
    """Tell whether a token's scopes cover an act; the owner's role is asked besides."""
    return _SCOPE_OF.get(act, Scope.WRITE).value in token.scopes.split()


def _line_of(session: Session, first: ApiToken) -> list[ApiToken]:
    """Return a token with those made with it, and with those in turn."""
    found = [first]
    for one in found:  # it grows while it is walked
        found += session.scalars(select(ApiToken).where(ApiToken.made_with_id == one.id))
    return found


def _require_within(scopes: set[str], within: ApiToken) -> None:
    beyond = scopes - set(within.scopes.split())
    if beyond:
        raise NotAllowedError(
            f"This token has not the scope {', '.join(sorted(beyond))}; it can neither give nor "
            "take it. Sign in and do it under Settings, Your tokens."
        )


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
