"""Values that the page contradicts, over the API."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from annotate.models import ValueDecision
from annotate.permissions import Act
from annotate.services import differing, items
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor
from annotate.views.differing import kept_claim
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}


@endpoint(
    "GET", project("/differences"), Act.READ, "Values that the page contradicts, and decisions"
)
def list_differences(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List what contradicts."""
    return {
        "differences": [
            {
                "item": one.difference.item_id,
                "address": one.difference.address,
                "field": one.difference.field_key,
                "claimed": one.difference.claimed,
                "shown": one.difference.shown,
                "capture": one.difference.capture_id,
                "version": one.version,
                "decision": _decision(one.decision) if one.decision else None,
            }
            for one in differing.questions(session, context.project)
        ],
        "decisions": [
            _decision(row) for row, *_rest in differing.decisions_of(session, context.project)
        ],
    }


@endpoint(
    "POST",
    project("/differences/<item_id>/<key>"),
    Act.SET_FIELD,
    "Decide between the list and the page; 409 if a claim changed or somebody decided",
    body={
        "kept": _TEXT | {"description": "the list, the page, another value, or unsure"},
        "value": _OPTIONAL,
        "reason": _OPTIONAL,
        "version": _TEXT,
    },
)
def decide(
    session: Session, context: ProjectContext, body: Any, item_id: str, key: str
) -> dict[str, Any]:
    """Decide."""
    item = items.get_item(session, context.project.id, item_id)
    row = differing.decide(
        session, actor(), context.project, item, key, kept_claim(body["kept"]),
        value=body.get("value", ""), reason=body.get("reason", ""), seen=body["version"],
    )  # fmt: skip
    return _decision(row)


@endpoint(
    "POST",
    project("/decisions-of-values/<decision_id>/undo"),
    Act.SET_FIELD,
    "Take a decision back: what was current before it is so again",
)
def undo(session: Session, context: ProjectContext, _body: Any, decision_id: str) -> dict[str, Any]:
    """Undo a decision."""
    return _decision(differing.undo(session, actor(), context.project, decision_id))


def _decision(row: ValueDecision) -> dict[str, Any]:
    return {
        "id": row.id,
        "item": row.item_id,
        "kept": row.kept.value,
        "claimed": json.loads(row.claimed),
        "shown": json.loads(row.shown),
        "reason": row.reason,
        "decided_at": isoformat(row.decided_at),
        "undone_at": isoformat(row.undone_at) if row.undone_at else None,
    }
