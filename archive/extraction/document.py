"""A document's text, apart from the libraries that read it: they weigh tens of megabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archive.extraction.kinds import DocumentKind

EXTRACTION_VERSION: Final = "holdfast-documents/1"


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document's text; `note` says what is missing of it, in words, "" where nothing is."""

    kind: DocumentKind
    title: str
    text: str
    note: str
    version: str
    sha256: str
    """Hex, of the text in UTF-8."""
