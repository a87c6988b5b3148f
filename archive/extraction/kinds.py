"""Which files text is taken from, told by their first bytes, then by declared type and name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class DocumentKind(StrEnum):
    """A kind of file that has words but is no page."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    SRT = "srt"
    VTT = "vtt"


_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_TYPES: Final[Mapping[str, DocumentKind]] = {
    "application/pdf": DocumentKind.PDF,
    "application/x-pdf": DocumentKind.PDF,
    f"{_OFFICE}wordprocessingml.document": DocumentKind.DOCX,
    f"{_OFFICE}spreadsheetml.sheet": DocumentKind.XLSX,
    f"{_OFFICE}presentationml.presentation": DocumentKind.PPTX,
    "application/x-subrip": DocumentKind.SRT,
    "text/srt": DocumentKind.SRT,
    "text/vtt": DocumentKind.VTT,
}
# The part that makes a package what it is (ECMA-376 part 1, 11, 12 and 13).
_MAIN_PARTS: Final[Mapping[str, DocumentKind]] = {
    "word/document.xml": DocumentKind.DOCX,
    "xl/workbook.xml": DocumentKind.XLSX,
    "ppt/presentation.xml": DocumentKind.PPTX,
}
_PDF_WINDOW: Final = 1024  # bytes in which readers accept the header (ISO 32000-1, H.3)
_TEXT_HEAD: Final = 64  # bytes


def document_kind(data: bytes, content_type: str = "", name: str = "") -> DocumentKind | None:
    """Tell what kind of document this is; None where it is none that has words to take.

    :param content_type: as declared; believed only where the bytes do not say otherwise
    :param name: file name or address; only its ending counts
    """
    if b"%PDF-" in data[:_PDF_WINDOW]:
        return DocumentKind.PDF
    if data.startswith(b"PK\x03\x04"):
        return _of_package(data)
    if data[:_TEXT_HEAD].lstrip(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        return DocumentKind.VTT
    claimed = claimed_kind(content_type, name)
    return claimed if claimed in {DocumentKind.SRT, DocumentKind.VTT} else None


def claimed_kind(content_type: str, name: str) -> DocumentKind | None:
    """Tell what a file says it is, before its bytes are looked at."""
    declared = _TYPES.get(content_type.partition(";")[0].strip().lower())
    if declared is not None:
        return declared
    ending = name.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return DocumentKind(ending) if ending in set(DocumentKind) else None


def _of_package(data: bytes) -> DocumentKind | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = set(package.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None
    return next((kind for part, kind in _MAIN_PARTS.items() if part in names), None)
