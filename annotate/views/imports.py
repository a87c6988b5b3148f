"""Bringing in files: upload, see what was found, tick and mend, confirm."""

from __future__ import annotations

from pathlib import Path

from flask import (
    Blueprint,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.jobs import importing
from annotate.models import ImportFile, ImportState
from annotate.permissions import Act
from annotate.services import elsewhere, found_pages, imports
from annotate.services.imports import Choice
from annotate.views import import_json, waiting_lists
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("imports", __name__)
PAGE = 100  # found pages shown at once
_PATIENCE = 2.0  # seconds a person waits for a small file, before the page follows by itself
_BUSY = frozenset({ImportState.WAITING, ImportState.TAKING})


@bp.get("/p/<slug>/imports")
@signed_in
def index(slug: str) -> Response:
    """List what was brought in, what waits for a word, and what was refused and why."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        files = imports.imports_of(session, context.project.id)
        ticked = {
            one.id: found_pages.ticked_count(session, one)
            for one in files
            if one.state is ImportState.FOUND
        }
    return _following(
        render_template("imports.html", files=files, ticked=ticked),
        any(one.state in _BUSY for one in files),
    )


@bp.get("/p/<slug>/imports.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return the same list."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        files = imports.imports_of(session, context.project.id)
        return jsonify([import_json.file_json(session, one) for one in files])


@bp.post("/p/<slug>/imports")
@signed_in
def upload(slug: str) -> Response:
    """Keep the files sent, and have them read; nothing becomes an item yet."""
    with wiring().database.read() as session:
        project_id = load_project(session, slug, Act.IMPORT).project.id
    sent = [file for file in request.files.getlist("file") if file.filename]
    if not sent:
        raise UsageError("Choose a file first.")
    tables = [file for file in sent if waiting_lists.is_list(file)]
    if tables and len(sent) == 1:
        token = waiting_lists.keep(project_id, sent[0])
        return redirect(url_for("lists.look", slug=slug, token=token))
    for file in tables:
        flash(f"{file.filename} is a list of addresses; bring it in under Lists.")
    sent = [file for file in sent if file not in tables]
    note = request.form.get("note", "")[:20_000]
    kept = [
        importing.bring(
            wiring(), actor(), project_id, Path(file.filename or "file").name, file.stream,
            limit=wiring().config.upload_bytes, note=note,
        )
        for file in sent
    ]  # fmt: skip
    importing.kick(wiring())
    importing.wait_for(wiring(), kept, _PATIENCE)
    if len(kept) == 1:
        return redirect(url_for("imports.show", slug=slug, import_id=kept[0].id))
    return redirect(url_for("imports.index", slug=slug))


@bp.get("/p/<slug>/imports/<import_id>")
@signed_in
def show(slug: str, import_id: str) -> Response:
    """Show what was found in a file, and ask what of it is to be taken."""
    number = max(1, request.args.get("page", 1, type=int))
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        file = imports.get_import(session, context.project.id, import_id)
        page = _page(session, file, number)
    return _following(page, file.state in _BUSY)


@bp.get("/p/<slug>/imports/<import_id>.json")
@signed_in
def show_json(slug: str, import_id: str) -> Response:
    """Return what was found in a file."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        file = imports.get_import(session, context.project.id, import_id)
        told = import_json.file_json(session, file) | import_json.marks_json(session, file)
        pages = import_json.pages_json(session, file, most=100_000)
    return jsonify({**told, "pages_found": pages})


@bp.post("/p/<slug>/imports/<import_id>")
@signed_in
def decide(slug: str, import_id: str) -> Response | tuple[str, int]:
    """Keep what was ticked and written; with `act` confirm or discard, carry that out."""
    act = request.form.get("act", "save")
    number = max(1, request.form.get("page", 1, type=int))
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.IMPORT)
        file = imports.get_import(session, context.project.id, import_id)
        if act == "discard":
            imports.discard(session, actor(), file)
        else:
            imports.choose(session, file, _choices())
            if act in {"all", "none"}:
                imports.tick_all(session, file, ticked=act == "all")
    if act == "discard":
        importing.drop_files(wiring(), file)
        flash(f"{file.name} was discarded; nothing of it was taken.")
        return redirect(url_for("imports.index", slug=slug))
    if act == "confirm":
        return _confirm(slug, [import_id], number)
    return redirect(url_for("imports.show", slug=slug, import_id=import_id, page=number))


@bp.post("/p/<slug>/imports/confirm")
@signed_in
def confirm_all(slug: str) -> Response | tuple[str, int]:
    """Take what is ticked in every file that waits for a word."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.IMPORT)
        files = imports.imports_of(session, context.project.id)
    ids = [file.id for file in files if file.state is ImportState.FOUND]
    if not ids:
        raise UsageError("No file waits to be confirmed.")
    return _confirm(slug, ids, 1)


def _confirm(slug: str, ids: list[str], number: int) -> Response | tuple[str, int]:
    faults: list[tuple[ImportFile, str]] = []
    begun: list[ImportFile] = []
    for import_id in ids:
        with wiring().database.write() as session:
            context = load_project(session, slug, Act.IMPORT)
            file = imports.get_import(session, context.project.id, import_id)
            try:
                imports.confirm(session, actor(), file)
                begun.append(file)
            except UsageError as error:
                faults.append((file, str(error)))
    importing.kick(wiring())
    importing.wait_for(wiring(), begun, _PATIENCE)
    if len(ids) == 1 and faults:
        with wiring().database.read() as session:
            context = load_project(session, slug, Act.IMPORT)
            file = imports.get_import(session, context.project.id, ids[0])
            return _page(session, file, number, fault=faults[0][1]), 400
    for file, why in faults:
        flash(f"{file.name}: {why}")
    if len(ids) == 1:
        return redirect(url_for("imports.show", slug=slug, import_id=ids[0]))
    return redirect(url_for("imports.index", slug=slug))


def _page(session: Session, file: ImportFile, number: int, *, fault: str = "") -> str:
    found = found_pages.proposals(session, file, first=(number - 1) * PAGE, most=PAGE)
    return render_template(
        "import.html",
        file=file,
        found=found,
        number=number,
        pages=max(1, -(-file.found // PAGE)),
        ticked=found_pages.ticked_count(session, file),
        taken=found_pages.taken_count(session, file),
        remarks=import_json.told(session, file),
        **import_json.marks(session, file),
        brought=elsewhere.counts_of(session, file),
        progress=importing.progress_of(wiring(), file),
        fault=fault,
        urn=f"{found_pages.FILE_URN}{file.sha256}",
    )


def _choices() -> dict[str, Choice]:
    form = request.form
    return {
        page_id: Choice(
            ticked=form.get(f"take-{page_id}") == "yes",
            address=form.get(f"address-{page_id}"),
            taken_at=form.get(f"time-{page_id}"),
            note=form.get(f"note-{page_id}"),
        )
        for page_id in form.getlist("shown")[: 10 * PAGE]
    }


def _following(page: str, busy: bool) -> Response:
    """Answer with a page; while something is going on it comes again by itself."""
    response = make_response(page)
    if busy:
        importing.kick(wiring())
        response.headers["Refresh"] = "2"
    return response
