"""One document's text. Call `bounded.extract_bounded` unless the process is bounded already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from archive.extraction.document import EXTRACTION_VERSION, DocumentText
from archive.extraction.kinds import DocumentKind
from archive.extraction.office import read_docx, read_pptx
from archive.extraction.pdf import read_pdf
from archive.extraction.sheets import read_xlsx
from archive.extraction.subtitles import read_subtitles
from archive.extraction.words import Words

LONGEST: Final = 20_000_000  # characters of text kept of one document


def extract(data: bytes, kind: DocumentKind, content_type: str = "") -> DocumentText:
    """Read a document's text, in this process.

    :raises ExtractionError: nothing of it can be read; the message says why
    """
    read = _READERS[kind](data, content_type)
    if len(read.text) > LONGEST:
        notes = [read.note, f"only the first {LONGEST} characters are kept"]
        read = replace(read, text=read.text[:LONGEST], note="; ".join(filter(None, notes)))
    return document_text(kind, read)


def document_text(kind: DocumentKind, read: Words) -> DocumentText:
    """Put a rendition together from what a reader returned."""
    text = read.text.encode("utf-8", "replace").decode()  # lone surrogates are no text
    return DocumentText(
        kind=kind,
        title=read.title,
        text=text,
        note=read.note,
        version=EXTRACTION_VERSION,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


_READERS: Final[Mapping[DocumentKind, Callable[[bytes, str], Words]]] = {
    DocumentKind.PDF: lambda data, _type: read_pdf(data),
    DocumentKind.DOCX: lambda data, _type: read_docx(data),
    DocumentKind.XLSX: lambda data, _type: read_xlsx(data),
    DocumentKind.PPTX: lambda data, _type: read_pptx(data),
    DocumentKind.SRT: read_subtitles,
    DocumentKind.VTT: read_subtitles,
}
