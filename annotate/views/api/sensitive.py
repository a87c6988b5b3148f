"""Sensitive items over the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import PictureChoice
from annotate.permissions import Act
from annotate.services import items, sensitive, veils
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, person
from archive.clock import isoformat


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
