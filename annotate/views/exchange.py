"""Interchange with other programs: what can be taken out in which form, and where it comes in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.exchange import qdpx
from annotate.exchange.qda_codes import to_code
from annotate.permissions import Act
from annotate.services import (
    codebooks,
    elsewhere,
    exports,
    foreign_marks,
    imports,
    interchange,
    interchange_out,
    library,
)
from annotate.services.interchange import Outgoing
from annotate.services.projects import find_project
from annotate.views.captures import viewing
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring

bp = Blueprint("exchange", __name__)
_PIECE = 1 << 16


@bp.get("/p/<slug>/exchange")
@signed_in
def index(slug: str) -> str:
    """Say what goes out and comes in, and what is held back."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.EXPORT)
        query = request.args.get("q", "").strip()
        outgoing = _gathered(session, context, query)
        books = codebooks.codebooks_of(session, context.project)
        return render_template(
            "exchange.html", outgoing=outgoing.project, held_back=outgoing.held_back, query=query,
            books=books, numbers=interchange.numbers_of(outgoing),
        )  # fmt: skip


@bp.get("/p/<slug>/exchange/project.qdpx")
@signed_in
def project_qdpx(slug: str) -> Response:
    """Return the project, or what a search finds of it, as REFI-QDA (QDPX)."""
    query = request.args.get("q", "").strip()
    with wiring().database.read() as session:  # the texts are read here: no writer waits for it
        context = load_project(session, slug, Act.EXPORT)
        outgoing = _gathered(session, context, query)
        file = tempfile.TemporaryFile(dir=wiring().temporary)  # noqa: SIM115  # closed when sent
        try:
            interchange.write_out(session, viewing(), outgoing, file)
        except BaseException:
            file.close()
            raise
    _record(slug, query or "everything", "qdpx", len(outgoing.project.sources))
    return _sent(file, "application/octet-stream", f"{slug}.qdpx")


@bp.get("/p/<slug>/exchange/annotations.jsonld")
@signed_in
def web_annotations(slug: str) -> Response:
    """Return the project's highlights, or those of what a search finds, as Web Annotations."""
    query = request.args.get("q", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.EXPORT)
        document = foreign_marks.collection(session, context.project, _ids(session, context, query))
    _record(slug, query or "everything", "web annotations", document["total"])
    return Response(exports.to_json(document), content_type="application/ld+json")


@bp.get("/p/<slug>/codebooks/<version_id>.qdc")
@signed_in
def codebook_qdc(slug: str, version_id: str) -> Response:
    """Return a codebook version as REFI-QDA (QDC)."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        version = codebooks.get_version(session, context.project, version_id)
        content = codebooks.content_of(version)
        variables = to_code(version.codebook_id, content).children
    if not variables:
        raise UsageError("This codebook has no variables yet; there is nothing to take out.")
    response = Response(qdpx.write_codebook(variables), content_type="application/xml")
    name = f"codebook-v{version.number}.qdc"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@bp.post("/p/<slug>/imports/<import_id>/undo-codings")
@signed_in
def undo_codings(slug: str, import_id: str) -> Response:
    """Withdraw the highlights and codings that an import brought."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.IMPORT)
        file = imports.get_import(session, context.project.id, import_id)
        number = elsewhere.undo(session, actor(), context.project, file)
    flash(f"{number} highlights and codings were withdrawn. The texts and the codebook stay.")
    return redirect(url_for("imports.show", slug=slug, import_id=import_id))


def _gathered(session: Session, context: ProjectContext, query: str) -> Outgoing:
    ids = _ids(session, context, query)
    return interchange_out.gather(session, context.project, ids)


def _ids(session: Session, context: ProjectContext, query: str) -> list[str] | None:
    """Return what a search finds; None where nothing is asked, which stands for everything."""
    if not query:
        return None
    return library.ids_for(session, context.project, query, parts().engine, context.zone)


def _record(slug: str, query: str, kind: str, rows: int) -> None:
    with wiring().database.write() as session:
        project = find_project(session, slug)
        exports.record_export(session, actor(), project, query=query, kind=kind, rows=rows)


def _sent(file: IO[bytes], kind: str, name: str) -> Response:
    size = file.tell()
    file.seek(0)
    response = Response(_pieces(file), content_type=kind)
    response.call_on_close(file.close)
    response.headers["Content-Length"] = str(size)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
