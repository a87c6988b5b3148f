"""The words of DOCX and PPTX: body, headers, notes, comments, text boxes; not what was deleted.

Read from the XML itself, since the usual libraries leave out text boxes and footnotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from archive.errors import ExtractionError
from archive.extraction.package import Package, local
from archive.extraction.words import Words, tidy

_WORD_PARTS: Final = re.compile(
    r"word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml"
)
_ORDER: Final = ("document", "header", "footer", "footnotes", "endnotes", "comments")
_SLIDES: Final = re.compile(r"ppt/slides/slide(\d+)\.xml")
_BREAKS: Final = {"p": "\n", "br": "\n", "cr": "\n", "tr": "\n", "tab": "\t", "tc": "\t"}
_SKIPPED: Final = frozenset({"Fallback"})  # says once more what mc:Choice says (part 3, 7.6)
_DASHES: Final = {"noBreakHyphen": "-", "softHyphen": ""}


def read_docx(data: bytes) -> Words:
    """Read a Word document.

    :raises ExtractionError: it cannot be opened, or its body cannot be read
    """
    package = Package(data)
    parts = [name for name in package.names if _WORD_PARTS.fullmatch(name)]
    parts.sort(key=lambda name: (_ORDER.index(re.split(r"[/\d.]", name)[1]), name))
    if "word/document.xml" not in parts:
        raise ExtractionError("The file has no document part; it is no Word document")
    return _read(package, parts, separator="\n")


def read_pptx(data: bytes) -> Words:
    """Read a presentation, a form feed between slides, each with its notes.

    :raises ExtractionError: it cannot be opened
    """
    package = Package(data)
    numbers = sorted(int(match[1]) for name in package.names if (match := _SLIDES.fullmatch(name)))
    slides: list[str] = []
    notes: list[str] = []
    for number in numbers:
        found = _read(
            package,
            [f"ppt/slides/slide{number}.xml", f"ppt/notesSlides/notesSlide{number}.xml"],
            separator="\n",
        )
        slides.append(found.text)
        notes += [found.note] if found.note else []
    return Words(_title(package), "\f".join(slides), "; ".join(notes))


def _read(package: Package, parts: Iterable[str], *, separator: str) -> Words:
    texts, notes = [], []
    for name in parts:
        pieces: list[str] = []
        try:
            _gather(package, name, pieces)
        except ExtractionError as error:
            if name == "word/document.xml" and not pieces:
                raise
            notes.append(str(error))
        texts.append(tidy("".join(pieces)))
    return Words(_title(package), separator.join(filter(None, texts)), "; ".join(notes))


def _gather(package: Package, name: str, pieces: list[str]) -> None:
    skipped = 0
    for moment, element in package.elements(name):
        tag = local(element)
        if tag in _SKIPPED:
            skipped += 1 if moment == "start" else -1
        if moment == "start":
            continue
        if not skipped:
            if tag == "t":
                pieces.append(element.text or "")
            elif tag in _BREAKS and not _is_property(element):
                pieces.append(_BREAKS[tag])
            elif tag in _DASHES:
                pieces.append(_DASHES[tag])
        if tag in {"p", "tr"}:
            del element[:]  # read; a long document is not kept whole


def _is_property(element: object) -> bool:
    """Tell a tab stop of a paragraph's properties from a tab in its text."""
    parent = element.getparent() if hasattr(element, "getparent") else None
    return parent is not None and local(parent) in {"tabs", "pPr"}


def _title(package: Package) -> str:
    try:
        for moment, element in package.elements("docProps/core.xml"):
            if moment == "end" and local(element) == "title":
                return tidy(element.text or "")
    except ExtractionError:
        return ""
    return ""
