"""How captures of a project reach the web: its proxy, and the identities they are made with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from annotate.models.base import IDENTIFIER, Base, word
from archive.capture.egress import NamesBy
from archive.clock import utc_now
from archive.identifiers import uuid7


class ProjectEgress(Base, kw_only=True, eq=False):
    """The SOCKS5 proxy of a project; without a row captures leave directly.

    The password stands in a file of HOME/secrets whose name is `secret`, never here.
    """

    __tablename__ = "project_egress"
    __logged__ = True

    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    user: Mapped[str] = mapped_column(String(255), default="")
    secret: Mapped[str | None] = mapped_column(String(80), default=None)
    names: Mapped[NamesBy] = mapped_column(word(NamesBy, listed=False), default=NamesBy.RESOLVER)
    resolver: Mapped[str] = mapped_column(String(64), default="")
    resolver_port: Mapped[int] = mapped_column(default=53)
    set_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class CaptureSession(Base, kw_only=True, eq=False):
    """Cookies of an identity that captures may be made with; the cookies stand in HOME/sessions."""

    __tablename__ = "capture_session"
    __logged__ = True
    __table_args__ = (Index("ix_capture_session_project_id_name", "project_id", "name"),)

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True, default_factory=uuid7)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(String(120))
    consent: Mapped[str] = mapped_column(Text)  # whose identity, who agreed, what it is for
    cookies: Mapped[int] = mapped_column(default=0)  # how many
    domains: Mapped[str] = mapped_column(Text, default="")  # one a line
    expires_at: Mapped[datetime | None] = mapped_column(default=None)  # of the last cookie to go
    identity_strings: Mapped[int] = mapped_column(default=0)  # how many; they stand in the file
    created_by: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)
