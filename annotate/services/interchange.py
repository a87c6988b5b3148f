"""What goes out of a project to other programs, how much that is, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Final

from sqlalchemy.orm import Session

from annotate.exchange import qdpx
from annotate.models import Rendition
from annotate.services.interchange_media import Target, opened
from annotate.services.viewing import Viewing
from archive.importing import refi

NUMBER_LABELS: Final = (
    "texts",
    "pictures and films",
    "codes",
    "coders",
    "selections",
    "codings",
    "notes",
)


@dataclass(slots=True)
class Outgoing:
    """What goes out, and what is held back, in words."""

    project: refi.Project
    held_back: list[str] = field(default_factory=list)
    captures: dict[str, str] = field(default_factory=dict)
    """Ids of captures by the GUID of their text."""
    media: dict[str, Target] = field(default_factory=dict)
    """Where the pictures, films and sounds are, by their GUID."""

    def guids(self) -> set[str]:
        """Return the names of all selections, codings and notes in it."""
        found = set(self.project.notes)
        for source in _sources(self.project):
            found.add(source.guid)
            found.update(one.guid for one in source.codings)
            for part in source.selections:
                found.add(part.guid)
                found.update(one.guid for one in part.codings)
        return found


def _sources(project: refi.Project) -> list[refi.Source | refi.MediaSource]:
    return [*project.sources, *project.media]


def text_of(session: Session, outgoing: Outgoing, guid: str) -> str:
    """Return the text of a source, by its GUID."""
    rendition = session.get(Rendition, outgoing.captures[guid])
    text = rendition.text if rendition is not None else ""
    if rendition is not None:
        session.expunge(rendition)  # texts are large, and each is wanted once
    return text


def numbers_of(outgoing: Outgoing) -> dict[str, int]:
    """Count what goes out, for the page and for programs."""
    project = outgoing.project
    sources = _sources(project)
    codings = sum(
        len(one.codings) + sum(len(part.codings) for part in one.selections) for one in sources
    )
    numbers = (
        len(project.sources),
        len(project.media),
        len(project.all_codes()),
        len(project.users),
        sum(len(one.selections) for one in sources),
        codings,
        len(project.notes) - 1,  # but for our own
    )
    return dict(zip(NUMBER_LABELS, numbers, strict=True))


def write_out(session: Session, viewing: Viewing, outgoing: Outgoing, out: IO[bytes]) -> None:
    """Write what was gathered as a packed project, with the files of what is marked."""
    qdpx.write_project(
        out,
        outgoing.project,
        lambda guid: text_of(session, outgoing, guid),
        lambda guid: opened(session, viewing, outgoing.media[guid]),
    )
