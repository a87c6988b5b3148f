"""The bytes of an archive as a row of frames: gzip members, or the plain file as one frame.

Tools in common use drop every record after one flipped bit, silently (archive.md §4). So the
members are walked here: each must end where its trailer says, and what lies between two good
ones is named. isal inflates about twice as fast as zlib and refuses what zlib refuses
(docs/decisions, and tests/archive/test_flips.py over thousands of flipped bits).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from isal import isal_zlib

GZIP_MAGIC: Final = b"\x1f\x8b\x08"
_RESERVED: Final = 0xE0  # flags that must be zero: RFC 1952, 2.3.1.2
_PIECE: Final = 1 << 16  # bytes read at a time
_FIRST: Final = 1 << 13  # packed bytes tried first: most members are small
_WINDOW: Final = 1 << 20  # bytes of the file held, in a walk
ONE_RECORD: Final = 1 << 16  # bytes held where one record is read: more would be read in vain
_MOST_AT_ONCE: Final = 1 << 20  # bytes unpacked at a time
_GZIP_AND_HEADER: Final = 31  # zlib: a gzip member with its header and CRC-32 trailer
_PROBE: Final = 64  # bytes inflated to see whether a member begins a record
_STEEPEST: Final = 200  # bytes unpacked per byte stored, once there are more than
_STEEP_FROM: Final = 10_000_000
_GzipError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub errs
_NOTHING: Final = memoryview(b"")

Test = Callable[[bytes], bool]


class FrameError(Exception):
    """The frame's bytes end early, are none, or unpack to too many."""

    def __init__(self, message: str, *, truncated: bool = False, bomb: bool = False) -> None:
        super().__init__(message)
        self.truncated = truncated
        self.bomb = bomb


class Source:
    """A file read forward: a window of it is held, so that small reads cost little."""

    def __init__(self, file: BinaryIO, window: int = _WINDOW) -> None:
        """Stand on a file; `window` is how many bytes of it are held."""
        self.file = file
        self._window = window
        self.size = file.seek(0, 2)
        self._bytes = b""
        self._held = memoryview(self._bytes)
        self._start = 0

    def at(self, offset: int, size: int) -> memoryview:
        """Return up to `size` bytes from `offset` on; fewer only at the end of the file."""
        begin = offset - self._start
        held = len(self._held)
        if begin < 0 or (begin + size > held and self._start + held < self.size):
            self.file.seek(offset)
            self._bytes = self.file.read(max(self._window, size))
            self._held = memoryview(self._bytes)
            self._start = offset
            begin = 0
        # At the end of the file the window is what there is.
        return self._held[begin : begin + size]

    def window(self, offset: int) -> tuple[bytes, int]:
        """Return the bytes at hand, and where among them `offset` is; at least 64 KiB follow.

        At the end of the file fewer follow.
        """
        self.at(offset, _PIECE)
        return self._bytes, offset - self._start


class Frame(Protocol):
    """Decoded bytes, one after the other."""

    def read(self, size: int) -> memoryview:
        """Return up to `size` bytes; none at the end.

        :raises FrameError: the stored bytes are damaged, cut, or a bomb
        """
        ...

    def read_until(self, mark: bytes, limit: int) -> bytes:
        """Return bytes up to and with `mark`, or `limit` bytes, or what is left."""
        ...

    def push_back(self, size: int) -> None:
        """Let the last `size` bytes, just read, be read again."""
        ...

    @property
    def stored_position(self) -> int:
        """Offset in the file, bytes, of what comes next; exact at the end of a member."""
        ...


class PlainFrame:
    """An uncompressed file, from an offset on."""

    def __init__(self, source: Source, offset: int) -> None:
        self._source = source
        self._at = offset

    def read(self, size: int) -> memoryview:
        """Return up to `size` bytes."""
        taken = self._source.at(self._at, size)
        self._at += len(taken)
        return taken

    def read_until(self, mark: bytes, limit: int) -> bytes:
        """Return bytes up to and with `mark`, at most `limit`."""
        window = bytes(self._source.at(self._at, min(limit, 4096)))
        found = window.find(mark)
        if found < 0:
            window = bytes(self._source.at(self._at, limit))
            found = window.find(mark)
        taken = window if found < 0 else window[: found + len(mark)]
        self._at += len(taken)
        return taken

    def push_back(self, size: int) -> None:
        """Let the last `size` bytes be read again."""
        self._at -= size

    @property
    def stored_position(self) -> int:
        """Offset of what comes next."""
        return self._at


