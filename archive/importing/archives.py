"""Bringing in WARC, ARC and WACZ files: told apart by their bytes, walked strictly, kept whole."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.warcwriter import WARCWriter

from archive.clock import parse_instant
from archive.errors import NotAnArchiveError, UnsafePackageError
from archive.framing import GZIP_MAGIC, FrameError, GzipMember, Source
from archive.headers import warc_version
from archive.reader import walk
from archive.record import DigestState, Fault, FaultKind, Record
from archive.verify import VerdictWord, judge

_PAGE_TYPES: Final = ("text/html", "application/xhtml+xml")
_MOST_MEMBERS: Final = 100_000
_MOST_BYTES: Final = 50_000_000_000
_STEEPEST: Final = 300  # unpacked bytes per packed byte of one member


class ArchiveKind(StrEnum):
    """What a file is, by its bytes."""

    WARC = "warc"
    ARC = "arc"
    WACZ = "wacz"


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """A page recorded in an imported WARC."""

    address: str
    captured_at: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class ImportedWarc:
    """One WARC of an import. `derived`: made from the original, which stands beside it."""

    name: str
    path: Path
    derived: bool
    verdict: VerdictWord
    records: tuple[Record, ...]
    faults: tuple[Fault, ...]
    pages: tuple[ImportedPage, ...]


def sniff(path: Path) -> ArchiveKind:
    """Tell what a file is by its first bytes.

    :raises NotAnArchiveError: it is none of the kinds; the message says what it begins with
    """
    with path.open("rb") as file:
        begin = file.read(64)
        if begin.startswith(GZIP_MAGIC):
            try:
                begin = bytes(GzipMember(Source(file), 0).read(64))
            except FrameError as error:
                raise NotAnArchiveError(
                    f"the gzip data is damaged at its beginning: {error}"
                ) from error
    if begin.startswith(b"PK\x03\x04"):
        return ArchiveKind.WACZ
    if begin.startswith(b"filedesc:"):
        return ArchiveKind.ARC
    if warc_version(begin.lstrip(b"\r\n\xef\xbb\xbf")) is not None:
        return ArchiveKind.WARC
    raise NotAnArchiveError(
        f"this is no WARC, ARC or WACZ: it begins with {begin[:24]!r}. "
        "Lists of addresses are imported under Lists."
    )


def open_archive(path: Path, name: str, work: Path) -> tuple[ArchiveKind, list[ImportedWarc]]:
    """Read an archive; what is derived from it is written into the folder `work`.

    :raises NotAnArchiveError: it is none
    :raises UnsafePackageError: a WACZ that would harm whoever opens it
    """
    kind = sniff(path)
    if kind is ArchiveKind.WACZ:
        return kind, [_read(one, one.name, derived=True) for one in _unpack(path, work)]
    if kind is ArchiveKind.ARC:
        return kind, [_read(_to_warc(path, work, name), name, derived=True)]
    warc = _read(path, name, derived=False)
    if any(fault.kind is FaultKind.ONE_MEMBER for fault in warc.faults):
        # Records of one long member cannot be opened singly: a copy is packed record by record.
        split = _read(_to_warc(path, work, name), name, derived=True)
        return kind, [
            ImportedWarc(
                name, split.path, True, warc.verdict, split.records, warc.faults, split.pages
            )
        ]
    return kind, [warc]


def _read(path: Path, name: str, *, derived: bool) -> ImportedWarc:
    records: list[Record] = []
    faults: list[Fault] = []
    undigested = False
    for found in walk(path):
        if isinstance(found, Fault):
            faults.append(found)
            continue
        records.append(found)
        states = {found.block_digest, found.payload_digest}
        checked = states & {DigestState.MATCHES, DigestState.DIFFERS}
        undigested = undigested or (found.type in {"response", "resource"} and not checked)
    return ImportedWarc(
        name=name,
        path=path,
        derived=derived,
        verdict=judge(faults, undigested=undigested),
        records=tuple(records),
        faults=tuple(faults),
        pages=tuple(_pages(records)),
    )


def _pages(records: list[Record]) -> Iterator[ImportedPage]:
    for record in records:
        if record.target is None or not record.target.startswith(("http://", "https://")):
            continue
        if record.type == "response":
            kind, status = record.http_header("Content-Type") or "", record.http_status
        elif record.type == "resource":
            kind, status = record.content_type or "", 200
        else:
            continue
        if status is None or not 200 <= status < 300 or not kind.lower().startswith(_PAGE_TYPES):
            continue
        yield ImportedPage(record.target, _instant(record.date), record)


def _instant(text: str | None) -> datetime:
    """Read a WARC-Date; one that cannot be read counts as the beginning of time, visibly."""
    try:
        return parse_instant((text or "").strip())
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _unpack(path: Path, work: Path) -> list[Path]:
    """Take the WARCs out of a WACZ, after looking at its directory for what would do harm.

    :raises UnsafePackageError: a bomb, a link, a path outside, a name twice, or encryption
    :raises NotAnArchiveError: the zip cannot be read, or has no WARC
    """
    try:
        with zipfile.ZipFile(path) as package:
            members = package.infolist()
            _refuse_unsafe(members)
            taken = []
            for member in members:
                pure = PurePosixPath(member.filename)
                if pure.parts[:1] != ("archive",) or not pure.name.endswith((".warc", ".warc.gz")):
                    continue
                target = work / pure.name
                with package.open(member) as source, target.open("xb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                taken.append(target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, FileExistsError) as error:
        raise NotAnArchiveError(f"the WACZ cannot be unpacked: {error}") from error
    if not taken:
        raise NotAnArchiveError("the WACZ holds no WARC under archive/")
    return taken


def _refuse_unsafe(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > _MOST_BYTES:
        raise UnsafePackageError("the WACZ unpacks to more than is taken")
    names: set[str] = set()
    for one in members:
        pure = PurePosixPath(one.filename.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts:
            raise UnsafePackageError(f"the WACZ has a path that leads outside: {one.filename!r}")
        if one.filename in names:
            raise UnsafePackageError(f"the WACZ has {one.filename!r} twice")
        if stat.S_ISLNK(one.external_attr >> 16):
            raise UnsafePackageError(f"the WACZ has a link: {one.filename!r}")
        if one.flag_bits & 1:
            raise UnsafePackageError(f"the WACZ has an encrypted member: {one.filename!r}")
        if one.file_size > _STEEPEST * max(1, one.compress_size) + 1_000_000:
            raise UnsafePackageError(f"the WACZ has a bomb: {one.filename!r}")
        names.add(one.filename)


def _to_warc(path: Path, work: Path, name: str) -> Path:
    """Write an ARC, or a WARC in one gzip member, anew as a WARC packed record by record.

    :raises NotAnArchiveError: nothing of it can be read
    """
    target = work / f"{Path(name).name.removesuffix('.gz').rpartition('.')[0]}.derived.warc.gz"
    written = 0
    with path.open("rb") as source, target.open("xb") as out:
        writer = WARCWriter(out, gzip=True, warc_version="WARC/1.0")
        try:
            for record in ArchiveIterator(source, arc2warc=True):
                writer.write_record(record)
                written += 1
        except ArchiveLoadFailed as error:
            if not written:
                raise NotAnArchiveError(f"nothing of it can be read: {error}") from error
    return target
