"""The list of items as data: for those who may see numbers and no evidence, and for all others."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from flask import Blueprint, Response, jsonify, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.exchange import spreadsheet
from annotate.permissions import Act
from annotate.services import data_only, exports, library
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring

bp = Blueprint("data", __name__)
_PAGE: Final = 100
_TIMES: Final = ("captured_at", "observed_at")


@bp.get("/p/<slug>/data")
@signed_in
def index(slug: str) -> str:
    """Show one page of the list."""
    number = max(1, request.args.get("page", 1, type=int))
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        query, found = _found(session, context)
        shown = found[(number - 1) * _PAGE : number * _PAGE]
        return render_template(
            "data.html", query=query, total=len(found), number=number,
            pages=max(1, -(-len(found) // _PAGE)),
            header=data_only.header(session, context.project),
            rows=data_only.rows(session, context.project, shown),
        )  # fmt: skip


@bp.get("/p/<slug>/data.json")
@signed_in
def as_json(slug: str) -> AnyResponse:
    """Return the whole list as JSON."""
    query, _header, rows = _taken_out(slug, "data json")
    return jsonify(query=query, total=len(rows), items=rows)


@bp.get("/p/<slug>/data.csv")
@signed_in
def as_csv(slug: str) -> Response:
    """Return the whole list as CSV."""
    _query, header, rows = _taken_out(slug, "data csv")
    return _sent(_csv(header, rows), "text/csv; charset=utf-8", f"{slug}-data.csv")


@bp.get("/p/<slug>/data.xlsx")
@signed_in
def as_xlsx(slug: str) -> Response:
    """Return the whole list as XLSX."""
    _query, header, rows = _taken_out(slug, "data xlsx")
    made = spreadsheet.from_csv(_csv(header, rows), "Data", spreadsheet.kinds(times=_TIMES))
    return _sent(made, spreadsheet.MIMETYPE, f"{slug}-data.xlsx")


def _found(session: Session, context: ProjectContext) -> tuple[str, list[str]]:
    query = request.args.get("q", "").strip()
    data_only.check_query(session, context.project, query)
    return query, library.ids_for(session, context.project, query, parts().engine, context.zone)


def _taken_out(slug: str, kind: str) -> tuple[str, list[str], list[dict[str, Any]]]:
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.COUNT)
        query, found = _found(session, context)
        rows = data_only.rows(session, context.project, found)
        exports.record_export(
            session, actor(), context.project, query=query, kind=kind, rows=len(rows)
        )
        return query, data_only.header(session, context.project), rows


def _csv(header: list[str], rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    out.write(exports.BOM)
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([exports.spreadsheet_cell(row[name]) for name in header])
    return out.getvalue()


def _sent(body: str | bytes, kind: str, name: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
