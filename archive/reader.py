"""The strict walk of an archive file: every byte is accounted for, as a record or as a fault.

Where a record does not stand as its format says, the walk names what is wrong and where, and
goes on at the next record that begins soundly. Memory stays constant: blocks are read piece by
piece and only their digests kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from archive.content import decode_http_body
from archive.errors import DamagedRecordError, NotAnArchiveError
from archive.formats import ArcFormat, Format, HeadError, WarcFormat, any_begins
from archive.framing import (
    GZIP_MAGIC,
    ONE_RECORD,
    Frame,
    FrameError,
    GzipMember,
    PackedMember,
    PlainFrame,
    Source,
    find_member,
    gzip_begins,
)
from archive.headers import LINE_LIMIT, Head, end_of_head, http_status, parse_head
from archive.quick import sound_member, sound_plain
from archive.reading import Reading, is_http, make_record
from archive.record import Fault, FaultKind, Record, RecordRef
from archive.zstd import ZSTD_MAGICS, ZstdMember, read_dictionary, zstd_begins

_PIECE: Final = 1 << 20  # bytes of a block in memory at a time
_HTTP_TYPES: Final = frozenset({"response", "request", "revisit"})
_SPACE_LIMIT: Final = 64  # CR and LF bytes tolerated between records
_BEGINNING: Final = 64
_UNREAD: Final = {b"BZh": "bzip2", b"\x04\x22\x4d\x18": "LZ4", b"\xfd7zXZ": "xz", b"PK\3\4": "zip"}


@dataclass(frozen=True, slots=True)
class Payload:
    """A record's content: the HTTP body decoded, or the block as it stands."""

    body: bytes
    status: int | None
    http_headers: tuple[tuple[str, str], ...]
    content_type: str
    record: Record


@dataclass(frozen=True, slots=True)
class Packing:
    """How the records of one file are packed, each by itself: how to open and find one."""

    open: Callable[[int], PackedMember]
    magic: bytes
    begins: Callable[[Source, int], bool]
    first: int = 0


def walk(path: Path) -> Iterator[Record | Fault]:
    """Yield every record of a WARC or ARC file and every fault, in file order.

    :raises NotAnArchiveError: the file does not begin as one, plain or packed
    """
    with path.open("rb") as file:
        yield from walk_file(file, path.name)


def walk_file(file: BinaryIO, name: str) -> Iterator[Record | Fault]:
    """Walk an open file that can be sought in; `name` is for messages.

    :raises NotAnArchiveError: it does not begin as a WARC or ARC, plain or packed
    """
    source = Source(file)
    form, packing = _recognised(source, name)
    if packing is None:
        yield from _walk_plain(source, form)
    else:
        yield from _walk_packed(source, form, packing)


@contextmanager
def open_block(path: Path, ref: RecordRef) -> Iterator[tuple[Head, int, Frame]]:
    """Open a record: its head, the length of its block, and a frame that stands before it.

    :raises DamagedRecordError: there is no sound record there, or it turns out damaged
    """
    with path.open("rb", buffering=0) as file:
        source = Source(file, ONE_RECORD)
        try:
            form, packing = _recognised(source, path.name)
            frame: Frame = packing.open(ref.offset) if packing else PlainFrame(source, ref.offset)
            head, length = form.read_head(frame)
            yield head, length, frame
        except (FrameError, HeadError, NotAnArchiveError) as error:
            where = f"no sound record at {ref.offset} of {path.name}"
            raise DamagedRecordError(f"{where}: {error}") from error


def read_block(path: Path, ref: RecordRef, *, limit: int) -> tuple[Head, bytes]:
    """Return a record's head and its whole block.

    :param limit: most bytes of block taken
    :raises DamagedRecordError: there is no sound record there, or it is larger than `limit`
    """
    with open_block(path, ref) as (head, length, frame):
        if length > limit:
            raise DamagedRecordError(
                f"the record at {ref.offset} of {path.name} has {length} bytes; "
                f"at most {limit} are read here"
            )
        block = b"".join(_pieces(frame, length))
    if len(block) != length:
        raise DamagedRecordError(
            f"the record at {ref.offset} of {path.name} ends after {len(block)} of {length} bytes"
        )
    return head, block


