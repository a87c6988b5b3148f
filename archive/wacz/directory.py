"""The central directory of a zip, read strictly (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4).

Two readers that disagree on what a zip holds are how forgeries pass, so whatever two readers
could take differently is refused here: a second end record, bytes before or after, two names
for one file, a name in another name's clothes. Nothing of the content is read.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final

from archive.errors import NotAnArchiveError, UnsafePackageError

LOCAL_MAGIC: Final = b"PK\x03\x04"
_END_MAGIC: Final = b"PK\x05\x06"
_END: Final = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCATOR: Final = struct.Struct("<4sLQL")  # 4.3.15
_END64: Final = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_LONGEST_COMMENT: Final = 0xFFFF
_MOST_DIRECTORY: Final = 16 << 20  # bytes of central directory read into memory
_LONGEST_NAME: Final = 1024  # bytes
STORED: Final = 0
DEFLATED: Final = 8
_NEWEST: Final = 63  # version 6.3 of the format, in tenths
_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_UTF8: Final = 0x0800
_ZIP64_EXTRA: Final = 0x0001
_UNICODE_PATH_EXTRA: Final = 0x7075
_PLAIN_KINDS: Final = frozenset({0, stat.S_IFREG, stat.S_IFDIR})
_WINDOWS_DRIVE: Final = 2


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """How much of a package is taken: members, bytes unpacked, unpacked bytes per packed byte.

    The ratio counts above `ratio_from` bytes only, since small files of spaces are no bomb.
    """

    members: int = 10_000
    unpacked: int = 1 << 40
    ratio: int = 200
    ratio_from: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What the central directory says of one member; sizes and offsets in bytes."""

    name: str
    raw_name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    header_offset: int

    @property
    def is_folder(self) -> bool:
        """Tell whether this names a folder, which holds nothing."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries, in the directory's order, and where members must have ended."""

    entries: tuple[Entry, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class _End:
    """Where the directory stands and how much it holds."""

    count: int
    size: int
    offset: int
    ends_at: int


def read_directory(file: BinaryIO, limits: PackageLimits) -> Directory:
    """Read and judge the central directory.

    :raises NotAnArchiveError: there is none; the zip is cut off or is no zip
    :raises UnsafePackageError: it could harm a reader, or two readers could take it differently
    """
    end = _find_end(file)
    if end.count > limits.members:
        raise UnsafePackageError(
            f"the package has {end.count} members; at most {limits.members} are taken"
        )
    if end.size > _MOST_DIRECTORY:
        raise UnsafePackageError(f"the package's directory has {end.size} bytes")
    if end.offset + end.size != end.ends_at:
        raise UnsafePackageError(
            "the central directory is not where the zip says: "
            f"{end.offset} + {end.size} bytes, it ends at {end.ends_at}"
        )
    file.seek(end.offset)
    data = file.read(end.size)
    entries: list[Entry] = []
    at = 0
    for number in range(end.count):
        entry, at = _entry(data, at, number)
        _refuse_bomb(entry, limits)
        entries.append(entry)
    if at != len(data):
        raise UnsafePackageError(
            f"the central directory lists {end.count} members and {len(data) - at} bytes more"
        )
    if sum(entry.size for entry in entries) > limits.unpacked:
        raise UnsafePackageError(f"the package unpacks to more than {limits.unpacked} bytes")
    _refuse_colliding(entries)
    return Directory(tuple(entries), end.offset)


def _find_end(file: BinaryIO) -> _End:
    size = file.seek(0, 2)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(size - start)
    found = [
        at
        for at in _all(tail, _END_MAGIC)
        if at + _END.size <= len(tail)
        and at + _END.size + _END.unpack_from(tail, at)[7] == len(tail)
    ]
    if not found:
        raise NotAnArchiveError(
            "the zip has no end record: it is cut off, or something was appended to it"
        )
    if len(found) > 1:
        raise UnsafePackageError("the zip has two end records: readers would see different files")
    at = start + found[0]
    _, disk, first_disk, on_disk, count, length, offset, _ = _END.unpack_from(tail, found[0])
    end = _End(count, length, offset, at)
    if disk or first_disk or on_disk != count:
        raise UnsafePackageError("the zip says it is one part of several")
    return _end64(file, end) or end


def _all(data: bytes, mark: bytes) -> list[int]:
    found = []
    at = data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


def _end64(file: BinaryIO, end: _End) -> _End | None:
    """Read the zip64 end record, if there is one; it must not contradict the short one."""
    needed = end.count == 0xFFFF or 0xFFFFFFFF in {end.size, end.offset}
    at = end.ends_at - _LOCATOR.size
    file.seek(max(0, at))
    raw = file.read(_LOCATOR.size) if at >= 0 else b""
    if not raw.startswith(b"PK\x06\x07"):
        if needed:
            raise UnsafePackageError("the zip needs a zip64 end record and has none")
        return None
    _, _, where, disks = _LOCATOR.unpack(raw)
    file.seek(min(where, end.ends_at))
    raw = file.read(_END64.size)
    if disks != 1 or len(raw) != _END64.size or not raw.startswith(b"PK\x06\x06"):
        raise UnsafePackageError("the zip64 end record is not where its locator says")
    _, length, _, _, disk, first_disk, on_disk, count, size, offset = _END64.unpack(raw)
    if where + 12 + length != at or disk or first_disk or on_disk != count:
        raise UnsafePackageError("the zip64 end record does not fit its place")
    for short, whole, none in (
        (end.count, count, 0xFFFF),
        (end.size, size, 0xFFFFFFFF),
        (end.offset, offset, 0xFFFFFFFF),
    ):
        if short not in {whole, none}:
            raise UnsafePackageError("the two end records of the zip contradict each other")
    return _End(count, size, offset, where)


def _entry(data: bytes, at: int, number: int) -> tuple[Entry, int]:
    if len(data) - at < _CENTRAL.size or data[at : at + 4] != b"PK\x01\x02":
        raise UnsafePackageError(f"member {number + 1} of the central directory is none")
    (
        _, _, needed, flags, method, _, _, crc, packed, size, name_length, extra_length,
        comment_length, disk, _, attributes, offset,
    ) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    at += _CENTRAL.size
    raw_name = data[at : at + name_length]
    extra = data[at + name_length : at + name_length + extra_length]
    at += name_length + extra_length + comment_length
    if at > len(data):
        raise UnsafePackageError(f"member {number + 1} of the central directory is cut off")
    name = _name(raw_name, flags, extra)
    if flags & _ENCRYPTED:
        raise UnsafePackageError(f"{name!r} is encrypted")
    if needed & 0xFF > _NEWEST:
        raise UnsafePackageError(f"{name!r} needs a zip reader that does not exist yet")
    if disk:
        raise UnsafePackageError(f"{name!r} is said to stand on another disk")
    if method not in {STORED, DEFLATED}:
        raise UnsafePackageError(f"{name!r} is packed by method {method}; WACZ stores or deflates")
    kind = stat.S_IFMT(attributes >> 16)
    if kind not in _PLAIN_KINDS:
        what = "a link" if kind == stat.S_IFLNK else "neither a file nor a folder"
        raise UnsafePackageError(f"{name!r} is {what}")
    size, packed, offset = wide_fields(extra, (size, packed, offset), name)
    return Entry(name, raw_name, method, flags, crc, packed, size, offset), at


def wide_fields(extra: bytes, values: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Replace the values 0xFFFFFFFF by those of the zip64 extra field (4.5.3), in order.

    :raises UnsafePackageError: the field lacks one of them, or stands there twice
    """
    wide = _extra(extra, name).get(_ZIP64_EXTRA, b"")
    result = []
    for value in values:
        if value != 0xFFFFFFFF:
            result.append(value)
            continue
        if len(wide) < 8:
            raise UnsafePackageError(f"{name!r} needs a zip64 field and lacks it")
        result.append(int.from_bytes(wide[:8], "little"))
        wide = wide[8:]
    return tuple(result)


def _extra(extra: bytes, name: str) -> dict[int, bytes]:
    """Split an extra field into its parts; padding shorter than a part is passed over."""
    parts: dict[int, bytes] = {}
    at = 0
    while len(extra) - at >= 4:
        tag, length = struct.unpack_from("<HH", extra, at)
        part = extra[at + 4 : at + 4 + length]
        if len(part) != length:
            break
        if tag in parts and tag in {_ZIP64_EXTRA, _UNICODE_PATH_EXTRA}:
            raise UnsafePackageError(f"{name!r} has two extra fields of the kind {tag:#06x}")
        parts[tag] = part
        at += 4 + length
    return parts


def _name(raw: bytes, flags: int, extra: bytes) -> str:
    """Decode a member's name and refuse one that leads anywhere but down.

    :raises UnsafePackageError: see there
    """
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise UnsafePackageError(f"the name {raw[:80]!r} is not UTF-8 as it says") from error
    other = _extra(extra, name).get(_UNICODE_PATH_EXTRA)
    if other is not None and (
        len(other) < 5
        or int.from_bytes(other[1:5], "little") != zlib.crc32(raw)
        or other[5:] != name.encode()
    ):
        raise UnsafePackageError(f"{name!r} has a second, different name")
    reason = _why_unsafe(name)
    if reason is not None or len(raw) > _LONGEST_NAME:
        raise UnsafePackageError(f"the name {name[:120]!r} {reason or 'is too long'}")
    return name


def _why_unsafe(name: str) -> str | None:
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or (len(name) >= _WINDOWS_DRIVE and name[1] == ":"):
        return "is an absolute path"
    if "\\" in name:
        return "has a backslash, which some systems take for a folder"
    if ".." in parts:
        return "leads outside the package"
    if "" in parts or "." in parts:
        return "has an empty part"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        return "has control characters"
    return None


def _refuse_bomb(entry: Entry, limits: PackageLimits) -> None:
    if entry.size > limits.ratio_from and entry.size > limits.ratio * max(1, entry.packed):
        raise UnsafePackageError(
            f"{entry.name!r} is a bomb: {entry.packed} bytes unpack to {entry.size}"
        )
    if entry.method == STORED and entry.packed != entry.size:
        raise UnsafePackageError(
            f"{entry.name!r} is stored, yet has {entry.packed} bytes for {entry.size}"
        )
    if entry.is_folder and entry.size:
        raise UnsafePackageError(f"{entry.name!r} is a folder, yet holds {entry.size} bytes")


def _refuse_colliding(entries: list[Entry]) -> None:
    """Refuse names that are one name on some disk: equal, but for case or composition."""
    seen: dict[str, str] = {}
    files = set()
    for entry in entries:
        folded = unicodedata.normalize("NFC", entry.name.removesuffix("/")).casefold()
        if folded in seen:
            same = seen[folded] == entry.name
            raise UnsafePackageError(
                f"the name {entry.name!r} is there twice"
                if same
                else f"{seen[folded]!r} and {entry.name!r} are one name on some disks"
            )
        seen[folded] = entry.name
        if not entry.is_folder:
            files.add(folded)
    for folded, name in seen.items():
        parent = folded.rpartition("/")[0]
        while parent:
            if parent in files:
                raise UnsafePackageError(f"{name!r} lies in {seen[parent]!r}, which is a file")
            parent = parent.rpartition("/")[0]
