"""Where the pictures, films and sounds of a REFI-QDA project are here: their captures and records.

A picture is found by the name a file gave it before, by the capture of the text it belongs to, or
as a page that this very import took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import Capture, ForeignKind, ForeignName, Project, Record
from annotate.selectors.media import Place, Region, TimeRange, in_seconds
from archive.importing import refi
from archive.importing.refi_media import placed_media, said_of

_UUID_URN: Final = "<urn:uuid:{}>"


@dataclass(frozen=True, slots=True)
class Found:
    """A picture, film or sound: its capture, and the record that holds it."""

    capture: Capture
    record: Record

    @property
    def row_id(self) -> str:
        """What a foreign name of it names: the UUID of its record; "" where it has none."""
        return refi.guid_of(self.record.record_id.strip("<>").removeprefix("urn:uuid:"))


class MediaPlaces:
    """Finds them, for one file and one project."""

    def __init__(
        self,
        session: Session,
        project: Project,
        foreign: refi.Project,
        sources: Mapping[str, str],
        pages: Mapping[int, str | None],
    ) -> None:
        """Hold what is known.

        :param sources: ids of captures by the GUID of their text
        :param pages: ids of the captures this import made, by position of the page
        """
        self._session = session
        self._foreign = foreign
        self._sources = sources
        self._pages = pages
        self._placed = {one.source.guid: one for one in placed_media(foreign)}
        self.named = media_names(session, project.id)

    def find(self, source: refi.MediaSource) -> Found | None:
        """Return where a picture, film or sound is; None where the project does not have it."""
        said = said_of(self._foreign, source.guid)
        named = _UUID_URN.format(self.named.get(source.guid, "-"))
        for capture in self._captures(source, named):
            targets = [said.get("uri"), said.get("target"), capture.final_address, capture.address]
            record = self._record(capture, named, [str(one) for one in targets if one])
            if record is not None:
                return Found(capture, record)
        return None

    def _captures(self, source: refi.MediaSource, named: str) -> Iterator[Capture]:
        placed = self._placed.get(source.guid)
        of = str(said_of(self._foreign, source.guid).get("of", ""))
        ids = [self._pages.get(placed.position) if placed is not None else None,
               self._sources.get(of), self._sources.get(source.guid)]  # fmt: skip
        for capture_id in filter(None, ids):
            capture = self._session.get(Capture, capture_id)
            if capture is not None:
                yield capture
        yield from self._session.scalars(select(Capture).where(Capture.main_record_id == named))

    def _record(self, capture: Capture, named: str, targets: list[str]) -> Record | None:
        query = select(Record).where(Record.warc_file_id == capture.warc_file_id)
        own = self._session.scalar(query.where(Record.record_id == named))
        for target in targets if own is None else ():
            own = (
                own
                or self._session.scalars(
                    query.where(Record.target == target).order_by(Record.position)
                ).first()
            )
        return own


def source_names(session: Session, project_id: str) -> dict[str, str]:
    """Return the captures of the project by the GUID of their text."""
    named = session.execute(
        select(ForeignName.name, ForeignName.row_id).where(
            ForeignName.project_id == project_id, ForeignName.kind == ForeignKind.SOURCE
        )
    )
    own = session.scalars(select(Capture.id).where(Capture.project_id == project_id))
    return {one: one for one in own} | dict(named.all())


def media_names(session: Session, project_id: str) -> dict[str, str]:
    """Return the UUIDs of records of pictures, films and sounds by the GUID a file gave them."""
    rows = session.execute(
        select(ForeignName.name, ForeignName.row_id).where(
            ForeignName.project_id == project_id, ForeignName.kind == ForeignKind.MEDIA
        )
    )
    return dict(rows.all())


def read_numbers(one: refi.MediaSelection) -> Place:
    """Return a place as REFI-QDA has it: two corners in whatever order, or milliseconds.

    :raises ValueError: it has no width, height or length
    """
    if len(one.place) == 4:
        left, right = sorted((one.place[0], one.place[2]))
        top, bottom = sorted((one.place[1], one.place[3]))
        return Region(left, top, right - left, bottom - top)
    return TimeRange(in_seconds(one.place[0]), in_seconds(one.place[1]))
