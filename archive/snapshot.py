"""A document snapshot (MHTML, RFC 2557) opened for reading: parts found once, decoded on use."""

from __future__ import annotations

import binascii
import quopri
import re
import threading
from base64 import b64decode
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.errors import DamagedRecordError
from archive.headers import end_of_head, parse_head
from archive.reader import read_payload
from archive.record import RecordRef

_BOUNDARY: Final = re.compile(r"""boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))""", re.IGNORECASE)
_MOST_PARTS: Final = 10_000
_KEPT: Final = 48_000_000  # bytes of snapshots kept open, all together
_LIMIT: Final = 64_000_000  # bytes of one snapshot


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """One part: type with parameters, address, and its bytes as they stand."""

    content_type: str
    location: str
    encoding: str
    raw: memoryview

    @property
    def body(self) -> bytes:
        """The bytes with the transfer encoding undone; what cannot be undone stays as it is."""
        data = bytes(self.raw)
        if self.encoding == "base64":
            try:
                return b64decode(data)
            except binascii.Error:
                return b""
        if self.encoding == "quoted-printable":
            return quopri.decodestring(data)
        return data


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page's document and the parts it refers to, by address and by `cid:`."""

    document: SnapshotPart | None
    parts: dict[str, SnapshotPart]
    size: int


def read_snapshot(data: bytes) -> Snapshot:
    """Read a snapshot; what is malformed in it is passed over."""
    end = end_of_head(data)
    head = parse_head(b"\n" + data[: max(end, 0)])
    match = _BOUNDARY.search(head.get("Content-Type") or "")
    parts: dict[str, SnapshotPart] = {}
    document: SnapshotPart | None = None
    if match is None:
        return Snapshot(None, parts, len(data))
    view = memoryview(data)
    line = b"--" + (match[1] or match[2]).encode("latin-1", "replace")
    at = data.find(line, end)
    for _number in range(_MOST_PARTS):
        start = data.find(b"\n", at) + 1
        after = data.find(b"\n" + line, start) if at >= 0 and start else -1
        if after < 0:
            break
        piece = data[start : start + (1 << 16)]
        begin = end_of_head(piece)
        if begin >= 0 and start + begin <= after:
            fields = parse_head(b"\n" + piece[:begin])
            part = SnapshotPart(
                content_type=fields.get("Content-Type") or "",
                location=fields.get("Content-Location") or "",
                encoding=(fields.get("Content-Transfer-Encoding") or "").strip().lower(),
                raw=view[start + begin : after],
            )
            identifier = (fields.get("Content-ID") or "").strip("<> ")
            if document is None and part.content_type.lower().startswith("text/html"):
                document = part
            for name in (part.location, f"cid:{identifier}" if identifier else ""):
                if name and part is not document:
                    parts.setdefault(name, part)
        at = after + 1
    return Snapshot(document, parts, len(data))


class _Kept:
    """The snapshots opened last: a page asks for its parts one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, int, int], Snapshot] = OrderedDict()

    def open(self, warc: Path, ref: RecordRef) -> Snapshot:
        """Return a snapshot of a WARC, from memory where it was opened just now.

        :raises DamagedRecordError: the record cannot be read
        """
        key = (str(warc), ref.offset, warc.stat().st_mtime_ns)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = read_snapshot(read_payload(warc, ref, limit=_LIMIT).body)
        with self._lock:
            self._held[key] = made
            while len(self._held) > 1 and sum(one.size for one in self._held.values()) > _KEPT:
                self._held.popitem(last=False)
        return made


_kept: Final = _Kept()


def open_snapshot(warc: Path, ref: RecordRef) -> Snapshot | None:
    """Open the snapshot a record holds; None where it cannot be read as one."""
    try:
        found = _kept.open(warc, ref)
    except (DamagedRecordError, OSError):
        return None
    return found if found.document is not None else None
