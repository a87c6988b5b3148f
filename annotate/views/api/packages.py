"""Packages of a selection over the API: what would be in one, and the file itself."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, jsonify, make_response, request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.permissions import Act
from annotate.services.leaving import Cookies
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext
from annotate.views.packages import Wanted, packed, selected

_OPTIONAL: Final = {"type": "string", "required": False}
_KINDS: Final = ("wacz", "cdxj")


@endpoint(
    "GET",
    project("/package"),
    Act.EXPORT,
    "What a package of an item, or of what a query finds, would hold, and its size in bytes",
    query={"q": {"type": "string"}, "item": {"type": "string"}},
)
def show(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Describe a package."""
    item, query = request.args.get("item", ""), request.args.get("q", "").strip()
    chosen = selected(session, context, item, query)
    return {
        "items": len(chosen.item_ids),
        "uncaptured": chosen.uncaptured,
        "captures": len(chosen.captures),
        "files": len(chosen.warcs),
        "bytes": chosen.size,
        "bystanders": chosen.bystanders,
        "with_session": chosen.with_session,
    }


@endpoint(
    "POST",
    project("/package"),
    Act.EXPORT,
    "The package itself (a signed WACZ, or its CDXJ index); 409 where an identity's strings "
    "stand in it, until `known` says that they may leave",
    body={
        "kind": {"type": "string", "enum": list(_KINDS)},
        "query": _OPTIONAL,
        "item": _OPTIONAL,
        "cookies": _OPTIONAL
        | {"enum": [one.value for one in Cookies], "description": "what they are left out of"},
        "known": {"type": "boolean", "required": False},
    },
    gives="application/octet-stream",
    by_itself=True,
)
def pack(_session: Session, context: ProjectContext, body: Any) -> Response:
    """Return the file; of an identity's strings only where they stand, never what they are."""
    if body["kind"] not in _KINDS:
        raise UsageError(f"A package is one of {', '.join(_KINDS)}.")
    if ("query" in body) == bool(body.get("item")):
        raise UsageError("Send either “query” or “item”.")
    wanted = Wanted(
        kind=body["kind"],
        item=body.get("item", ""),
        query=body.get("query", "").strip(),
        cookies=Cookies.read(body.get("cookies", "")),
        known=body.get("known", False),
    )
    found = packed(context.project.slug, wanted)
    if isinstance(found, Response):
        return found
    said = {
        "error": "Strings of an identity stand in what would leave. Look, then send “known”: true.",
        "status": 409,
        "seen": [
            {"file": one.file, "address": one.target, "times": one.times, "problem": one.problem}
            for one in found.seen
        ],
    }
    return make_response(jsonify(said), 409)
