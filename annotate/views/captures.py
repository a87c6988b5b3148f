"""A capture's own bytes: the static view, its parts, screenshot, text, WARC and records."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.models import Capture, Project, Record, Rendition, WarcFile
from annotate.permissions import Act
from annotate.views.context import load_project, signed_in, wiring
from archive.errors import ArchiveError, DamagedRecordError
from archive.reader import read_block, read_payload
from archive.record import RecordRef
from archive.replay import (
    LIMIT,
    STATIC_VIEW_HEADERS,
    MissingPartError,
    StaticView,
    UnsupportedTypeError,
)

bp = Blueprint("captures", __name__)


@bp.get("/c/<capture_id>/view")
@signed_in
def view(capture_id: str) -> Response:
    """Return the page as it was captured, harmless, for the sandboxed frame."""
    with wiring().database.read() as session:
        capture, warc = _held(session, capture_id)
        shown = _static_view(session, capture, warc)
        try:
            part = shown.page(url_for("captures.view", capture_id=capture_id).removesuffix("/view"))
        except (DamagedRecordError, UnsupportedTypeError) as error:
            return _archived(str(error).encode(), "text/plain; charset=utf-8", 200)
    return _archived(part.body, part.content_type, 200)


@bp.get("/c/<capture_id>/part")
@signed_in
def part(capture_id: str) -> Response:
    """Return an image, style sheet or film of the capture."""
    prefix = url_for("captures.view", capture_id=capture_id).removesuffix("/view")
    with wiring().database.read() as session:
        capture, warc = _held(session, capture_id)
        try:
            found = _static_view(session, capture, warc).part(request.args.get("u", ""), prefix)
        except MissingPartError as error:
            return _archived(str(error).encode(), "text/plain; charset=utf-8", 404)
        except (UnsupportedTypeError, DamagedRecordError) as error:
            return _archived(str(error).encode(), "text/plain; charset=utf-8", 415)
    return _archived(found.body, found.content_type, 200)


@bp.get("/c/<capture_id>/screenshot.png")
@signed_in
def screenshot(capture_id: str) -> Response:
    """Return the picture taken of the page."""
    with wiring().database.read() as session:
        capture, warc = _held(session, capture_id)
        query = select(Record).where(
            Record.warc_file_id == warc.id, Record.record_id == capture.screenshot_record_id
        )
        record = session.scalar(query)
    if record is None:
        raise NotFoundError("No picture was taken of this capture: its engine takes none.")
    payload = read_payload(_path(warc), RecordRef(record.offset, record.length), limit=LIMIT)
    return _archived(payload.body, "image/png", 200)


@bp.get("/c/<capture_id>/thumbnail.png")
@signed_in
def thumbnail(capture_id: str) -> Response:
    """Return the small picture shown in lists."""
    with wiring().database.read() as session:
        capture, _warc = _held(session, capture_id)
    path = wiring().home / "cache" / "thumbnails" / f"{capture.id}.png"
    if not path.is_file():
        raise NotFoundError("There is no small picture of this capture.")
    response = send_file(path, mimetype="image/png", conditional=True)
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


@bp.get("/c/<capture_id>/text.txt")
@signed_in
def text(capture_id: str) -> Response:
    """Return the text rendition."""
    with wiring().database.read() as session:
        capture, _warc = _held(session, capture_id)
        rendition = session.get(Rendition, capture.id)
    body = rendition.text if rendition is not None else ""
    return _archived(body.encode("utf-8", "replace"), "text/plain; charset=utf-8", 200)


@bp.get("/c/<capture_id>/capture.warc.gz")
@signed_in
def download(capture_id: str) -> Response:
    """Return the WARC itself, byte for byte."""
    with wiring().database.read() as session:
        capture, warc = _held(session, capture_id)
    name = f"{capture.id}.warc.gz" if warc.import_id is None else warc.name
    return send_file(
        _path(warc), mimetype="application/warc", as_attachment=True, download_name=name
    )


@bp.get("/c/<capture_id>/records/<int:position>")
@signed_in
def record(capture_id: str, position: int) -> str:
    """Show one record: where its bytes stand, its headers, its digests."""
    with wiring().database.read() as session:
        capture, warc = _held(session, capture_id)
        found = session.get(Record, (warc.id, position))
        project = session.get(Project, capture.project_id)
        if found is None or project is None:
            raise NotFoundError("The WARC has no such record.")
        load_project(session, project.slug, Act.READ)
    ref = RecordRef(found.offset, found.length)
    fault = ""
    head_fields: tuple[tuple[str, str], ...] = ()
    begin = b""
    try:
        head, block = read_block(_path(warc), ref, limit=LIMIT)
        head_fields, begin = head.fields, block[:4000]
    except ArchiveError as error:
        fault = str(error)
    return render_template(
        "record.html",
        capture=capture,
        warc=warc,
        record=found,
        fields=head_fields,
        begin=begin.decode("utf-8", "replace"),
        fault=fault,
    )


def _held(session: Session, capture_id: str) -> tuple[Capture, WarcFile]:
    """Return a capture and its WARC, if the person may see them.

    :raises NotFoundError: there is none, or it is not theirs to see
    """
    capture = session.get(Capture, capture_id)
    project = session.get(Project, capture.project_id) if capture is not None else None
    if capture is None or project is None or capture.warc_file_id is None:
        raise NotFoundError("There is no such capture, or it is not in a project of yours.")
    load_project(session, project.slug, Act.READ)
    warc = session.get(WarcFile, capture.warc_file_id)
    if warc is None:
        raise NotFoundError("The capture's WARC is not in the catalog.")
    return capture, warc


def _static_view(session: Session, capture: Capture, warc: WarcFile) -> StaticView:
    if capture.main_offset is None or capture.main_length is None:
        raise NotFoundError("Nothing of the page itself was recorded: see the reason.")
    snapshot: RecordRef | None = None
    query = select(Record).where(
        Record.warc_file_id == warc.id, Record.kind.in_(["response", "resource"])
    )
    held: dict[str, RecordRef] = {}
    for one in session.scalars(query.order_by(Record.position.desc())):
        if one.target is None:
            continue
        held[one.target] = RecordRef(one.offset, one.length)
        if one.target.startswith("urn:mhtml:") and warc.import_id is None:
            snapshot = held[one.target]
    return StaticView(
        _path(warc),
        RecordRef(capture.main_offset, capture.main_length),
        capture.final_address or capture.address,
        held.get,
        snapshot,
    )


def _path(warc: WarcFile) -> Path:
    path = wiring().store.path(warc.path)
    if not path.is_file():
        raise NotFoundError(f"The file {warc.path} is not in the archive home.")
    return path


def _archived(body: bytes, content_type: str, status: int) -> Response:
    """Answer with archived bytes, under the headers that keep them harmless."""
    response = Response(body, status=status, content_type=content_type)
    response.headers.update(STATIC_VIEW_HEADERS)
    return response
