"""What happened since: open pages ask every few seconds."""

from __future__ import annotations

from flask import Blueprint, g, jsonify, request
from werkzeug.wrappers import Response

from annotate.permissions import Act
from annotate.services import live
from annotate.services.progress import progress
from annotate.views import speech
from annotate.views.context import load_project, signed_in, wiring

bp = Blueprint("live", __name__)


@bp.get("/p/<slug>/events.json")
@signed_in
def events(slug: str) -> Response:
    """Return the project's events after a position, and how its queue stands."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = live.after(session, context.project.id, request.args.get("after", 0, type=int))
        how = progress(session, context.project.id)
        head = found[-1].position if found else live.head(session, context.project.id)
    return jsonify(
        position=head,
        events=[
            {"kind": one.kind, "who": one.who, "item": one.item_id, "at": one.at.isoformat()}
            for one in found
        ],
        queue=how.as_json() | {"left": speech.translated(how.left)},
        for_you=g.get("for_you", 0),
    )
