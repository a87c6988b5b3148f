"""Writing REFI-QDA: projects (QDPX) and codebooks (QDC), the same bytes for the same content."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from typing import IO, Any, Final

from lxml import etree

from archive.importing.refi import Code, Coding, Note, Project, Source

_PROJECT: Final = "urn:QDA-XML:project:1.0"
_CODEBOOK: Final = "urn:QDA-XML:codebook:1.0"
_ORIGIN: Final = "Holdfast"
_MADE: Final = (1980, 1, 1, 0, 0, 0)  # a zip's own times would make each export another file
# What XML 1.0 (section 2.2) has no way to write.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TextOf = Callable[[str], str]


def write_project(out: IO[bytes], project: Project, text_of: TextOf) -> None:
    """Write a packed project.

    :param text_of: the text of a source, by its GUID; texts are written one at a time
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(_member("project.qde"), _xml(_project(project)))
        for source in project.sources:
            text = text_of(source.guid).encode("utf-8", "replace")
            package.writestr(_member(f"Sources/{source.guid}.txt"), text)


def write_codebook(codes: Sequence[Code]) -> bytes:
    """Return a codebook (.qdc).

    :raises ValueError: there is no code; the standard has no empty codebook
    """
    if not codes:
        raise ValueError("no code to write")
    root = etree.Element("CodeBook", xmlns=_CODEBOOK, origin=_ORIGIN)
    _codes(etree.SubElement(root, "Codes"), codes)
    return _xml(root)


def _member(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, _MADE)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o644 << 16
    return made


def _xml(root: Any) -> bytes:
    written: bytes = etree.tostring(
        root, xml_declaration=True, encoding="utf-8", standalone=True, pretty_print=True
    )
    return written


def _project(project: Project) -> Any:
    """Elements in the order of the schema's ProjectType."""
    root = etree.Element(
        "Project", xmlns=_PROJECT, name=_plain(project.name) or "-", origin=_ORIGIN
    )
    if project.users:
        users = etree.SubElement(root, "Users")
        for guid, name in project.users.items():
            etree.SubElement(users, "User", guid=guid, name=_plain(name))
    if project.codes:
        _codes(etree.SubElement(etree.SubElement(root, "CodeBook"), "Codes"), project.codes)
    if project.sources:
        sources = etree.SubElement(root, "Sources")
        for source in project.sources:
            _source(sources, source)
    if project.notes:
        notes = etree.SubElement(root, "Notes")
        for note in project.notes.values():
            _note(notes, note)
    return root


def _codes(parent: Any, codes: Sequence[Code]) -> None:
    for code in codes:
        element = etree.SubElement(
            parent, "Code", guid=code.guid, name=_plain(code.name) or "-",
            isCodable="true" if code.codable else "false",
        )  # fmt: skip
        _described(element, code.description)
        _codes(element, code.children)


def _source(parent: Any, source: Source) -> None:
    element = etree.SubElement(
        parent, "TextSource", guid=source.guid, name=_plain(source.name),
        plainTextPath=f"internal://{source.guid}.txt",
    )  # fmt: skip
    _described(element, source.description)
    for one in source.selections:
        selection = etree.SubElement(
            element, "PlainTextSelection", guid=one.guid, name=_plain(one.name),
            startPosition=str(one.start), endPosition=str(one.end),
        )  # fmt: skip
        if one.user:
            selection.set("creatingUser", one.user)
        _described(selection, one.description)
        _codings(selection, one.codings)
        _note_refs(selection, one.notes)
    _codings(element, source.codings)
    _note_refs(element, source.notes)


def _codings(parent: Any, codings: Sequence[Coding]) -> None:
    for one in codings:
        element = etree.SubElement(parent, "Coding", guid=one.guid)
        if one.user:
            element.set("creatingUser", one.user)
        if one.made_at:
            element.set("creationDateTime", one.made_at)
        etree.SubElement(element, "CodeRef", targetGUID=one.code)
        _note_refs(element, one.notes)


def _note(parent: Any, note: Note) -> None:
    element = etree.SubElement(parent, "Note", guid=note.guid, name=_plain(note.name))
    etree.SubElement(element, "PlainTextContent").text = _plain(note.text)


def _note_refs(parent: Any, guids: Sequence[str]) -> None:
    for guid in guids:
        etree.SubElement(parent, "NoteRef", targetGUID=guid)


def _described(element: Any, text: str) -> None:
    if text:
        etree.SubElement(element, "Description").text = _plain(text)


def _plain(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
