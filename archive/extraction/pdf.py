"""The text layer of a PDF (ISO 32000), by PDFium, in the order PDFium reads it."""

from __future__ import annotations

from typing import Final

import pypdfium2
from pypdfium2 import PdfDocument, PdfiumError

from archive.errors import ExtractionError
from archive.extraction.words import Words, tidy

PAGES: Final = 5000
# PDFium puts one of these where a line ends within a hyphenated word.
_HYPHENS: Final = ("\ufffe\r\n", "\x02\r\n", "\ufffe\n", "\x02\n", "\ufffe", "\x02")


def read_pdf(data: bytes) -> Words:
    """Read a PDF's text, a form feed between pages.

    :raises ExtractionError: it is damaged, or locked by a password
    """
    try:
        document = PdfDocument(data)
    except PdfiumError as error:
        locked = "password" in str(error).lower()
        raise ExtractionError(
            "The PDF is locked by a password; its bytes are kept, its text cannot be read"
            if locked
            else f"The PDF cannot be opened: {error}"
        ) from error
    try:
        return _read(document)
    finally:
        document.close()


def _read(document: PdfDocument) -> Words:
    count = len(document)
    pages: list[str] = []
    unreadable: list[int] = []
    for number in range(min(count, PAGES)):
        try:
            pages.append(_page(document, number))
        except PdfiumError:
            pages.append("")
            unreadable.append(number + 1)
    notes = []
    if unreadable:
        listed = ", ".join(str(number) for number in unreadable[:20])
        notes.append(f"pages that cannot be read: {listed}")
    if count > PAGES:
        notes.append(f"only the first {PAGES} of {count} pages are read")
    if not any(pages):
        notes.append("the PDF has no text layer: its pages are pictures")
    title = str(document.get_metadata_dict().get("Title") or "").strip()
    return Words(tidy(title), "\f".join(pages), "; ".join(notes))


def _page(document: PdfDocument, number: int) -> str:
    page = document[number]
    try:
        layer = page.get_textpage()
        try:
            text = str(layer.get_text_range())
        finally:
            layer.close()
    finally:
        page.close()
    for hyphen in _HYPHENS:
        text = text.replace(hyphen, "")
    return tidy(text.replace("\f", "\n").replace("\x00", ""))


PDFIUM_VERSION: Final = str(pypdfium2.PDFIUM_INFO)
