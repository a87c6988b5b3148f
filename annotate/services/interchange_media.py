"""Marks on pictures, films and sounds as they go out in a REFI-QDA project, with their files.

A picture or film goes out where something is marked on it, or where a file brought it. It has
the GUID by which a file brought it, else one made of its capture's and its record's target; its
capture's text is named in the note of our own, so that a file which comes back finds both.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import AnnotateError
from annotate.exchange.names import derived
from annotate.exchange.qdpx import MediaFile
from annotate.models import Capture, ForeignKind, ForeignName, Project, Record, WarcFile
from annotate.selectors.media import MediaMark, Region, TimeRange
from annotate.services.viewing import Viewing
from archive.capture.attachments import attachment_uri
from archive.errors import ArchiveError
from archive.importing import refi
from archive.mime import shown_kind
from archive.streaming import PIECE, open_record

_AT_ONCE: Final = 500
_HEAD: Final = 64  # bytes by which a type is told
_WORDLESS: Final = hashlib.sha256(b"").hexdigest()
Target = tuple[str, str]
"""Id of a capture, and target of a record of its WARC."""


@dataclass(frozen=True, slots=True)
class Going:
    """A capture that goes out."""

    guid: str
    """Of its text."""
    capture: Capture
    text_sha256: str
    told: dict[str, str]
    """What the note of our own says of it."""

    @property
    def wordless(self) -> bool:
        """Whether its text is empty, as that of a picture is."""
        return self.text_sha256 == _WORDLESS

    @property
    def addresses(self) -> frozenset[str]:
        """What it is a capture of."""
        return frozenset(filter(None, (self.capture.address, self.capture.final_address)))


@dataclass(slots=True)
class MediaOut:
    """Gathers what is marked, and makes sources of it."""

    session: Session
    project: Project
    selections: dict[Target, list[refi.MediaSelection]] = field(
        default_factory=lambda: defaultdict(list)
    )
    places: dict[str, Target] = field(default_factory=dict)
    """Where each source has its file, by its GUID."""
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the note of our own says of each."""
    alone: dict[str, str] = field(default_factory=dict)
    """GUIDs of sources that are a whole capture, which has no words, by its id."""
    missing: int = 0
    """Marks whose record is not in the catalog."""

    def mark(self, capture_id: str, mark: MediaMark, selection: refi.MediaSelection) -> None:
        """Take a mark along."""
        self.selections[capture_id, mark.source].append(
            replace(selection, place=numbers_of(mark.place), name=str(mark.place))
        )

    def name_all(self, going: Sequence[Going]) -> None:
        """Give each source its GUID, once it is known which captures go out."""
        brought = self._brought()
        by_id = {one.capture.id: one for one in going}
        records = self._records({key: one.capture for key, one in by_id.items()}, brought)
        for target in sorted({*self.selections, *records}):
            one, record = by_id.get(target[0]), records.get(target)
            if one is None or record is None:
                self.missing += len(self.selections[target])
                continue
            own = record == one.capture.main_record_id or target[1] in one.addresses
            alone = own and one.wordless
            guid = brought.get(record, "")
            guid = guid or (one.guid if alone else derived("media", one.guid, target[1]))
            self.places[guid] = target
            said = one.told if own else {"captured_at": one.told["captured_at"]}
            self.told[guid] = said | {"uri": target[1]}
            if alone:
                self.alone[one.capture.id] = guid
            else:
                self.told[guid] = self.told[guid] | {
                    "of": one.guid, "target": self._target(one, target[1])
                }  # fmt: skip

    def sources(self, whole: Mapping[str, refi.Source]) -> tuple[refi.MediaSource, ...]:
        """Return the sources, in the order of their GUIDs.

        :param whole: what is said of those that are a whole capture, by GUID
        """
        return tuple(self._source(guid, whole.get(guid)) for guid in sorted(self.places))

    def _source(self, guid: str, whole: refi.Source | None) -> refi.MediaSource:
        target = self.places[guid]
        held = sorted(self.selections.get(target, ()), key=lambda one: (one.place, one.guid))
        is_film = any(len(one.place) == 2 for one in held)
        return refi.MediaSource(
            guid=guid,
            name=whole.name if whole is not None else target[1],
            kind=refi.MediaKind.FILM if is_film else refi.MediaKind.PICTURE,
            description=whole.description if whole is not None else "",
            selections=tuple(held),
            codings=whole.codings if whole is not None else (),
            notes=whole.notes if whole is not None else (),
        )

    def _target(self, one: Going, uri: str) -> str:
        """Return the target under which an import keeps it: there only such names are found."""
        if uri.startswith("urn:"):
            return uri
        others = sorted(
            each
            for capture_id, each in self.selections
            if capture_id == one.capture.id and not each.startswith("urn:")
        )
        return f"{attachment_uri('media', one.capture.address)}#{others.index(uri) + 1}"

    def _brought(self) -> dict[str, str]:
        """Return the GUIDs of what files brought, by id of the record."""
        rows = self.session.execute(
            select(ForeignName.row_id, ForeignName.name).where(
                ForeignName.project_id == self.project.id, ForeignName.kind == ForeignKind.MEDIA
            )
        )
        return {f"<urn:uuid:{row_id}>": name for row_id, name in rows}

    def _records(
        self, captures: Mapping[str, Capture], brought: Mapping[str, str]
    ) -> dict[Target, str]:
        """Return the ids of the records marked, and of whole captures that files brought."""
        found: dict[Target, str] = {}
        by_warc: dict[str, list[Capture]] = defaultdict(list)
        for capture in captures.values():
            if capture.warc_file_id is not None:
                by_warc[capture.warc_file_id].append(capture)
        marked = sorted({uri for _capture, uri in self.selections})
        for column, values in ((Record.target, marked), (Record.record_id, sorted(brought))):
            for start in range(0, len(values), _AT_ONCE):
                query = select(Record).where(column.in_(values[start : start + _AT_ONCE]))
                for record in self.session.scalars(query.order_by(Record.position)):
                    for capture in by_warc.get(record.warc_file_id, ()):
                        target = (capture.id, record.target or "")
                        is_whole = record.record_id == capture.main_record_id
                        if target in self.selections or (is_whole and column is Record.record_id):
                            found.setdefault(target, record.record_id)
        return found


