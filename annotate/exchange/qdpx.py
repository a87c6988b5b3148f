"""Writing REFI-QDA: projects (QDPX) and codebooks (QDC), the same bytes for the same content."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Final

from lxml import etree

from archive.importing.refi import (
    Code,
    Coding,
    MediaKind,
    MediaSelection,
    MediaSource,
    Note,
    Project,
    Source,
)

_PROJECT: Final = "urn:QDA-XML:project:1.0"
_CODEBOOK: Final = "urn:QDA-XML:codebook:1.0"
_ORIGIN: Final = "Holdfast"
_MADE: Final = (1980, 1, 1, 0, 0, 0)  # a zip's own times would make each export another file
# What XML 1.0 (section 2.2) has no way to write.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENDINGS: Final[Mapping[str, str]] = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp",
    "image/avif": "avif", "video/mp4": "mp4", "video/webm": "webm", "video/ogg": "ogv",
    "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/ogg": "ogg", "audio/wav": "wav",
    "audio/flac": "flac",
}  # fmt: skip
_KINDS: Final[Mapping[str, MediaKind]] = {
    "image": MediaKind.PICTURE, "video": MediaKind.FILM, "audio": MediaKind.SOUND
}  # fmt: skip
TextOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The bytes of a picture, film or sound."""

    content_type: str
    pieces: Iterable[bytes]


FileOf = Callable[[str], AbstractContextManager[MediaFile | None]]


def write_project(out: IO[bytes], project: Project, text_of: TextOf, file_of: FileOf) -> None:
    """Write a packed project.

    :param text_of: the text of a source, by its GUID; texts are written one at a time
    :param file_of: opens the file of a picture, film or sound, by its GUID; None where there is
        none. What it is, its type says: a stretch of time alone does not tell a film from a sound
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        files = {one.guid: _write_file(package, one, file_of) for one in project.media}
        package.writestr(_member("project.qde"), _xml(_project(project, files)))
        for source in project.sources:
            text = text_of(source.guid).encode("utf-8", "replace")
            package.writestr(_member(f"Sources/{source.guid}.txt"), text)


def _write_file(package: zipfile.ZipFile, source: MediaSource, file_of: FileOf) -> _Written:
    with file_of(source.guid) as held:
        if held is None:
            return _Written(source.kind, "")
        kind = _KINDS.get(held.content_type.partition("/")[0], source.kind)
        name = f"{source.guid}.{_ENDINGS.get(held.content_type, 'bin')}"
        member = _member(f"Sources/{name}")
        member.compress_type = zipfile.ZIP_STORED  # such files are packed already
        with package.open(member, "w", force_zip64=True) as file:
            for piece in held.pieces:
                file.write(piece)
        return _Written(kind, f"internal://{name}")


@dataclass(frozen=True, slots=True)
class _Written:
    """A picture, film or sound as it stands in the package; no path where it does not."""

    kind: MediaKind
    path: str


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


def _project(project: Project, files: Mapping[str, _Written]) -> Any:
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
    if project.sources or project.media:
        sources = etree.SubElement(root, "Sources")
        for source in project.sources:
            _source(sources, source)
        for one in project.media:
            _media(sources, one, files[one.guid])
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


def _media(parent: Any, source: MediaSource, written: _Written) -> None:
    element = etree.SubElement(
        parent, written.kind.value, guid=source.guid, name=_plain(source.name)
    )
    if written.path:
        element.set("path", written.path)
    _described(element, source.description)
    for one in source.selections:
        part = written.kind.value.replace("Source", "Selection")
        selection = etree.SubElement(element, part, guid=one.guid, name=_plain(one.name))
        for name, number in zip(_place_names(one), one.place, strict=True):
            selection.set(name, str(number))
        if one.user:
            selection.set("creatingUser", one.user)
        _described(selection, one.description)
        _codings(selection, one.codings)
        _note_refs(selection, one.notes)
    _codings(element, source.codings)
    _note_refs(element, source.notes)


def _place_names(one: MediaSelection) -> tuple[str, ...]:
    """Return the attributes of a PictureSelection, or of a Video- or AudioSelection."""
    is_region = len(one.place) == 4
    return ("firstX", "firstY", "secondX", "secondY") if is_region else ("begin", "end")


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
