"""A WARC made from a file that is none: it says from which bytes, by what, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from archive.capture.exchange import Exchange
from archive.clock import utc_now
from archive.identifiers import uuid7
from archive.importing.found import Findings, FoundRecord, FoundWarc
from archive.reader import walk
from archive.record import Record, RecordRef
from archive.verdict import VerdictWord
from archive.writer import CaptureWriter

SOFTWARE: Final = "holdfast-import/1"


@dataclass(frozen=True, slots=True)
class Original:
    """The file a reading stands on: where it is, what it was called, the SHA-256 of its bytes."""

    path: Path
    name: str
    sha256: str

    @property
    def urn(self) -> str:
        """The name of its bytes, for what has no address."""
        return f"urn:sha256:{self.sha256}"


class Derived:
    """Writes the derived WARC of one original; `finish` or the end of the block closes it."""

    def __init__(
        self, findings: Findings, original: Original, kind: str, transformation: str
    ) -> None:
        self._findings = findings
        self._original = original
        self._kind = kind
        self._transformation = transformation
        self._path = findings.work / f"{kind}-{original.sha256[:16]}.derived.warc.gz"
        self._writer = CaptureWriter(
            self._path,
            capture_id=uuid7(),
            software=SOFTWARE,
            instance="import",
            description=(
                f"derived from a {kind} file with SHA-256 {original.sha256}; {transformation}"
            ),
        )
        self.placed: dict[str, RecordRef] = {}
        """Where each record stands, by its id, once finished."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._writer.abandon()

    def exchange(self, exchange: Exchange) -> str:
        """Write a response and its request; return the response's record id."""
        return self._writer.exchange(exchange)

    def resource(
        self,
        uri: str,
        content_type: str,
        body: bytes,
        *,
        at: datetime | None = None,
        concurrent_to: str | None = None,
    ) -> str:
        """Write a resource; return its record id. `at`: when it was made, as far as known."""
        return self._writer.resource(
            uri, content_type, body, at=at or utc_now(), concurrent_to=concurrent_to
        )

    def file(self, uri: str, content_type: str, path: Path, *, at: datetime | None = None) -> str:
        """Write a file as a resource, a piece at a time; return its record id."""
        with path.open("rb") as body:
            return self._writer.resource_file(
                uri, content_type, body, at=at or utc_now(), concurrent_to=None
            )

    def finish(self, *, target: str, lacks: Mapping[str, object] | None = None) -> int:
        """Close the WARC and hand its records on; return its number in the reading."""
        number = self._findings.begin_warc()
        self._writer.finish(
            {
                "derived_from": {
                    "kind": self._kind, "name": self._original.name, "sha256": self._original.sha256
                },
                "software": SOFTWARE,
                "transformation": self._transformation,
                "lacks": dict(lacks or {}),
            },
            target=target,
        )  # fmt: skip
        count = 0
        for position, record in enumerate(walk(self._path)):
            if isinstance(record, Record):  # the writer found no fault a moment ago
                self._findings.record(FoundRecord.of(number, position, record))
                self.placed[record.record_id or ""] = record.ref
                count += 1
        self._findings.warc(
            FoundWarc(
                name=self._path.name,
                path=self._path.relative_to(self._findings.work).as_posix(),
                made_by=f"{SOFTWARE}: {self._transformation}",
                verdict=VerdictWord.INTACT,
                records=count,
                faults=0,
            )
        )
        return number
