"""Writes one WARC/1.1 per capture, so that what has its final name is whole and checked.

Order on disk: `.open` file, records appended, fsync, strict self-check, link under the final
name, fsync of the folder. warcio serialises the records; the traps it sets are listed in
archive.md §3 and each is answered where it would bite.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Self
from uuid import uuid4

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.capture.exchange import Exchange
from archive.clock import isoformat, utc_now
from archive.digest import Digest, file_sha256
from archive.durable import seal
from archive.errors import StoreError
from archive.reader import walk
from archive.record import Fault, Record

OPEN_SUFFIX: Final = ".open"
_PIECE: Final = 1 << 20
_STEEP_FROM: Final = 1_000_000  # bytes of a block from which its packing is looked at
_STEEP: Final = 100  # half of what the reader takes (framing.py)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_NOT_ASCII: Final = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """One record as it stands in the finished file; digests as WARC headers spell them."""

    record_id: str
    type: str
    target: str | None
    offset: int
    length: int
    block_digest: str | None
    payload_digest: str | None


@dataclass(frozen=True, slots=True)
class WarcSummary:
    """A finished WARC: its bytes, its SHA-256 in hex, and its records in order."""

    path: Path
    size: int
    sha256: str
    records: int
    record_list: tuple[WrittenRecord, ...]


class _Serialiser(WARCWriter):
    """warcio's writer, kept from adding digests of its own: ours are in the headers already."""

    def ensure_digest(self, record: ArcWarcRecord, **_which: bool) -> None:
        """Leave the record as it is."""


