"""A project's way out and its capture sessions over the API: secrets go in and never come out."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from annotate.models import CaptureSession
from annotate.permissions import Act
from annotate.services import identities, ways
from annotate.services.ways import ProxyForm
from annotate.views.api.spec import endpoint, project, writing
from annotate.views.context import ProjectContext, actor, wiring
from archive.capture.cookies import FILE_LIMIT
from archive.capture.egress import NamesBy
from archive.clock import isoformat

_TEXT: Final = {"type": "string"}
_OPTIONAL: Final = {"type": "string", "required": False}


@endpoint("GET", project("/way-out"), Act.READ, "How captures leave: a proxy, or null for directly")
def show(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return the proxy; of its password, whether there is one."""
    return {"proxy": ways.told(ways.egress_row(session, context.project.id))}


@endpoint(
    "PUT",
    project("/way-out"),
    Act.CHANGE_PROJECT,
    "Let captures leave through a proxy, or not at all; without a password the one set is kept",
    body={
        "host": _TEXT,
        "port": {"type": "integer"},
        "user": _OPTIONAL,
        "password": _OPTIONAL | {"writeOnly": True},
        "names": _OPTIONAL | {"enum": [one.value for one in NamesBy]},
        "resolver": _OPTIONAL | {"description": "a name server's IP address, with a port if any"},
    },
    by_itself=True,
)
def set_proxy(_session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Set the proxy."""
    form = ProxyForm(
        host=body["host"],
        port=str(body["port"]),
        user=body.get("user", ""),
        password=body.get("password") or None,
        names=body.get("names", NamesBy.RESOLVER.value),
        resolver=body.get("resolver", ""),
    )
    secrets = wiring().secrets
    with writing(context, Act.CHANGE_PROJECT) as (session, held):
        old = ways.set_proxy(session, actor(), held.project, form, secrets)
        told = ways.told(ways.egress_row(session, held.project.id))
    if old is not None:  # only now: a crash before leaves both
        secrets.forget(old)
    return {"proxy": told}


@endpoint(
    "DELETE",
    project("/way-out"),
    Act.CHANGE_PROJECT,
    "Let captures leave directly, from this machine's own address",
    by_itself=True,
)
def clear_proxy(_session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Take the proxy away, and forget its password."""
    with writing(context, Act.CHANGE_PROJECT) as (session, held):
        old = ways.clear_proxy(session, actor(), held.project)
    if old is not None:
        wiring().secrets.forget(old)
    return {"proxy": None}


@endpoint(
    "GET",
    project("/sessions"),
    Act.READ,
    "Capture sessions: identities captures may be made with (POST …/requests, `session`)",
)
def list_sessions(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List sessions, without their cookies and identity strings."""
    held = identities.sessions_of(session, context.project.id)
    return {"sessions": [_session_json(one) for one in held]}


@endpoint(
    "POST",
    project("/sessions"),
    Act.CHANGE_PROJECT,
    "Keep the cookies of an identity (cookies.txt or a browser's JSON)",
    body={
        "name": _TEXT,
        "consent": _TEXT | {"description": "whose identity, who agreed to its use, what for"},
        "identity": {
            "type": "array",
            "items": _TEXT,
            "required": False,
            "description": "strings that tell who is signed in: name, handle, mail address",
        },
    },
    file=True,
    by_itself=True,
)
def add_session(_session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Keep a session."""
    with writing(context, Act.CHANGE_PROJECT) as (session, held):
        row = identities.add_session(
            session,
            actor(),
            held.project,
            wiring().sessions,
            name=body["name"],
            consent=body["consent"],
            file=body["file"].stream.read(FILE_LIMIT + 1),
            identity=body.get("identity", []),
        )
    return _session_json(row)


@endpoint(
    "DELETE",
    project("/sessions/<session_id>"),
    Act.CHANGE_PROJECT,
    "Delete the cookies of an identity; captures made with them stay",
    by_itself=True,
)
def delete_session(
    _session: Session, context: ProjectContext, _body: Any, session_id: str
) -> dict[str, Any]:
    """Delete a session, first from use and then its file."""
    with writing(context, Act.CHANGE_PROJECT) as (session, held):
        row = identities.find_session(session, held.project.id, session_id)
        identities.delete_session(session, actor(), held.project, row)
    wiring().sessions.delete(row.id)
    return {"deleted": row.id}


def _session_json(one: CaptureSession) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "consent": one.consent,
        "cookies": one.cookies,
        "domains": one.domains.split("\n"),
        "identity_strings": one.identity_strings,
        "expires_at": isoformat(one.expires_at) if one.expires_at else None,
    }
