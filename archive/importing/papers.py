"""PDF and Office files: their words, and pictures of a PDF's pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pypdfium2
from PIL import Image
from pypdfium2 import PdfDocument, PdfiumError

from archive.errors import ExtractionError
from archive.extraction.extract import extract
from archive.extraction.kinds import document_kind
from archive.importing.found import FoundPage
from archive.importing.reading import partial

PICTURES: Final = 40  # pages of a PDF of which pictures are made
_DOTS: Final = 110  # per inch
_MOST_PIXELS: Final = 6_000_000  # of one picture
_THUMBNAIL: Final = (320, 240)
_BODY: Final = 5000
PDFIUM: Final = f"PDFium {pypdfium2.PDFIUM_INFO}"


def document_words(page: FoundPage, body: bytes, content_type: str) -> FoundPage:
    """Return a page with the words of a document; what cannot be read makes it partial."""
    kind = document_kind(body, content_type, page.address or "")
    if kind is None:
        return partial(page, "the document is of no kind whose words are read")
    try:
        read = extract(body, kind, content_type)
    except (ExtractionError, MemoryError, RecursionError) as error:
        return partial(page, f"its words cannot be read: {error or type(error).__name__}")
    words = replace(
        page,
        title=read.title or page.title,
        text=read.text,
        text_version=read.version,
        body=read.text[:_BODY],
    )
    return partial(words, read.note) if read.note else words


def pdf_pictures(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number (from 1) and the PNG of each page, as PDFium draws it.

    :raises ExtractionError: the PDF cannot be opened
    """
    try:
        document = PdfDocument(body)
    except PdfiumError as error:
        raise ExtractionError(f"the PDF cannot be opened: {error}") from error
    try:
        for number in range(min(len(document), PICTURES)):
            try:
                yield number + 1, _picture(document, number)
            except PdfiumError:
                continue  # its words were reported unreadable already
    finally:
        document.close()


def pdf_pages(body: bytes) -> int:
    """Return how many pages a PDF has.

    :raises ExtractionError: it cannot be opened
    """
    try:
        document = PdfDocument(body)
    except PdfiumError as error:
        raise ExtractionError(f"the PDF cannot be opened: {error}") from error
    try:
        return len(document)
    finally:
        document.close()


def pdf_claims(body: bytes) -> dict[str, str]:
    """Return what a PDF says of itself: Title, Author, CreationDate, Producer and the like."""
    try:
        document = PdfDocument(body)
    except PdfiumError:
        return {}
    try:
        said = document.get_metadata_dict()
    finally:
        document.close()
    return {str(key): " ".join(str(value).split())[:500] for key, value in said.items() if value}


def thumbnail(png: bytes) -> bytes:
    """Return a small PNG of a picture, at most 320 by 240 pixels, its top kept.

    :raises ValueError: it is no picture that can be read
    """
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB")
        width = min(_THUMBNAIL[0], small.width)
        small = small.resize((width, max(1, small.height * width // small.width)))
        small = small.crop((0, 0, width, min(small.height, _THUMBNAIL[1])))
        out = io.BytesIO()
        small.save(out, "PNG")
    return out.getvalue()


def _picture(document: PdfDocument, number: int) -> bytes:
    page = document[number]
    try:
        width, height = page.get_size()  # points
        scale = _DOTS / 72
        pixels = max(1.0, width * height) * scale * scale
        if pixels > _MOST_PIXELS:
            scale *= (_MOST_PIXELS / pixels) ** 0.5
        bitmap = page.render(scale=scale)
        try:
            out = io.BytesIO()
            bitmap.to_pil().save(out, "PNG")
        finally:
            bitmap.close()
    finally:
        page.close()
    return out.getvalue()