def read_payload(path: Path, ref: RecordRef, *, limit: int) -> Payload:
    """Return a record's payload, an HTTP body with its codings undone.

    :param limit: most bytes taken, before and after decoding
    :raises DamagedRecordError: it cannot be read or decoded as declared
    """
    head, block = read_block(path, ref, limit=limit)
    record = make_record(ref, head, None, len(block))
    if not is_http(head.by_name) or record.type == "request":
        return Payload(block, None, (), head.get("Content-Type") or "", record)
    end = end_of_head(block)
    raw_head, raw_body = (block[:end], block[end:]) if end >= 0 else (block, b"")
    http = parse_head(raw_head)
    body = decode_http_body(list(http.fields), raw_body, limit=limit)
    status = http_status(block)
    return Payload(body, status, http.fields, http.get("Content-Type") or "", record)


def _recognised(source: Source, name: str) -> tuple[Format, Packing | None]:
    """Tell what a file is by its first bytes.

    :raises NotAnArchiveError: nothing that is read here
    """
    begin = bytes(source.at(0, _BEGINNING))
    packing = _packing(source, begin)
    start = first = packing.first if packing else 0
    while True:
        try:
            if packing:
                begin = bytes(packing.open(start).read(_BEGINNING))
        except FrameError:
            begin = b""
        if WarcFormat().begins(begin):
            return WarcFormat(), packing
        # An ARC begins with the line that describes it; found after damage, with any.
        arc = ArcFormat()
        if begin.startswith(b"filedesc:") or (start > first and arc.begins(begin)):
            return arc, packing
        if packing is None and arc.begins_surely(bytes(source.at(0, LINE_LIMIT))):
            return arc, None
        if packing is None:
            break
        # The first member may be the damaged one: the file is what the next sound one is.
        after = find_member(source, start + 1, packing.magic, packing.begins)
        if after is None:
            raise NotAnArchiveError(f"{name} is packed, but holds no WARC or ARC record")
        start = after
    for magic, how in _UNREAD.items():
        if begin.startswith(magic):
            raise NotAnArchiveError(f"{name} is packed by {how}, which is not read here")
    raise NotAnArchiveError(
        f"{name} is no WARC or ARC: it begins neither with WARC/ nor filedesc:, nor as gzip or zstd"
    )


def _packing(source: Source, begin: bytes) -> Packing | None:
    if begin.startswith(GZIP_MAGIC):
        fits = gzip_begins(any_begins)
        return Packing(lambda offset: GzipMember(source, offset), GZIP_MAGIC, fits)
    if begin.startswith(ZSTD_MAGICS):
        words, first = read_dictionary(source)
        fits = zstd_begins(words, any_begins)
        return Packing(
            lambda offset: ZstdMember(source, offset, words), ZSTD_MAGICS[0], fits, first
        )
    return None


def _pieces(frame: Frame, length: int) -> Iterator[memoryview]:
    got = 0
    while got < length:
        piece = frame.read(min(_PIECE, length - got))
        if not piece:
            return
        got += len(piece)
        yield piece


def _walk_plain(source: Source, form: Format) -> Iterator[Record | Fault]:
    size = source.size
    offset = 0
    while offset < size:
        sound = sound_plain(source, offset)
        if sound is not None:
            yield sound
            offset += sound.ref.length
            continue
        frame = PlainFrame(source, offset)
        try:
            one = Reading(frame, form)
        except HeadError as error:
            after = form.find_plain(source, offset + 1)
            end = size if after is None else after
            if not _is_blank(source, offset, end):
                yield Fault(error.kind, offset, end - offset, str(error))
            offset = end
            continue
        if one.got < one.length:
            yield _cut(one, offset, size)
            return
        ending = form.read_ending(frame)
        end = frame.stored_position
        record = one.record(RecordRef(offset, end - offset))
        yield record
        yield from one.faults(record)
        if ending is not None:
            kind = FaultKind.TRUNCATED if end >= size else FaultKind.BAD_END
            yield Fault(kind, offset, 0, ending, one.record_id)
            after = form.find_plain(source, end)
            stop = size if after is None else after
            if stop > end:
                yield Fault(FaultKind.GARBAGE, end, stop - end, "bytes between records")
            end = stop
        offset = end