def numbers_of(place: Region | TimeRange) -> tuple[int, int, int, int] | tuple[int, int]:
    """Return a place as REFI-QDA has it: two corners in pixels, or two times in milliseconds."""
    if isinstance(place, Region):
        return place.x, place.y, place.x + place.width, place.y + place.height
    return int(place.start * 1000), int(place.end * 1000)


@contextmanager
def opened(session: Session, viewing: Viewing, target: Target) -> Iterator[MediaFile | None]:
    """Open the file of a picture, film or sound; None where its bytes cannot be had."""
    with tempfile.TemporaryFile() as file:
        kind = _unpacked(session, viewing, target, file)
        file.seek(0)
        yield MediaFile(kind, iter(lambda: file.read(PIECE), b"")) if kind else None


def _unpacked(session: Session, viewing: Viewing, target: Target, out: IO[bytes]) -> str:
    """Write the bytes of a record, and return what they are; "" where they cannot be had whole."""
    capture = session.get(Capture, target[0])
    warc = session.get(WarcFile, capture.warc_file_id) if capture is not None else None
    try:
        found = viewing.find(session, warc, target[1]) if warc is not None else None
        if found is None:
            return ""
        begin, size = b"", 0
        with open_record(found.path, found.ref) as record:
            for piece in record.decoded():
                begin = begin or piece[:_HEAD]
                size += len(piece)
                if size > refi.LARGEST_MEDIA:
                    return ""
                out.write(piece)
            return shown_kind(record.content_type, begin) or ""
    except (ArchiveError, AnnotateError):
        return ""
