"""“What was recorded”: every request of a capture, how it went, and why anything is missing."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from annotate.services.recorded import Recorded, Show, recorded
from annotate.views.captures import held, viewing
from annotate.views.context import signed_in, wiring

bp = Blueprint("recorded", __name__)
PAGE: Final = 200  # requests on a page


@bp.get("/c/<capture_id>/recorded")
@signed_in
def show(capture_id: str) -> str:
    """Show the requests of a capture, page by page."""
    words = {one.value: one for one in Show}
    wanted = words.get(request.args.get("show", ""), Show.ALL)
    kind = request.args.get("kind", "")
    with wiring().database.read() as session:
        capture, warc = held(session, capture_id)
        found = recorded(session, warc, viewing().warc_path(warc))
    lines = found.shown(wanted, kind)
    pages = max(1, -(-len(lines) // PAGE))
    number = max(1, min(request.args.get("page", 1, type=int), pages))
    return render_template(
        "recorded.html",
        capture=capture,
        found=found,
        lines=lines[(number - 1) * PAGE : number * PAGE],
        total=len(lines),
        wanted=wanted,
        kind=kind,
        number=number,
        pages=pages,
    )


@bp.get("/c/<capture_id>/recorded.json")
@signed_in
def as_json(capture_id: str) -> Response:
    """Return the same as JSON, whole."""
    with wiring().database.read() as session:
        _capture, warc = held(session, capture_id)
        found = recorded(session, warc, viewing().warc_path(warc))
    return jsonify(_document(found))


def _document(found: Recorded) -> dict[str, object]:
    return {
        "total": len(found.lines),
        "missing": found.missing,
        "not_whole": found.cut,
        "has_ledger": found.has_ledger,
        "fault": found.fault,
        "unseen": found.unseen,
        "requests": [
            {
                "url": line.asked.url,
                "method": line.asked.method,
                "type": line.asked.kind,
                "at": line.asked.at,
                "status": line.asked.status,
                "bytes": line.asked.size,
                "record": line.asked.record,
                "position": line.position,
                "why": line.asked.why,
            }
            for line in found.lines
        ],
    }