def _cut(one: Reading, offset: int, size: int) -> Fault:
    return Fault(
        FaultKind.TRUNCATED,
        offset,
        size - offset,
        f"the file ends after {one.got} of {one.length} bytes of the record's block",
        one.record_id,
        str(one.length),
        str(one.got),
    )


def _is_blank(source: Source, start: int, end: int) -> bool:
    if end - start > _SPACE_LIMIT:
        return False
    return not bytes(source.at(start, end - start)).strip(b"\r\n")


def walk_part(path: Path, start: int, stop: int) -> Generator[Record | Fault, None, int]:
    """Walk the members of a gzip WARC or ARC that begin at `start` or later, and before `stop`.

    Returns where the last one ended: `stop`, if both are where members begin.
    """
    with path.open("rb") as file:
        source = Source(file)
        form, packing = _recognised(source, path.name)
        if packing is None:
            raise NotAnArchiveError(f"{path.name} is not packed: it has no parts")
        return (yield from _walk_packed(source, form, packing, start, stop))


def part_starts(path: Path, parts: int) -> list[int]:
    """Return where to begin reading a gzip file in so many parts; one start if it has none."""
    with path.open("rb") as file:
        source = Source(file)
        _, packing = _recognised(source, path.name)
        if packing is None or packing.magic != GZIP_MAGIC:
            return [0]
        starts = [0]
        for number in range(1, parts):
            wanted = max(source.size * number // parts, starts[-1] + 1)
            found = find_member(source, wanted, packing.magic, packing.begins)
            if found is not None:
                starts.append(found)
        return starts


def _walk_packed(
    source: Source, form: Format, packing: Packing, start: int = 0, stop: int | None = None
) -> Generator[Record | Fault, None, int]:
    offset = max(start, packing.first)
    end = source.size if stop is None else stop
    while offset < end:
        member = packing.open(offset)
        sound = sound_member(member)
        if sound is not None:
            yield sound
            offset = member.stored_position
            continue
        yield from _walk_member(member, form, source.size)
        if member.ended:
            offset = member.stored_position
            continue
        after = find_member(source, offset + 1, packing.magic, packing.begins)
        offset = source.size if after is None else after
    return offset


def _walk_member(member: PackedMember, form: Format, size: int) -> Iterator[Record | Fault]:
    """Yield what one member holds: one record as it should be, or several, or a fault."""
    held: list[Reading] = []
    late: list[Fault] = []
    offset = member.offset
    try:
        while True:
            one = Reading(member, form)
            if one.got < one.length:
                raise FrameError("the member ends inside the record's block", truncated=True)
            ending = form.read_ending(member)
            if ending is not None:
                late.append(Fault(FaultKind.BAD_END, offset, 0, ending, one.record_id))
            held.append(one)
            if not member.read(1):
                break
            member.push_back(1)
    except (HeadError, FrameError) as error:
        late.append(_member_fault(member, error, size))
    stored = member.stored_position - offset if member.ended else 0
    if len(held) > 1:
        detail = f"{len(held)} records in one packed member: none can be opened by itself"
        late.append(Fault(FaultKind.ONE_MEMBER, offset, 0, detail))
    # A member whose end is damaged fails its CRC: what was read of it cannot be believed.
    for one in held if member.ended or len(held) > 1 else ():
        record = one.record(RecordRef(offset, stored))
        yield record
        yield from one.faults(record)
    yield from late


def _member_fault(member: PackedMember, error: Exception, size: int) -> Fault:
    end = member.stored_position if member.ended else size
    if isinstance(error, FrameError):
        kind = FaultKind.TRUNCATED if error.truncated and not member.ended else FaultKind.BAD_GZIP
        kind = FaultKind.OVER_LIMIT if error.bomb else kind
    else:
        kind = error.kind if isinstance(error, HeadError) else FaultKind.BAD_HEADER
    return Fault(kind, member.offset, end - member.offset, str(error))
