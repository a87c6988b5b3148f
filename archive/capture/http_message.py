"""HTTP/1.x responses as they come over the wire: head, framing, and where they break off.

Nothing here knows sockets. Bytes come from a callable and are copied verbatim, so chunk
framing and odd header spelling survive into the archive (RFC 9112; sections at the line).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from archive.errors import ArchiveError, StoreError

HEAD_LIMIT: Final = 64 * 1024  # bytes; integrity.md section 8
LINE_LIMIT: Final = 16 * 1024  # bytes
HEADER_LIMIT: Final = 200  # header lines
INTERIM_LIMIT: Final = 20  # 1xx responses before the final one
READ_SIZE: Final = 65_536  # bytes
STATUS_LINE: Final = re.compile(r"HTTP/(\d\.\d) +(\d{3})(?: (.*))?")
CHUNK_SIZE: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class WireBrokenError(ArchiveError):
    """The connection was reset or broke while reading."""


class DeadlineError(ArchiveError):
    """The capture's time was up while reading."""


class MalformedResponseError(ArchiveError):
    """What came is no HTTP/1.x response head within bounds."""


class Truncation(StrEnum):
    """Values of WARC-Truncated (WARC 1.1 section 5.13) that a capture can cause."""

    DISCONNECT = "disconnect"
    LENGTH = "length"
    TIME = "time"


class Source:
    """Buffered reading from `receive`, which gives at most so many bytes, b"" at the end."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self.received = 0
        """Bytes taken from `receive` so far."""

    def read(self, limit: int) -> bytes:
        """At least one and at most `limit` bytes, or b"" at the end."""
        if not self._buffer:
            self._fill()
        taken = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        return taken

    def line(self, limit: int) -> bytes:
        """Bytes through the next LF; without LF where the stream ends or `limit` is reached."""
        while (end := self._buffer.find(b"\n")) < 0 and len(self._buffer) < limit:
            if not self._fill():
                break
        size = min(end + 1, limit) if end >= 0 else min(len(self._buffer), limit)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> bool:
        data = self._receive(READ_SIZE)
        self.received += len(data)
        self._buffer += data
        return bool(data)


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers. `raw` holds their exact bytes with the closing empty line."""

    raw: bytes
    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    """Decoded as ISO 8859-1, so that every byte maps to one character and back."""

    @property
    def status_line(self) -> str:
        """Status code and reason, without the version."""
        return f"{self.status} {self.reason}"

    @property
    def exact(self) -> bool:
        """Whether `raw` can be rebuilt from status line and headers in their usual spelling."""
        lines = [f"HTTP/{self.version} {self.status_line}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") == self.raw

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name]

    def first(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self.values(name)), None)


def read_head(source: Source) -> Head:
    """Read the final response's head; interim 1xx ones are passed over (RFC 9110 15.2).

    :raises MalformedResponseError: no response, or a head beyond the bounds
    :raises WireBrokenError: the connection broke
    :raises DeadlineError: time was up
    """
    for _ in range(INTERIM_LIMIT):
        head = _parse_head(_read_head_lines(source))
        if not 100 <= head.status < 200:
            return head
    raise MalformedResponseError(f"more than {INTERIM_LIMIT} interim (1xx) answers")


def _read_head_lines(source: Source) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    while True:
        line = source.line(LINE_LIMIT)
        if not line.endswith(b"\n"):
            if len(line) == LINE_LIMIT:
                raise MalformedResponseError(f"a header line longer than {LINE_LIMIT} bytes")
            raise MalformedResponseError(
                "the server closed the connection "
                + ("within the headers" if lines or line else "without answering")
            )
        lines.append(line)
        size += len(line)
        if not line.strip(b"\r\n"):
            return lines
        if size > HEAD_LIMIT or len(lines) > HEADER_LIMIT + 1:
            raise MalformedResponseError(
                f"headers beyond {HEAD_LIMIT} bytes or {HEADER_LIMIT} lines"
            )


def _parse_head(lines: list[bytes]) -> Head:
    texts = [line.decode("latin-1").rstrip("\r\n") for line in lines]
    found = STATUS_LINE.fullmatch(texts[0])
    if found is None:
        raise MalformedResponseError(f"not an HTTP/1.x status line: {texts[0][:80]!r}")
    version, status, reason = found.groups()
    headers: list[tuple[str, str]] = []
    for text in texts[1:-1]:
        if text[:1] in {" ", "\t"} and headers:  # obsolete line folding, RFC 9112 5.2
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {text.strip()}")
            continue
        name, _, value = text.partition(":")
        headers.append((name.strip(), value.strip(" \t")))
    return Head(b"".join(lines), version, int(status), reason or "", tuple(headers))


