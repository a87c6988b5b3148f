"""What a file is, told by its bytes; its name decides only between things that look alike."""

from __future__ import annotations

import bz2
import codecs
import re
import zipfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from archive.errors import NotAnArchiveError
from archive.formats import any_begins
from archive.framing import (
    GZIP_MAGIC,
    FrameError,
    GzipMember,
    Source,
    find_member,
    gzip_begins,
)
from archive.headers import warc_version


class FileKind(StrEnum):
    """What can be imported."""

    WARC = "warc"
    ARC = "arc"
    WACZ = "wacz"
    HAR = "har"
    MHTML = "mhtml"
    HTML = "html"
    PDF = "pdf"
    DOCUMENT = "document"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    ZIP = "zip"
    QDPX = "qdpx"
    ANNOTATIONS = "annotations"
    SHEET = "xlsx"
    BOOKMARKS = "bookmarks"
    TABLE = "table"


LISTS: Final = frozenset({FileKind.SHEET, FileKind.BOOKMARKS, FileKind.TABLE})
_HEAD: Final = 4096  # bytes looked at
_BZIP2: Final = b"BZh"
_ZSTD: Final = (b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18")  # a frame; a dictionary before it
_IMAGES: Final[Mapping[bytes, str]] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}
_FILMS: Final[Mapping[bytes, str]] = {
    b"\x1a\x45\xdf\xa3": "video/webm",
    b"OggS": "video/ogg",
    b"FLV\x01": "video/x-flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "video/x-ms-wmv",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"fLaC": "audio/flac",
}
# Named, so that the refusal says what to do (file(1) magic of each).
_REFUSED: Final[Mapping[bytes, str]] = {
    b"\x04\x22\x4d\x18": "it is compressed with LZ4; unpack it with `lz4 -d` and import the result",
    b"\xfd7zXZ\x00": "it is compressed with xz; unpack it with `xz -d` and import the result",
    b"7z\xbc\xaf\x27\x1c": "it is a 7z archive; unpack it and import what it holds",
    b"Rar!\x1a\x07": "it is a RAR archive; unpack it and import what it holds",
    b"\xd0\xcf\x11\xe0": "it is an old Office file (.doc, .xls, .ppt); save it as .docx or .xlsx",
    b"MZ": "it is a program",
    b"\x7fELF": "it is a program",
}
_TABLE_NAMES: Final = (".csv", ".tsv", ".txt", ".tab", ".list", ".urls")
_INDEX: Final = re.compile(rb"(?: CDX |!meta 0 |[a-z0-9,\-:]+\)\S* \d{14} )")
_MHTML_FIELDS: Final = re.compile(
    rb"^(?:mime-version|content-type:\s*multipart/related|snapshot-content-location|from:\s*<saved)",
    re.IGNORECASE | re.MULTILINE,
)
_MARKUP: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|\?xml)", re.IGNORECASE | re.DOTALL
)
_ADDRESS: Final = re.compile(r"https?://\S", re.IGNORECASE)
# The context of W3C Web Annotations; the rows of an export of Hypothesis.
_ANNOTATIONS: Final = (b"www.w3.org/ns/anno.jsonld", b'"rows"')
_QDA: Final = b"urn:QDA-XML:project:1.0"  # the namespace of REFI-QDA projects


