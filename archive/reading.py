"""One record as it is read: its head, what is checked of its block, and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archive.digest import Digest
from archive.digesting import BlockCheck
from archive.formats import Format
from archive.framing import Frame
from archive.headers import Head
from archive.record import DigestState, Fault, FaultKind, Record, RecordRef

_PIECE: Final = 1 << 20  # bytes of a block in memory at a time
_HTTP_TYPES: Final = frozenset({"response", "request", "revisit"})


def is_http(fields: dict[str, str]) -> bool:
    """Tell whether a record's block is an HTTP message."""
    if fields.get("warc-type", "").lower() not in _HTTP_TYPES:
        return False
    kind = fields.get("content-type") or "application/http"
    return kind[:16].lower() == "application/http"


def make_record(ref: RecordRef, head: Head, check: BlockCheck | None, length: int) -> Record:
    """Make the record of what was read of it; without `check` its digests are not checked."""
    field = head.by_name.get
    described = (
        ref,
        field("warc-type", "").lower(),
        field("warc-record-id"),
        field("warc-target-uri", "").strip("<>") or None,
        field("warc-date"),
        field("content-type"),
        head.fields,
    )
    if check is None:
        return Record(*described, block_length=length)
    return Record(
        *described,
        check.status,
        check.http,
        check.block_state(),
        check.payload_state(),
        length,
    )


class Reading:
    """One record being read: its head, its checks, and how many bytes came."""

    __slots__ = ("check", "fields", "got", "head", "length")

    def __init__(self, frame: Frame, form: Format) -> None:
        """Read a record's head and block; `got` tells how much of the block there was.

        :raises HeadError: no record begins there
        :raises FrameError: the stored bytes are damaged
        """
        self.head, self.length = form.read_head(frame)
        self.fields = self.head.by_name
        self.check = BlockCheck(self.fields, is_http=is_http(self.fields))
        got = 0
        while got < self.length:
            piece = frame.read(min(_PIECE, self.length - got))
            if not piece:
                break
            got += len(piece)
            self.check.feed(piece)
        self.got = got
        self.check.finish()

    @property
    def record_id(self) -> str | None:
        """The record's own name, as it is written."""
        return self.fields.get("warc-record-id")

    def record(self, ref: RecordRef) -> Record:
        """Return the record, which stands at `ref`."""
        return make_record(ref, self.head, self.check, self.length)

    def faults(self, record: Record) -> Iterator[Fault]:
        """Yield what is wrong with a record that stands whole."""
        offset = record.ref.offset
        for state, kind, check, name in (
            (record.block_digest, FaultKind.BLOCK_DIGEST, self.check.block, "block"),
            (record.payload_digest, FaultKind.PAYLOAD_DIGEST, self.check.payload, "payload"),
        ):
            claimed = self.fields.get(f"warc-{name}-digest")
            if state is DigestState.DIFFERS and check is not None:
                found = check.found()
                detail = f"the header says {claimed}, the bytes give {found}"
                yield Fault(kind, offset, 0, detail, self.record_id, claimed, found)
            elif state is DigestState.UNREADABLE and claimed is not None:
                # A known algorithm with a value that cannot be its own fits no bytes at all.
                known = Digest.is_spelled(claimed)
                detail = f"the header's {name} digest {claimed!r} cannot be read"
                wrong_kind = kind if known else FaultKind.NO_DIGEST
                yield Fault(wrong_kind, offset, 0, detail, self.record_id, claimed)
        if self.head.odd:
            yield Fault(FaultKind.BAD_HEADER, offset, 0, self.head.odd, self.record_id)
        if self.check.over:
            detail = f"HTTP: {self.check.over}"
            yield Fault(FaultKind.OVER_LIMIT, offset, 0, detail, self.record_id)
        wrong = self.check.length_fault() if record.type == "response" else None
        if wrong is not None and "warc-truncated" not in self.fields:
            declared, stored = wrong
            detail = f"Content-Length says {declared} bytes, {stored} are stored"
            lost = int(declared) > int(stored)
            kind = FaultKind.HTTP_LENGTH if lost else FaultKind.HTTP_LONGER
            yield Fault(kind, offset, 0, detail, self.record_id, declared, stored)
