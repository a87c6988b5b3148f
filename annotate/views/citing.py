"""Citations of captures, and the provenance of items, for other programs."""

from __future__ import annotations

from flask import Blueprint, Response

from annotate.exchange import citation
from annotate.permissions import Act
from annotate.services import citing, exports, items
from annotate.views.captures import held
from annotate.views.context import load_project, signed_in, wiring

bp = Blueprint("citing", __name__)


@bp.get("/c/<capture_id>/citation.ris")
@signed_in
def ris(capture_id: str) -> Response:
    """Return a capture as a reference manager imports it."""
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        text = citation.ris(citing.cited(session, capture))
    response = Response(text, content_type="application/x-research-info-systems; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{capture_id}.ris")
    return response


@bp.get("/c/<capture_id>/citation.json")
@signed_in
def csl(capture_id: str) -> Response:
    """Return a capture as CSL-JSON."""
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        body = exports.to_json([citation.csl(citing.cited(session, capture))])
    return Response(body, content_type="application/vnd.citationstyles.csl+json")


@bp.get("/p/<slug>/items/<item_id>/prov.json")
@signed_in
def provenance(slug: str, item_id: str) -> Response:
    """Return an item's provenance as PROV-JSON."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        body = exports.to_json(citing.provenance(session, item))
    return Response(body, content_type="application/json")
