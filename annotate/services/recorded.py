"""What was recorded of a capture: every request of its page, and why anything is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import Record, WarcFile
from archive.errors import ArchiveError
from archive.page_info import Asked, PageInfo, read_page_info
from archive.reader import read_block
from archive.record import RecordRef

_LIMIT: Final = 64_000_000  # bytes of a ledger or of a provenance record
_LEDGER: Final = "urn:pageinfo:"
_PROVENANCE: Final = "urn:provenance:"


class Show(StrEnum):
    """Which requests are shown."""

    ALL = "all"
    MISSING = "missing"
    CUT = "not whole"


@dataclass(frozen=True, slots=True)
class Line:
    """One request, and where its answer stands in the WARC."""

    asked: Asked
    position: int | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that is known of what one capture asked for."""

    lines: tuple[Line, ...]
    unseen: tuple[str, ...]
    provenance: Mapping[str, Any]
    has_ledger: bool
    """False for imports and whatever keeps no list of what it asked for."""
    fault: str

    @property
    def missing(self) -> int:
        """How many requests have no recorded answer."""
        return sum(line.asked.is_missing for line in self.lines)

    @property
    def cut(self) -> int:
        """How many answers are recorded, but not whole."""
        return sum(not line.asked.is_missing and not line.asked.is_whole for line in self.lines)

    @property
    def bytes(self) -> int:
        """Bytes of all bodies together, as kept."""
        return sum(line.asked.size or 0 for line in self.lines)

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """How many requests there were of each kind, the most first."""
        return Counter(line.asked.kind or "other" for line in self.lines).most_common()

    def shown(self, show: Show, kind: str) -> list[Line]:
        """Return the requests a filter leaves."""
        return [
            line
            for line in self.lines
            if _fits(line.asked, show) and kind in {"", line.asked.kind or "other"}
        ]


def recorded(session: Session, warc: WarcFile, path: Path) -> Recorded:
    """Read what was recorded of a capture.

    :param path: where its WARC stands
    """
    records = list(
        session.scalars(
            select(Record).where(Record.warc_file_id == warc.id).order_by(Record.position)
        )
    )
    by_id = {record.record_id: record.position for record in records}
    fault = ""
    info: PageInfo | None = None
    provenance: Mapping[str, Any] = {}
    try:
        if (ledger := _first(records, _LEDGER)) is not None and warc.import_id is None:
            info = read_page_info(_block(path, ledger))
        if (made := _first(records, _PROVENANCE)) is not None and warc.import_id is None:
            provenance = json.loads(_block(path, made))
    except (ArchiveError, ValueError) as error:
        fault = f"What the WARC says of itself cannot be read: {error}"
    if info is not None:
        lines = tuple(Line(one, by_id.get(one.record or "")) for one in info.requests)
        return Recorded(lines, info.unseen, provenance, has_ledger=True, fault=fault)
    held = tuple(_from_record(one) for one in records if one.kind in {"response", "revisit"})
    return Recorded(held, (), provenance, has_ledger=False, fault=fault)


def _fits(asked: Asked, show: Show) -> bool:
    if show is Show.MISSING:
        return asked.is_missing
    return show is Show.ALL or not (asked.is_missing or asked.is_whole)


def _first(records: list[Record], prefix: str) -> Record | None:
    return next((one for one in records if (one.target or "").startswith(prefix)), None)


def _block(path: Path, record: Record) -> bytes:
    return read_block(path, RecordRef(record.offset, record.length), limit=_LIMIT)[1]


def _from_record(record: Record) -> Line:
    """Make a line of a record where no list of requests was kept."""
    asked = Asked(
        url=record.target or "", method="", kind=record.kind, at="", status=None, size=None,
        record=record.record_id or "?", error="", hindered="", truncated="", source="",
        initiator="",
    )  # fmt: skip
    return Line(asked, record.position)
