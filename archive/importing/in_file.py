"""The originals of a file's own revisits, held while its pages are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from archive.digest import Digest
from archive.reader import walk
from archive.record import Record
from archive.revisits import RevisitClaim, claim_of, digest_of, instant_of

_WITH_BODY: Final = frozenset({"response", "resource"})


class InFile:
    """Originals of one file. Kept small: only answers with a body, by what names them."""

    def __init__(self) -> None:
        self._by_id: dict[str, Record] = {}
        self._by_date: dict[tuple[str, datetime], Record] = {}
        self._by_digest: dict[tuple[str, bytes], Record] = {}

    @classmethod
    def of(cls, path: Path) -> InFile:
        """Gather what the revisits of a file may refer to, and no more than they name."""
        wanted = _wanted(path)
        held = cls()
        for found in walk(path):
            if isinstance(found, Record) and found.type in _WITH_BODY:
                held._add(found, wanted)
        return held

    def by_id(self, record_id: str) -> Record | None:
        """Return the record of this id."""
        return self._by_id.get(record_id)

    def by_date(self, target: str, moment: datetime) -> Record | None:
        """Return the record of this address and time."""
        return self._by_date.get((target, moment))

    def by_digest(self, digest: Digest) -> Record | None:
        """Return a record of this payload."""
        return self._by_digest.get((digest.algorithm, digest.value))

    def _add(self, record: Record, wanted: _Wanted) -> None:
        slim = record._replace(headers=())
        if record.record_id in wanted.ids:
            self._by_id.setdefault(record.record_id or "", slim)
        moment = instant_of(record.date)
        if moment is not None and (record.target or "", moment) in wanted.dates:
            self._by_date.setdefault((record.target or "", moment), slim)
        digest = digest_of(record.header("WARC-Payload-Digest"))
        if digest is not None and (digest.algorithm, digest.value) in wanted.digests:
            self._by_digest.setdefault((digest.algorithm, digest.value), slim)


@dataclass(frozen=True, slots=True)
class _Wanted:
    ids: set[str]
    dates: set[tuple[str, datetime]]
    digests: set[tuple[str, bytes]]


def _wanted(path: Path) -> _Wanted:
    wanted = _Wanted(set(), set(), set())
    for claim in _claims(path):
        if claim.refers_to:
            wanted.ids.add(claim.refers_to)
        moment = instant_of(claim.date)
        if moment is not None:
            wanted.dates.add((claim.target or "", moment))
        digest = digest_of(claim.digest)
        if digest is not None:
            wanted.digests.add((digest.algorithm, digest.value))
    return wanted


def _claims(path: Path) -> Iterator[RevisitClaim]:
    for found in walk(path):
        if isinstance(found, Record) and found.type == "revisit":
            yield claim_of(found)
