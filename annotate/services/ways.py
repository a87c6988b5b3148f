"""The way out of a project: direct, or its proxy. Nothing of it ever stands in a WARC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import EventKind, Project, ProjectEgress
from annotate.secret_files import SecretFiles
from archive.capture.egress import DNS_PORT, Egress, NamesBy
from archive.clock import utc_now

_KIND: Final = "egress"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class ProxyForm:
    """A proxy as a person typed it. `password` None keeps the one that is set."""

    host: str
    port: str
    user: str = ""
    password: str | None = None
    names: str = NamesBy.RESOLVER.value
    resolver: str = ""

    def checked(self) -> Egress:
        """The proxy, without its password.

        :raises UsageError: something of it cannot be; the message says what
        """
        host = self.host.strip().strip("[]")
        if not _HOST.fullmatch(host):
            raise UsageError(f"{self.host!r} is no host name or IP address of a proxy.")
        if self.names not in {one.value for one in NamesBy}:
            raise UsageError(f"Names are looked up by resolver or by proxy, not {self.names!r}.")
        names = NamesBy(self.names)
        resolver, resolver_port = "", DNS_PORT
        if names is NamesBy.RESOLVER:
            resolver, resolver_port = _resolver(self.resolver)
        if any(len(text.encode()) > 255 for text in (self.user, self.password or "")):
            raise UsageError("User and password have at most 255 bytes each.")
        if self.password and not self.user:
            raise UsageError("A password needs a user (RFC 1929).")
        return Egress(
            host, _port(self.port, "proxy"), self.user, names=names, resolver=resolver,
            resolver_port=resolver_port,
        )  # fmt: skip


def egress_row(session: Session, project_id: str) -> ProjectEgress | None:
    """Return how the project's proxy is set; None where captures leave directly."""
    return session.get(ProjectEgress, project_id)


def egress_of(session: Session, project_id: str, secrets: SecretFiles) -> Egress | None:
    """Return the project's proxy with its password; None where captures leave directly.

    :raises StoreError: its password is gone; nothing may leave then
    """
    row = egress_row(session, project_id)
    if row is None:
        return None
    return Egress(
        row.host,
        row.port,
        row.user,
        secrets.read(row.secret) if row.secret else "",
        row.names,
        row.resolver,
        row.resolver_port,
    )


def set_proxy(
    session: Session, actor: Actor, project: Project, form: ProxyForm, secrets: SecretFiles
) -> str | None:
    """Let the project's captures leave through a proxy; return the secret this one replaces.

    Forget that secret once the transaction is through: a crash before leaves both.

    :raises UsageError: something of the proxy cannot be
    """
    wanted = form.checked()
    row = egress_row(session, project.id)
    before = told(row)
    old = row.secret if row is not None else None
    if row is None:
        row = ProjectEgress(
            project_id=project.id, host=wanted.host, port=wanted.port, set_by=actor.user_id
        )
        session.add(row)
    row.host, row.port, row.user = wanted.host, wanted.port, wanted.user
    row.names, row.resolver = wanted.names, wanted.resolver
    row.resolver_port = wanted.resolver_port
    row.set_by, row.set_at = actor.user_id, utc_now()
    if form.password is not None or not wanted.user:
        row.secret = secrets.keep(_KIND, form.password) if form.password else None
    events.record(
        session,
        EventKind.EGRESS_SET,
        actor=actor,
        covers=[row],
        project_id=project.id,
        before=before,
        after=told(row),
    )
    session.flush()
    return old if old != row.secret else None


def clear_proxy(session: Session, actor: Actor, project: Project) -> str | None:
    """Let the project's captures leave directly; return the secret that is to be forgotten."""
    row = egress_row(session, project.id)
    if row is None:
        return None
    session.delete(row)
    events.record(
        session,
        EventKind.EGRESS_CLEAR,
        actor=actor,
        covers=[row],
        project_id=project.id,
        before=told(row),
    )
    session.flush()
    return row.secret


def told(row: ProjectEgress | None) -> dict[str, str | int | bool] | None:
    """What an event and a command say of a proxy: everything but the password."""
    if row is None:
        return None
    return {
        "host": row.host,
        "port": row.port,
        "user": row.user,
        "password": row.secret is not None,
        "names": row.names.value,
        "resolver": row.resolver,
        "resolver_port": row.resolver_port,
    }


def _resolver(text: str) -> tuple[str, int]:
    typed = text.strip()
    host, port = typed, str(DNS_PORT)
    if typed.startswith("["):
        host, _, rest = typed[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif typed.count(":") == 1:
        host, _, port = typed.partition(":")
    try:
        return str(ip_address(host)), _port(port, "name server")
    except ValueError as error:
        raise UsageError(
            "Say the IP address of a name server to ask through the proxy, such as 9.9.9.9, "
            "or let the proxy look names up."
        ) from error


def _port(text: str, whose: str) -> int:
    if not text.strip().isdigit() or not 0 < int(text) < 65_536:
        raise UsageError(f"{text!r} is no port of a {whose}; it is a number from 1 to 65535.")
    return int(text)
