"""Documents among the records of a WARC: PDFs, Office files, subtitles; which, and their words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from archive.errors import DamagedRecordError, ExtractionError
from archive.extraction.bounded import LARGEST, extract_bounded
from archive.extraction.document import EXTRACTION_VERSION, DocumentText
from archive.extraction.kinds import DocumentKind, claimed_kind, document_kind
from archive.record import RecordRef
from archive.streaming import open_record

MOST: Final = 40  # documents read of one capture; what is beyond is listed, and said not to be read
SECONDS: Final = 180.0  # after which no further document of one capture is begun
_HEAD: Final = 1024  # bytes of a body that tell whether the rest is worth reading
_CARRIERS: Final = frozenset({"response", "resource"})
# Types that say nothing of what a file is; every other is believed where the name agrees.
_VAGUE: Final = frozenset(
    "application/octet-stream binary/octet-stream application/download application/x-download "
    "application/force-download application/zip application/x-zip-compressed text/plain".split()
)


class Place(NamedTuple):
    """Where a record stands, and what it is; `position` counts the records of its file from 0."""

    position: int
    kind: str
    target: str | None
    offset: int
    length: int
    payload_digest: str | None


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document of a WARC; where `note` says that it could not be read, `text` is empty."""

    position: int
    address: str
    kind: DocumentKind
    payload_digest: str | None
    title: str
    text: str
    sha256: str
    note: str
    version: str
    put_off: bool = False
    """It was not tried, for want of time; another reading may."""


Extract = Callable[[bytes, DocumentKind, str], DocumentText]


def documents_in(
    warc: Path,
    places: Iterable[Place],
    *,
    seconds: float | None = SECONDS,
    extract: Extract = extract_bounded,
    clock: Callable[[], float] = time.monotonic,
) -> list[FoundDocument]:
    """Return the documents a WARC's records hold, each body once; none of them stops the others.

    :param seconds: after which no further document is begun; None for no such end
    :param extract: reads one document; it is told bytes, kind and declared type
    """
    end = None if seconds is None else clock() + seconds
    found: list[FoundDocument] = []
    seen: set[str] = set()
    for place in places:
        if place.kind not in _CARRIERS or not _is_web(place.target):
            continue
        if place.payload_digest is not None and place.payload_digest in seen:
            continue
        late = end is not None and clock() > end
        one = _document(warc, place, extract, late=late or len(found) >= MOST)
        if one is not None:
            found.append(one)
            if place.payload_digest is not None:
                seen.add(place.payload_digest)
    return found


def _is_web(target: str | None) -> bool:
    return (target or "").lower().startswith(("http://", "https://"))


def _document(warc: Path, place: Place, extract: Extract, *, late: bool) -> FoundDocument | None:
    kind: DocumentKind | None = None
    try:
        with open_record(warc, RecordRef(place.offset, place.length)) as record:
            if record.status is not None and not 200 <= record.status < 300:
                return None
            declared = record.content_type
            kind = _worth_reading(declared, place.target or "")
            if kind is None and not _is_vague(declared):
                return None
            body = bytearray()
            for piece in record.decoded(0, LARGEST + 1):
                body += piece
                if kind is None and len(body) >= _HEAD and not _begins_like_one(body):
                    return None
        kind = document_kind(bytes(body), declared, urlsplit(place.target or "").path) or kind
        if kind is None:
            return None
        if late:
            return _unread(place, kind, _PUT_OFF, put_off=True)
        read = extract(bytes(body), kind, declared)
    except (DamagedRecordError, ExtractionError) as error:
        return _unread(place, kind, str(error)) if kind is not None else None
    return FoundDocument(
        position=place.position,
        address=place.target or "",
        kind=read.kind,
        payload_digest=place.payload_digest,
        title=read.title,
        text=read.text,
        sha256=read.sha256,
        note=read.note,
        version=read.version,
    )


_PUT_OFF: Final = (
    "It was not read, since this capture holds many documents. “holdfast rebuild text” reads it"
)
_NOTHING: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256


def _unread(place: Place, kind: DocumentKind, why: str, *, put_off: bool = False) -> FoundDocument:
    return FoundDocument(
        position=place.position,
        address=place.target or "",
        kind=kind,
        payload_digest=place.payload_digest,
        title="",
        text="",
        sha256=_NOTHING,
        note=why,
        version=EXTRACTION_VERSION,
        put_off=put_off,
    )


def _worth_reading(declared: str, target: str) -> DocumentKind | None:
    """Tell what a record says it is; a name counts only where the type is vague."""
    by_type = claimed_kind(declared, "")
    if by_type is not None or not _is_vague(declared):
        return by_type
    return claimed_kind("", urlsplit(target).path)


def _is_vague(declared: str) -> bool:
    plain = declared.partition(";")[0].strip().lower()
    return not plain or plain in _VAGUE


def _begins_like_one(body: bytearray) -> bool:
    head = bytes(body[:_HEAD])
    return b"%PDF-" in head or head.startswith((b"PK\x03\x04", b"WEBVTT", b"\xef\xbb\xbfWEBVTT"))
