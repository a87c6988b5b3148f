"""Marks over the API: words, regions of pictures, ranges of time in films; carrying over."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError, UsageError
from annotate.models import Capture
from annotate.permissions import Act
from annotate.selectors.media import read_mark
from annotate.services import annotating, annotation_json, carrying, items
from annotate.views.api.spec import endpoint, project
from annotate.views.captures import sources_of_capture
from annotate.views.context import ProjectContext, actor

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}
_PLACE = {"type": "integer", "required": False}


@endpoint(
    "GET", project("/items/<item_id>/highlights"), Act.READ, "Marks of an item, as Web Annotations"
)
def highlights(
    session: Session, context: ProjectContext, _body: Any, item_id: str
) -> dict[str, Any]:
    """Return an item's marks of every kind."""
    item = items.get_item(session, context.project.id, item_id)
    shown = annotating.marks_of_item(session, item.id)
    return annotation_json.collection(context.project, item, shown)


@endpoint(
    "POST",
    project("/captures/<capture_id>/highlights"),
    Act.NOTE,
    "Highlight words of a capture's text; places count code points",
    body={"quote": _TEXT, "start": _PLACE, "end": _PLACE, "body": _OPTIONAL},
)
def highlight(
    session: Session, context: ProjectContext, body: Any, capture_id: str
) -> dict[str, Any]:
    """Highlight words."""
    made = annotating.add(
        session,
        actor(),
        context.project,
        _capture(session, context, capture_id),
        quote=body["quote"],
        start=body.get("start"),
        end=body.get("end"),
        body=body.get("body", ""),
    )
    return {"id": made.id, "start": made.start, "end": made.end, "exact": made.exact}


@endpoint(
    "GET",
    project("/captures/<capture_id>/sources"),
    Act.READ,
    "Pictures, films and sounds of a capture that can be marked",
)
def sources(
    session: Session, context: ProjectContext, _body: Any, capture_id: str
) -> dict[str, Any]:
    """List what can be marked besides the text."""
    capture = _capture(session, context, capture_id)
    return {
        "sources": [
            {
                "uri": one.uri,
                "kind": one.kind.value,
                "number": one.number,
                "type": one.content_type,
                "digest": one.digest,
                "width": one.width or None,
                "height": one.height or None,
            }
            for one in sources_of_capture(session, capture.id)
        ]
    }


@endpoint(
    "POST",
    project("/captures/<capture_id>/marks"),
    Act.NOTE,
    "Mark a region (source#xywh=pixel:x,y,w,h) or a range of time (source#t=npt:a,b)",
    body={"mark": _TEXT, "body": _OPTIONAL},
)
def mark(session: Session, context: ProjectContext, body: Any, capture_id: str) -> dict[str, Any]:
    """Mark a region or a range of time."""
    capture = _capture(session, context, capture_id)
    try:
        wanted = read_mark(body["mark"])
    except ValueError as error:
        raise UsageError(str(error)) from error
    made = annotating.add_media(
        session,
        actor(),
        context.project,
        capture,
        sources_of_capture(session, capture.id),
        wanted,
        body=body.get("body", ""),
    )
    return {"id": made.id, "kind": made.kind.value, "source": made.source, "place": made.fragment}


@endpoint(
    "POST",
    project("/highlights/<annotation_id>"),
    Act.NOTE,
    "Say something else of a mark; 409 if somebody saved in between",
    body={"body": _TEXT, "row_version": _WHOLE},
)
def edit(
    session: Session, context: ProjectContext, body: Any, annotation_id: str
) -> dict[str, Any]:
    """Change what is said of a mark."""
    one = annotating.get(session, context.project, annotation_id)
    annotating.edit(session, actor(), one, body["body"], seen=body["row_version"])
    return {"id": one.id, "row_version": one.row_version}


@endpoint(
    "POST", project("/highlights/<annotation_id>/withdraw"), Act.NOTE, "Take one's own mark off"
)
def withdraw(
    session: Session, context: ProjectContext, _body: Any, annotation_id: str
) -> dict[str, Any]:
    """Take a mark off."""
    one = annotating.get(session, context.project, annotation_id)
    annotating.withdraw(session, actor(), one)
    return {"id": one.id, "withdrawn": True}


@endpoint(
    "POST", project("/highlights/<annotation_id>/restore"), Act.NOTE, "Put one's own mark back"
)
def restore(
    session: Session, context: ProjectContext, _body: Any, annotation_id: str
) -> dict[str, Any]:
    """Put a mark back."""
    one = annotating.get(session, context.project, annotation_id, withdrawn=True)
    annotating.restore(session, actor(), one)
    return {"id": one.id, "withdrawn": False}


@endpoint(
    "GET",
    project("/marks/open"),
    Act.READ,
    "Marks that newer captures lack: proposed with a score, orphan, or to draw again",
    query={"after": _TEXT},
)
def open_marks(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List marks about which nobody has decided."""
    found, after = carrying.open_marks(
        session, context.project, after=request.args.get("after", "")
    )
    return {
        "next": after or None,
        "marks": [
            {
                "id": one.shown.annotation.id,
                "item": one.item.id,
                "capture": one.shown.annotation.capture_id,
                "newest": one.newest.id,
                "standing": one.standing.value,
                "score": round(one.proposal.score, 4) if one.proposal else None,
                "exact": one.proposal.selector.exact if one.proposal else None,
                "start": one.proposal.selector.start if one.proposal else None,
                "end": one.proposal.selector.end if one.proposal else None,
            }
            for one in found
        ],
    }


@endpoint(
    "POST",
    project("/highlights/<annotation_id>/carry"),
    Act.NOTE,
    "Carry a highlight over to another capture, as proposed",
    body={"capture": _TEXT},
)
def carry(
    session: Session, context: ProjectContext, body: Any, annotation_id: str
) -> dict[str, Any]:
    """Carry a highlight over."""
    one = annotating.get(session, context.project, annotation_id)
    capture = _capture(session, context, body["capture"])
    made = carrying.carry_over(session, actor(), context.project, one, capture)
    return {"id": made.id, "start": made.start, "end": made.end, "exact": made.exact}


@endpoint(
    "POST",
    project("/highlights/<annotation_id>/leave"),
    Act.NOTE,
    "Decide that a mark is not carried over to a capture; an empty one takes that back",
    body={"capture": _TEXT},
)
def leave(
    session: Session, context: ProjectContext, body: Any, annotation_id: str
) -> dict[str, Any]:
    """Leave a mark where it is."""
    one = annotating.get(session, context.project, annotation_id)
    capture = _capture(session, context, body["capture"]) if body["capture"] else None
    carrying.leave(session, actor(), one, capture)
    return {"id": one.id, "left_at": one.left_at}


def _capture(session: Session, context: ProjectContext, capture_id: str) -> Capture:
    found = session.scalar(
        select(Capture).where(Capture.id == capture_id, Capture.project_id == context.project.id)
    )
    if found is None:
        raise NotFoundError("This project has no such capture.")
    return found
