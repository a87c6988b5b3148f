"""PDF, Office documents, pictures, films and sound: one resource each, nothing recoded.

Beside the file's own bytes stand pictures of a PDF's pages. Such files say no address; a person
gives one, or they are kept under the name of their bytes.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from archive.capture.outcome import Outcome
from archive.errors import ExtractionError, NotAnArchiveError
from archive.extraction.kinds import DocumentKind, document_kind
from archive.importing.derive import Derived, Original
from archive.importing.found import Basis, Findings, FoundPage, PageKind, written
from archive.importing.kinds import media_type
from archive.importing.papers import document_words, pdf_claims, pdf_pages, pdf_pictures, thumbnail
from archive.importing.reading import partial
from archive.verdict import VerdictWord

LARGEST: Final = 400_000_000  # bytes of a document or picture
LARGEST_FILM: Final = 2_000_000_000
_MOST_PIXELS: Final = 120_000_000
_EXIF_IFD: Final = 0x8769  # Exif 2.3, 4.6.3
_TAKEN: Final = 0x9003  # DateTimeOriginal
_TAKEN_OFFSET: Final = 0x9011  # OffsetTimeOriginal (Exif 2.31)
_CAMERA: Final = (0x010F, 0x0110)  # Make, Model
_PDF_DATE: Final = re.compile(
    r"D:(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:(Z)|([+-])(\d{2})'?(\d{2})?)"
)
_ISO_1904: Final = datetime(1904, 1, 1, tzinfo=UTC)  # ISO/IEC 14496-12, 8.2.2
_FILM_HEAD: Final = 1 << 20
_OFFICE_TYPES: Final = {
    DocumentKind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    DocumentKind.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    DocumentKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def read_pdf(findings: Findings, original: Original) -> None:
    """Keep a PDF as a resource, with its words and pictures of its pages beside it.

    :raises NotAnArchiveError: it is too large
    """
    data = _whole(original, LARGEST)
    claims = pdf_claims(data)
    moment = _pdf_date(claims.get("CreationDate", ""))
    findings.writer(claims.get("Producer") or claims.get("Creator") or "")
    small: bytes | None = None
    first = ""
    with Derived(findings, original, "pdf", "the file as it is; pictures of its pages") as derived:
        record = derived.resource(original.urn, "application/pdf", data, at=moment)
        fault, drawn = "", 0
        try:
            for number, png in pdf_pictures(data):
                drawn += 1
                picture = derived.resource(
                    f"urn:page:{number}:{original.urn}", "image/png", png, concurrent_to=record
                )
                first = first or picture
                small = small or thumbnail(png)
            count = pdf_pages(data)
        except ExtractionError as error:
            fault, count = str(error), 0
        derived.finish(target=original.urn)
        page = _page(derived, record, PageKind.DOCUMENT, moment)
    page = document_words(replace(page, screenshot=first or None), data, "application/pdf")
    if fault:
        page = partial(page, fault)
    findings.page(replace(page, thumbnail=_keep(findings, small)))
    pages = "one page" if count == 1 else f"{count} pages"
    findings.remark(f"A PDF of {pages}. Its date is what the file says of its making.")
    if drawn < count:
        findings.remark(f"Pictures were made of {drawn} of its {count} pages.")
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def read_document(findings: Findings, original: Original) -> None:
    """Keep an Office document as a resource, with its words beside it.

    :raises NotAnArchiveError: it is too large, or of another kind
    """
    data = _whole(original, LARGEST)
    kind = document_kind(data, "", original.name)
    if kind not in _OFFICE_TYPES:
        raise NotAnArchiveError("the document is of no kind whose words are read")
    media = _OFFICE_TYPES[kind]
    with Derived(findings, original, kind.value, "the file as it is, as one resource") as derived:
        record = derived.resource(original.urn, media, data)
        derived.finish(target=original.urn)
        page = _page(derived, record, PageKind.DOCUMENT, None)
    findings.page(document_words(page, data, media))
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def read_image(findings: Findings, original: Original) -> None:
    """Keep a picture as a resource; what its EXIF claims is said.

    :raises NotAnArchiveError: it is too large
    """
    data = _whole(original, LARGEST)
    media = media_type(data[:64]) or "application/octet-stream"
    moment, small, told, fault = _look(data)
    with Derived(findings, original, "image", "the file as it is, as one resource") as derived:
        record = derived.resource(original.urn, media, data, at=moment)
        derived.finish(target=original.urn)
        page = _page(derived, record, PageKind.IMAGE, moment)
    page = replace(
        page,
        title=Path(original.name).name,
        screenshot=record if media == "image/png" else None,
        thumbnail=_keep(findings, small),
    )
    findings.page(partial(page, fault) if fault else page)
    if told:
        findings.remark(told)
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def read_film(findings: Findings, original: Original) -> None:
    """Keep a film or a sound as a resource; say in the note what is seen or heard.

    :raises NotAnArchiveError: it is too large
    """
    size = original.path.stat().st_size
    if size > LARGEST_FILM:
        raise NotAnArchiveError(f"the film has more than {LARGEST_FILM // 1_000_000} MB")
    with original.path.open("rb") as file:
        head = file.read(_FILM_HEAD)
    media = media_type(head[:64]) or "application/octet-stream"
    kind = PageKind.AUDIO if media.startswith("audio/") else PageKind.VIDEO
    moment = _film_date(head)
    with Derived(findings, original, kind.value, "the file as it is, as one resource") as derived:
        record = derived.file(original.urn, media, original.path, at=moment)
        derived.finish(target=original.urn)
        page = _page(derived, record, kind, moment)
    findings.page(replace(page, title=Path(original.name).name))
    findings.remark(
        "Nothing is read out of films and sound but the time their head claims: say in a note "
        "what is seen or heard, and where it comes from."
    )
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def _look(data: bytes) -> tuple[datetime | None, bytes | None, str, str]:
    """Open a picture: when it says it was taken, a small one, what else it says, what is wrong."""
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    try:
        with Image.open(io.BytesIO(data)) as picture:
            exif = picture.getexif()
            details = exif.get_ifd(_EXIF_IFD)
            moment = _exif_date(str(details.get(_TAKEN, "")), str(details.get(_TAKEN_OFFSET, "")))
            camera = " ".join(str(exif.get(tag, "")).strip() for tag in _CAMERA).strip()
            told = f"A picture of {picture.width} by {picture.height} pixels."
            if camera:
                told += f" It says it was taken with {camera[:200]}."
            if details.get(_TAKEN) and moment is None:
                told += f" It says {details[_TAKEN]!s}, without a time zone: that is no instant."
            return moment, thumbnail(data), told, ""
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            struct.error, KeyError, TypeError) as error:  # fmt: skip
        # Pillow lets what broke in a decoder out as it is.
        return None, None, "", f"the picture cannot be opened here: {error}"


def _exif_date(text: str, offset: str) -> datetime | None:
    """Read an EXIF time; without its offset it is no instant."""
    try:
        return datetime.strptime(f"{text} {offset.replace(':', '')}", "%Y:%m:%d %H:%M:%S %z")
    except ValueError:
        return None


def _pdf_date(text: str) -> datetime | None:
    """Read a PDF date (ISO 32000-1, 7.9.4); one without its offset is no instant."""
    match = _PDF_DATE.match(text)
    if match is None:
        return None
    numbers = [int(part) for part in match.groups()[:6]]
    offset = timedelta()
    if match[7] is None:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10] or 0))
        offset = -offset if match[8] == "-" else offset
    try:
        return datetime(
            numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5],
            tzinfo=timezone(offset),
        )  # fmt: skip
    except ValueError:
        return None


def _film_date(head: bytes) -> datetime | None:
    """Read the creation time of a movie header (ISO/IEC 14496-12, 8.2.2); 0 says nothing."""
    at = head.find(b"mvhd")
    if at < 0 or len(head) < at + 16:
        return None
    version = head[at + 4]
    form = ">Q" if version == 1 else ">I"
    seconds = struct.unpack_from(form, head, at + 8)[0]
    if not 2_082_844_800 < seconds < 2_082_844_800 + 8_000_000_000:  # after 1970
        return None
    return _ISO_1904 + timedelta(seconds=seconds)


def _page(derived: Derived, record: str, kind: PageKind, moment: datetime | None) -> FoundPage:
    ref = derived.placed[record]
    return FoundPage(
        warc=0,
        kind=kind,
        address=None,
        address_basis=Basis.IMPORT,
        address_from="",
        captured_at=written(moment),
        time_basis=Basis.CLAIMED if moment else Basis.IMPORT,
        outcome=Outcome.COMPLETE,
        reason="",
        status=None,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
    )


def _keep(findings: Findings, png: bytes | None) -> str | None:
    if png is None:
        return None
    path = findings.work / f"thumbnail-{findings.pages}.png"
    path.write_bytes(png)
    return path.name


def _whole(original: Original, largest: int) -> bytes:
    if original.path.stat().st_size > largest:
        raise NotAnArchiveError(f"the file has more than {largest // 1_000_000} MB")
    return original.path.read_bytes()
