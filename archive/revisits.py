"""Finding the record that holds a revisit's body: by id, then address and date, then digest.

WARC/1.1, 6.7. Never another date: where the named original is missing that is said. The same
bytes under equal algorithms are the same body, whenever they were recorded, and say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from archive.clock import parse_instant
from archive.digest import Digest
from archive.errors import MalformedDigestError
from archive.record import Record

Place = TypeVar("Place")
Place_co = TypeVar("Place_co", covariant=True)


class FoundBy(StrEnum):
    """How an original was found."""

    RECORD_ID = "record id"
    ADDRESS_AND_DATE = "address and date"
    DIGEST = "equal digest"


@dataclass(frozen=True, slots=True)
class RevisitClaim:
    """What a revisit says of its original; `target` is the original's, else its own."""

    refers_to: str | None
    target: str | None
    date: str | None
    digest: str | None

    @property
    def words(self) -> str:
        """The claim for a person."""
        named = [
            f"record {self.refers_to}" if self.refers_to else "",
            f"{self.target} of {self.date}" if self.target and self.date else "",
            f"payload {self.digest}" if self.digest else "",
        ]
        return ", ".join(filter(None, named)) or "nothing named"


class Originals(Protocol[Place_co]):
    """Where originals are looked up: one file, or every file of a project."""

    def by_id(self, record_id: str) -> Place_co | None:
        """Return the response or resource record of this id."""
        ...

    def by_date(self, target: str, moment: datetime) -> Place_co | None:
        """Return the record of exactly this address and second."""
        ...

    def by_digest(self, digest: Digest) -> Place_co | None:
        """Return a record whose payload digest has this algorithm and value."""
        ...


@dataclass(frozen=True, slots=True)
class Resolved(Generic[Place]):
    """Where the original stands, and how it was found."""

    place: Place
    by: FoundBy


def claim_of(record: Record) -> RevisitClaim:
    """Read the claim of a revisit record."""
    return claim_of_fields(record.headers)


def claim_of_fields(fields: Sequence[tuple[str, str]]) -> RevisitClaim:
    """Read the claim out of the named fields of a revisit record."""
    said: dict[str, str] = {}
    for name, value in fields:
        said.setdefault(name.lower(), value)
    target = said.get("warc-refers-to-target-uri") or said.get("warc-target-uri") or ""
    return RevisitClaim(
        refers_to=said.get("warc-refers-to"),
        target=target.strip("<>") or None,
        date=said.get("warc-refers-to-date"),
        digest=said.get("warc-payload-digest"),
    )


def resolve(claim: RevisitClaim, originals: Originals[Place]) -> Resolved[Place] | None:
    """Find the original; None where it is not among `originals`."""
    if claim.refers_to:
        found = originals.by_id(claim.refers_to)
        if found is not None:
            return Resolved(found, FoundBy.RECORD_ID)
    moment = instant_of(claim.date)
    if claim.target and moment is not None:
        found = originals.by_date(claim.target, moment)
        if found is not None:
            return Resolved(found, FoundBy.ADDRESS_AND_DATE)
    digest = digest_of(claim.digest)
    if digest is not None:
        found = originals.by_digest(digest)
        if found is not None:
            return Resolved(found, FoundBy.DIGEST)
    return None


def instant_of(text: str | None) -> datetime | None:
    """Read a WARC-Date; None where there is none that can be read."""
    try:
        return parse_instant((text or "").strip())
    except ValueError:
        return None


def digest_of(text: str | None) -> Digest | None:
    """Read a digest; None where there is none that can be compared."""
    try:
        return Digest.parse(text or "")
    except MalformedDigestError:
        return None