class CaptureWriter:
    """Writes one capture. `finish` or `abandon` must be called; nothing else leaves a file."""

    def __init__(
        self, path: Path, *, capture_id: str, software: str, instance: str, description: str = ""
    ) -> None:
        self.path = path
        self._open_path = path.with_name(path.name + OPEN_SUFFIX)
        self._capture_id = capture_id
        try:
            self._file: BinaryIO = self._open_path.open("xb")
        except OSError as error:
            raise StoreError(f"{self._open_path} cannot be begun: {error.strerror}") from error
        self._writer = _Serialiser(self._file, gzip=True, warc_version="WARC/1.1")
        self._record_list: list[dict[str, str | None]] = []
        fields = {
            "software": software,
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "isPartOf": f"urn:uuid:{capture_id}",
            "operator": instance,
        }
        if description:
            fields["description"] = description
        body = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields.items())
        self._warcinfo = self._put(
            "warcinfo",
            None,
            "application/warc-fields",
            io.BytesIO(body.encode()),
            at=utc_now(),
            more=[("WARC-Filename", path.name)],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.abandon()

    def exchange(self, exchange: Exchange) -> str:
        """Write a response and its request; return the record id of the response.

        :raises StoreError: the disk refused
        """
        target = _uri(exchange.url)
        head = _http_head(f"HTTP/1.1 {exchange.status_line}", exchange.response_headers)
        more: list[tuple[str, str]] = []
        if exchange.ip:
            more.append(("WARC-IP-Address", exchange.ip))
        if exchange.protocol:
            more.append(("WARC-Protocol", _one_line(exchange.protocol)))
        if exchange.truncated:
            more.append(("WARC-Truncated", exchange.truncated))
        if exchange.resource_type:
            more.append(("WARC-Resource-Type", _one_line(exchange.resource_type)))
        response = self._put(
            "response",
            target,
            "application/http; msgtype=response",
            _Joined(head, exchange.body, exchange.length),
            at=exchange.started_at,
            more=more,
            payload_from=None if exchange.raw_transfer else len(head),
        )
        line = f"{exchange.method} {exchange.request_target} HTTP/1.1"
        request = _http_head(line, exchange.request_headers) + exchange.request_body
        self._put(
            "request",
            target,
            "application/http; msgtype=request",
            io.BytesIO(request),
            at=exchange.started_at,
            more=[("WARC-Concurrent-To", response)],
        )
        return response

    def resource(
        self, uri: str, content_type: str, body: bytes, *, at: datetime, concurrent_to: str | None
    ) -> str:
        """Write something made of the page; return its record id."""
        return self.resource_file(
            uri, content_type, io.BytesIO(body), at=at, concurrent_to=concurrent_to
        )

    def resource_file(
        self,
        uri: str,
        content_type: str,
        body: BinaryIO,
        *,
        at: datetime,
        concurrent_to: str | None,
    ) -> str:
        """Write a whole file as a resource, a piece at a time; return its record id."""
        more = [("WARC-Concurrent-To", concurrent_to)] if concurrent_to else []
        return self._put("resource", _uri(uri), content_type, body, at=at, more=more)

    def finish(self, provenance: Mapping[str, object], *, target: str) -> WarcSummary:
        """Write the provenance record, make the file durable, check it, and name it.

        :raises StoreError: the disk refused, or the file does not read back as it was written;
            nothing bears the final name then
        """
        listed = {**provenance, "records": list(self._record_list)}
        body = json.dumps(listed, ensure_ascii=False, sort_keys=True, indent=1).encode()
        self._put(
            "metadata",
            f"urn:provenance:{self._capture_id}",
            "application/json",
            io.BytesIO(body),
            at=utc_now(),
            more=[("WARC-Refers-To-Target-URI", _uri(target))],
        )
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise StoreError(f"{self._open_path} cannot be finished: {error.strerror}") from error
        written = tuple(_self_check(self._open_path, len(self._record_list)))
        summary = WarcSummary(
            path=self.path,
            size=self._open_path.stat().st_size,
            sha256=file_sha256(self._open_path),
            records=len(written),
            record_list=written,
        )
        seal(self._open_path, self.path)
        return summary

    def abandon(self) -> None:
        """Close and leave nothing; harmless after `finish`."""
        self._file.close()
        self._open_path.unlink(missing_ok=True)

    def _put(
        self,
        kind: str,
        target: str | None,
        content_type: str,
        block: Any,
        *,
        at: datetime,
        more: list[tuple[str, str]],
        payload_from: int | None = None,
    ) -> str:
        """Write one record whose digests and length we computed ourselves.

        warcio replaces a sha256 payload digest by sha1 and strips an HTTP head it builds a
        record from; so it gets the block whole, and every header from us.
        """
        block_digest, payload_digest, length = _digests(block, payload_from)
        record_id = f"<urn:uuid:{uuid4()}>"
        headers = [
            ("WARC-Type", kind),
            ("WARC-Record-ID", record_id),
            ("WARC-Date", isoformat(at)),
            *([("WARC-Target-URI", target)] if target else []),
            *([("WARC-Warcinfo-ID", self._warcinfo)] if kind != "warcinfo" else []),
            *more,
            ("WARC-Block-Digest", str(block_digest)),
            *([("WARC-Payload-Digest", str(payload_digest))] if payload_digest else []),
            ("Content-Type", _one_line(content_type)),
        ]
        try:
            begins = self._file.tell()
            self._writer.write_record(_record(kind, headers, block, content_type, length))
            if length > _STEEP_FROM and length > _STEEP * (self._file.tell() - begins):
                self._file.seek(begins)
                self._file.truncate()
                _Serialiser(_Shallow(self._file), gzip=False, warc_version="WARC/1.1").write_record(
                    _record(kind, headers, block, content_type, length)
                )
        except OSError as error:
            raise StoreError(f"{self._open_path} refused a record: {error.strerror}") from error
        self._record_list.append(
            {
                "id": record_id,
                "type": kind,
                "target": target,
                "block_digest": str(block_digest),
                "payload_digest": str(payload_digest) if payload_digest else None,
            }
        )
        return record_id


class _Shallow:
    """One gzip member that never packs more than eight to one.

    A reader takes a member that unpacks to hundreds of times its size for a bomb, and rightly;
    a site that sends 50 MB of zeros must not be able to keep itself from being captured.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._packer = zlib.compressobj(
            1, zlib.DEFLATED, zlib.MAX_WBITS + 16, 8, zlib.Z_HUFFMAN_ONLY
        )

    def write(self, data: bytes) -> None:
        """Pack what warcio writes."""
        self._file.write(self._packer.compress(data))

    def flush(self) -> None:
        """End the member; warcio calls this once a record."""
        self._file.write(self._packer.flush())
        self._file.flush()


class _Joined(io.RawIOBase):
    """An HTTP head followed by `length` bytes of a body file, as one readable block."""

    def __init__(self, head: bytes, body: BinaryIO, length: int) -> None:
        super().__init__()
        self._head = head
        self._body = body
        self._start = body.tell()
        self._length = length
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning; nothing else is needed."""
        if offset or whence:
            raise ValueError("only the beginning can be sought")
        self._at = 0
        self._body.seek(self._start)
        return 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, none at the end."""
        if size is None or size < 0:
            size = len(self._head) + self._length - self._at
        if self._at < len(self._head):
            piece = self._head[self._at : self._at + size]
        else:
            left = len(self._head) + self._length - self._at
            piece = self._body.read(min(size, left))
        self._at += len(piece)
        return piece


def _record(
    kind: str, headers: list[tuple[str, str]], block: Any, content_type: str, length: int
) -> ArcWarcRecord:
    """A record for warcio to serialise, its block at the beginning."""
    block.seek(0)
    fields = StatusAndHeaders("", list(headers), "WARC/1.1")
    return ArcWarcRecord("warc", kind, fields, block, None, content_type, length)


def _digests(block: Any, payload_from: int | None) -> tuple[Digest, Digest | None, int]:
    whole, payload = hashlib.sha256(), hashlib.sha256()
    length = 0
    block.seek(0)
    while piece := block.read(_PIECE):
        whole.update(piece)
        if payload_from is not None:
            payload.update(piece[max(0, payload_from - length) :])
        length += len(piece)
    entity = Digest("sha256", payload.digest()) if payload_from is not None else None
    return Digest("sha256", whole.digest()), entity, length


def _http_head(first_line: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [_one_line(first_line), *(f"{_one_line(k)}: {_one_line(v)}" for k, v in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _one_line(value: str) -> str:
    """Take control characters out: a header value must not be able to forge a header."""
    return _CONTROL.sub(" ", value)


def _uri(uri: str) -> str:
    """Percent-encode what a header may not carry."""
    return _NOT_ASCII.sub(lambda match: "".join(f"%{b:02X}" for b in match[0].encode()), uri)


def _self_check(path: Path, expected: int) -> list[WrittenRecord]:
    """Read the file back strictly.

    :raises StoreError: it has a fault, or another number of records
    """
    records: list[Record] = []
    for found in walk(path):
        if isinstance(found, Fault):
            raise StoreError(f"{path} does not read back: {found.kind} at {found.offset}")
        records.append(found)
    if len(records) != expected:
        raise StoreError(f"{path} reads back as {len(records)} records, {expected} were written")
    return [
        WrittenRecord(
            record_id=record.record_id or "",
            type=record.type,
            target=record.target,
            offset=record.ref.offset,
            length=record.ref.length,
            block_digest=record.header("WARC-Block-Digest"),
            payload_digest=record.header("WARC-Payload-Digest"),
        )
        for record in records
    ]
