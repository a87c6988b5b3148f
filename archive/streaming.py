"""A record's payload as a stream: any size in constant memory, any stretch of it.

What must be undone on the way is `archive.content`'s list of codings; here it is done piece by
piece, so that a film of gigabytes is served by range and a bomb is stopped when it begins to
unfold.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import brotli
import zstandard

from archive.digesting import Unchunker
from archive.errors import DamagedRecordError
from archive.framing import Frame, FrameError
from archive.headers import Head, end_of_head, http_status, parse_head
from archive.reader import open_block
from archive.record import RecordRef

PIECE: Final = 1 << 18  # bytes handed on at a time
_HTTP_HEAD: Final = 1 << 20  # bytes looked through for the end of an HTTP head
_STEEP: Final = 200  # bytes unpacked per byte packed, above
_SMALL: Final = 10_000_000  # so many bytes unpacked
_PLAIN: Final = frozenset({"identity", "", "none", "binary", "utf-8", "utf8"})


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A record being read: its heads are read, its body comes from `pieces`."""

    head: Head
    http: Head | None
    status: int | None
    length: int
    """Bytes of the whole block."""
    body_at: int
    """Where the body begins in the block: 0 where there is no HTTP head."""
    codings: tuple[str, ...]
    """What must be undone, outermost first."""
    _frame: Frame
    _begin: bytes

    @property
    def body_length(self) -> int:
        """Bytes of the body as stored."""
        return self.length - self.body_at

    @property
    def content_type(self) -> str:
        """The type the server gave, or the record's own."""
        return (self.http or self.head).get("Content-Type") or ""

    def stored(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the body as stored, from byte `start` to before byte `stop`.

        :raises DamagedRecordError: the record ends early or its bytes are damaged
        """
        end = self.body_length if stop is None else min(stop, self.body_length)
        yield from _stretch(self._raw(), start, end)

    def decoded(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the body with its codings undone; the stretch counts decoded bytes.

        :raises DamagedRecordError: a coding is unknown or does not fit, or it is a bomb
        """
        pieces = self._raw()
        for coding in self.codings:
            pieces = _undone(coding, pieces)
        if self.codings:
            pieces = _no_bomb(pieces, self.body_length)
        yield from _stretch(pieces, start, stop)

    def block(self, start: int, stop: int) -> bytes:
        """Return a stretch of the whole block; to be asked once, before anything else.

        :raises DamagedRecordError: the record ends early or its bytes are damaged
        """
        return b"".join(_stretch(self.whole(), start, min(stop, self.length)))

    def whole(self) -> Iterator[bytes]:
        """Yield the whole block, heads included; to be asked once, before anything else.

        :raises DamagedRecordError: the record ends early or its bytes are damaged
        """
        yield self._begin
        got = len(self._begin)
        while got < self.length:
            try:
                piece = bytes(self._frame.read(min(PIECE, self.length - got)))
            except FrameError as error:
                raise DamagedRecordError(f"the record is damaged: {error}") from error
            if not piece:
                raise DamagedRecordError(f"the record ends after {got} of {self.length} bytes")
            got += len(piece)
            yield piece

    def _raw(self) -> Iterator[bytes]:
        skip = self.body_at
        for piece in self.whole():
            if skip < len(piece):
                yield piece[skip:]
            skip = max(0, skip - len(piece))


@contextmanager
def open_record(path: Path, ref: RecordRef) -> Iterator[OpenRecord]:
    """Open one record for reading.

    :raises DamagedRecordError: no sound record begins there
    """
    with open_block(path, ref) as (head, length, frame):
        kind = (head.get("Content-Type") or "application/http").lower()
        is_http = (head.get("WARC-Type") or "").lower() in {"response", "request", "revisit"}
        begin = b""
        http: Head | None = None
        if is_http and kind.startswith("application/http"):
            begin, http = _http_head(frame, length)
        body_at = max(end_of_head(begin), 0) if http is not None else 0
        yield OpenRecord(
            head=head,
            http=http,
            status=http_status(begin),
            length=length,
            body_at=body_at,
            codings=_codings(http) if http is not None else (),
            _frame=frame,
            _begin=begin,
        )


def _http_head(frame: Frame, length: int) -> tuple[bytes, Head | None]:
    begin = b""
    while len(begin) < min(length, _HTTP_HEAD):
        piece = frame.read(min(PIECE, length - len(begin)))
        if not piece:
            break
        begin += piece
        end = end_of_head(begin)
        if end >= 0:
            return begin, parse_head(begin[:end])
    return begin, parse_head(begin) if len(begin) == length else None


def _codings(http: Head) -> tuple[str, ...]:
    """Return what must be undone, in that order: the last coding put on comes off first."""
    found: list[str] = []
    for name in ("transfer-encoding", "content-encoding"):
        values = [value for key, value in http.fields if key.lower() == name]
        put_on = [one.strip().lower() for value in values for one in value.split(",")]
        found += [one for one in reversed(put_on) if one not in _PLAIN]
    return tuple(found)


def _stretch(pieces: Iterator[bytes], start: int, stop: int | None) -> Iterator[bytes]:
    at = 0
    for piece in pieces:
        begin, end = max(start - at, 0), len(piece)
        if stop is not None:
            end = min(end, stop - at)
        if begin < end:
            yield piece[begin:end]
        at += len(piece)
        if stop is not None and at >= stop:
            return


def _no_bomb(pieces: Iterator[bytes], packed: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > _SMALL and total > _STEEP * max(packed, 1):
            raise DamagedRecordError(
                f"the body unpacks to more than {_STEEP} times its size: a bomb, it is not opened"
            )
        yield piece


def _undone(coding: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = _DECODERS.get(coding)
    if decoder is None:
        raise DamagedRecordError(
            f"the coding {coding!r} is unknown; the bytes are kept as they are"
        )
    try:
        yield from decoder(pieces)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise DamagedRecordError(f"the body is not {coding} as declared: {error}") from error


def _unchunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unchunker = Unchunker()
    for number, piece in enumerate(pieces):
        body = unchunker.feed(piece)
        if unchunker.broken and not number and not body:
            yield piece  # a recorder undid the chunks and left the header
            yield from pieces
            return
        yield body


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    if first and not first.startswith(b"\x1f\x8b"):  # a recorder decoded and left the header
        yield first
        yield from pieces
        return
    inflate = zlib.decompressobj(31)
    for piece in _and(first, pieces):
        data = piece
        while data:
            if inflate.eof:
                inflate = zlib.decompressobj(31)
            yield inflate.decompress(data, PIECE)
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if inflate.eof and not data.startswith(b"\x1f"):
                return


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    if not first:
        return
    inflate = zlib.decompressobj(zlib.MAX_WBITS)
    try:
        zlib.decompressobj(zlib.MAX_WBITS).decompress(first[:512], 64)
    except zlib.error:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # raw, as some servers send it
    for piece in _and(first, pieces):
        data = piece
        while data and not inflate.eof:
            yield inflate.decompress(data, PIECE)
            data = inflate.unconsumed_tail


def _unbrotlied(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    for piece in pieces:
        yield decoder.process(piece, output_buffer_limit=PIECE)
        while not decoder.can_accept_more_data() and not decoder.is_finished():
            yield decoder.process(b"", output_buffer_limit=PIECE)


def _unzstded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    source = _Readable(pieces)
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        cast("IO[bytes]", source), read_size=PIECE, read_across_frames=True
    ) as reader:
        while piece := reader.read(PIECE):
            yield piece


def _and(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


class _Readable(io.RawIOBase):
    """Pieces as a file to be read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._ready = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        while not self._ready:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._ready = piece
        size = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


_DECODERS: Final[dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]]] = {
    "chunked": _unchunked,
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "deflate": _inflated,
    "br": _unbrotlied,
    "brotli": _unbrotlied,
    "zstd": _unzstded,
}
