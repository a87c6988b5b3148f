"""Lists of addresses: upload, map the columns, look at a dry run, import."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from annotate.errors import NotFoundError, UsageError
from annotate.jobs.listing import run_list
from annotate.models import Sweep
from annotate.permissions import Act
from annotate.services import lists
from annotate.services.fields import fields_of
from annotate.services.registry import keeping
from annotate.services.sweeps import sweeps_of
from annotate.services.zones import parse_zone
from annotate.views.context import ProjectContext, actor, load_project, person, signed_in, wiring
from archive.importing.bounded import Limits
from archive.importing.encodings import LABELS

bp = Blueprint("lists", __name__)
_KEPT: Final = 2 * 86_400  # seconds an uploaded list waits for its mapping
_ENDINGS: Final = (".csv", ".tsv", ".txt", ".tab", ".xlsx")
_BOOKMARKS: Final = b"netscape-bookmark"


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
        load_project(session, slug, Act.IMPORT)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise UsageError("Choose a file first.")
    return receive(slug, file)


def receive(slug: str, file: FileStorage) -> Response:
    """Keep an uploaded list for a while; answer with the way to its mapping.

    :raises UsageError: it is no list
    """
    sweep_out()
    token = f"{person().id}-{secrets.token_hex(8)}"
    name = Path(file.filename or "list.csv").name
    path = waiting_place(token)
    file.save(path)
    try:
        lists.read_list(name, path, limits=limits())
    except UsageError:
        path.unlink()
        raise
    return redirect(url_for("lists.look", slug=slug, token=token, name=name))


def is_list(file: FileStorage) -> bool:
    """Tell whether an uploaded file is a list of addresses, by its name and first bytes."""
    begin = file.stream.read(200)
    file.stream.seek(0)
    named = (file.filename or "").lower().endswith(_ENDINGS)
    return named or _BOOKMARKS in begin.lower()


@bp.get("/p/<slug>/lists/<token>")
@signed_in
def look(slug: str, token: str) -> str:
    """Propose a mapping and show what an import would do."""
    name = Path(request.args.get("name", "list.csv")).name
    table = read_waiting(token, name, "", "")
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        mapping = lists.guess_mapping(table, fields_of(session, context.project.id))
        return _page(session, context, table, mapping, token, context.project.base_address, "")


@bp.post("/p/<slug>/lists/<token>")
@signed_in
def run(slug: str, token: str) -> Response | str:
    """Look again with another mapping, encoding or sheet, or import."""
    name = Path(request.form.get("name", "list.csv")).name
    chosen = (request.form.get("encoding", ""), request.form.get("sheet", ""))
    table = read_waiting(token, name, *chosen)
    same = chosen == (request.form.get("was_encoding", ""), request.form.get("was_sheet", ""))
    zone = request.form.get("zone", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
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
        load_project(session, slug, Act.IMPORT)
    path = _skipped(token)
    if not path.is_file():
        raise NotFoundError("These rows are no longer here. Import the list again to see them.")
    name = f"{Path(request.args.get('name', 'list')).stem}-skipped.csv"
    answer = Response(path.read_bytes(), mimetype="text/csv")
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
    waiting_place(token).unlink(missing_ok=True)
    told = (
        f"{report.new_items} items added, {report.known_items} known already, "
        f"{report.queued} captures queued, {len(report.faults)} rows skipped."
    )
    if not report.faults:
        flash(told)
        return redirect(url_for("queue.index", slug=slug))
    text = "\ufeff" + lists.faults_csv(table, report.faults)
    _skipped(token).write_text(text, "utf-8", newline="")
    return render_template(
        "lists.html", table=None, faults=report.faults, told=told, token=token, name=table.name
    )


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


def read_waiting(token: str, name: str, encoding: str, sheet: str) -> lists.ListFile:
    """Read a list that waits for its mapping.

    :raises NotFoundError: it waited too long, or is another person's
    """
    path = waiting_place(token)
    if not path.is_file():
        raise NotFoundError("This list is no longer here. Choose the file again.")
    return lists.read_list(name, path, limits=limits(), encoding=encoding, sheet=sheet)


def limits() -> Limits:
    """Return what reading a list may take of the machine."""
    config = wiring().config
    return Limits(memory=config.import_memory, seconds=config.import_seconds)


def waiting_place(token: str) -> Path:
    """Return where an uploaded list waits for its mapping.

    :raises NotFoundError: the token is not this person's
    """
    own = token.startswith(f"{person().id}-") and token.replace("-", "").isalnum()
    if not own:
        raise NotFoundError("This list is no longer here. Choose the file again.")
    return wiring().temporary / f"list-{token}"


def _skipped(token: str) -> Path:
    return waiting_place(token).with_name(f"list-{token}.skipped.csv")


def sweep_out() -> None:
    """Remove lists that waited too long."""
    for path in wiring().temporary.glob("list-*"):
        if time.time() - path.stat().st_mtime > _KEPT:
            path.unlink(missing_ok=True)
