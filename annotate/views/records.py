"""The records of a capture: listed, found by exact request, read, checked again, saved."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, g, render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import permissions
from annotate.errors import NotFoundError
from annotate.models import Capture, Record, WarcFile
from annotate.permissions import Act
from annotate.services.discretion import Shown, shown
from annotate.views.captures import held, viewing
from annotate.views.context import signed_in, wiring
from annotate.views.ranges import ranged
from archive.cdxj import Entry, timestamp17
from archive.clock import isoformat
from archive.errors import ArchiveError, DamagedRecordError
from archive.framing import is_gzip
from archive.inspection import (
    HEX_PAGE,
    TEXT_PAGE,
    Proof,
    hex_rows,
    inspect,
    payload_text,
)
from archive.lookup import Located, MissingOriginalError
from archive.mime import is_page, is_readable, plain_kind
from archive.record import RecordRef
from archive.streaming import open_record

bp = Blueprint("records", __name__)
PAGE: Final = 200  # records listed on one page
CATALOGUED_LABELS: Final = {
    True: "The block is, byte for byte, the one catalogued when the capture was stored.",
    False: "The block is not the one catalogued when the capture was stored: the file was changed.",
}
_PIECE: Final = 1 << 18
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")


@bp.get("/c/<capture_id>/records")
@signed_in
def index(capture_id: str) -> str:
    """List the records of the capture's WARC, or find the one that answers a request."""
    number = max(1, request.args.get("page", 1, type=int))
    address = request.args.get("u", "").strip()
    with wiring().database.read() as session:
        capture, warc = held(session, capture_id)
        of_file = select(Record).where(Record.warc_file_id == warc.id)
        total = session.scalar(select(func.count()).select_from(of_file.subquery())) or 0
        listed = of_file.order_by(Record.position).offset((number - 1) * PAGE).limit(PAGE)
        rows = list(session.scalars(listed))
        answer = _answer(session, capture, warc, address) if address else None
    return render_template(
        "records.html",
        capture=capture,
        warc=warc,
        rows=rows,
        total=total,
        number=number,
        pages=max(1, -(-total // PAGE)),
        address=address,
        answer=answer,
    )


@bp.get("/c/<capture_id>/records/<int:position>")
@signed_in
def show(capture_id: str, position: int) -> str:
    """Show one record: heads, digests read again now, payload as text or hexadecimal."""
    at = max(0, request.args.get("at", 0, type=int))
    as_hex = request.args.get("show") == "hex"
    with wiring().database.read() as session:
        capture, warc, record = _record(session, capture_id, position)
    found, fault, text, rows, is_copy = None, "", None, [], False
    try:
        place = _shown(capture, warc, record)
        path, ref, is_copy = place.path, place.ref, place.is_copy
        found = inspect(path, ref, check=request.args.get("check") == "yes")
        if as_hex:
            rows = hex_rows(path, ref, start=at - at % 16)
        elif _is_words(found.content_type):
            text = payload_text(path, ref, start=at)
    except DamagedRecordError as error:
        fault = str(error)
    return render_template(
        "record.html",
        capture=capture,
        warc=warc,
        record=record,
        found=found,
        fault=fault,
        text=text,
        rows=rows,
        as_hex=as_hex,
        at=at,
        step=HEX_PAGE if as_hex else TEXT_PAGE,
        is_copy=is_copy,
        catalogued="" if is_copy else _catalogued(record, found.block_sha256 if found else ""),
        good=Proof.MATCHES,
        bad=Proof.DIFFERS,
    )


@bp.get("/c/<capture_id>/records/<int:position>/record")
@signed_in
def save_record(capture_id: str, position: int) -> Response:
    """Return the record as it stands in its file: a gzip member, where the file is gzip.

    Who may not see cookies gets a copy without them, of a capture that was made signed in.
    """
    with wiring().database.read() as session:
        capture, warc, record = _record(session, capture_id, position)
    place = _shown(capture, warc, record)
    with place.path.open("rb") as file:
        suffix = ".warc.gz" if is_gzip(file) else ".warc"

    def pieces(start: int, stop: int) -> Iterator[bytes]:
        return _stretch(place.path, place.ref.offset + start, place.ref.offset + stop)

    response = ranged(place.ref.length, pieces, "application/octet-stream")
    name = f"record-{position}-without-cookies" if place.is_copy else f"record-{position}"
    return _saved(response, f"{name}{suffix}")


@bp.get("/c/<capture_id>/records/<int:position>/payload")
@signed_in
def save_payload(capture_id: str, position: int) -> Response:
    """Return the payload with its codings undone, to be saved: never of a type that opens."""
    with wiring().database.read() as session:
        capture, warc, record = _record(session, capture_id, position)
    place = _shown(capture, warc, record)
    path, ref = place.path, place.ref
    with open_record(path, ref) as opened:
        length, codings = opened.body_length, opened.codings
    name = _file_name(record)
    if not codings:

        def stretch(start: int, stop: int) -> Iterator[bytes]:
            with open_record(path, ref) as again:
                yield from again.stored(start, stop)

        return _saved(ranged(length, stretch, "application/octet-stream"), name)
    pieces = _decoded(path, ref)
    first = next(pieces, b"")  # a coding that does not fit is said now, not half-way
    response = Response(_and(first, pieces), content_type="application/octet-stream")
    return _saved(response, name)


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a request: an entry and its record's place in the list, or why nothing does."""

    entry: Entry | None
    position: int | None
    original: Located | None
    original_position: int | None
    why: str
    others: tuple[Entry, ...]

    @property
    def alike(self) -> int:
        """How many of the others were asked for by the same method."""
        method = self.entry.method if self.entry is not None else ""
        return sum(one.method == method for one in self.others)


def _answer(session: Session, capture: Capture, warc: WarcFile, address: str) -> Answer:
    """Find the record that answers exactly what was asked for."""
    method = request.args.get("method", "GET").upper()[:20]
    body = request.args.get("body", "")
    digest = hashlib.sha256(body.encode()).hexdigest() if body else None
    found_index = viewing().index_of(warc)
    near = timestamp17(isoformat(capture.captured_at))
    others = tuple(sorted(found_index.entries_of(address), key=lambda one: one.timestamp))
    entry = found_index.find(address, method=method, body_sha256=digest, near=near)
    if entry is None:
        why = "The WARC holds no answer to exactly this request."
        return Answer(None, None, None, None, why, others)
    position = _position(session, warc.id, entry.offset)
    try:
        original = viewing().resolve(session, warc, entry)
    except MissingOriginalError as error:
        return Answer(entry, position, None, None, str(error), others)
    there = position
    if original.entry is not entry:
        there = _position(session, warc.id, original.entry.offset)
        there = there if original.path == viewing().warc_path(warc) else None
    return Answer(entry, position, original, there, "", others)


def _position(session: Session, warc_id: str, offset: int) -> int | None:
    query = select(Record.position).where(Record.warc_file_id == warc_id, Record.offset == offset)
    return session.scalar(query)


def _record(session: Session, capture_id: str, position: int) -> tuple[Capture, WarcFile, Record]:
    capture, warc = held(session, capture_id)
    found = session.get(Record, (warc.id, position))
    if found is None:
        raise NotFoundError("The WARC has no such record.")
    return capture, warc, found


def _shown(capture: Capture, warc: WarcFile, record: Record) -> Shown:
    whole = permissions.may(g.context.role, Act.SEE_COOKIES)
    return shown(viewing(), capture, warc, record, whole=whole)


def _is_words(content_type: str) -> bool:
    kind = plain_kind(content_type)
    fields = kind in {"application/warc-fields", "application/http"}
    return fields or is_readable(content_type) or is_page(content_type, b"")


def _catalogued(record: Record, now: str) -> str:
    """Say whether the block read now is the one the catalog was told of when it was stored."""
    kept = record.block_digest or ""
    if not now or not kept.startswith("sha256:"):
        return ""
    return CATALOGUED_LABELS[kept == now]


def _stretch(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop:
            piece = file.read(min(_PIECE, stop - start))
            if not piece:
                return
            start += len(piece)
            yield piece


def _decoded(path: Path, ref: RecordRef) -> Iterator[bytes]:
    with open_record(path, ref) as opened:
        yield from opened.decoded()


def _and(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    try:
        yield from pieces
    except ArchiveError:
        # Half of it is sent: the connection is cut, so that nobody takes it for whole.
        raise ConnectionError("the payload is damaged further on") from None


def _file_name(record: Record) -> str:
    last = (record.target or "").partition("?")[0].rstrip("/").rpartition("/")[2]
    return _UNFIT.sub("_", last)[-80:].strip("._") or f"payload-{record.position}"


def _saved(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
