"""Lists of addresses: upload, map the columns, look at a dry run, import."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import NotFoundError, UsageError
from annotate.permissions import Act
from annotate.services import lists
from annotate.services.fields import fields_of
from annotate.views.context import ProjectContext, actor, load_project, person, signed_in, wiring

bp = Blueprint("lists", __name__)


@bp.get("/p/<slug>/lists")
@signed_in
def index(slug: str) -> str:
    """Ask for a list."""
    with wiring().database.read() as session:
        load_project(session, slug, Act.IMPORT)
    return render_template("lists.html", table=None)


@bp.post("/p/<slug>/lists")
@signed_in
def upload(slug: str) -> str:
    """Read the list and propose a mapping; nothing is imported yet."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise UsageError("Choose a file first.")
    data = file.stream.read()
    table = lists.read_list(Path(file.filename).name, data)
    token = f"{person().id}-{secrets.token_hex(8)}"
    _waiting(token).write_bytes(data)
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        fields = fields_of(session, context.project.id)
        mapping = lists.guess_mapping(table, fields)
        report = None
        if lists.ADDRESS in mapping.values():
            report = lists.import_list(
                session,
                actor(),
                context.project,
                table,
                mapping,
                base_address=context.project.base_address,
                dry_run=True,
            )
    return render_template(
        "lists.html",
        table=table,
        token=token,
        mapping=mapping,
        fields=fields,
        report=report,
        base=context.project.base_address,
    )


@bp.post("/p/<slug>/lists/<token>")
@signed_in
def run(slug: str, token: str) -> Response | str:
    """Dry-run again with another mapping, or import."""
    path = _waiting(token)
    name = Path(request.form.get("name", "list.csv")).name
    if not path.is_file():
        raise NotFoundError("This list is no longer here. Choose the file again.")
    table = lists.read_list(name, path.read_bytes())
    mapping = {
        column: request.form.get(f"column-{position}", lists.IGNORE)
        for position, column in enumerate(table.header)
    }
    if request.form.get("act") == "import":
        return _import(slug, table, mapping, path)
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        fields = fields_of(session, context.project.id)
        report = lists.import_list(
            session,
            actor(),
            context.project,
            table,
            mapping,
            base_address=request.form.get("base", ""),
            dry_run=True,
        )
    return render_template(
        "lists.html",
        table=table,
        token=token,
        mapping=mapping,
        fields=fields,
        report=report,
        base=request.form.get("base", ""),
    )


def _import(
    slug: str, table: lists.ListFile, mapping: dict[str, str], path: Path
) -> Response | str:
    with wiring().database.write() as session:
        context: ProjectContext = load_project(session, slug, Act.IMPORT)
        report = lists.import_list(
            session,
            actor(),
            context.project,
            table,
            mapping,
            base_address=request.form.get("base", ""),
            capture=request.form.get("capture") == "yes",
        )
    path.unlink(missing_ok=True)
    flash(
        f"{report.new_items} items added, {report.known_items} known already, "
        f"{report.queued} captures queued, {len(report.faults)} rows skipped."
    )
    if report.faults:
        return render_template(
            "lists.html",
            table=None,
            faults=report.faults,
            fault_csv=lists.faults_csv(table, report.faults),
        )
    return redirect(url_for("queue.index", slug=slug))


def _waiting(token: str) -> Path:
    """Return where an uploaded list waits for its mapping.

    :raises NotFoundError: the token is not this person's
    """
    own = token.startswith(f"{person().id}-") and token.replace("-", "").isalnum()
    if not own:
        raise NotFoundError("This list is no longer here. Choose the file again.")
    return wiring().temporary / f"list-{token}.csv"
