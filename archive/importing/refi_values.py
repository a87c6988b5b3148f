"""What a REFI-QDA project holds, as plain values: codes, users, sources with what was said of them.

Source: REFI-QDA Project exchange, 1.0 (2019), and its schema Project.xsd. Names are GUIDs in small
letters without braces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MediaKind(StrEnum):
    """What a source without a text is, by the name of its element."""

    PICTURE = "PictureSource"
    FILM = "VideoSource"
    SOUND = "AudioSource"


@dataclass(frozen=True, slots=True)
class Note:
    """A note: of the project, or of whatever refers to it."""

    guid: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code with those below it."""

    guid: str
    name: str
    codable: bool
    description: str = ""
    children: tuple[Code, ...] = ()

    def walk(self) -> Iterator[Code]:
        """Yield this code and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Coding:
    """That somebody gave a code to a source or a stretch of it."""

    guid: str
    code: str
    """Guid of the code."""
    user: str = ""
    """Guid of who did; "" where the file does not say."""
    made_at: str = ""
    """As the file says it."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A stretch of a source's text, in code points, end exclusive."""

    guid: str
    name: str
    start: int
    end: int
    description: str = ""
    user: str = ""
    codings: tuple[Coding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A text with what was said of it; `text` is None where the file does not hold it."""

    guid: str
    name: str
    text: str | None
    description: str = ""
    selections: tuple[Selection, ...] = ()
    codings: tuple[Coding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaSelection:
    """A rectangle of a picture, or a stretch of a film or sound."""

    guid: str
    name: str
    place: tuple[int, int, int, int] | tuple[int, int]
    """Left, top, right, bottom in pixels of the picture; or begin and end in milliseconds."""
    description: str = ""
    user: str = ""
    codings: tuple[Coding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaSource:
    """A picture, film or sound with what was said of it."""

    guid: str
    name: str
    kind: MediaKind
    member: str = ""
    """Name of its file in the package; "" where the package does not hold it."""
    description: str = ""
    selections: tuple[MediaSelection, ...] = ()
    codings: tuple[Coding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A whole project."""

    name: str
    origin: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    """Names by guid."""
    codes: tuple[Code, ...] = ()
    sources: tuple[Source, ...] = ()
    media: tuple[MediaSource, ...] = ()
    notes: Mapping[str, Note] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    """What Holdfast itself wrote beside the standard; {} in projects of other programs."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many things of each kind have no place here, by their name in words."""

    def all_codes(self) -> dict[str, Code]:
        """Return every code by its guid."""
        return {code.guid: code for top in self.codes for code in top.walk()}

    def with_text(self) -> tuple[Source, ...]:
        """Return the sources whose text is in the file, in its order."""
        return tuple(source for source in self.sources if source.text)

    def with_file(self) -> tuple[MediaSource, ...]:
        """Return the pictures, films and sounds whose file is in the package, in its order."""
        return tuple(source for source in self.media if source.member)
