"""Lists of accounts: upload, say what columns hold, look at a dry run, bring them in; and out."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from annotate.errors import UsageError
from annotate.jobs.listing import run_registry_list
from annotate.permissions import Act
from annotate.services import exports
from annotate.services.registry import columns
from annotate.services.registry.lists import (
    Origin,
    RegistryReport,
    accounts_csv,
    with_words,
)
from annotate.views import registry_forms as forms
from annotate.views import waiting_lists
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("registry_lists", __name__)


@bp.get("/p/<slug>/registry-lists")
@signed_in
def index(slug: str) -> str:
    """Ask for a list of accounts."""
    with wiring().database.read() as session:
        load_project(session, slug, Act.IMPORT)
    return render_template("registry_list.html", table=None)


@bp.post("/p/<slug>/registry-lists")
@signed_in
def upload(slug: str) -> Answer:
    """Keep the list for a while and go to its columns; nothing is brought in yet."""
    with wiring().database.read() as session:
        project_id = load_project(session, slug, Act.IMPORT).project.id
    token = waiting_lists.keep(project_id, request.files.get("file"))
    return redirect(url_for("registry_lists.look", slug=slug, token=token))


@bp.route("/p/<slug>/registry-lists/<token>", methods=["GET", "POST"])
@signed_in
def look(slug: str, token: str) -> Answer | str:
    """Show what an import would do, or do it."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
    table = waiting_lists.read(context.project.id, token)
    mapping = columns.guess_columns(table)
    if request.method == "POST":
        mapping = {
            column: request.form.get(f"column-{at}", "") for at, column in enumerate(table.header)
        }
    yes, no = request.form.get("yes", "yes"), request.form.get("no", "no")
    origin = with_words(Origin(forms.field("note")), yes, no)
    act = forms.field("act")
    report: RegistryReport | None = None
    wrong = ""
    if act:
        try:
            report = run_registry_list(
                wiring().database, actor(), context.project.id, table, mapping, origin,
                dry_run=act != "import",
            )  # fmt: skip
        except UsageError as error:
            wrong = str(error)
    if act == "import" and report is not None:
        waiting_lists.drop(context.project.id, token)
        flash(
            f"{report.accounts} accounts and {report.entities} entities added, "
            f"{report.statements} statements, {report.relations} relations, "
            f"{len(report.faults)} rows skipped."
        )
        if not report.faults:
            return redirect(url_for("registry.index", slug=slug))
    return render_template(
        "registry_list.html", table=table, token=token, name=table.name, mapping=mapping,
        words=columns.WORDS,
        report=report, wrong=wrong, note=origin.note, yes=yes, no=no, done=act == "import",
    )  # fmt: skip


@bp.get("/p/<slug>/registry.csv")
@signed_in
def out(slug: str) -> Response:
    """Return accounts and entities as CSV."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        text = accounts_csv(session, context.project)
        exports.record_export(
            session, actor(), context.project, query="registry", kind="csv",
            rows=text.count("\n") - 1,
        )  # fmt: skip
    answer = Response(text, mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{slug}-registry.csv")
    return answer
