"""A WARC given away without what a session sent and got: a derived copy, never the original.

Request records lose Cookie and Authorization, responses Set-Cookie (`HEADERS`); what our own
attachments say of heads loses the same. A changed record gets an id of its own, names the one
it was made of in `Holdfast-Redacted-From`, and has its block digest computed anew; the payload
stands as it was. Every other record is copied byte for byte, so that it still is the one the
ledger knows. A last record, ``urn:redaction:<sha256 of the original>``, lists what was changed,
by id and digest, never by content.

Bodies, pictures and snapshots are not changed: the identity may stand in them. `find_strings`
looks for it, and what it finds is for a person to judge.
"""

from __future__ import annotations

import json
import os
import quopri
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid4, uuid5

from archive.clock import isoformat, utc_now
from archive.content import decode_text
from archive.digest import Digest, file_sha256
from archive.durable import make_folder, seal
from archive.errors import DamagedRecordError, NotAnArchiveError, StoreError
from archive.framing import GZIP_MAGIC
from archive.headers import end_of_head
from archive.reader import read_block, read_payload, walk
from archive.reading import make_record
from archive.record import Fault, Record, RecordRef

HEADERS: Final = (
    "Cookie", "Cookie2", "Authorization", "Proxy-Authorization", "Set-Cookie", "Set-Cookie2",
)  # fmt: skip
LIMIT: Final = 400_000_000  # bytes of a block that is changed, or searched
_NAMES: Final = frozenset(name.lower() for name in HEADERS)
_LINE: Final = re.compile(
    rb"^(?:" + "|".join(HEADERS).encode() + rb")[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n",
    re.IGNORECASE | re.MULTILINE,
)
_PIECE: Final = 1 << 20
_COPIES: Final = UUID(
    "5d0d3b0e-5c53-5c0b-9d2a-7d1f6e2f9a41"
)  # of ids of derived records (RFC 9562)
_MEMBER: Final = (6, zlib.DEFLATED, zlib.MAX_WBITS + 16)


@dataclass(frozen=True, slots=True)
class Change:
    """One record that was written anew."""

    original_id: str
    record_id: str
    original_digest: str | None
    digest: str
    """Of the new block, as WARC headers spell it."""
    headers: tuple[str, ...]
    """Names of what was taken out, in small letters, each once."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """A derived copy: what it was made of, and every record that was changed."""

    path: Path
    original_sha256: str
    sha256: str
    kept: int
    """Records copied byte for byte."""
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A string found in a record, decoded as its headers say."""

    string: str
    record_id: str | None
    target: str | None
    times: int


