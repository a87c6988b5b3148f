"""One record, looked at: heads, digests read again, payload as text or as hexadecimal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from archive.content import decode_text, text_encoding
from archive.digest import Digest
from archive.digesting import BlockCheck
from archive.errors import DamagedRecordError
from archive.headers import Fields
from archive.record import DigestState, RecordRef
from archive.streaming import OpenRecord, open_record

CHECKED: Final = 64_000_000  # bytes of a block read again without being asked to
TEXT_PAGE: Final = 60_000  # bytes of payload shown as text on one page
HEX_PAGE: Final = 4096  # bytes shown as hexadecimal on one page
_HEX_ROW: Final = 16


class Proof(StrEnum):
    """What reading a record again says of its bytes."""

    MATCHES = "the bytes match the digest"
    DIFFERS = "the bytes do not match the digest"
    ABSENT = "the record carries no such digest"
    UNREADABLE = "the digest in the record cannot be read"
    NOT_CHECKED = "not read again: the record is large"
    REFERS = "it is the digest of another record's payload, which this one refers to"


_PROOFS: Final = {
    DigestState.MATCHES: Proof.MATCHES,
    DigestState.DIFFERS: Proof.DIFFERS,
    DigestState.ABSENT: Proof.ABSENT,
    DigestState.UNREADABLE: Proof.UNREADABLE,
    DigestState.NOT_CHECKED: Proof.NOT_CHECKED,
}


@dataclass(frozen=True, slots=True)
class Inspection:
    """A record's heads and what its digests say."""

    version: str
    fields: Fields
    http_line: str
    http_fields: Fields
    status: int | None
    block_length: int
    body_length: int
    codings: tuple[str, ...]
    content_type: str
    block: Proof
    payload: Proof
    block_sha256: str
    """Of the block as read now, as WARC headers spell it; empty where it was not read."""
    fault: str
    """What stopped the reading, or contradicts the heads; empty where nothing does."""

    @property
    def is_http(self) -> bool:
        """Tell whether the block begins with an HTTP head."""
        return bool(self.http_line)


@dataclass(frozen=True, slots=True)
class TextPage:
    """A stretch of a payload, read as text."""

    text: str
    charset: str
    start: int
    """First byte, of the decoded payload."""
    further: bool


@dataclass(frozen=True, slots=True)
class HexRow:
    """Sixteen bytes: their offset, as two-digit numbers, and as letters where they are any."""

    offset: int
    numbers: str
    letters: str


def inspect(path: Path, ref: RecordRef, *, check: bool = False) -> Inspection:
    """Read a record's heads, and its digests again unless it is large.

    :param check: read it again however large it is
    :raises DamagedRecordError: no sound record begins there
    """
    with open_record(path, ref) as record:
        if check or record.length <= CHECKED:
            return _read_again(record)
        return _described(record, Proof.NOT_CHECKED, Proof.NOT_CHECKED, "", "")


def payload_text(path: Path, ref: RecordRef, *, start: int = 0) -> TextPage:
    """Return a page of a record's payload, decoded, as text in the charset it declares.

    :raises DamagedRecordError: it cannot be decoded as declared
    """
    with open_record(path, ref) as record:
        first = b"".join(record.decoded(0, 4096))
        kind = record.content_type
    with open_record(path, ref) as record:
        data = b"".join(record.decoded(start, start + TEXT_PAGE + 1))
    further = len(data) > TEXT_PAGE
    charset = text_encoding(first, kind)
    if start:
        text = data[:TEXT_PAGE].decode(charset if _is_known(charset) else "latin-1", "replace")
    else:
        text = decode_text(data[:TEXT_PAGE], kind)
    return TextPage(text, charset, start, further)


def hex_rows(path: Path, ref: RecordRef, *, start: int = 0) -> list[HexRow]:
    """Return a page of a record's block, heads included, as it is stored.

    :raises DamagedRecordError: the record cannot be read
    """
    with open_record(path, ref) as record:
        data = record.block(start, start + HEX_PAGE)
    return [
        HexRow(start + at, data[at : at + _HEX_ROW].hex(" "), _letters(data[at : at + _HEX_ROW]))
        for at in range(0, len(data), _HEX_ROW)
    ]


def _letters(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data)


def _is_known(charset: str) -> bool:
    try:
        "".encode(charset)
    except LookupError:
        return False
    return True


def _read_again(record: OpenRecord) -> Inspection:
    check = BlockCheck(record.head.by_name, is_http=record.http is not None)
    whole = hashlib.sha256()
    fault = ""
    try:
        for piece in record.whole():
            whole.update(piece)
            check.feed(memoryview(piece))
        check.finish()
    except DamagedRecordError as error:
        return _described(record, Proof.DIFFERS, Proof.DIFFERS, "", str(error))
    answered = (record.head.get("WARC-Type") or "").lower() == "response"
    if answered and record.head.get("WARC-Truncated") is None:
        contradiction = check.length_fault()
        fault = contradiction[0] if contradiction is not None else ""
    payload = _PROOFS[check.payload_state()]
    refers = (record.head.get("WARC-Type") or "").lower() == "revisit"
    if refers and record.head.get("WARC-Payload-Digest"):
        payload = Proof.REFERS
    digest = str(Digest("sha256", whole.digest()))
    return _described(record, _PROOFS[check.block_state()], payload, digest, fault)


def _described(
    record: OpenRecord, block: Proof, payload: Proof, digest: str, fault: str
) -> Inspection:
    http = record.http
    return Inspection(
        version=record.head.first_line,
        fields=record.head.fields,
        http_line=http.first_line if http is not None else "",
        http_fields=http.fields if http is not None else (),
        status=record.status,
        block_length=record.length,
        body_length=record.body_length,
        codings=record.codings,
        content_type=record.content_type,
        block=block,
        payload=payload,
        block_sha256=digest,
        fault=fault,
    )
