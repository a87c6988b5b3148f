"""REFI-QDA 1.0/1.5, projects (QDPX) and codebooks (QDC), as programs for qualitative analysis
exchange them (qdasoftware.org): read into plain values, within limits.

Every program leaves out something else, so nothing here asks for a document that is valid by the
schema; what has no room among these values is counted in `left_out`, by what it is. Positions are
Unicode code points, ends exclusive (the standard's PlainTextSelection).
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree

from archive.errors import DamagedMemberError, NotAnArchiveError
from archive.importing.refi_values import (
    Code,
    Coding,
    MediaKind,
    MediaSelection,
    MediaSource,
    Note,
    Project,
    Selection,
    Source,
)
from archive.wacz.directory import PackageLimits
from archive.wacz.package import Member, Package

__all__ = [
    "Code",
    "Coding",
    "MediaKind",
    "MediaSelection",
    "MediaSource",
    "Note",
    "Project",
    "Selection",
    "Source",
]

PROJECT: Final = "{urn:QDA-XML:project:1.0}"
CODEBOOK: Final = "{urn:QDA-XML:codebook:1.0}"
OWN_NOTE: Final = "Holdfast: what REFI-QDA has no room for"
LARGEST_XML: Final = 64_000_000  # bytes of project.qde or of a codebook
LARGEST_TEXT: Final = 32_000_000  # bytes of one source's text
LARGEST_MEDIA: Final = (1 << 31) - 1  # bytes of a picture or film inside a package, by the standard
MOST_TEXT: Final = 1_000_000_000  # bytes of all of them
LIMITS: Final = PackageLimits(members=100_000, unpacked=8 << 30)
_INTERNAL: Final = "internal://"
# What a project may hold besides, in the words of the confirm page.
_NOT_TAKEN: Final[Mapping[str, str]] = {
    "PDFSelection": "regions of PDF pages",
    "TranscriptSelection": "selections in transcripts",
    "Case": "cases",
    "Set": "sets",
    "Graph": "graphs",
    "Link": "links",
    "VariableValue": "values of variables",
}


def read_project(path: Path) -> Project:
    """Read a project, packed (.qdpx) or its bare document (.qde).

    :raises NotAnArchiveError: it is none, or larger than is read here
    :raises UnsafePackageError: the zip could harm or mislead a reader
    """
    with path.open("rb") as file:
        packed = file.read(4) == b"PK\x03\x04"
    if not packed:
        if path.stat().st_size > LARGEST_XML:
            raise NotAnArchiveError(f"the project has more than {LARGEST_XML // 1_000_000} MB")
        return _project(parse(path.read_bytes()), None)
    with Package(path, LIMITS) as package:
        member = next((one for one in package.members if is_project_name(one.name)), None)
        if member is None:
            raise NotAnArchiveError("the zip holds no project.qde; it is no REFI-QDA project")
        try:
            document = package.read(member, limit=LARGEST_XML)
        except DamagedMemberError as error:
            raise NotAnArchiveError(f"the project cannot be read: {error}") from error
        return _project(parse(document), _Members(package))


def is_project_name(name: str) -> bool:
    """Tell whether a member of a zip is the document of a REFI-QDA project."""
    return name.lower() == "project.qde"


def read_codebook(data: bytes) -> tuple[Code, ...]:
    """Read the codes of a codebook (.qdc), or of a project's bare document.

    :raises NotAnArchiveError: it is neither, or larger than is read here
    """
    if len(data) > LARGEST_XML:
        raise NotAnArchiveError(f"the codebook has more than {LARGEST_XML // 1_000_000} MB")
    root = parse(data)
    space = _space(root)
    if root.tag not in {f"{CODEBOOK}CodeBook", f"{PROJECT}Project"}:
        raise NotAnArchiveError(f"this is XML, but no REFI-QDA codebook: it begins {root.tag!r}")
    book = root if root.tag.endswith("}CodeBook") else root.find(f"{space}CodeBook")
    return _codes(book, space) if book is not None else ()


def parse(data: bytes) -> Any:
    """Parse XML that somebody made: no entities, no document type, no network.

    :raises NotAnArchiveError: it is no such XML
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root: Any = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotAnArchiveError(f"the XML cannot be read: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise NotAnArchiveError("the XML declares a document type, which REFI-QDA does not")
    return root


def guid_of(text: str | None) -> str:
    """Return a GUID in small letters without braces; "" where it is none."""
    try:
        return str(uuid.UUID((text or "").strip().strip("{}")))
    except ValueError:
        return ""


class _Members:
    """The files of a packed project; texts are read when asked for, within limits."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._members = {one.name.lower(): one for one in package.members}
        self._read = 0

    def named(self, path: str) -> Member | None:
        """Return the file a path of the document means; None where it is not in the package."""
        name = path.removeprefix(_INTERNAL).lstrip("/")
        held = self._members.get(f"sources/{name}".lower())
        return held if path.startswith(_INTERNAL) else None

    def __call__(self, path: str) -> str | None:
        member = self.named(path)
        if member is None:
            return None
        self._read += member.size
        if self._read > MOST_TEXT:
            raise NotAnArchiveError(f"its texts have more than {MOST_TEXT // 1_000_000} MB")
        try:
            data = self._package.read(member, limit=LARGEST_TEXT)
        except DamagedMemberError as error:
            raise NotAnArchiveError(f"a text cannot be read: {error}") from error
        return _decoded(data)


def _decoded(data: bytes) -> str | None:
    utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        return None


def _project(root: Any, texts: _Members | None) -> Project:
    if root.tag != f"{PROJECT}Project":
        raise NotAnArchiveError(f"this is XML, but no REFI-QDA project: it begins {root.tag!r}")
    notes = {
        note.guid: note
        for element in root.iterfind(f"{PROJECT}Notes/{PROJECT}Note")
        if (note := _note(element, texts)).guid
    }
    own = next((note for note in notes.values() if note.name == OWN_NOTE), None)
    book = root.find(f"{PROJECT}CodeBook")
    sources = tuple(_sources(root, texts))
    return Project(
        name=root.get("name", ""),
        origin=root.get("origin", ""),
        users={
            guid: element.get("name") or element.get("id") or ""
            for element in root.iterfind(f"{PROJECT}Users/{PROJECT}User")
            if (guid := guid_of(element.get("guid")))
        },
        codes=_codes(book, PROJECT) if book is not None else (),
        sources=sources,
        media=tuple(_media(root, texts)),
        notes={guid: note for guid, note in notes.items() if note.name != OWN_NOTE},
        own=_own(own.text) if own is not None else {},
        left_out=_left_out(root),
    )


def _own(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and said.get("v") == 1 else {}


def _left_out(root: Any) -> dict[str, int]:
    found: Counter[str] = Counter()
    for element in root.iter(etree.Element):
        name = etree.QName(element).localname
        if name in _NOT_TAKEN:
            found[_NOT_TAKEN[name]] += 1
    return dict(found)


def _space(root: Any) -> str:
    return f"{{{etree.QName(root).namespace or ''}}}"


def _codes(book: Any, space: str) -> tuple[Code, ...]:
    return tuple(_code(one, space) for one in book.iterfind(f"{space}Codes/{space}Code"))


def _code(element: Any, space: str) -> Code:
    return Code(
        guid=guid_of(element.get("guid")),
        name=" ".join(element.get("name", "").split()),
        codable=element.get("isCodable", "true").strip().lower() in {"true", "1"},
        description=(element.findtext(f"{space}Description") or "").strip(),
        children=tuple(_code(one, space) for one in element.iterfind(f"{space}Code")),
    )


def _note(element: Any, texts: _Members | None) -> Note:
    text = _text(element, texts) or element.findtext(f"{PROJECT}Description") or ""
    return Note(guid_of(element.get("guid")), element.get("name", ""), text)


def _text(element: Any, texts: _Members | None) -> str | None:
    inline: str | None = element.findtext(f"{PROJECT}PlainTextContent")
    if inline is not None:
        return inline
    return texts(element.get("plainTextPath", "")) if texts is not None else None


def _sources(root: Any, texts: _Members | None) -> Iterator[Source]:
    """Yield the texts: text sources, and what programs wrote out of PDFs."""
    for element in root.iterfind(f"{PROJECT}Sources/*"):
        name = etree.QName(element).localname
        if name == "TextSource":
            yield _source(element, element, texts)
        elif name == "PDFSource":
            words = element.find(f"{PROJECT}Representation")
            if words is not None:
                yield _source(element, words, texts)


def _source(outer: Any, words: Any, texts: _Members | None) -> Source:
    """Read a source whose words stand in `words`; codings of the whole stand in `outer`."""
    return Source(
        guid=guid_of(outer.get("guid")),
        name=outer.get("name", "") or words.get("name", ""),
        text=_text(words, texts),
        description=(outer.findtext(f"{PROJECT}Description") or "").strip(),
        selections=tuple(
            one
            for element in words.iterfind(f"{PROJECT}PlainTextSelection")
            if (one := _selection(element)) is not None
        ),
        codings=_codings(outer),
        notes=_note_refs(outer),
    )


_PLACES: Final[Mapping[MediaKind, tuple[str, ...]]] = {
    MediaKind.PICTURE: ("firstX", "firstY", "secondX", "secondY"),
    MediaKind.FILM: ("begin", "end"),
    MediaKind.SOUND: ("begin", "end"),
}


def _media(root: Any, texts: _Members | None) -> Iterator[MediaSource]:
    """Yield pictures, films and sounds; their transcripts have no place here."""
    for element in root.iterfind(f"{PROJECT}Sources/*"):
        name = etree.QName(element).localname
        if name not in list(MediaKind):
            continue
        kind = MediaKind(name)
        member = texts.named(element.get("path", "")) if texts is not None else None
        part = kind.value.replace("Source", "Selection")
        yield MediaSource(
            guid=guid_of(element.get("guid")),
            name=element.get("name", ""),
            kind=kind,
            member=member.name if member is not None and member.size <= LARGEST_MEDIA else "",
            description=(element.findtext(f"{PROJECT}Description") or "").strip(),
            selections=tuple(
                found
                for one in element.iterfind(f"{PROJECT}{part}")
                if (found := _media_selection(one, kind)) is not None
            ),
            codings=_codings(element),
            notes=_note_refs(element),
        )


def _media_selection(element: Any, kind: MediaKind) -> MediaSelection | None:
    try:
        numbers = [int(element.get(name, "")) for name in _PLACES[kind]]
    except ValueError:
        return None
    return MediaSelection(
        guid=guid_of(element.get("guid")),
        name=element.get("name", ""),
        place=(numbers[0], numbers[1], numbers[2], numbers[3])
        if len(numbers) == 4
        else (numbers[0], numbers[1]),
        description=(element.findtext(f"{PROJECT}Description") or "").strip(),
        user=guid_of(element.get("creatingUser")),
        codings=_codings(element),
        notes=_note_refs(element),
    )


def _selection(element: Any) -> Selection | None:
    try:
        start, end = int(element.get("startPosition", "")), int(element.get("endPosition", ""))
    except ValueError:
        return None
    return Selection(
        guid=guid_of(element.get("guid")),
        name=element.get("name", ""),
        start=start,
        end=end,
        description=(element.findtext(f"{PROJECT}Description") or "").strip(),
        user=guid_of(element.get("creatingUser")),
        codings=_codings(element),
        notes=_note_refs(element),
    )


def _codings(element: Any) -> tuple[Coding, ...]:
    found = []
    for one in element.iterfind(f"{PROJECT}Coding"):
        ref = one.find(f"{PROJECT}CodeRef")
        code = guid_of(ref.get("targetGUID")) if ref is not None else ""
        guid = guid_of(one.get("guid"))
        if code and guid:
            user, made_at = guid_of(one.get("creatingUser")), one.get("creationDateTime", "")
            found.append(Coding(guid, code, user, made_at[:40], _note_refs(one)))
    return tuple(found)


def _note_refs(element: Any) -> tuple[str, ...]:
    refs = (guid_of(one.get("targetGUID")) for one in element.iterfind(f"{PROJECT}NoteRef"))
    return tuple(guid for guid in refs if guid)
