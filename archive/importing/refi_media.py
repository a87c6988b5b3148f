"""Where the pictures, films and sounds of a REFI-QDA project go when it is taken.

What Holdfast wrote itself belongs to the capture of a text and goes beside that text's record;
what another program wrote is a page of its own. Who reads a file and who applies its codings
both ask here, so that they find the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive.importing.refi_values import MediaSource, Project


@dataclass(frozen=True, slots=True)
class PlacedMedia:
    """A picture, film or sound whose file is in the package."""

    source: MediaSource
    position: int
    """Of the page whose capture holds it: among the texts, or after all of them its own."""
    target: str
    """Of its record, where the file or its place says so; "" for the name of its bytes."""

    def beside_text(self, project: Project) -> bool:
        """Tell whether it belongs to the capture of a text."""
        return self.position < len(project.with_text())


def placed_media(project: Project) -> tuple[PlacedMedia, ...]:
    """Return where each picture, film and sound goes, in the order of the file."""
    return tuple(_placed(project))


def said_of(project: Project, guid: str) -> Mapping[str, Any]:
    """Return what Holdfast itself said of a source; {} in projects of other programs."""
    for kind in ("sources", "media"):
        told = project.own.get(kind)
        said = told.get(guid) if isinstance(told, dict) else None
        if isinstance(said, dict):
            return said
    return {}


def _placed(project: Project) -> Iterator[PlacedMedia]:
    texts = {source.guid: number for number, source in enumerate(project.with_text())}
    alone = len(texts)
    for source in project.with_file():
        said = said_of(project, source.guid)
        of, target = texts.get(str(said.get("of", ""))), str(said.get("target") or "")
        if of is not None and target.startswith("urn:"):
            yield PlacedMedia(source, of, target)
        else:
            yield PlacedMedia(source, alone, str(said.get("address") or ""))
            alone += 1
