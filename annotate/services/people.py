"""People and their sign-ins. Passwords are kept by argon2id, tokens only as hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from datetime import timedelta
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, NotFoundError, SignInError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, SignInLink, SignInSession, User
from archive.clock import utc_now

SHORTEST_PASSWORD: Final = 12  # characters
SYSTEM: Final = Actor("", "system", "Holdfast")
_hasher: Final = PasswordHasher()
_SIGNED_IN: Final = (
    select(User)
    .join(SignInSession, SignInSession.user_id == User.id)
    .where(
        SignInSession.token_hash == bindparam("token"),
        SignInSession.expires_at >= bindparam("now"),
        User.is_active,
    )
)
_LOGIN: Final = re.compile(r"[\w.@+-]{1,80}")
_WRONG: Final = "This name and password do not belong together. Nothing was changed."


@cache
def _nobodys_hash() -> str:
    """Return what a password is checked against where there is no such person.

    It takes as long as a real one. Made at the first sign-in: it costs 64 MB for a moment, and
    most processes sign nobody in.
    """
    return _hasher.hash(secrets.token_hex(16))


def create_user(
    session: Session,
    actor: Actor,
    *,
    login: str,
    display_name: str = "",
    password: str | None = None,
    is_admin: bool = False,
) -> User:
    """Add a person; without a password they come in by a one-time link.

    :raises UsageError: the name or password will not do
    :raises NameTakenError: somebody has that name
    """
    folded = unicodedata.normalize("NFKC", login).strip().casefold()
    if not _LOGIN.fullmatch(folded):
        raise UsageError("A sign-in name has letters, digits and . @ + - _ only, at most 80.")
    if session.scalar(select(User.id).where(User.login == folded)) is not None:
        raise NameTakenError(f"Somebody signs in as {folded!r} already.")
    user = User(
        login=folded,
        display_name=display_name.strip() or login.strip(),
        pseudonym=f"op-{secrets.token_hex(8)}",
        password_hash=_hashed(password) if password is not None else None,
        is_admin=is_admin,
    )
    session.add(user)
    events.record(
        session,
        EventKind.USER_CREATE,
        actor=actor,
        covers=[user],
        body={"pseudonym": user.pseudonym, "admin": is_admin},
    )
    session.flush()
    return user


def actor_of(user: User) -> Actor:
    """Return a person as the one who acts."""
    return Actor(user.id, user.pseudonym, user.display_name)


def find_user(session: Session, login: str) -> User:
    """Return an active person by sign-in name.

    :raises NotFoundError: there is none
    """
    folded = unicodedata.normalize("NFKC", login).strip().casefold()
    user = session.scalar(select(User).where(User.login == folded))
    if user is None:
        raise NotFoundError(f"Nobody signs in as {login!r} here.")
    return user


def people(session: Session) -> list[User]:
    """Return everybody, by name."""
    return list(session.scalars(select(User).order_by(User.display_name, User.id)))


def change_user(
    session: Session,
    actor: Actor,
    user: User,
    *,
    password: str | None = None,
    is_active: bool | None = None,
) -> None:
    """Set a new password, or let a person in or out; every sign-in and link of theirs ends.

    :raises UsageError: the password is too short, or the last admin would be shut out
    """
    body: dict[str, object] = {}
    if password is not None:
        user.password_hash = _hashed(password)
        body["changed"] = ["password"]
    if is_active is not None and is_active != user.is_active:
        if not is_active and user.is_admin and _active_admins(session) < 2:
            raise UsageError("This is the last person who can manage people; keep one.")
        user.is_active = is_active
        body["active"] = is_active
    if not body:
        return
    events.record(session, EventKind.USER_CHANGE, actor=actor, covers=[user], body=body)
    for one in session.scalars(select(SignInSession).where(SignInSession.user_id == user.id)):
        session.delete(one)
    unused = select(SignInLink).where(SignInLink.user_id == user.id, SignInLink.used_at.is_(None))
    for link in session.scalars(unused):
        session.delete(link)
    session.flush()


def sign_in(session: Session, login: str, password: str, *, hours: float) -> tuple[User, str]:
    """Check a password; return the person and a new session token.

    :raises SignInError: it does not open the door; which part was wrong is not said
    """
    try:
        user = find_user(session, login)
    except NotFoundError:
        user = None
    known = user is not None and user.is_active and user.password_hash is not None
    stored = user.password_hash if user is not None and known else None
    nobodys = _nobodys_hash()
    try:
        _hasher.verify(stored or nobodys, password)
    except (VerifyMismatchError, InvalidHashError) as error:
        raise SignInError(_WRONG) from error
    if user is None or not known:
        raise SignInError(_WRONG)
    return user, _begin_session(session, user, hours=hours)


def make_link(session: Session, user: User, *, minutes: float) -> str:
    """Return the token of a new one-time sign-in link."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    link = SignInLink(
        token_hash=_token_hash(token),
        user_id=user.id,
        created_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    session.add(link)
    return token


def check_link(session: Session, token: str) -> User:
    """Return whom a link would sign in, without using it.

    :raises SignInError: it is unknown, used, or too old
    """
    link = session.get(SignInLink, _token_hash(token))
    user = session.get(User, link.user_id) if link is not None else None
    if link is None or user is None or not user.is_active:
        raise SignInError("This sign-in link is not known here. Ask for a new one.")
    if link.used_at is not None:
        raise SignInError("This sign-in link was used already. Ask for a new one.")
    if link.expires_at < utc_now():
        raise SignInError("This sign-in link is too old. Ask for a new one.")
    return user


def use_link(session: Session, token: str, *, hours: float) -> tuple[User, str]:
    """Sign in by a link, once.

    :raises SignInError: it is unknown, used, or too old
    """
    user = check_link(session, token)
    link = session.get(SignInLink, _token_hash(token))
    if link is not None:
        link.used_at = utc_now()
    return user, _begin_session(session, user, hours=hours)


def session_user(session: Session, token: str) -> User | None:
    """Return the person a session token belongs to; None if it is unknown or over."""
    return session.scalar(_SIGNED_IN, {"token": _token_hash(token), "now": utc_now()})


def sign_out(session: Session, token: str) -> None:
    """End one session."""
    found = session.get(SignInSession, _token_hash(token))
    if found is not None:
        session.delete(found)


def _begin_session(session: Session, user: User, *, hours: float) -> str:
    token = secrets.token_urlsafe(32)
    now = utc_now()
    begun = SignInSession(
        token_hash=_token_hash(token),
        user_id=user.id,
        created_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    session.add(begun)
    for old in session.scalars(select(SignInSession).where(SignInSession.expires_at < now)):
        session.delete(old)
    events.record(session, EventKind.USER_SIGN_IN, actor=actor_of(user), covers=[])
    session.flush()
    return token


def _hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise UsageError(f"A password has at least {SHORTEST_PASSWORD} characters.")
    return _hasher.hash(password)


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _active_admins(session: Session) -> int:
    query = select(func.count()).select_from(User).where(User.is_admin, User.is_active)
    return session.scalar(query) or 0
