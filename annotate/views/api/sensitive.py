"""Sensitive items over the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import PictureChoice
from annotate.permissions import Act
from annotate.services import items, library, sensitive, veils
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, parts, person
from archive.clock import isoformat

_OPTIONAL = {"type": "string", "required": False}


@endpoint(
    "GET", project("/items/<item_id>/sensitive"), Act.READ, "Whether an item is sensitive, and why"
)
def show(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return an item's mark; who codes it blind is not told why."""
    item = items.get_item(session, context.project.id, item_id)
    veil = veils.veil_of(session, context.project, person(), item.id)
    return {
        "sensitive": veil.sensitive,
        "reason": veil.reason or None,
        "marked_by": veil.by or None,
        "marked_at": isoformat(veil.at) if veil.at else None,
    }


@endpoint(
    "PUT",
    project("/items/<item_id>/sensitive"),
    Act.TAG,
    "Mark an item sensitive",
    body={"reason": {"type": "string"}},
)
def mark(session: Session, context: ProjectContext, body: Any, item_id: str) -> dict[str, Any]:
    """Mark an item."""
    item = items.get_item(session, context.project.id, item_id)
    changed = sensitive.mark(session, actor(), context.project, item, body["reason"])
    return {"sensitive": True, "changed": changed}


@endpoint("DELETE", project("/items/<item_id>/sensitive"), Act.TAG, "Take the mark off an item")
def unmark(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Take the mark off."""
    item = items.get_item(session, context.project.id, item_id)
    changed = sensitive.unmark(session, actor(), context.project, item)
    return {"sensitive": False, "changed": changed}


@endpoint(
    "PUT",
    project("/me/pictures"),
    Act.READ,
    "What you want of sensitive items: ask, avoid (be given none) or show",
    body={"pictures": {"type": "string", "enum": [one.value for one in PictureChoice]}},
)
def choose(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Keep the choice of whoever the token is for."""
    if body["pictures"] not in {one.value for one in PictureChoice}:
        raise UsageError(f"{body['pictures']!r} is no choice.")
    choice = PictureChoice(body["pictures"])
    veils.choose(session, actor(), context.project, person(), choice)
    return {"pictures": choice.value}


@endpoint(
    "POST",
    project("/sensitive"),
    Act.TAG,
    "Mark all that a query finds, or the items named, or take their marks off",
    body={
        "sensitive": {"type": "boolean"},
        "reason": _OPTIONAL | {"description": "needed to mark"},
        "query": _OPTIONAL,
        "items": {"type": "array", "items": {"type": "string"}, "required": False},
    },
)
def mark_many(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Mark or unmark many items."""
    if ("query" in body) == ("items" in body):
        raise UsageError("Send either “query” or “items”.")
    held, ids = context.project, [str(one) for one in body.get("items", ())]
    if "query" in body:
        ids = library.ids_for(session, held, body["query"], parts().engine, context.zone)
    if not ids:
        raise UsageError("No item is named or found.")
    if body["sensitive"]:
        reason = body.get("reason", "")
        operation, changed = sensitive.mark_many(session, actor(), held, ids, reason)
    else:
        operation, changed = sensitive.unmark_many(session, actor(), held, ids)
    return {"id": operation, "changed": changed, "of": len(ids)}


@endpoint(
    "POST",
    project("/sensitive/<operation_id>/undo"),
    Act.TAG,
    "Take an act of marking many items back",
)
def undo(
    session: Session, context: ProjectContext, _body: Any, operation_id: str
) -> dict[str, Any]:
    """Undo an act on many items."""
    return {"restored": sensitive.undo(session, actor(), context.project, operation_id)}


@endpoint(
    "PUT",
    project("/blurs-all"),
    Act.CHANGE_PROJECT,
    "Let the pictures of every item wait blurred, or of sensitive ones only",
    body={"blurs_all": {"type": "boolean"}},
)
def blur_all(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Set whether the project blurs every picture."""
    veils.blur_all(session, actor(), context.project, wanted=body["blurs_all"])
    return {"blurs_all": context.project.blurs_all}
