"""Packages and indexes of a selection: what would be in it, then the file itself, streamed."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from annotate.permissions import Act
from annotate.services import exports, items, library, packages
from annotate.services.packages import Selection
from annotate.services.projects import find_project
from annotate.views.captures import viewing
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring
from archive.export.signing import package_key

bp = Blueprint("packages", __name__)


@bp.get("/p/<slug>/package")
@signed_in
def show(slug: str) -> str:
    """Say what a package of the selection would hold, and how large it is."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.EXPORT)
        chosen = _chosen(session, context)
        return render_template("package.html", chosen=chosen, args=_args())


@bp.post("/p/<slug>/package.wacz")
@signed_in
def wacz(slug: str) -> Response:
    """Return the selection as a WACZ."""
    with wiring().database.read() as session:  # indexes may be made now: no writer waits for it
        context = load_project(session, slug, Act.EXPORT)
        chosen = _chosen(session, context)
        pieces = packages.wacz_of(
            session, chosen, viewing(), package_key(wiring().home), wiring().temporary
        )
    _record(chosen, "wacz")
    return _sent(pieces, "application/wacz", f"{slug}.wacz")


@bp.post("/p/<slug>/package.cdxj")
@signed_in
def cdxj(slug: str) -> Response:
    """Return the index of the selection's files."""
    with wiring().database.read() as session:  # indexes may be made now: no writer waits for it
        context = load_project(session, slug, Act.EXPORT)
        chosen = _chosen(session, context)
        pieces = packages.cdxj_of(chosen, viewing(), wiring().temporary)
    _record(chosen, "cdxj")
    return _sent(pieces, "text/plain; charset=utf-8", f"{slug}.cdxj")


def _args() -> dict[str, str]:
    """Return what of the address names the selection."""
    return {key: value for key in ("item", "q", "zone") if (value := request.values.get(key))}


def _chosen(session: Session, context: ProjectContext) -> Selection:
    args = _args()
    if "item" in args:
        item = items.get_item(session, context.project.id, args["item"])
        return packages.select_items(session, context.project, [item.id], item.address)
    query = args.get("q", "").strip()
    ids = library.ids_for(session, context.project, query, parts().engine, context.zone)
    return packages.select_items(session, context.project, ids, query or "everything")


def _record(chosen: Selection, kind: str) -> None:
    """Write down that the selection was taken out, before its first byte is sent."""
    with wiring().database.write() as session:
        project = find_project(session, chosen.project.slug)
        exports.record_export(
            session, actor(), project, query=chosen.what, kind=kind, rows=len(chosen.captures)
        )


def _sent(pieces: Iterator[bytes], kind: str, name: str) -> Response:
    response = Response(pieces, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
