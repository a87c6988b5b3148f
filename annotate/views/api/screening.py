"""Screening over the API: one item, or all that a search finds, shown before, undone after."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Screening, ScreeningOperation, Verdict
from annotate.permissions import Act
from annotate.services import items, library, screening
from annotate.services.screening import Said
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, parts
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_VERDICT = _TEXT | {"enum": [*(one.value for one in Verdict), "undecided"]}


@endpoint("GET", project("/items/<item_id>/screening"), Act.READ, "What screening says of an item")
def show(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return what stands of an item."""
    item = items.get_item(session, context.project.id, item_id)
    return _said_json(screening.said_of(session, [item.id]).get(item.id))


@endpoint(
    "PUT",
    project("/items/<item_id>/screening"),
    Act.SCREEN,
    "Include or exclude an item; 409 if somebody decided in between",
    body={"verdict": _VERDICT, "reason": _OPTIONAL, "version": {"type": "integer"}},
)
def screen(session: Session, context: ProjectContext, body: Any, item_id: str) -> dict[str, Any]:
    """Screen an item."""
    item = items.get_item(session, context.project.id, item_id)
    held = screening.screen(
        session, actor(), context.project, item, _said(body), seen=body["version"]
    )
    return _said_json(held)


@endpoint(
    "GET",
    project("/screening/preview"),
    Act.SCREEN,
    "What an act on all that a query finds would meet; `shown` has to be sent with the act",
    query={"q": _TEXT},
)
def preview(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return how many, how they stand, and a sample."""
    ids = _found(session, context, request.args.get("q", ""))
    seen = screening.preview(session, ids)
    return {
        "found": seen.found,
        "standing": dict(seen.standing),
        "sample": list(seen.sample),
        "closed": seen.closed,
        "shown": seen.digest,
    }


@endpoint(
    "POST",
    project("/screening"),
    Act.SCREEN,
    "Say the same of all that a query finds, if it finds what was shown",
    body={"query": _TEXT, "verdict": _VERDICT, "reason": _OPTIONAL, "shown": _TEXT},
)
def screen_many(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Screen many items."""
    made = screening.screen_many(
        session,
        actor(),
        context.project,
        _found(session, context, body["query"]),
        _said(body),
        query=body["query"],
        shown=body["shown"],
    )
    return _act_json(made)


@endpoint("GET", project("/screening"), Act.READ, "Acts of screening on many items, newest first")
def acts(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List the acts on many items."""
    done = screening.acts_of(session, actor(), context.project)
    return {
        "acts": [
            _act_json(one.operation) | {"by": one.by.display_name, "undoable": one.undoable}
            for one in done
        ]
    }


@endpoint(
    "POST",
    project("/screening/<operation_id>/undo"),
    Act.SCREEN,
    "Restore exactly what an act changed, one's own or as a manager; later changes are kept",
)
def undo(
    session: Session, context: ProjectContext, _body: Any, operation_id: str
) -> dict[str, Any]:
    """Undo an act."""
    made = screening.undo(session, actor(), context.project, operation_id)
    return _act_json(made) | {"kept_items": screening.kept_items(session, made)}


def _said(body: Any) -> Said:
    if body["verdict"] == "undecided":
        return Said()
    try:
        return Said(Verdict(body["verdict"]), body.get("reason", ""))
    except ValueError as error:
        raise UsageError("A verdict is included, excluded or undecided.") from error


def _found(session: Session, context: ProjectContext, query: str) -> list[str]:
    return library.ids_for(session, context.project, query, parts().engine, context.zone)


def _said_json(held: Screening | None) -> dict[str, Any]:
    return {
        "verdict": held.verdict.value if held is not None and held.verdict else "undecided",
        "reason": held.reason if held is not None else "",
        "version": held.row_version if held is not None else 0,
        "decided_at": isoformat(held.decided_at) if held is not None else None,
    }


def _act_json(one: ScreeningOperation) -> dict[str, Any]:
    return {
        "id": one.id,
        "query": one.query,
        "found": one.found,
        "changed": len(json.loads(one.changes)),
        "kept": one.kept,
        "verdict": one.verdict.value if one.verdict else "undecided",
        "reason": one.reason,
        "undoes": one.undoes_id,
        "undone_by": one.undone_by_id,
        "done_at": isoformat(one.done_at),
    }
