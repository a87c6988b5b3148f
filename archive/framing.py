"""The bytes of a WARC file as a row of frames: gzip members, or the plain file as one frame.

Tools in common use drop every record after one flipped bit, silently (archive.md §4). So the
members are walked here: each must end where its trailer says, and what lies between two good
ones is named.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final, Protocol

GZIP_MAGIC: Final = b"\x1f\x8b\x08"
_PIECE: Final = 1 << 16  # bytes read at a time
_GZIP_AND_HEADER: Final = 31  # zlib: a gzip member with its header and CRC-32 trailer
_PROBE: Final = 64  # bytes inflated to see whether a member begins a record


class FrameError(Exception):
    """The frame's bytes end early or are no gzip; `truncated` tells which."""

    def __init__(self, message: str, *, truncated: bool) -> None:
        super().__init__(message)
        self.truncated = truncated


class Frame(Protocol):
    """Decoded bytes, one after the other."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end.

        :raises FrameError: the stored bytes are damaged or cut
        """
        ...

    def read_line(self, limit: int) -> bytes:
        """Return bytes up to and with the next LF, at most `limit`."""
        ...

    def push_back(self, data: bytes) -> None:
        """Let `data`, just read, be read again."""
        ...

    @property
    def stored_position(self) -> int:
        """Offset in the file, bytes, of what comes next; exact at the end of a gzip member."""
        ...


class PlainFrame:
    """An uncompressed file, from an offset on."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        file.seek(offset)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        return self._file.read(size)

    def read_line(self, limit: int) -> bytes:
        """Return one line, at most `limit` bytes."""
        return self._file.readline(limit)

    def push_back(self, data: bytes) -> None:
        """Let `data`, just read, be read again."""
        self._file.seek(-len(data), 1)

    @property
    def stored_position(self) -> int:
        """Offset of what comes next."""
        return self._file.tell()


class GzipMember:
    """One gzip member, inflated as it is read; knows where it ends."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self.offset = offset
        self._file = file
        self._inflate = zlib.decompressobj(_GZIP_AND_HEADER)
        self._ready = bytearray()
        self._next = offset
        self.ended = False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none once the member has ended.

        :raises FrameError: the member is damaged or the file ends inside it
        """
        while len(self._ready) < size and not self.ended:
            self._more(size - len(self._ready))
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def read_line(self, limit: int) -> bytes:
        """Return one line, at most `limit` bytes."""
        while True:
            at = self._ready.find(b"\n", 0, limit)
            if at >= 0:
                return self.read(at + 1)
            if len(self._ready) >= limit or self.ended:
                return self.read(limit)
            self._more(_PIECE)

    def push_back(self, data: bytes) -> None:
        """Let `data`, just read, be read again."""
        self._ready[:0] = data

    @property
    def stored_position(self) -> int:
        """Offset of the byte after the member, once it has ended."""
        return self._next

    def _more(self, wanted: int) -> None:
        piece = self._inflate.unconsumed_tail
        if not piece:
            self._file.seek(self._next)
            piece = self._file.read(_PIECE)
            self._next += len(piece)
        if not piece:
            raise FrameError("the file ends inside a gzip member", truncated=True)
        try:
            self._ready += self._inflate.decompress(piece, max(wanted, _PIECE))
        except zlib.error as error:
            raise FrameError(f"the gzip member is damaged: {error}", truncated=False) from error
        if self._inflate.eof:
            self.ended = True
            self._next -= len(self._inflate.unused_data)


def is_gzip(file: BinaryIO) -> bool:
    """Tell whether the file begins as gzip."""
    file.seek(0)
    return file.read(3) == GZIP_MAGIC


def find_member(file: BinaryIO, start: int) -> int | None:
    """Return the offset of the next gzip member, from `start` on, that begins with WARC/."""
    return _find(file, start, GZIP_MAGIC, _begins_record)


def find_plain_record(file: BinaryIO, start: int) -> int | None:
    """Return the offset of the next WARC/ at the start of a line, from `start` on."""
    return _find(file, start, b"WARC/", _at_line_start)


class _Test(Protocol):
    def __call__(self, file: BinaryIO, offset: int) -> bool: ...


def _find(file: BinaryIO, start: int, magic: bytes, test: _Test) -> int | None:
    base = start
    kept = b""
    while True:
        file.seek(base + len(kept))
        piece = file.read(_PIECE)
        if not piece:
            return None
        window = kept + piece
        at = window.find(magic)
        while at >= 0:
            if test(file, base + at):
                return base + at
            at = window.find(magic, at + 1)
        keep = len(magic) - 1
        base += len(window) - keep
        kept = window[-keep:]


def _begins_record(file: BinaryIO, offset: int) -> bool:
    file.seek(offset)
    try:
        begin = zlib.decompressobj(_GZIP_AND_HEADER).decompress(file.read(1024), _PROBE)
    except zlib.error:
        return False
    return begin.lstrip(b"\r\n").startswith(b"WARC/")


def _at_line_start(file: BinaryIO, offset: int) -> bool:
    if offset == 0:
        return True
    file.seek(offset - 1)
    return file.read(1) == b"\n"
