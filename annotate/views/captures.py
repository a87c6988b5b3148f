"""A capture as it is looked at: the static view, its parts, picture, text and WARC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Blueprint, Response, g, jsonify, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.models import Capture, Item, Record, Rendition, WarcFile
from annotate.permissions import Act
from annotate.services import sensitive, sources
from annotate.services.sources import Source
from annotate.services.viewing import Viewing, find_held
from annotate.views.context import enter_project, person, signed_in, wiring
from annotate.views.memento import memento_headers
from annotate.views.ranges import ranged
from annotate.views.veiling import veil_over
from archive.errors import DamagedRecordError
from archive.reader import read_payload
from archive.record import RecordRef
from archive.redact import redact
from archive.replay import (
    LIMIT,
    MissingPartError,
    Part,
    StaticView,
    StreamedPart,
    UnsupportedTypeError,
    policy_for,
)

bp = Blueprint("captures", __name__)
_PLAIN = "text/plain; charset=utf-8"


@bp.get("/c/<capture_id>/view")
@signed_in
def view(capture_id: str) -> Response:
    """Return the page as it was captured, harmless, for the sandboxed frame.

    Opened by itself it comes inside the application's frame, for an archived page may imitate
    the application, and nothing else would tell the two apart.
    """
    if _is_opened_by_itself():
        return _framed(capture_id, url_for("captures.view", capture_id=capture_id))
    return _shown(capture_id, lambda one, prefix: one.page(prefix), dated=True)


@bp.get("/c/<capture_id>/frame")
@signed_in
def frame(capture_id: str) -> Response:
    """Return a document that stood in a frame of the page, harmless."""
    address, parent = request.args.get("u", ""), request.args.get("of", "")
    number = request.args.get("n", "")
    if _is_opened_by_itself():
        return _framed(capture_id, request.full_path)
    if number:
        return _shown(capture_id, lambda one, prefix: one.inner_frame(parent, number, prefix))
    return _shown(capture_id, lambda one, prefix: one.frame(address, prefix))


@bp.get("/c/<capture_id>/part")
@signed_in
def part(capture_id: str) -> Response:
    """Return an image, style sheet, font or film of the capture; films by range."""
    if _is_opened_by_itself() and _is_veiled(capture_id):
        return _framed(capture_id, request.full_path)
    return _shown(capture_id, lambda one, prefix: one.stream(request.args.get("u", ""), prefix))


@bp.get("/c/<capture_id>/missing")
@signed_in
def missing(capture_id: str) -> Response:
    """List what the page refers to that the capture does not hold."""
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        found = viewing().static_view(session, capture).list_missing(_prefix(capture_id))
        item = session.get(Item, capture.item_id)
    if request.args.get("format") == "json":
        return jsonify([{"address": one.address, "kind": one.kind} for one in found])
    return Response(render_template("missing.html", capture=capture, item=item, missing=found))


@bp.get("/c/<capture_id>/screenshot.png")
@signed_in
def screenshot(capture_id: str) -> Response:
    """Return the picture taken of the page; a veiled one opened by itself, in its frame."""
    if _is_opened_by_itself() and _is_veiled(capture_id):
        return _framed(capture_id, request.path, picture=True)
    with wiring().database.read() as session:
        capture, warc = held(session, capture_id)
        query = select(Record).where(
            Record.warc_file_id == warc.id, Record.record_id == capture.screenshot_record_id
        )
        record = session.scalar(query)
        if record is None:
            raise NotFoundError("No picture was taken of this capture: its engine takes none.")
        path = viewing().warc_path(warc)
    payload = read_payload(path, RecordRef(record.offset, record.length), limit=LIMIT)
    return _archived(payload.body, "image/png", 200, capture_id)


@bp.get("/c/<capture_id>/thumbnail.png")
@signed_in
def thumbnail(capture_id: str) -> Response:
    """Return the small picture shown in lists."""
    if _is_opened_by_itself() and _is_veiled(capture_id):
        return _framed(capture_id, request.path, picture=True)
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
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
        capture, _warc = held(session, capture_id)
        rendition = session.get(Rendition, capture.id)
    body = rendition.text if rendition is not None else ""
    return _archived(body.encode("utf-8", "replace"), _PLAIN, 200, capture_id)


@bp.get("/c/<capture_id>/capture.warc.gz")
@signed_in
def download(capture_id: str) -> Response:
    """Return the WARC itself, byte for byte, or the stretch of it asked for.

    Of a capture made signed in a copy without cookies and authorisation is returned, unless
    `cookies=keep` asks for the file as it was stored, and whoever asks may see them.
    """
    with wiring().database.read() as session:
        capture, warc = held(session, capture_id)
        if capture.session_id is not None and request.args.get("cookies") == "keep":
            g.context.permit(Act.SEE_COOKIES)
        path = viewing().warc_path(warc)
    name = f"{capture.id}.warc.gz" if warc.import_id is None else warc.name
    if capture.session_id is not None and request.args.get("cookies") != "keep":
        with TemporaryDirectory(prefix="copy-", dir=wiring().temporary) as folder:
            copy = redact(path, Path(folder) / "copy", at=capture.captured_at).path
            file = copy.open("rb")  # it stays readable when the folder is gone
        name = f"without-cookies-{name}"
        return send_file(file, mimetype="application/warc", as_attachment=True, download_name=name)
    return send_file(
        path, mimetype="application/warc", as_attachment=True, download_name=name, conditional=True
    )


def held(session: Session, capture_id: str) -> tuple[Capture, WarcFile]:
    """Return a capture and its WARC, if the person may see them.

    :raises NotFoundError: there is none, or it is not theirs to see
    """
    found = find_held(session, capture_id, person())
    if found is None:
        raise NotFoundError("There is no such capture, or it is not in a project of yours.")
    enter_project(session, found.project, found.role, Act.READ)
    if found.warc is None:
        raise NotFoundError("The capture's WARC is not in the catalog.")
    return found.capture, found.warc


def viewing() -> Viewing:
    """Return what opens this home's captures."""
    return Viewing(wiring().store)


