"""Where the bodies of revisits stand: looked up in every file of one project, and no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from annotate.models import Record, WarcFile
from archive.digest import Digest

_WITH_BODY = ("response", "resource")


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """A record with a body, and the file it stands in."""

    record: Record
    warc: WarcFile


class ProjectOriginals:
    """Originals among the files of a project."""

    def __init__(self, session: Session, project_id: str) -> None:
        self._session = session
        self._project_id = project_id

    def by_id(self, record_id: str) -> OriginalRecord | None:
        """Return the record of this id."""
        return self._first(Record.record_id == record_id[:200])

    def by_date(self, target: str, moment: datetime) -> OriginalRecord | None:
        """Return the record of exactly this address and second."""
        second = moment.replace(microsecond=0)
        if moment.microsecond:
            return self._first(Record.target == target, Record.dated_at == moment)
        return self._first(
            Record.target == target,
            Record.dated_at >= second,
            Record.dated_at < second + timedelta(seconds=1),
        )

    def by_digest(self, digest: Digest) -> OriginalRecord | None:
        """Return a record whose payload digest has this algorithm and value."""
        return self._first(Record.payload_digest.in_(spellings(digest)))

    def _first(self, *tests: ColumnElement[bool] | Any) -> OriginalRecord | None:
        query = (
            select(Record, WarcFile)
            .join(WarcFile, WarcFile.id == Record.warc_file_id)
            .where(WarcFile.project_id == self._project_id, Record.kind.in_(_WITH_BODY), *tests)
            .order_by(WarcFile.id, Record.position)
            .limit(1)
        )
        found = self._session.execute(query).first()
        return OriginalRecord(*found) if found is not None else None


def spellings(digest: Digest) -> Sequence[str]:
    """Return the ways in which WARC writers spell a digest."""
    name = digest.algorithm
    names = (name, f"{name[:3]}-{name[3:]}") if name.startswith("sha") else (name,)
    packed = base64.b32encode(digest.value).decode("ascii")
    values = (packed, packed.rstrip("="), packed.lower(), digest.hex, digest.hex.upper())
    return [f"{one}:{value}" for one in names for value in dict.fromkeys(values)]
