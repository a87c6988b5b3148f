"""What a strict walk of a WARC finds: records, and faults where there is none to trust."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DigestState(StrEnum):
    """How a digest in a record's header stands against the bytes."""

    MATCHES = "matches"
    DIFFERS = "differs"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    NOT_CHECKED = "not checked"


class FaultKind(StrEnum):
    """What is wrong with a stretch of a file."""

    TRUNCATED = "truncated"
    BAD_GZIP = "bad gzip member"
    BAD_HEADER = "bad record header"
    BAD_LENGTH = "content length does not fit"
    BAD_END = "record does not end as it must"
    GARBAGE = "bytes that are no record"
    BLOCK_DIGEST = "block digest differs"
    PAYLOAD_DIGEST = "payload digest differs"
    HTTP_LENGTH = "http body has another length than declared"
    ONE_MEMBER = "whole file is one gzip member"


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record stands in its file, in bytes as stored (compressed)."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `headers` are the WARC named fields in order, `http_headers` likewise."""

    ref: RecordRef
    type: str
    record_id: str | None
    target: str | None
    date: str | None
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    http_status: int | None = None
    http_headers: tuple[tuple[str, str], ...] = ()
    block_digest: DigestState = DigestState.NOT_CHECKED
    payload_digest: DigestState = DigestState.NOT_CHECKED
    block_length: int = 0

    def header(self, name: str) -> str | None:
        """Return the first WARC field of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def http_header(self, name: str) -> str | None:
        """Return the first HTTP field of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.http_headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place. `length` is 0 where a record stands there all the same."""

    kind: FaultKind
    offset: int
    length: int
    detail: str
    record_id: str | None = None
