"""A WACZ opened strictly: members are what both the directory and their own heads say.

Nothing is unpacked that was not asked for; every member is streamed and checked against its
length and CRC-32 as it flows. The bytes of the zip tile: a member begins where the one before
it ended, so that none hides, overlaps or is served twice.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from archive.errors import DamagedMemberError, NotAnArchiveError, UnsafePackageError
from archive.wacz.directory import (
    DEFLATED,
    LOCAL_MAGIC,
    Entry,
    PackageLimits,
    read_directory,
    wide_fields,
)

_LOCAL: Final = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_DESCRIBED_AFTER: Final = 0x0008  # bit 3: CRC and sizes follow the data
_COMPARED_FLAGS: Final = 0x0001 | _DESCRIBED_AFTER | 0x0800
_PIECE: Final = 1 << 16
_DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the package; sizes in bytes, `offset` of its packed bytes in the zip."""

    name: str
    size: int
    packed: int
    crc: int
    offset: int
    stored: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of the zip that belong to no member."""

    offset: int
    length: int


class Package:
    """A zip whose directory and heads agree. A context manager; reads are independent."""

    def __init__(self, path: Path, limits: PackageLimits | None = None) -> None:
        """Open and judge the package; nothing of its content is read.

        :raises NotAnArchiveError: it is no zip, or is cut off
        :raises UnsafePackageError: it could harm or mislead a reader; the message says how
        """
        self.path = path
        self._file: BinaryIO = path.open("rb")
        try:
            self.members, self.unnamed = self._judge(limits or PackageLimits())
        except BaseException:
            self._file.close()
            raise
        self._by_name = {member.name: member for member in self.members}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def find(self, name: str) -> Member | None:
        """Return the member of this name, exactly."""
        return self._by_name.get(name)

    def pieces(self, member: Member) -> Iterator[bytes]:
        """Yield the member's bytes, in order, a little at a time.

        :raises DamagedMemberError: they are not as many, or not those, the zip says
        """
        crc = 0
        got = 0
        for piece in self._unpacked(member):
            got += len(piece)
            if got > member.size:
                raise DamagedMemberError(f"{member.name} unpacks to more than {member.size} bytes")
            crc = zlib.crc32(piece, crc)
            yield piece
        if got != member.size:
            raise DamagedMemberError(f"{member.name} has {got} bytes, {member.size} are declared")
        if crc != member.crc:
            raise DamagedMemberError(f"{member.name} is damaged: its CRC-32 differs")

    def read(self, member: Member, *, limit: int) -> bytes:
        """Return the member's bytes.

        :param limit: most bytes taken
        :raises DamagedMemberError: it is damaged, or larger than `limit`
        """
        if member.size > limit:
            raise DamagedMemberError(
                f"{member.name} has {member.size} bytes; at most {limit} are read here"
            )
        return b"".join(self.pieces(member))

    def copy(self, member: Member, target: Path) -> None:
        """Write the member into a new file; nothing is left where it proves damaged.

        :raises DamagedMemberError: it is damaged
        :raises FileExistsError: `target` is there already
        """
        with target.open("xb") as out:
            try:
                for piece in self.pieces(member):
                    out.write(piece)
            except DamagedMemberError:
                target.unlink()
                raise

    def window(self, member: Member) -> BinaryIO:
        """Return a stored member's bytes as a file that can be sought in, without a copy.

        :raises ValueError: the member is packed
        """
        if not member.stored:
            raise ValueError(f"{member.name} is packed; copy it")
        raw: io.RawIOBase = _Window(self._file, member.offset, member.size)
        return io.BufferedReader(raw, 1 << 18)

    def _judge(self, limits: PackageLimits) -> tuple[tuple[Member, ...], tuple[Stretch, ...]]:
        self._file.seek(0)
        if self._file.read(4) != LOCAL_MAGIC:
            raise NotAnArchiveError(f"{self.path.name} is no WACZ: it does not begin as a zip")
        directory = read_directory(self._file, limits)
        members: dict[str, Member] = {}
        unnamed: list[Stretch] = []
        at = 0
        for entry in sorted(directory.entries, key=lambda one: one.header_offset):
            if entry.header_offset < at:
                raise UnsafePackageError(f"{entry.name!r} overlaps the member before it")
            if entry.header_offset > at:
                unnamed.append(Stretch(at, entry.header_offset - at))
            offset = self._local_head(entry)
            at = self._after_data(entry, offset)
            if at > directory.offset:
                raise UnsafePackageError(f"{entry.name!r} runs into the central directory")
            members[entry.name] = Member(
                entry.name,
                entry.size,
                entry.packed,
                entry.crc,
                offset,
                entry.method != DEFLATED,
            )
        if at < directory.offset:
            unnamed.append(Stretch(at, directory.offset - at))
        listed = [members[one.name] for one in directory.entries if not one.is_folder]
        return tuple(listed), tuple(unnamed)

    def _local_head(self, entry: Entry) -> int:
        """Compare a member's own head with the directory; return where its bytes begin."""
        self._file.seek(entry.header_offset)
        raw = self._file.read(_LOCAL.size)
        if len(raw) != _LOCAL.size or not raw.startswith(LOCAL_MAGIC):
            raise UnsafePackageError(f"{entry.name!r} is not where the central directory says")
        _, _, flags, method, _, _, crc, packed, size, *lengths = _LOCAL.unpack(raw)
        name_length, extra_length = (int(one) for one in lengths)
        name = self._file.read(name_length)
        extra = self._file.read(extra_length)
        after = bool(flags & _DESCRIBED_AFTER)
        size, packed = wide_fields(extra, (size, packed), entry.name)
        differs = [
            what
            for what, here, there in (
                ("name", name, entry.raw_name),
                ("method", method, entry.method),
                ("flags", flags & _COMPARED_FLAGS, entry.flags & _COMPARED_FLAGS),
                ("CRC-32", crc, entry.crc),
                ("packed size", packed, entry.packed),
                ("size", size, entry.size),
            )
            if here != there
            and not (after and here == 0 and what in {"CRC-32", "packed size", "size"})
        ]
        if differs:
            raise UnsafePackageError(
                f"the central directory and the head of {entry.name!r} disagree on its "
                f"{', '.join(differs)}"
            )
        return entry.header_offset + _LOCAL.size + name_length + extra_length

    def _after_data(self, entry: Entry, offset: int) -> int:
        """Return where a member ends, its data descriptor (4.3.9) included."""
        end = offset + entry.packed
        if not entry.flags & _DESCRIBED_AFTER:
            return end
        self._file.seek(end)
        raw = self._file.read(24)
        for mark in (_DESCRIPTOR_MAGIC, b""):
            for form in ("<LLL", "<LQQ"):
                length = len(mark) + struct.calcsize(form)
                if not raw.startswith(mark) or len(raw) < length:
                    continue
                said = struct.unpack_from(form, raw, len(mark))
                if said == (entry.crc, entry.packed, entry.size):
                    return end + length
        raise UnsafePackageError(
            f"the central directory and the data descriptor of {entry.name!r} disagree"
        )

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        if member.stored:
            yield from self._packed(member)
            return
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        left = member.packed
        for packed in self._packed(member):
            left -= len(packed)
            todo = packed
            while todo and not inflate.eof:
                try:
                    yield inflate.decompress(todo, _PIECE * 4)
                except zlib.error as error:
                    raise DamagedMemberError(f"{member.name} is damaged: {error}") from error
                todo = inflate.unconsumed_tail
            if inflate.eof and (left or inflate.unused_data):
                raise DamagedMemberError(f"{member.name} ends before its packed bytes do")
        if not inflate.eof:
            raise DamagedMemberError(f"{member.name} is cut off")

    def _packed(self, member: Member) -> Iterator[bytes]:
        at = member.offset
        end = at + member.packed
        while at < end:
            piece = os.pread(self._file.fileno(), min(_PIECE, end - at), at)
            if not piece:
                raise DamagedMemberError(f"the zip ends inside {member.name}")
            at += len(piece)
            yield piece


class _Window(io.RawIOBase):
    """A stretch of a file as a file of its own; the file's own position is left alone."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)
        wanted = max(0, min(len(view), self._length - self._at))
        piece = os.pread(self._file.fileno(), wanted, self._start + self._at)
        got = len(piece)
        view[:got] = piece
        self._at += got
        return got
