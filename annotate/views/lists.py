"""Lists of addresses: upload, map the columns, look at a dry run, import."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.jobs.listing import run_list
from annotate.models import Sweep
from annotate.permissions import Act
from annotate.services import lists
from annotate.services.fields import fields_of
from annotate.services.registry import keeping
from annotate.services.sweeps import sweeps_of
from annotate.services.zones import parse_zone
from annotate.views import waiting_lists
from annotate.views.context import ProjectContext, actor, load_project, signed_in, wiring
from archive.importing.encodings import LABELS

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
def upload(slug: str) -> Response:
    """Keep the list for a while and go to its mapping; nothing is imported yet."""
    with wiring().database.read() as session:
        project_id = load_project(session, slug, Act.IMPORT).project.id
    token = waiting_lists.keep(project_id, request.files.get("file"))
    return redirect(url_for("lists.look", slug=slug, token=token))


@bp.get("/p/<slug>/lists/<token>")
@signed_in
def look(slug: str, token: str) -> str:
    """Propose a mapping and show what an import would do."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        table = waiting_lists.read(context.project.id, token)
        mapping = lists.guess_mapping(table, fields_of(session, context.project.id))
        return _page(session, context, table, mapping, token, context.project.base_address, "")


@bp.post("/p/<slug>/lists/<token>")
@signed_in
def run(slug: str, token: str) -> Response | str:
    """Look again with another mapping, encoding or sheet, or import."""
    chosen = (request.form.get("encoding", ""), request.form.get("sheet", ""))
    same = chosen == (request.form.get("was_encoding", ""), request.form.get("was_sheet", ""))
    zone = request.form.get("zone", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        table = waiting_lists.read(context.project.id, token, encoding=chosen[0], sheet=chosen[1])
        mapping = lists.guess_mapping(table, fields_of(session, context.project.id))
        if same:
            mapping = {
                column: request.form.get(f"column-{position}", mapping[column])
                for position, column in enumerate(table.header)
            }
        if request.form.get("act") != "import" or not same:
            base = request.form.get("base", "")
            return _page(session, context, table, mapping, token, base, zone)
    return _import(slug, context, table, mapping, token, zone)


@bp.get("/p/<slug>/lists/<token>/skipped.csv")
@signed_in
def skipped(slug: str, token: str) -> Response:
    """Return the rows that were skipped, each with why, to mend and bring in again."""
    with wiring().database.read() as session:
        project_id = load_project(session, slug, Act.IMPORT).project.id
    rows = waiting_lists.skipped(project_id, token)
    name = f"{Path(waiting_lists.name(project_id, token)).stem}-skipped.csv"
    answer = Response(rows, mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _import(
    slug: str,
    context: ProjectContext,
    table: lists.ListFile,
    mapping: dict[str, str],
    token: str,
    zone: str,
) -> Response | str:
    report = run_list(
        wiring().database,
        actor(),
        context.project.id,
        table,
        mapping,
        base_address=request.form.get("base", ""),
        zone=parse_zone(zone) if zone else None,
        capture=request.form.get("capture") == "yes",
        sweep_id=_sweep_of(context),
    )
    waiting_lists.drop(context.project.id, token)
    told = (
        f"{report.new_items} items added, {report.known_items} known already, "
        f"{report.queued} captures queued, {len(report.faults)} rows skipped."
    )
    if not report.faults:
        flash(told)
        return redirect(url_for("queue.index", slug=slug))
    waiting_lists.keep_skipped(context.project.id, token, table, report.faults)
    return render_template("lists.html", table=None, faults=report.faults, told=told, token=token)


def _page(
    session: Session,
    context: ProjectContext,
    table: lists.ListFile,
    mapping: dict[str, str],
    token: str,
    base: str,
    zone: str,
) -> str:
    report = None
    wrong = ""
    if lists.ADDRESS in mapping.values():
        try:
            rows, report = lists.plan(
                session, context.project, table, mapping, base_address=base,
                zone=parse_zone(zone) if zone else None,
            )  # fmt: skip
            lists.look(session, context.project, rows, report)
        except UsageError as error:
            report, wrong = None, str(error)
    return render_template(
        "lists.html",
        table=table,
        token=token,
        mapping=mapping,
        fields=fields_of(session, context.project.id),
        report=report,
        wrong=wrong,
        base=base,
        zone=zone,
        encodings=LABELS,
        sweeps=sweeps_of(session, context.project.id),
        sweep=request.form.get("sweep", ""),
    )


def _sweep_of(context: ProjectContext) -> str | None:
    """Return the sweep the form names, if it names one.

    :raises NotFoundError: the project has no such sweep
    """
    named = request.form.get("sweep", "")
    if not named:
        return None
    with wiring().database.read() as session:
        return keeping.get(session, context.project, Sweep, named, "sweep").id
