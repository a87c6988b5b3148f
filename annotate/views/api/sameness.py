"""API: items that look alike, pairs that may be the same, and what people judge of them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Judgement
from annotate.permissions import Act
from annotate.services import items, sameness
from annotate.services.label_index import labels_of
from annotate.services.similar import similar_to
from annotate.services.suggestions import suggestions
from annotate.views.api.spec import endpoint, number, project
from annotate.views.context import ProjectContext, actor

_TEXT: Final = {"type": "string"}
_JUDGEMENT: Final = {"type": "string", "enum": [one.value for one in Judgement]}


@endpoint("GET", project("/items/<item_id>/similar"), Act.READ, "Items that look like this one")
def similar(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return similar items, the most alike first."""
    item = items.get_item(session, context.project.id, item_id)
    found = similar_to(session, labels_of(session, context.project.id), item)
    return {
        "items": [
            {"id": one.item_id, "share": round(one.share, 3), "signs": [*one.signs]}
            for one in found
        ]
    }


@endpoint(
    "GET",
    project("/same"),
    Act.READ,
    "Pairs that may be the same and that nobody has judged, the likeliest first",
    query={"page": {"type": "integer"}, "size": {"type": "integer"}},
)
def pairs(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return one page of pairs."""
    page, size = number("page", 1, 1_000_000), number("size", 50, 500)
    found = suggestions(session, context.project)
    return {
        "total": len(found),
        "page": page,
        "pairs": [
            {
                "item": one.item_id,
                "other": one.other_id,
                "share": round(one.share, 3),
                "signs": [*one.signs],
            }
            for one in found[(page - 1) * size : page * size]
        ],
    }


@endpoint(
    "POST",
    project("/items/<item_id>/judgements"),
    Act.JUDGE_SAME,
    "Say whether this item shows the same as another, which then counts",
    body={"other": _TEXT, "judgement": _JUDGEMENT, "reason": {"type": "string", "required": False}},
)
def judge(session: Session, context: ProjectContext, body: Any, item_id: str) -> dict[str, Any]:
    """Judge two items."""
    if body["judgement"] not in set(Judgement):
        raise UsageError("A judgement is “same”, “not same” or “unsure”.")
    item = items.get_item(session, context.project.id, item_id)
    other = items.get_item(session, context.project.id, body["other"])
    made = sameness.judge(
        session, actor(), context.project, item, other,
        Judgement(body["judgement"]), body.get("reason", ""),
    )  # fmt: skip
    return {"id": made.id, "judgement": made.judgement.value}


@endpoint(
    "POST",
    project("/judgements/<judgement_id>/undo"),
    Act.JUDGE_SAME,
    "Take a judgement about two items back",
)
def undo(
    session: Session, context: ProjectContext, _body: Any, judgement_id: str
) -> dict[str, Any]:
    """Undo a judgement."""
    sameness.undo(session, actor(), context.project, judgement_id)
    return {"undone": judgement_id}