def redact(original: Path, copy: Path, *, at: datetime | None = None) -> Redaction:
    """Write a derived copy of a WARC without cookies and authorisation.

    :param at: the date of the list of changes; now, where none is given. With the same date the
        same original gives the same bytes.

    :raises NotAnArchiveError: the original is no WARC, or not intact; nothing is derived from it
    :raises DamagedRecordError: a record cannot be read as declared
    :raises StoreError: `copy` exists, or the disk refused
    """
    digest = file_sha256(original)
    changes: list[Change] = []
    kept = 0
    temporary = copy.with_name(f".{copy.name}.{uuid4().hex}.open")
    try:
        with original.open("rb") as file, temporary.open("xb") as made:
            packed = file.read(2) == GZIP_MAGIC[:2]
            for record in _records(original):
                change = _changed(original, record, packed=packed)
                if change is None:
                    _copy(file, record, made)
                    kept += 1
                    continue
                made.write(change[0])
                changes.append(change[1])
            made.write(_closing(digest, kept, changes, at or utc_now(), packed=packed))
            made.flush()
            os.fsync(made.fileno())
        seal(temporary, copy)
    except OSError as error:
        raise StoreError(f"{copy} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Redaction(copy, digest, file_sha256(copy), kept, tuple(changes))


def redact_record(warc: Path, ref: RecordRef, copy: Path) -> bool:
    """Write one record without cookies and authorisation as a file of its own.

    Returns False, with nothing written, where it holds none.

    :raises DamagedRecordError: the record cannot be read as declared
    :raises StoreError: the disk refused
    """
    with warc.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC[:2]
    head, block = read_block(warc, ref, limit=LIMIT)
    record = make_record(ref, head, None, len(block))
    change = _changed(warc, record._replace(http_head=block[: end_of_head(block)]), packed=packed)
    if change is None:
        return False
    temporary = copy.with_name(f".{copy.name}.{uuid4().hex}.open")
    try:
        make_folder(copy.parent)
        temporary.write_bytes(change[0])
        temporary.replace(copy)
    except OSError as error:
        raise StoreError(f"{copy} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return True


def find_strings(warc: Path, strings: Sequence[str]) -> Iterator[Sighting]:
    """Yield where strings stand in records: in headers, and in bodies with codings undone.

    Letters are compared as people read them (NFKC, case folded). Pictures and films are not
    read: a name in them is found by looking at them.

    :raises NotAnArchiveError: it is no WARC
    """
    wanted = [(one, _folded(one)) for one in strings if one.strip()]
    for record in _records(warc):
        text = _folded(" ".join(value for _, value in record.headers))
        text += _folded(_text_of(warc, record))
        for string, folded in wanted:
            if times := text.count(folded):
                yield Sighting(string, record.record_id, record.target, times)


def _records(warc: Path) -> Iterator[Record]:
    for found in walk(warc):
        if isinstance(found, Fault):
            raise NotAnArchiveError(
                f"{warc.name} is not intact ({found.kind} at byte {found.offset}); "
                "nothing is derived from it"
            )
        yield found


def _changed(warc: Path, record: Record, *, packed: bool) -> tuple[bytes, Change] | None:
    """The record without what is secret, as it is to stand; None where it has nothing of it."""
    if record.type in {"request", "response", "revisit"}:
        if not _LINE.search(record.http_head):
            return None
        _, block = read_block(warc, record.ref, limit=LIMIT)
        end = end_of_head(block)
        head = block[:end] if end >= 0 else block
        names = _names(head)
        new = _LINE.sub(b"", head) + block[len(head) :]
    elif record.type == "resource" and (record.content_type or "").startswith("application/json"):
        _, block = read_block(warc, record.ref, limit=LIMIT)
        found: set[str] = set()
        cleaned = _clean(_parsed(block), found)
        if not found:
            return None
        names = tuple(sorted(found))
        new = json.dumps(cleaned, ensure_ascii=False, sort_keys=True, indent=1).encode()
    else:
        return None
    digest = str(Digest.of_bytes(new))
    record_id = f"<urn:uuid:{uuid5(_COPIES, f'{record.record_id} {record.ref.offset} {digest}')}>"
    fields = [
        *((name, value) for name, value in record.headers if name.lower() not in _REPLACED),
        ("Holdfast-Redacted-From", record.record_id or ""),
        ("WARC-Record-ID", record_id),
        ("WARC-Block-Digest", digest),
    ]
    if record.type != "resource" and (payload := record.header("WARC-Payload-Digest")):
        fields.append(("WARC-Payload-Digest", payload))
    told = Change(
        record.record_id or "", record_id, record.header("WARC-Block-Digest"), digest, names
    )
    return _written(fields, new, packed=packed), told


_REPLACED: Final = frozenset(
    {"warc-record-id", "warc-block-digest", "warc-payload-digest", "content-length"}
)


def _names(head: bytes) -> tuple[str, ...]:
    lines = (found[0].partition(b":")[0] for found in _LINE.finditer(head))
    return tuple(dict.fromkeys(line.strip().decode("ascii").lower() for line in lines))


def _parsed(block: bytes) -> Any:
    try:
        return json.loads(block)
    except (ValueError, RecursionError):
        return None


def _clean(value: Any, found: set[str]) -> Any:
    """The same without headers of these names: as keys, as name/value pairs, in raw heads."""
    if isinstance(value, dict):
        if str(value.get("name", "")).lower() in _NAMES and "value" in value:
            found.add(str(value["name"]).lower())
            return {**value, "value": ""}
        secret = {key for key in value if str(key).lower() in _NAMES}
        found |= {str(key).lower() for key in secret}
        return {key: _clean(one, found) for key, one in value.items() if key not in secret}
    if isinstance(value, list):
        if len(value) == 2 and str(value[0]).lower() in _NAMES:
            found.add(str(value[0]).lower())
            return [value[0], ""]
        return [_clean(one, found) for one in value]
    if isinstance(value, str) and "\n" in value:
        raw = value.encode("utf-8", "surrogatepass")
        found |= set(_names(raw))
        return _LINE.sub(b"", raw).decode("utf-8", "surrogatepass")
    return value


def _closing(
    original_sha256: str, kept: int, changes: Sequence[Change], at: datetime, *, packed: bool
) -> bytes:
    told = {
        "original_sha256": original_sha256,
        "taken_out": [name.lower() for name in HEADERS],
        "records_as_they_were": kept,
        "records_changed": [
            {
                "original": one.original_id,
                "record": one.record_id,
                "original_block_digest": one.original_digest,
                "block_digest": one.digest,
                "headers": list(one.headers),
            }
            for one in changes
        ],
    }
    block = json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1).encode()
    fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid5(_COPIES, original_sha256)}>"),
        ("WARC-Date", isoformat(at)),
        ("WARC-Target-URI", f"urn:redaction:{original_sha256}"),
        ("WARC-Block-Digest", str(Digest.of_bytes(block))),
        ("Content-Type", "application/json"),
    ]
    return _written(fields, block, packed=packed)


def _written(fields: Iterable[tuple[str, str]], block: bytes, *, packed: bool) -> bytes:
    """A record, as one gzip member (WARC 1.1 annex D) where the others are packed."""
    lines = ["WARC/1.1", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"Content-Length: {len(block)}")
    whole = "\r\n".join([*lines, "", ""]).encode("utf-8") + block + b"\r\n\r\n"
    if not packed:
        return whole
    packer = zlib.compressobj(*_MEMBER)
    return packer.compress(whole) + packer.flush()


def _copy(file: BinaryIO, record: Record, made: BinaryIO) -> None:
    file.seek(record.ref.offset)
    left = record.ref.length
    while left and (piece := file.read(min(left, _PIECE))):
        made.write(piece)
        left -= len(piece)


def _text_of(warc: Path, record: Record) -> str:
    kind = (record.http_header("Content-Type") or record.content_type or "").lower()
    if record.type == "request":
        return read_block(warc, record.ref, limit=LIMIT)[1].decode("utf-8", "replace")
    if kind.startswith(("image/", "video/", "audio/", "font/")):
        return " ".join(value for _, value in record.http_headers)
    try:
        body = read_payload(warc, record.ref, limit=LIMIT).body
    except DamagedRecordError:  # coded as it does not say; its bytes are looked at as they are
        body = read_block(warc, record.ref, limit=LIMIT)[1]
    if kind.startswith("multipart/related"):  # a snapshot, its documents quoted-printable
        body = quopri.decodestring(body)
    heads = " ".join(value for _, value in record.http_headers)
    return f"{heads} {decode_text(body, kind)}"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
