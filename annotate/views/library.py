"""The library: search, facets, rows, bulk tagging; the same as .json and .csv."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import BulkKind
from annotate.permissions import Act
from annotate.services import exports, library, tags
from annotate.services.live import head
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    parts,
    person,
    signed_in,
    wiring,
)
from search.errors import QuerySyntaxError

bp = Blueprint("library", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a library page says."""

    query: str
    sort: str
    number: int
    size: int


def _asked() -> Asked:
    size = request.args.get("size", 50, type=int)
    sort = request.args.get("sort", "best")
    return Asked(
        query=request.args.get("q", "").strip(),
        sort=sort if sort in library.SORTS else "best",
        number=max(1, request.args.get("page", 1, type=int)),
        size=size if size in library.PAGE_SIZES else 50,
    )


@bp.get("/p/<slug>/")
@signed_in
def index(slug: str) -> tuple[str, int]:
    """Show what a search finds; a query that cannot be read is shown with its fault."""
    asked = _asked()
    fault: QuerySyntaxError | None = None
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        try:
            page = _page(session, context, asked)
        except QuerySyntaxError as error:
            fault = error
            page = library.Page(asked.query, 0, 1, asked.size, (), ())
        everything = tags.all_tags(session, context.project.id)
        operation = tags.last_operation(session, context.project.id, person().id)
        feed = head(session, context.project.id)
    html = render_template(
        "library.html",
        page=page,
        asked=asked,
        fault=fault,
        all_tags=everything,
        operation=operation,
        feed=feed,
        sorts=library.SORTS,
    )
    return html, 400 if fault else 200


@bp.get("/p/<slug>/items.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return the whole result as JSON, facets included."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        rows = _export_rows(session, context, "json")
        page = _page(session, context, _asked())
    body: dict[str, Any] = {
        "query": _asked().query,
        "zone": context.zone_name,
        "total": len(rows),
        "items": rows,
        "facets": {
            facet.key: {value.value: value.number for value in facet.values}
            for facet in page.facets
        },
    }
    return jsonify(body)


@bp.get("/p/<slug>/items.csv")
@signed_in
def as_csv(slug: str) -> Response:
    """Return the whole result as CSV."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        text = exports.to_csv(session, context.project, _export_rows(session, context, "csv"))
    name = f"{slug}-items.csv"
    return Response(
        text,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.post("/p/<slug>/bulk")
@signed_in
def bulk(slug: str) -> Response:
    """Tag or untag the ticked items, or all that the search finds."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        if form.get("all") == "yes":
            ids = library.ids_for(
                session, context.project, form.get("q", ""), parts().engine, context.zone
            )
        else:
            ids = form.getlist("item")
        if not ids:
            raise UsageError("No item is ticked. Tick some, or choose all that the search finds.")
        kind = BulkKind.UNTAG if form.get("act") == "untag" else BulkKind.TAG
        name = form.get("tag", "")
        operation = tags.tag_many(session, actor(), context.project, ids, name, kind)
        changed = operation.items.count('"') // 2
    flash(f"{changed} of {len(ids)} items changed: {kind.value} “{name.strip()}”.")
    return redirect(_back(slug))


@bp.post("/p/<slug>/bulk/<operation_id>/undo")
@signed_in
def undo(slug: str, operation_id: str) -> Response:
    """Take a bulk act back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        restored = tags.undo(session, actor(), context.project, operation_id)
    flash(f"Undone on {restored} items.")
    return redirect(_back(slug))


def _page(session: Session, context: ProjectContext, asked: Asked) -> library.Page:
    return library.search_items(
        session,
        context.project,
        asked.query,
        parts().engine,
        context.zone,
        sort=asked.sort,
        number=asked.number,
        size=asked.size,
    )


def _export_rows(session: Session, context: ProjectContext, kind: str) -> list[dict[str, Any]]:
    asked = _asked()
    ids = library.ids_for(session, context.project, asked.query, parts().engine, context.zone)
    rows = exports.item_rows(session, context.project, ids)
    exports.record_export(
        session, actor(), context.project, query=asked.query, kind=kind, rows=len(rows)
    )
    return rows


def _back(slug: str) -> str:
    return url_for(
        "library.index",
        slug=slug,
        q=request.form.get("q") or None,
        page=request.form.get("page") or None,
        zone=request.args.get("zone"),
    )