def sniff(path: Path, name: str) -> FileKind:
    """Tell what a file is.

    :raises NotAnArchiveError: nothing that can be imported; the message says what it is instead
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise NotAnArchiveError("the file is empty")
        if head.startswith(GZIP_MAGIC):
            try:
                head = bytes(GzipMember(Source(file), 0).read(_HEAD))
            except FrameError as error:
                return _after_damage(file, error)
        elif head.startswith(_BZIP2):
            head = _bzip2_head(path)
    if head.startswith(_ZSTD):
        return FileKind.WARC  # the strict reader knows whether it is
    for magic, why in _REFUSED.items():
        if head.startswith(magic):
            raise NotAnArchiveError(why)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _of_zip(path)
    return _of_head(head, name) or _of_text(head, name)


def _after_damage(file: BinaryIO, error: FrameError) -> FileKind:
    """Tell what a gzip file is whose beginning is damaged: what its next sound record is."""
    source = Source(file)
    after = find_member(source, 1, GZIP_MAGIC, gzip_begins(any_begins))
    if after is None:
        raise NotAnArchiveError(f"the gzip data is damaged at its beginning: {error}") from error
    found = bytes(GzipMember(source, after).read(_HEAD))
    return FileKind.WARC if warc_version(found) is not None else FileKind.ARC


def media_type(head: bytes) -> str | None:
    """Return the type of an image, film or sound by its first bytes; None where it is none."""
    for table in (_IMAGES, _FILMS):
        for magic, kind in table.items():
            if head.startswith(magic):
                return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav"}.get(
            head[8:12]
        )
    if head[4:8] == b"ftyp":  # ISO/IEC 14496-12, 4.3
        brand = head[8:12]
        if brand in {b"avif", b"avis"}:
            return "image/avif"
        if brand in {b"heic", b"heix", b"mif1", b"msf1"}:
            return "image/heic"
        return {b"M4A ": "audio/mp4", b"qt  ": "video/quicktime"}.get(brand, "video/mp4")
    return None


def _of_head(head: bytes, name: str) -> FileKind | None:
    if head.startswith(b"filedesc:"):
        return FileKind.ARC
    if warc_version(head.lstrip(b"\r\n\xef\xbb\xbf")) is not None:
        return FileKind.WARC
    if b"%PDF-" in head[:1024]:  # ISO 32000-1, H.3
        return FileKind.PDF
    media = media_type(head)
    if media is not None and not (media == "image/bmp" and _is_text(head)):
        return FileKind(media.partition("/")[0])
    if head.lstrip(b"\xef\xbb\xbf \r\n").upper().startswith(b"<!DOCTYPE NETSCAPE-BOOKMARK"):
        return FileKind.BOOKMARKS
    # A CDX written as if it were an ARC is no archive; nor are indexes.
    if _INDEX.match(head):
        raise NotAnArchiveError(
            "this is an index (CDX) of web archives; import the WARC files it points to"
        )
    if _MHTML_FIELDS.search(head) and b":" in head.partition(b"\n")[0]:
        return FileKind.MHTML
    if _QDA in head:
        return FileKind.QDPX
    if _MARKUP.match(head.lstrip(b"\xef\xbb\xbf")):
        return FileKind.HTML
    return FileKind.HTML if name.lower().endswith((".html", ".htm", ".xhtml")) else None


def _of_text(head: bytes, name: str) -> FileKind:
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"{") and (b'"log"' in head or name.lower().endswith(".har")):
        return FileKind.HAR
    if begin.startswith(b"{") and any(mark in head for mark in _ANNOTATIONS):
        return FileKind.ANNOTATIONS
    if begin.startswith((b"{", b"[")):
        raise NotAnArchiveError("this is JSON, but no HAR: it has no “log” at its beginning")
    if name.lower().endswith(_TABLE_NAMES):
        return FileKind.TABLE
    if _is_text(head) and _ADDRESS.match(begin.decode("latin-1")):
        return FileKind.TABLE
    raise NotAnArchiveError(
        f"this is nothing that can be imported: it begins with {head[:24]!r}. WARC, ARC, WACZ, "
        "HAR, MHTML, HTML, PDF, Office documents, images, video, ZIP of these, REFI-QDA projects, "
        "and lists of addresses (CSV, XLSX, text, bookmarks) can."
    )


def _of_zip(path: Path) -> FileKind:
    """Tell a WACZ, an Office file and a plain ZIP apart by what they name."""
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        raise NotAnArchiveError(f"the ZIP cannot be unpacked: {error}") from error
    if "xl/workbook.xml" in names:
        return FileKind.SHEET
    if names & {"word/document.xml", "ppt/presentation.xml"}:
        return FileKind.DOCUMENT
    if any(name.lower() == "project.qde" for name in names):
        return FileKind.QDPX
    if "datapackage.json" in names or any(name.startswith("archive/") for name in names):
        return FileKind.WACZ
    return FileKind.ZIP


def _bzip2_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return bz2.BZ2Decompressor().decompress(file.read(1 << 20), _HEAD)
    except (OSError, ValueError, EOFError) as error:
        raise NotAnArchiveError(f"the bzip2 data is damaged at its beginning: {error}") from error


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return not any(byte < 9 for byte in head)
