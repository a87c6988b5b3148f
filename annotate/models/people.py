"""People, their sign-ins, projects and who may do what in them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from annotate.models.base import IDENTIFIER, Base, word
from archive.clock import utc_now
from archive.identifiers import uuid7


class Role(StrEnum):
    """What a member may do in a project; each role may do what the ones after it may."""

    OWNER = "owner"
    MANAGER = "manager"
    CODER = "coder"
    VIEWER = "viewer"
    DATA_VIEWER = "data-viewer"
    """Sees lists, counts and codes, and nothing of what was captured."""


class PictureChoice(StrEnum):
    """What a member wants of pictures that are blurred for everybody."""

    ASK = "ask"  # blurred until shown, each time
    SHOW = "show"  # shown at once
    AVOID = "avoid"  # no sensitive items: none assigned, a notice where one is met


class User(Base, kw_only=True, eq=False):
    """A person. `pseudonym` stands for them wherever bytes are kept for ever."""

    __tablename__ = "user_account"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    pseudonym: Mapped[str] = mapped_column(String(40), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(255), default=None)
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class SignInSession(Base, kw_only=True, eq=False):
    """One signed-in browser; only the hash of its token is kept."""

    __tablename__ = "sign_in_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignInLink(Base, kw_only=True, eq=False):
    """A link that signs one person in, once; only the hash of its token is kept."""

    __tablename__ = "sign_in_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class Scope(StrEnum):
    """What a token may be used for, besides what its owner's role allows."""

    READ = "read"
    WRITE = "write"
    CODE = "code"
    MANAGE = "manage"


class ApiToken(Base, kw_only=True, eq=False):
    """A program's way in, for one person in one project; only the hash of it is kept."""

    __tablename__ = "api_token"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    scopes: Mapped[str] = mapped_column(String(80))  # words of Scope, separated by spaces
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    made_with_id: Mapped[str | None] = mapped_column(ForeignKey("api_token.id"), default=None)
    """The token it was asked for with; it ends when that one is revoked."""


class Project(Base, kw_only=True, eq=False):
    """One study: its window, its reporting zone, and everything that hangs on it."""

    __tablename__ = "project"
    __logged__ = True

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    window_from: Mapped[date | None] = mapped_column(default=None)
    window_to: Mapped[date | None] = mapped_column(default=None)  # last local day, inclusive
    reporting_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    base_address: Mapped[str] = mapped_column(String(2000), default="")
    is_demo: Mapped[bool] = mapped_column(default=False)
    blurs_all: Mapped[bool] = mapped_column(default=False)  # pictures of every item wait blurred
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    row_version: Mapped[int] = mapped_column(default=1)


class Membership(Base, kw_only=True, eq=False):
    """A person's role in a project."""

    __tablename__ = "membership"
    __logged__ = True
    __table_args__ = (UniqueConstraint("project_id", "user_id"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    role: Mapped[Role] = mapped_column(word(Role, listed=False))
    pictures: Mapped[PictureChoice] = mapped_column(
        word(PictureChoice, listed=False), default=PictureChoice.ASK
    )
    user: Mapped[User] = relationship(init=False, lazy="raise", viewonly=True)
