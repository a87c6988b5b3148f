"""One request and its response, as an engine hands them to the writer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the response to it.

    `body` is read once, from where it stands, for `length` bytes. `raw_transfer`: the body is
    still transfer-encoded as on the wire, so no payload digest is written (archive.md §3).
    """

    url: str
    started_at: datetime
    method: str
    request_target: str
    request_headers: list[tuple[str, str]]
    request_body: bytes
    status_line: str
    response_headers: list[tuple[str, str]]
    body: BinaryIO
    length: int
    ip: str | None
    protocol: str | None
    truncated: str | None
    resource_type: str | None
    raw_transfer: bool = False