class PackedMember:
    """One packed member, unpacked as it is read; knows where it ends."""

    def __init__(self, source: Source, offset: int) -> None:
        self.offset = offset
        self.ended = False
        self._source = source
        self._ready: bytes = b""
        self._at = 0
        self._next = offset
        self._unpacked = 0
        self._failed: FrameError | None = None

    def read(self, size: int) -> memoryview:
        """Return up to `size` bytes; none once the member has ended.

        :raises FrameError: the member is damaged, a bomb, or the file ends inside it
        """
        if self._at >= len(self._ready):
            while not self.ended:
                self._more(keep=False)
                if self._ready:
                    break
        taken = memoryview(self._ready)[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def whole(self, limit: int) -> bytes | None:
        """Return all the member holds if that is at most `limit` bytes; all can be read still."""
        try:
            while not self.ended and len(self._ready) < limit:
                self._more(keep=True)
        except FrameError as error:
            self._failed = error  # said again to whoever reads on
            return None
        return self._ready if self.ended else None

    def read_until(self, mark: bytes, limit: int) -> bytes:
        """Return bytes up to and with `mark`, or `limit` bytes, or what is left."""
        while True:
            found = self._ready.find(mark, self._at, self._at + limit)
            if found >= 0:
                end = found + len(mark)
                break
            end = min(len(self._ready), self._at + limit)
            if end == self._at + limit or self.ended:
                break
            self._more(keep=True)
        taken = self._ready[self._at : end]
        self._at = end
        return taken

    def push_back(self, size: int) -> None:
        """Let the last `size` bytes be read again; they came from one read."""
        self._at -= size

    @property
    def stored_position(self) -> int:
        """Offset of the byte after the member, once it has ended."""
        return self._next

    def _more(self, *, keep: bool) -> None:
        if self._failed is not None:
            raise self._failed
        size = _FIRST if self._next == self.offset else _PIECE
        piece = self._source.at(self._next, size)
        if not piece:
            raise FrameError("the file ends inside a packed member", truncated=True)
        made, left = self._inflated(piece)
        self._next += len(piece) - left
        self._unpacked += len(made)
        if self._unpacked > _STEEP_FROM and self._unpacked > _STEEPEST * (self._next - self.offset):
            raise FrameError(
                f"{self._next - self.offset} bytes unpack to more than {_STEEPEST} times as many",
                bomb=True,
            )
        if keep and self._at < len(self._ready):
            self._ready = self._ready[self._at :] + made
        else:
            self._ready = made
        self._at = 0

    def _inflated(self, piece: memoryview) -> tuple[bytes, int]:
        """Unpack a piece; return what came of it and how many bytes of it were not needed."""
        raise NotImplementedError


class GzipMember(PackedMember):
    """One gzip member (RFC 1952)."""

    def __init__(self, source: Source, offset: int) -> None:
        super().__init__(source, offset)
        self._inflate = isal_zlib.decompressobj(_GZIP_AND_HEADER)

    def _inflated(self, piece: memoryview) -> tuple[bytes, int]:
        if self._next == self.offset:
            if not GZIP_MAGIC.startswith(bytes(piece[:3])):
                raise FrameError(f"no gzip member begins here, but {bytes(piece[:12])!r}")
            if piece[3:4] and piece[3] & _RESERVED:  # isal lets them pass
                raise FrameError("the gzip member has flags that must not be set")
        try:
            made: bytes = self._inflate.decompress(piece, _MOST_AT_ONCE)
        except _GzipError as error:
            raise FrameError(f"the gzip member is damaged: {error}") from error
        if self._inflate.eof:
            self.ended = True
            return made, len(self._inflate.unused_data)
        return made, len(self._inflate.unconsumed_tail)


def is_gzip(file: BinaryIO) -> bool:
    """Tell whether the file begins as gzip."""
    file.seek(0)
    return file.read(3) == GZIP_MAGIC


def find_member(
    source: Source, start: int, magic: bytes, begins: Callable[[Source, int], bool]
) -> int | None:
    """Return the offset of the next packed member, from `start` on, that begins a record."""
    return find(source, start, magic, begins)


def find(
    source: Source, start: int, mark: bytes, fits: Callable[[Source, int], bool]
) -> int | None:
    """Return the offset of the next `mark`, from `start` on, that fits."""
    base = start
    while True:
        window = bytes(source.at(base, _PIECE))
        if len(window) < len(mark):
            return None
        at = window.find(mark)
        while at >= 0:
            if fits(source, base + at):
                return base + at
            at = window.find(mark, at + 1)
        base += len(window) - len(mark) + 1


def gzip_begins(begins: Test) -> Callable[[Source, int], bool]:
    """Make a test of whether a gzip member whose content `begins` stands at an offset."""

    def fits(source: Source, offset: int) -> bool:
        try:
            start = isal_zlib.decompressobj(_GZIP_AND_HEADER).decompress(
                source.at(offset, 1024), _PROBE
            )
        except _GzipError:
            return False
        return begins(start)

    return fits


def at_line_start(source: Source, offset: int) -> bool:
    """Tell whether a line begins at `offset`."""
    return offset == 0 or bytes(source.at(offset - 1, 1)) == b"\n"
