"""The strict walk of a WARC file: every byte is accounted for, as a record or as a fault.

A record is what ISO 28500:2017 (WARC/1.1), section 4, describes: version line, named fields,
empty line, a block of Content-Length bytes, two CRLF. Where that does not hold the walk says
what is wrong and where, and goes on at the next record that begins soundly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from archive.content import decode_http_body
from archive.digesting import BlockCheck
from archive.errors import DamagedRecordError, NotAnArchiveError
from archive.framing import (
    Frame,
    FrameError,
    GzipMember,
    PlainFrame,
    find_member,
    find_plain_record,
    is_gzip,
)
from archive.headers import HEAD_LIMIT, Head, end_of_head, http_status, parse_head, warc_version
from archive.record import DigestState, Fault, FaultKind, Record, RecordRef

_PIECE: Final = 1 << 20  # bytes of a block in memory at a time
_LINE: Final = 1 << 16
_HTTP_TYPES: Final = frozenset({"response", "request", "revisit"})
_SPACE_LIMIT: Final = 64  # CR and LF bytes tolerated between records


@dataclass(frozen=True, slots=True)
class Payload:
    """A record's content: the HTTP body decoded, or the block as it stands."""

    body: bytes
    status: int | None
    http_headers: tuple[tuple[str, str], ...]
    content_type: str
    record: Record


def walk(path: Path) -> Iterator[Record | Fault]:
    """Yield every record of the file and every fault, in file order.

    Memory stays constant: blocks are read piece by piece and only their digests kept.

    :raises NotAnArchiveError: the file does not begin as a WARC, plain or gzip
    """
    with path.open("rb") as file:
        if is_gzip(file):
            yield from _walk_gzip(file, path)
        else:
            file.seek(0)
            if warc_version(file.read(12).lstrip(b"\r\n\xef\xbb\xbf")) is None:
                raise NotAnArchiveError(
                    f"{path.name} is no WARC: it begins neither with WARC/ nor as gzip"
                )
            yield from _walk_plain(file)


def read_block(path: Path, ref: RecordRef, *, limit: int) -> tuple[Head, bytes]:
    """Return a record's WARC head and its whole block.

    :param limit: most bytes of block taken
    :raises DamagedRecordError: there is no sound record there, or it is larger than `limit`
    """
    with path.open("rb") as file:
        frame: Frame = (
            GzipMember(file, ref.offset) if is_gzip(file) else PlainFrame(file, ref.offset)
        )
        try:
            head, length = _read_head(frame)
            if length > limit:
                raise DamagedRecordError(
                    f"the record at {ref.offset} of {path.name} has {length} bytes; "
                    f"at most {limit} are read here"
                )
            block = frame.read(length)
        except (FrameError, _HeadError) as error:
            raise DamagedRecordError(
                f"no sound record at {ref.offset} of {path.name}: {error}"
            ) from error
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
    record = _record(ref, head, None, len(block))
    if not _is_http(head) or record.type == "request":
        return Payload(block, None, (), head.get("Content-Type") or "", record)
    end = end_of_head(block)
    raw_head, raw_body = (block[:end], block[end:]) if end >= 0 else (block, b"")
    http = parse_head(raw_head)
    body = decode_http_body(list(http.fields), raw_body, limit=limit)
    status = http_status(block)
    return Payload(body, status, http.fields, http.get("Content-Type") or "", record)


class _HeadError(Exception):
    """No record begins here as it must."""

    def __init__(self, message: str, kind: FaultKind = FaultKind.BAD_HEADER) -> None:
        super().__init__(message)
        self.kind = kind


def _read_head(frame: Frame) -> tuple[Head, int]:
    line = frame.read_line(_LINE)
    skipped = 0
    while line in {b"\r\n", b"\n"} and skipped < _SPACE_LIMIT:
        skipped += 1
        line = frame.read_line(_LINE)
    if warc_version(line.lstrip(b"\xef\xbb\xbf")) is None:
        raise _HeadError(f"begins with {line[:40]!r}, not with WARC/", FaultKind.GARBAGE)
    raw = bytearray(line)
    while True:
        line = frame.read_line(_LINE)
        raw += line
        if line and not line.strip(b"\r\n"):
            break
        if not line or len(raw) > HEAD_LIMIT:
            raise _HeadError("the head of the record does not end")
    head = parse_head(bytes(raw))
    length = (head.get("Content-Length") or "").strip()
    if not length.isdigit():
        raise _HeadError(f"Content-Length is {length!r}", FaultKind.BAD_LENGTH)
    return head, int(length)


def _is_http(head: Head) -> bool:
    if head.get("WARC-Type") not in _HTTP_TYPES:
        return False
    kind = (head.get("Content-Type") or "application/http").lower()
    return kind.startswith("application/http")


def _record(ref: RecordRef, head: Head, check: BlockCheck | None, length: int) -> Record:
    http = check.http if check is not None else None
    return Record(
        ref=ref,
        type=(head.get("WARC-Type") or "").lower(),
        record_id=head.get("WARC-Record-ID"),
        target=(head.get("WARC-Target-URI") or "").strip("<>") or None,
        date=head.get("WARC-Date"),
        content_type=head.get("Content-Type"),
        headers=head.fields,
        http_status=check.status if check is not None else None,
        http_headers=http.fields if http is not None else (),
        block_digest=check.block.state() if check is not None else DigestState.NOT_CHECKED,
        payload_digest=check.payload_state() if check is not None else DigestState.NOT_CHECKED,
        block_length=length,
    )


