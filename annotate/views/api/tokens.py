"""One's own tokens over the API; a token makes and ends none that can more than itself."""

from __future__ import annotations

from typing import Any, Final

from flask import g
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import ApiToken, Scope
from annotate.permissions import Act
from annotate.services import tokens
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, person
from archive.clock import isoformat

_TEXT: Final = {"type": "string"}
_SCOPE: Final = _TEXT | {"enum": [one.value for one in Scope]}


@endpoint("GET", project("/me/tokens"), Act.COUNT, "Your tokens of this project, newest first")
def list_tokens(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List one's tokens; never their words, which are not kept."""
    held = tokens.tokens_of(session, person().id, context.project.id)
    return {"tokens": [_token_json(one) for one in held]}


@endpoint(
    "POST",
    project("/me/tokens"),
    Act.COUNT,
    "Make a token with scopes of this one, ending before it; `token` is told only now",
    body={
        "name": _TEXT,
        "scopes": {"type": "array", "items": _SCOPE},
        "days": {"type": "integer"},
    },
)
def make(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Make a token."""
    known = {one.value for one in Scope}
    if not all(isinstance(one, str) and one in known for one in body["scopes"]):
        raise UsageError(f"A scope is one of {', '.join(Scope)}.")
    made, words = tokens.make_token(
        session,
        actor(),
        context.project,
        name=body["name"],
        scopes=[Scope(one) for one in body["scopes"]],
        days=body["days"],
        within=g.token,
    )
    return _token_json(made) | {"token": words}


@endpoint(
    "DELETE",
    project("/me/tokens/<token_id>"),
    Act.COUNT,
    "End a token of yours, this one too, unless it has a scope that this one has not",
)
def revoke(session: Session, context: ProjectContext, _body: Any, token_id: str) -> dict[str, Any]:
    """End a token."""
    ended = tokens.revoke(session, actor(), context.project, token_id, within=g.token)
    return _token_json(ended)


def _token_json(one: ApiToken) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "scopes": one.scopes.split(),
        "created_at": isoformat(one.created_at),
        "expires_at": isoformat(one.expires_at),
        "revoked_at": isoformat(one.revoked_at) if one.revoked_at else None,
    }