def sources_of_capture(session: Session, capture_id: str | None) -> list[Source]:
    """Return the pictures, films and sounds of a capture; none where nothing is captured."""
    capture = session.get(Capture, capture_id) if capture_id else None
    return sources.of_capture(session, viewing(), capture) if capture is not None else []


def _prefix(capture_id: str) -> str:
    return url_for("captures.view", capture_id=capture_id).removesuffix("/view")


def _shown(
    capture_id: str,
    show: Callable[[StaticView, str], Part | StreamedPart],
    *,
    dated: bool = False,
) -> Response:
    """Answer with a part of the static view, or say in plain text why it is not there."""
    prefix = _prefix(capture_id)
    headers: dict[str, str] = {}
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        if dated:
            headers = memento_headers(session, capture)
        try:
            static = viewing().static_view(session, capture)
            if request.endpoint != "captures.part":  # a document, in which films may stand
                static.silent = bool(sensitive.among(session, [capture.item_id]))
            found = show(static, prefix)
        except MissingPartError as error:
            return _archived(str(error).encode(), _PLAIN, 404, capture_id)
        except UnsupportedTypeError as error:
            status = 200 if dated else 415
            return _archived(str(error).encode(), _PLAIN, status, capture_id, headers)
        except DamagedRecordError as error:
            return _archived(str(error).encode(), _PLAIN, 200 if dated else 502, capture_id)
    if isinstance(found, StreamedPart):
        response = ranged(found.length, found.pieces, found.content_type)
        response.headers.update(policy_for(_place(capture_id)))
        return response
    if found.content_type.partition("/")[0] in {"video", "audio"}:
        body = found.body
        response = ranged(
            len(body), lambda start, stop: iter((body[start:stop],)), found.content_type
        )
        response.headers.update(policy_for(_place(capture_id)))
        return response
    return _archived(found.body, found.content_type, 200, capture_id, headers)


def _is_opened_by_itself() -> bool:
    """Tell whether the browser opens this as a page of its own (Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def _is_veiled(capture_id: str) -> bool:
    """Tell whether the capture's pictures are not shown to this person at once."""
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        return veil_over(session, capture.item_id).hides


def _framed(capture_id: str, source: str, *, picture: bool = False) -> Response:
    with wiring().database.read() as session:
        capture, _warc = held(session, capture_id)
        item = session.get(Item, capture.item_id)
        veil = veil_over(session, capture.item_id)
        headers = memento_headers(session, capture)
    page = render_template(
        "evidence.html", capture=capture, item=item, source=source, picture=picture, veil=veil
    )
    response = Response(page, headers=headers)
    response.headers["Vary"] = "Sec-Fetch-Dest"
    return response


def _place(capture_id: str) -> str:
    """Return where the capture's parts are, as a content policy names it: without the scheme,
    which is then the page's own."""
    return f"{request.host}{_prefix(capture_id)}/"


def _archived(
    body: bytes,
    content_type: str,
    status: int,
    capture_id: str,
    more: dict[str, str] | None = None,
) -> Response:
    """Answer with archived bytes, under the headers that keep them harmless."""
    response = Response(body, status=status, content_type=content_type)
    response.headers.update(policy_for(_place(capture_id)))
    response.headers.update(more or {})
    response.headers["Vary"] = "Sec-Fetch-Dest"
    return response