@dataclass(slots=True)
class _One:
    """One record being read: its head, its checks, and how many bytes came."""

    head: Head
    length: int
    check: BlockCheck
    got: int = 0

    def faults(self, offset: int) -> Iterator[Fault]:
        """Yield what is wrong with a record that stands whole."""
        record_id = self.head.get("WARC-Record-ID")

        def fault(kind: FaultKind, detail: str) -> Fault:
            return Fault(kind, offset, 0, detail, record_id)

        if self.check.block.state() is DigestState.DIFFERS:
            claimed = self.head.get("WARC-Block-Digest")
            yield fault(FaultKind.BLOCK_DIGEST, f"the header says {claimed}")
        if self.check.payload_state() is DigestState.DIFFERS:
            claimed = self.head.get("WARC-Payload-Digest")
            yield fault(FaultKind.PAYLOAD_DIGEST, f"the header says {claimed}")
        wrong = self.check.length_fault()
        answered = self.head.get("WARC-Type") == "response"
        if wrong is not None and answered and self.head.get("WARC-Truncated") is None:
            yield fault(FaultKind.HTTP_LENGTH, wrong)


def _read_one(frame: Frame) -> _One:
    """Read a record's head and block; `got` tells how much of the block there was.

    :raises FrameError: the stored bytes are damaged before the block begins
    """
    head, length = _read_head(frame)
    one = _One(head, length, BlockCheck(head, is_http=_is_http(head)))
    while one.got < length:
        piece = frame.read(min(_PIECE, length - one.got))
        if not piece:
            break
        one.got += len(piece)
        one.check.feed(piece)
    one.check.finish()
    return one


def _walk_plain(file: BinaryIO) -> Iterator[Record | Fault]:
    size = file.seek(0, 2)
    offset = 0
    while offset < size:
        frame = PlainFrame(file, offset)
        try:
            one = _read_one(frame)
        except _HeadError as error:
            after = find_plain_record(file, offset + 1)
            end = size if after is None else after
            if not _is_blank(file, offset, end):
                yield Fault(error.kind, offset, end - offset, str(error))
            offset = end
            continue
        if one.got < one.length:
            yield _cut(one, offset, size)
            return
        ending = _read_ending(frame)
        end = frame.stored_position
        ref = RecordRef(offset, end - offset)
        yield _record(ref, one.head, one.check, one.length)
        yield from one.faults(offset)
        if ending is not None and end < size:
            yield Fault(FaultKind.BAD_END, offset, 0, ending, one.head.get("WARC-Record-ID"))
            after = find_plain_record(file, end)
            stop = size if after is None else after
            if stop > end:
                yield Fault(FaultKind.GARBAGE, end, stop - end, "bytes between records")
            end = stop
        offset = end


def _cut(one: _One, offset: int, size: int) -> Fault:
    return Fault(
        FaultKind.TRUNCATED,
        offset,
        size - offset,
        f"the file ends after {one.got} of {one.length} bytes of the record's block",
        one.head.get("WARC-Record-ID"),
    )


def _read_ending(frame: Frame) -> str | None:
    """Read the two line ends after a block; say what is wrong with them, if anything."""
    ends = b""
    while len(ends) < _SPACE_LIMIT:
        byte = frame.read(1)
        if byte not in {b"\r", b"\n"}:
            if byte:
                frame.push_back(byte)
            break
        ends += byte
    if ends in {b"\r\n\r\n", b"\n\n"}:
        return None
    return f"the record ends with {ends!r} instead of two line ends"


def _is_blank(file: BinaryIO, start: int, end: int) -> bool:
    file.seek(start)
    return end - start <= _SPACE_LIMIT and not file.read(end - start).strip(b"\r\n")


def _walk_gzip(file: BinaryIO, path: Path) -> Iterator[Record | Fault]:
    size = file.seek(0, 2)
    offset = 0
    found = 0
    while offset < size:
        member = GzipMember(file, offset)
        for result in _walk_member(member, size):
            found += isinstance(result, Record)
            yield result
        if member.ended:
            offset = member.stored_position
            continue
        after = find_member(file, offset + 1)
        offset = size if after is None else after
    if not found and size:
        file.seek(0)
        if find_member(file, 0) is None:
            raise NotAnArchiveError(f"{path.name} is gzip, but holds no WARC record")


def _walk_member(member: GzipMember, size: int) -> Iterator[Record | Fault]:
    """Yield what one member holds: one record as it should be, or several, or a fault."""
    held: list[_One] = []
    late: list[Fault] = []
    offset = member.offset
    try:
        while True:
            one = _read_one(member)
            if one.got < one.length:
                raise FrameError("the member ends inside the record's block", truncated=True)
            ending = _read_ending(member)
            if ending is not None:
                record_id = one.head.get("WARC-Record-ID")
                late.append(Fault(FaultKind.BAD_END, offset, 0, ending, record_id))
            held.append(one)
            if not (after := member.read(1)):
                break
            member.push_back(after)
    except (_HeadError, FrameError) as error:
        late.append(_member_fault(member, error, size))
    stored = member.stored_position - offset if member.ended else 0
    if len(held) > 1:
        detail = f"{len(held)} records in one gzip member: none can be opened by itself"
        late.append(Fault(FaultKind.ONE_MEMBER, offset, 0, detail))
    # A member whose end is damaged fails its CRC: what was read of it cannot be believed.
    for one in held if member.ended or len(held) > 1 else ():
        yield _record(RecordRef(offset, stored), one.head, one.check, one.length)
        yield from one.faults(offset)
    yield from late


def _member_fault(member: GzipMember, error: Exception, size: int) -> Fault:
    end = member.stored_position if member.ended else size
    if isinstance(error, FrameError):
        kind = FaultKind.TRUNCATED if error.truncated and not member.ended else FaultKind.BAD_GZIP
    else:
        kind = error.kind if isinstance(error, _HeadError) else FaultKind.BAD_HEADER
    return Fault(kind, member.offset, end - member.offset, str(error))
