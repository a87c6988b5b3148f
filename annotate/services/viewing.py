"""From a capture's rows to its static view, index and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.models import (
    Capture,
    ImportFile,
    Membership,
    Project,
    Record,
    Role,
    User,
    WarcFile,
)
from archive.cdxj import Entry, timestamp17
from archive.clock import isoformat
from archive.errors import StoreError
from archive.importing.kinds import FileKind
from archive.lookup import IndexFolder, Located, WarcIndex, resolve
from archive.record import RecordRef
from archive.replay import StaticView
from archive.store import Store

_MOST_PLACES = 20  # files looked into for the original of one revisit


# One question for all that a part of a page needs: a page asks it for each of its pictures.
_HELD: Final = (
    select(Capture, Project, WarcFile, Membership.role)
    .join(Project, Project.id == Capture.project_id)
    .outerjoin(WarcFile, WarcFile.id == Capture.warc_file_id)
    .outerjoin(
        Membership,
        (Membership.project_id == Project.id) & (Membership.user_id == bindparam("user_id")),
    )
    .where(Capture.id == bindparam("capture_id"), Capture.warc_file_id.is_not(None))
)
_KIND_OF_IMPORT: Final = select(ImportFile.kind).where(ImportFile.id == bindparam("import_id"))
_SNAPSHOT: Final = (
    select(Record.offset, Record.length)
    .where(Record.warc_file_id == bindparam("warc_id"), Record.target.startswith("urn:mhtml:"))
    .order_by(Record.position)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Held:
    """A capture with its project, its WARC, and a person's role there; None: not in it."""

    capture: Capture
    project: Project
    warc: WarcFile | None
    role: Role | None


def find_held(session: Session, capture_id: str, user: User) -> Held | None:
    """Return a capture that has a WARC; None if there is none. What may be seen: by the role."""
    asked = {"capture_id": capture_id, "user_id": user.id}
    found = session.execute(_HELD, asked).first()
    return Held(*found) if found is not None else None


@dataclass(frozen=True, slots=True)
class Viewing:
    """Opens captures of one home for looking at."""

    store: Store

    @property
    def indexes(self) -> IndexFolder:
        """The folder of the home's CDXJ files; derived, may be deleted."""
        return IndexFolder(self.store.home / "cache" / "cdxj")

    def warc_path(self, warc: WarcFile) -> Path:
        """Return where a WARC stands.

        :raises NotFoundError: it is not in the home
        """
        try:
            path = self.store.path(warc.path)
        except StoreError as error:
            raise NotFoundError(str(error)) from error
        if not path.is_file():
            raise NotFoundError(
                f"The file {warc.path} is not in the archive home. Restore it from a backup."
            )
        return path

    def index_of(self, warc: WarcFile) -> WarcIndex:
        """Return the index of a WARC, made now where it is not there yet."""
        return self.indexes.of(self.warc_path(warc), warc.sha256)

    def find(
        self,
        session: Session,
        warc: WarcFile,
        url: str,
        *,
        near: str = "",
        method: str = "GET",
        body_sha256: str | None = None,
    ) -> Located | None:
        """Return the record that answers exactly this request, a revisit resolved.

        :param near: 17 digits; of several answers the nearest in time is taken
        :raises MissingOriginalError: it is a revisit whose original is in no file of the project
        """
        index = self.index_of(warc)
        entry = index.find(url, method=method, body_sha256=body_sha256, near=near)
        if entry is None:
            return None
        return self.resolve(session, warc, entry)

    def resolve(self, session: Session, warc: WarcFile, entry: Entry) -> Located:
        """Return the record whose payload an entry of a WARC stands for.

        :raises MissingOriginalError: it is a revisit whose original is in no file of the project
        """

        def others(revisit: Entry) -> Iterator[WarcIndex]:
            return self._originals(session, warc, revisit)

        return resolve(self.index_of(warc), entry, others)

    def static_view(self, session: Session, capture: Capture) -> StaticView:
        """Open the static view of a capture.

        :raises NotFoundError: nothing of the page was recorded, or its file is gone
        """
        warc = session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None
        if warc is None or capture.main_offset is None or capture.main_length is None:
            raise NotFoundError("Nothing of the page itself was recorded: see the reason.")
        near = timestamp17(isoformat(capture.captured_at))

        def lookup(url: str) -> Located | None:
            return self.find(session, warc, url, near=near)

        return StaticView(
            self.warc_path(warc),
            RecordRef(capture.main_offset, capture.main_length),
            capture.final_address or capture.address,
            lookup,
            self._snapshot(session, warc),
        )

    def _snapshot(self, session: Session, warc: WarcFile) -> RecordRef | None:
        """Return the document snapshot our own recorder wrote; a crawl's is only a claim.

        An imported MHTML file is itself the snapshot.
        """
        if warc.import_id:
            kind = session.scalar(_KIND_OF_IMPORT, {"import_id": warc.import_id})
            if kind is not None and kind != FileKind.MHTML:
                return None
        found = session.execute(_SNAPSHOT, {"warc_id": warc.id}).first()
        return RecordRef(*found) if found is not None else None

    def _originals(self, session: Session, warc: WarcFile, revisit: Entry) -> Iterator[WarcIndex]:
        """Yield the indexes of the project's other files that may hold a revisit's original."""
        tests = []
        if revisit.refers_to:
            tests.append(Record.record_id == revisit.refers_to[:200])
        if revisit.digest:
            tests.append(Record.payload_digest == revisit.digest[:80])
        if not tests and revisit.refers_to_url:
            tests.append(Record.target == revisit.refers_to_url)
        if not tests:
            return
        query = (
            select(WarcFile)
            .where(
                WarcFile.project_id == warc.project_id,
                WarcFile.id != warc.id,
                WarcFile.id.in_(
                    select(Record.warc_file_id).where(or_(*tests), Record.kind != "revisit")
                ),
            )
            .order_by(WarcFile.id)
            .limit(_MOST_PLACES)
        )
        for found in session.scalars(query):
            yield self.index_of(found)
