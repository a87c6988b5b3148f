"""What of a capture can be marked besides its text: its pictures, films and sounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Capture, Record, WarcFile
from annotate.selectors.media import MediaMark, Region
from annotate.services.viewing import Viewing
from archive.capture.attachments import attachment_uri
from archive.errors import ArchiveError
from archive.mime import shown_kind
from archive.picture_size import ENOUGH, picture_size
from archive.streaming import open_record

_TILES: Final = 8
_DRAWN: Final = 40  # pages of a document drawn by an import
_FILMS: Final = 20


class SourceKind(StrEnum):
    """What is marked."""

    PICTURE = "picture"
    FILM = "film"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Source:
    """One picture, film or sound of a capture."""

    uri: str
    """Target of its record, as the WARC has it."""
    kind: SourceKind
    number: int
    """Counted from 1 among the capture's pictures, or among its films and sounds."""
    content_type: str
    digest: str
    """Of the payload, as the WARC has it; empty where it has none."""
    width: int = 0
    """Pixels of a picture."""
    height: int = 0


def of_capture(session: Session, viewing: Viewing, capture: Capture) -> list[Source]:
    """Return what can be marked: the pictures of the whole page in order, then film and sound."""
    warc = session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None
    if warc is None:
        return []
    found: list[Source] = []
    pictures = films = 0
    for uri, digest in _candidates(session, viewing, capture, warc):
        looked = _looked_at(session, viewing, warc, uri)
        if looked is None:
            continue
        content_type, size = looked
        if size is not None:
            pictures += 1
            found.append(Source(uri, SourceKind.PICTURE, pictures, content_type, digest, *size))
        elif content_type.startswith(("video/", "audio/")):
            films += 1
            is_film = content_type.startswith("video/")
            kind = SourceKind.FILM if is_film else SourceKind.SOUND
            found.append(Source(uri, kind, films, content_type, digest))
    return found


def check_mark(sources: Sequence[Source], mark: MediaMark) -> Source:
    """Return what a mark stands on.

    :raises UsageError: the capture has no such picture or film, or the place is not within it
    """
    source = next((one for one in sources if one.uri == mark.source), None)
    if source is None:
        raise UsageError(
            "This capture has no such picture or film. Reload the page and mark it again."
        )
    is_region = isinstance(mark.place, Region)
    if is_region != (source.kind is SourceKind.PICTURE):
        raise UsageError("A region is marked on a picture, a range of time in a film or sound.")
    if isinstance(mark.place, Region) and not mark.place.is_within(source.width, source.height):
        raise UsageError(
            f"This region is not within the picture, which is {source.width} pixels wide and "
            f"{source.height} pixels tall."
        )
    return source


def _candidates(
    session: Session, viewing: Viewing, capture: Capture, warc: WarcFile
) -> Iterator[tuple[str, str]]:
    """Yield targets of records, with their digests, that may be pictures, films or sounds."""
    addresses = list(dict.fromkeys(filter(None, (capture.final_address, capture.address))))
    wanted: list[str] = []
    for address in addresses:
        page = attachment_uri("fullPage", address)
        wanted += [page, *(f"{page}#tile={number}" for number in range(1, _TILES))]
    for address in addresses:
        wanted += [f"urn:page:{number}:{address}" for number in range(1, _DRAWN + 1)]
        media = attachment_uri("media", address)
        wanted += [f"{media}#{number}" for number in range(1, _FILMS + 1)]
    views = [attachment_uri("view", address) for address in addresses]
    rows = session.execute(
        select(Record.target, Record.payload_digest, Record.block_digest).where(
            Record.warc_file_id == warc.id, Record.target.in_([*wanted, *views, *addresses])
        )
    )
    held = {target: payload or block or "" for target, payload, block in rows if target}
    given = [uri for uri in wanted if uri in held]
    if not any(uri.startswith("urn:fullPage:") for uri in given):
        given = [uri for uri in views if uri in held] + given
    yield from ((uri, held[uri]) for uri in given)
    yield from ((uri, held[uri]) for uri in addresses if uri in held)
    if warc.import_id is None:
        yield from _films_of_page(viewing, warc, {*given, *addresses})


def _films_of_page(viewing: Viewing, warc: WarcFile, known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the films and sounds the page itself loaded: its WARC is of this capture alone."""
    for entry in viewing.index_of(warc).all():
        if len(known) > 200:
            return
        is_film = entry.mime.startswith(("video/", "audio/"))
        whole = entry.status is None or entry.status == 200
        if is_film and whole and entry.method == "GET" and entry.url not in known:
            known.add(entry.url)
            yield entry.url, entry.digest


def _looked_at(
    session: Session, viewing: Viewing, warc: WarcFile, uri: str
) -> tuple[str, tuple[int, int] | None] | None:
    """Return the type something is shown as and, of a picture, its size; None: not shown."""
    try:
        place = viewing.find(session, warc, uri)
        if place is None:
            return None
        with open_record(place.path, place.ref) as record:
            begin = bytearray()
            for piece in record.decoded(0, ENOUGH):
                begin += piece
                kind = shown_kind(record.content_type, bytes(begin[:64]))
                if kind is None or kind.startswith(("video/", "audio/")):
                    return (kind, None) if kind else None
                size = picture_size(bytes(begin))
                if size is not None:
                    return kind, size
    except ArchiveError:
        return None
    return None
