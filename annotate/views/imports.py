"""Importing archives an analyst already has."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import ImportState
from annotate.permissions import Act
from annotate.services import imports
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("imports", __name__)


@bp.get("/p/<slug>/imports")
@signed_in
def index(slug: str) -> str:
    """List what was brought in, and what was refused and why."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        files = imports.imports_of(session, context.project.id)
    return render_template("imports.html", files=files)


@bp.get("/p/<slug>/imports.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return the same list."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        files = imports.imports_of(session, context.project.id)
    return jsonify(
        [
            {
                "name": one.name,
                "kind": one.kind,
                "state": one.state.value,
                "verdict": one.verdict.value if one.verdict else None,
                "reason": one.reason,
                "records": one.records,
                "pages": one.pages,
                "sha256": one.sha256,
                "size": one.size,
            }
            for one in files
        ]
    )


@bp.post("/p/<slug>/imports")
@signed_in
def upload(slug: str) -> Response:
    """Import the files sent."""
    with wiring().database.read() as session:
        project_id = load_project(session, slug, Act.IMPORT).project.id
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise UsageError("Choose a file first.")
    for file in files:
        made = imports.import_file(
            wiring().database,
            wiring().store,
            actor(),
            project_id,
            Path(file.filename or "file").name,
            file.stream,
            limit=wiring().config.upload_bytes,
        )
        if made.state is ImportState.REFUSED:
            flash(f"{made.name} was refused: {made.reason}")
        else:
            flash(f"{made.name}: {made.records} records, {made.pages} pages.")
    return redirect(url_for("imports.index", slug=slug))
