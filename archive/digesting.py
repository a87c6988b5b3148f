"""Checking a block as it flows past: its digests, its HTTP head, the length it declares."""

from __future__ import annotations

import hashlib
from typing import Final

from archive.digest import Digest
from archive.errors import MalformedDigestError
from archive.headers import Head, end_of_head, http_status, parse_head
from archive.record import DigestState

_HEAD_LIMIT: Final = 1 << 18  # bytes looked through for the end of an HTTP head
_NO_BODY: Final = frozenset({204, 304})


class Check:
    """Compares bytes with one digest from a header; tolerant of every spelling."""

    def __init__(self, claimed: str | None) -> None:
        self._state = DigestState.ABSENT if claimed is None else DigestState.NOT_CHECKED
        self._claim: Digest | None = None
        if claimed is not None:
            try:
                self._claim = Digest.parse(claimed)
            except MalformedDigestError:
                self._state = DigestState.UNREADABLE
        self._hash = (
            hashlib.new(self._claim.algorithm, usedforsecurity=False) if self._claim else None
        )

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        if self._hash is not None:
            self._hash.update(data)

    def state(self) -> DigestState:
        """Say how the digest stands, now that all bytes were fed."""
        if self._hash is None or self._claim is None:
            return self._state
        same = self._hash.digest() == self._claim.value
        return DigestState.MATCHES if same else DigestState.DIFFERS


class Unchunker:
    """Takes the chunk framing off (RFC 9112, 7.1) as bytes come; gives up on malformed ones."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._left = 0
        self._after_data = False
        self.broken = False
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """Return the entity bytes in `data`."""
        out = bytearray()
        at = 0
        while at < len(data) and not (self._done or self.broken):
            if self._left:
                piece = data[at : at + self._left]
                out += piece
                at += len(piece)
                self._left -= len(piece)
                self._after_data = self._left == 0
                continue
            end = data.find(b"\n", at)
            stop = len(data) if end < 0 else end + 1
            self._line += data[at:stop]
            at = stop
            if end >= 0:
                self._size_line()
        return bytes(out)

    def _size_line(self) -> None:
        line = bytes(self._line).strip()
        self._line.clear()
        if self._after_data and not line:
            self._after_data = False
            return
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError:
            self.broken = True
            return
        self._done = self._left == 0


class BlockCheck:
    """Everything checked of one record's block while it is read."""

    def __init__(self, head: Head, *, is_http: bool) -> None:
        self.block = Check(head.get("WARC-Block-Digest"))
        self.payload = Check(head.get("WARC-Payload-Digest"))
        self._entity = Check(head.get("WARC-Payload-Digest"))
        self._is_http = is_http
        self._is_revisit = head.get("WARC-Type") == "revisit"
        self._gathering = bytearray()
        self._unchunk: Unchunker | None = None
        self.http: Head | None = None
        self.status: int | None = None
        self.body_length = 0
        self._in_body = not is_http

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the block."""
        self.block.feed(data)
        if self._in_body:
            self._body(data)
            return
        self._gathering += data
        end = end_of_head(self._gathering)
        if end < 0 and len(self._gathering) < _HEAD_LIMIT:
            return
        self._begin_body(max(end, 0))

    def finish(self) -> None:
        """Tell that the block has ended: a head without an empty line is a head all the same."""
        if not self._in_body:
            self._begin_body(len(self._gathering))

    def payload_state(self) -> DigestState:
        """Say how the payload digest stands: over the bytes as stored, or with chunks undone."""
        if self._is_revisit:  # it names the payload of another record
            return DigestState.ABSENT
        state = self.payload.state()
        if state is DigestState.DIFFERS and self._unchunk is not None:
            return self._entity.state()
        return state

    def length_fault(self) -> str | None:
        """Say in what the HTTP body's length contradicts its Content-Length, if it does."""
        if self.http is None or self.status is None or self._is_revisit:
            return None
        if self._unchunk is not None or self.status < 200 or self.status in _NO_BODY:
            return None
        declared = self.http.get("Content-Length")
        if declared is None or not declared.isdigit() or int(declared) == self.body_length:
            return None
        return f"Content-Length says {declared} bytes, {self.body_length} are stored"

    def _begin_body(self, end: int) -> None:
        raw = bytes(self._gathering)
        self._gathering.clear()
        self._in_body = True
        if end:
            self.http = parse_head(raw[:end])
            self.status = http_status(raw)
            coding = self.http.get("Transfer-Encoding") or ""
            if "chunked" in coding.lower():
                self._unchunk = Unchunker()
        self._body(raw[end:])

    def _body(self, data: bytes) -> None:
        self.body_length += len(data)
        self.payload.feed(data)
        if self._unchunk is not None:
            self._entity.feed(self._unchunk.feed(data))