@dataclass(frozen=True, slots=True)
class Framing:
    """How the end of the body is known (RFC 9112 section 6.3)."""

    length: int | None
    """Bytes; None until the end of the connection or, if `chunked`, of the last chunk."""
    chunked: bool
    raw_transfer: bool
    """Some transfer coding is left on the bytes as copied."""


def framing_of(head: Head, method: str = "GET") -> Framing:
    """Decide the framing of the answer to a request of `method`."""
    codings = [
        coding.strip().lower()
        for value in head.values("transfer-encoding")
        for coding in value.split(",")
    ]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if head.status in {204, 304} or method == "HEAD":
        return Framing(0, chunked=False, raw_transfer=False)
    if codings:
        return Framing(None, chunked=codings[-1] == "chunked", raw_transfer=True)
    lengths = {part.strip() for value in head.values("content-length") for part in value.split(",")}
    length = lengths.pop() if len(lengths) == 1 else ""
    # Contradicting or senseless lengths: all that comes is kept, to the end of the connection.
    usable = length.isascii() and length.isdigit() and len(length) <= 18
    return Framing(int(length) if usable else None, chunked=False, raw_transfer=False)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied of a body."""

    length: int
    truncated: Truncation | None
    entity_sha256: bytes | None
    """Digest of the body without chunk framing; None where it is not chunked or not whole."""


class _Copy:
    """The state of one body being copied to `sink`, at most `limit` bytes of it."""

    def __init__(self, source: Source, sink: BinaryIO, limit: int) -> None:
        self.source, self.sink, self.limit = source, sink, limit
        self.length = 0
        self.entity = hashlib.sha256()

    def put(self, data: bytes) -> bool:
        """Write what the limit leaves of `data`; False once something was cut."""
        room = self.limit - self.length
        kept = data[:room]
        try:
            self.sink.write(kept)
        except OSError as error:
            raise StoreError(f"no room for the body being received: {error}") from error
        self.length += len(kept)
        return len(kept) == len(data)

    def plain(self, length: int | None) -> Truncation | None:
        """Copy `length` bytes, or until the end where it is None."""
        left = length
        while left is None or left > 0:
            data = self.source.read(READ_SIZE if left is None else min(left, READ_SIZE))
            if not data:
                return None if left is None else Truncation.DISCONNECT
            self.entity.update(data)
            if not self.put(data):
                return Truncation.LENGTH
            left = None if left is None else left - len(data)
        return None

    def line(self) -> bytes | Truncation:
        """Copy one line of chunk framing."""
        line = self.source.line(LINE_LIMIT)
        if not self.put(line):
            return Truncation.LENGTH
        return line if line.endswith(b"\n") else Truncation.DISCONNECT

    def chunks(self) -> Truncation | None:
        """Copy chunks with their framing, through the trailer (RFC 9112 section 7.1)."""
        while True:
            line = self.line()
            if isinstance(line, Truncation):
                return line
            found = CHUNK_SIZE.fullmatch(line.rstrip(b"\r\n"))
            if found is None:  # after a broken size nothing can be told apart any more
                return Truncation.DISCONNECT
            size = int(found[1], 16)
            if size == 0:
                return self.trailer()
            if (cut := self.plain(size)) is not None:
                return cut
            if isinstance(line := self.line(), Truncation):
                return line
            if line.strip(b"\r\n"):
                return Truncation.DISCONNECT

    def trailer(self) -> Truncation | None:
        """Copy trailer lines through the empty one."""
        for _ in range(HEADER_LIMIT):
            line = self.line()
            if isinstance(line, Truncation):
                return line
            if not line.strip(b"\r\n"):
                return None
        return Truncation.LENGTH


def copy_body(source: Source, sink: BinaryIO, framing: Framing, limit: int) -> Copied:
    """Copy the body verbatim to `sink`; a body that breaks off is kept and says how.

    :param limit: bytes kept at most
    :raises StoreError: `sink` refused a write
    """
    copy = _Copy(source, sink, limit)
    try:
        truncated = copy.chunks() if framing.chunked else copy.plain(framing.length)
    except DeadlineError:
        truncated = Truncation.TIME
    except WireBrokenError:
        truncated = Truncation.DISCONNECT
    whole = framing.chunked and truncated is None
    return Copied(copy.length, truncated, copy.entity.digest() if whole else None)
