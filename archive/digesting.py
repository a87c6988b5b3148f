"""Checking a block as it flows past: its digests, its HTTP head, the length it declares."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from archive.digest import Digest
from archive.errors import MalformedDigestError
from archive.headers import HEAD_LIMIT, end_of_head, http_status, over_limit
from archive.record import DigestState

_NO_BODY: Final = frozenset({204, 304})
_SIZE_LINE: Final = 4096  # bytes; a longer line gives no chunk's size
_HASHES: Final[Mapping[str, Callable[..., Any]]] = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


class Check:
    """Compares bytes with one digest from a header; tolerant of every spelling."""

    __slots__ = ("_hash", "_state", "claim", "feed")

    def __init__(self, claimed: str) -> None:
        self._state = DigestState.NOT_CHECKED
        self.claim: Digest | None = None
        self.feed: Callable[[bytes | memoryview], object] = _pass_over
        try:
            self.claim = Digest.parse(claimed)
        except MalformedDigestError:
            self._state = DigestState.UNREADABLE
            return
        self._hash = _HASHES[self.claim.algorithm](usedforsecurity=False)
        self.feed = self._hash.update

    def state(self) -> DigestState:
        """Say how the digest stands, now that all bytes were fed."""
        if self.claim is None:
            return self._state
        same = self._hash.digest() == self.claim.value
        return DigestState.MATCHES if same else DigestState.DIFFERS

    def found(self) -> str | None:
        """Return the digest of the bytes that were fed, as WARC headers spell it."""
        if self.claim is None:
            return None
        return str(Digest(self.claim.algorithm, self._hash.digest()))


def _field(head: bytes, name: bytes) -> bytes:
    """Return the value of the first field of this name in a head in small letters."""
    at = head.find(b"\n" + name + b":")
    if at < 0:
        return b""
    start = at + len(name) + 2
    end = head.find(b"\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _pass_over(_data: bytes | memoryview) -> None:
    """Take bytes whose digest nobody can check."""


class Unchunker:
    """Takes the chunk framing off (RFC 9112, 7.1) as bytes come; gives up on malformed ones."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._left = 0
        self._after_data = False
        self.broken = False
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """Return the entity bytes in `data`."""
        out = bytearray()
        at = 0
        while at < len(data) and not (self.done or self.broken):
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
            elif len(self._line) > _SIZE_LINE:
                self.broken = True
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
        self.broken = self._left < 0
        self.done = self._left == 0


class BlockCheck:
    """Everything checked of one record's block while it is read.

    :param fields: the record's WARC fields by name in small letters
    """

    def __init__(self, fields: Mapping[str, str], *, is_http: bool) -> None:
        block, payload = fields.get("warc-block-digest"), fields.get("warc-payload-digest")
        self.block = Check(block) if block is not None else None
        self._is_revisit = fields.get("warc-type") == "revisit"
        # A revisit's payload digest names the payload of another record.
        wanted = payload is not None and not self._is_revisit
        self.payload = Check(payload) if wanted and payload is not None else None
        self._claimed = payload
        self._entity: Check | None = None
        self._gathering = bytearray()
        self._unchunk: Unchunker | None = None
        self.http: bytes = b""
        self.over: str | None = None
        self.status: int | None = None
        self.body_length = 0
        self._in_body = not is_http

    def feed(self, data: memoryview) -> None:
        """Take the next bytes of the block."""
        if self.block is not None:
            self.block.feed(data)
        if self._in_body:
            self._body(data)
            return
        gathered = len(self._gathering)
        self._gathering += data[: HEAD_LIMIT + 1 - gathered]
        end = end_of_head(self._gathering)
        if end < 0 and len(self._gathering) <= HEAD_LIMIT:
            return
        self._begin_body(end)
        self._body(data[max(end, 0) - gathered :] if end >= 0 else data)

    def finish(self) -> None:
        """Tell that the block has ended: a head without an empty line is a head all the same."""
        if not self._in_body:
            self._begin_body(len(self._gathering))

    def block_state(self) -> DigestState:
        """Say how the block digest stands."""
        return DigestState.ABSENT if self.block is None else self.block.state()

    def payload_state(self) -> DigestState:
        """Say how the payload digest stands: over the bytes as stored, or with chunks undone."""
        if self.payload is None:
            return DigestState.ABSENT
        state = self.payload.state()
        if state is DigestState.DIFFERS and self._entity is not None:
            return self._entity.state()
        return state

    def length_fault(self) -> tuple[str, str] | None:
        """Say in what the HTTP body's length contradicts its head: what is declared, is there."""
        if not self.http or self.status is None or self._is_revisit:
            return None
        if self.status < 200 or self.status in _NO_BODY:
            return None
        if self._unchunk is not None:
            return None
        declared = _field(self.http.lower(), b"content-length").decode("latin-1")
        if not declared.isdecimal() or int(declared) == self.body_length:
            return None
        return declared, str(self.body_length)

    def _begin_body(self, end: int) -> None:
        """Look at the HTTP head; `end` is negative where there is none within the limit."""
        raw = bytes(self._gathering[:end] if end >= 0 else self._gathering)
        self._gathering.clear()
        self._in_body = True
        self.status = http_status(raw)
        self.over = over_limit(raw)
        if end < 0:
            self.payload = None  # where the payload begins is not known
        if self.over:
            return
        self.http = raw
        if b"chunked" in _field(raw.lower(), b"transfer-encoding"):
            self._unchunk = Unchunker()
            if self.payload is not None and self._claimed is not None:
                self._entity = Check(self._claimed)

    def _body(self, data: memoryview) -> None:
        self.body_length += len(data)
        if self.payload is not None:
            self.payload.feed(data)
        if self._entity is not None and self._unchunk is not None:
            self._entity.feed(self._unchunk.feed(bytes(data)))
