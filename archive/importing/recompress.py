"""Files whose records cannot be opened singly, packed anew record by record; bytes unchanged.

A WARC in one gzip member, one whose members do not begin with records, bzip2, or an ARC: the
original is kept, and a copy stands beside it in which each record is a gzip member.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final
from uuid import uuid4

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.warcwriter import WARCWriter

from archive.clock import isoformat, utc_now
from archive.errors import NotAnArchiveError, UnsafePackageError
from archive.framing import GZIP_MAGIC
from archive.importing.derive import SOFTWARE, Original
from archive.reader import walk
from archive.record import Fault, FaultKind, Record

_PIECE: Final = 1 << 18
_STEEPEST: Final = 200  # unpacked bytes per packed byte, above _FREE (integrity.md §8)
_FREE: Final = 10_000_000
_LEVEL: Final = 6
# What a strict walk says of a file whose records may stand sound in badly cut members.
_MENDED: Final = frozenset(
    {FaultKind.ONE_MEMBER, FaultKind.GARBAGE, FaultKind.BAD_HEADER, FaultKind.BAD_GZIP}
)


def may_be_mended(faults: list[Fault]) -> bool:
    """Tell whether packing the file anew might make more of its records readable."""
    return any(fault.kind in _MENDED for fault in faults)


@dataclass(frozen=True, slots=True)
class Repacked:
    """The copy, and what is wrong with the unpacked bytes; offsets count in these."""

    path: Path
    faults: tuple[Fault, ...]


def recompress_warc(original: Original, work: Path) -> Repacked:
    """Pack each record of a compressed WARC into a gzip member of its own, bytes unchanged.

    :raises NotAnArchiveError: it cannot be unpacked
    :raises UnsafePackageError: it unpacks to far more than any archive does
    """
    plain = work / "plain.warc"
    target = work / f"recompressed-{original.sha256[:16]}.derived.warc.gz"
    try:
        _unpack(original.path, plain)
    except NotAnArchiveError:
        plain.unlink(missing_ok=True)
        raise
    faults: list[Fault] = []
    with plain.open("rb") as source, target.open("xb") as out:
        out.write(_warcinfo(original, target.name, "each record packed by itself"))
        for found in walk(plain):
            if isinstance(found, Record):
                _pack(source, out, found.ref.offset, found.ref.length)
            else:
                faults.append(found)
    plain.unlink()
    return Repacked(target, tuple(faults))


def arc_to_warc(original: Original, work: Path, records: int) -> tuple[Path, str]:
    """Write an ARC (1.0 or 1.1) anew as a WARC; return it and why it lacks some, if it does.

    :param records: how many a strict walk found; the library that writes passes damage over

    :raises NotAnArchiveError: nothing of it can be read
    """
    target = work / f"arc-{original.sha256[:16]}.derived.warc.gz"
    written = 0
    fault = ""
    with original.path.open("rb") as source, target.open("xb") as out:
        out.write(_warcinfo(original, target.name, "ARC records written as WARC records"))
        writer = WARCWriter(out, gzip=True, warc_version="WARC/1.0")
        try:
            for record in ArchiveIterator(source, arc2warc=True):
                writer.write_record(record)
                written += 1
        except (ArchiveLoadFailed, ValueError, AttributeError, IndexError, zlib.error) as error:
            # warcio lets what broke inside it out as it is; the records before it stand.
            fault = f"the ARC cannot be read beyond its record {written}: {error}"
            if not written:
                raise NotAnArchiveError(f"nothing of the ARC can be read: {error}") from error
    if not fault and written < records:
        fault = f"{written} of {records} records of the ARC could be written anew"
    return target, fault[:300]


def _warcinfo(original: Original, name: str, transformation: str) -> bytes:
    body = (
        f"software: {SOFTWARE}\r\nformat: WARC File Format 1.0\r\n"
        f"description: derived from a file with SHA-256 {original.sha256}; {transformation}\r\n"
    ).encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:{uuid4()}>\r\n"
        f"WARC-Date: {isoformat(utc_now())[:19]}Z\r\nWARC-Filename: {name}\r\n"
        f"Content-Type: application/warc-fields\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    return gzip.compress(head + body + b"\r\n\r\n", _LEVEL)


def _pack(source: BinaryIO, out: BinaryIO, offset: int, length: int) -> None:
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    source.seek(offset)
    left = length
    last = b""
    while left:
        piece = source.read(min(_PIECE, left))
        if not piece:
            break
        left -= len(piece)
        last = (last + piece)[-4:]
        out.write(deflate.compress(piece))
    if last != b"\r\n\r\n":  # its end was not as it must be; the block is untouched
        missing = b"\r\n\r\n" if not last.endswith(b"\r\n") else b"\r\n"
        out.write(deflate.compress(missing))
    out.write(deflate.flush())


def _unpack(path: Path, target: Path) -> None:
    most = max(_FREE, _STEEPEST * path.stat().st_size)
    written = 0
    with path.open("rb") as source, target.open("xb") as out:
        try:
            for piece in _pieces(source):
                written += len(piece)
                if written > most:
                    raise UnsafePackageError(
                        f"it unpacks to more than {_STEEPEST} times its size: a bomb"
                    )
                out.write(piece)
        except (zlib.error, OSError, EOFError) as error:
            raise NotAnArchiveError(f"it cannot be unpacked: {error}") from error


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    begin = source.read(3)
    source.seek(0)
    if begin != GZIP_MAGIC:
        yield from _bzip2_pieces(source)
        return
    with gzip.GzipFile(fileobj=source) as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _bzip2_pieces(source: IO[bytes]) -> Iterator[bytes]:
    """Unpack bzip2 streams to the last byte; the standard library drops what follows damage.

    :raises OSError: a stream is damaged, or something else follows one
    :raises EOFError: the last is cut off
    """
    unpack = bz2.BZ2Decompressor()
    held = source.read(_PIECE)
    while held:
        if unpack.eof:
            unpack = bz2.BZ2Decompressor()
        yield unpack.decompress(held, _PIECE)
        while not unpack.eof and not unpack.needs_input:
            yield unpack.decompress(b"", _PIECE)
        held = unpack.unused_data or source.read(_PIECE)
    if not unpack.eof:
        raise EOFError("the bzip2 data ends inside a stream")
