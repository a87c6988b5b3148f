"""What a strict walk of a WARC finds: records, and faults where there is none to trust."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from archive.headers import parse_head


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
    HTTP_LENGTH = "http body is shorter than declared"
    HTTP_LONGER = "http body is longer than declared"
    ONE_MEMBER = "whole file is one gzip member"
    OVER_LIMIT = "larger than is read"
    MISSING_RECORD = "a record the capture lists is missing"
    LISTED_MISSING = "a listed file is missing"
    NOT_LISTED = "a file that is not listed"
    FILE_DIGEST = "file digest differs"
    FILE_LENGTH = "file has another length than listed"
    WEAK_DIGEST = "digest too weak to prove anything"
    NO_DIGEST = "no digest"
    BAD_LIST = "list of files cannot be read"
    BAD_MEMBER = "damaged file in the package"
    NO_WARC = "no WARC in the package"
    HIDDEN_BYTES = "bytes that belong to no file"
    UNSAFE = "unsafe package"
    NO_ARCHIVE = "no archive"


class RecordRef(NamedTuple):
    """Where a record stands in its file, in bytes as stored (compressed)."""

    offset: int
    length: int


class Record(NamedTuple):
    """One record. `headers` are the WARC named fields in order, `http_head` the bytes of HTTP's.

    A record of an ARC file has the fields a WARC would: type, target, date, length.
    """

    ref: RecordRef
    type: str
    record_id: str | None
    target: str | None
    date: str | None
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    http_status: int | None = None
    http_head: bytes = b""
    block_digest: DigestState = DigestState.NOT_CHECKED
    payload_digest: DigestState = DigestState.NOT_CHECKED
    block_length: int = 0
    block_start: int = 0

    def header(self, name: str) -> str | None:
        """Return the first WARC field of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def http_headers(self) -> tuple[tuple[str, str], ...]:
        """The HTTP fields, in order; none where the head went over a limit."""
        return parse_head(self.http_head).fields if self.http_head else ()

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
    expected: str | None = None
    found: str | None = None
    member: str | None = None
    """The file inside a package or folder that `offset` counts in."""
