"""WACZ 1.1.1 out: streamed in constant memory, signed, the same bytes for the same content.

WARCs go in untouched and unpacked-as-they-are (stored), so that any of them can be read by
range; times of the zip are the earliest a zip can say, and `created` is the time of the newest
capture in it, not of the export. Source: "Web Archive Collection Zipped" 1.1.1.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from archive.cdxj import sorted_lines
from archive.export.signing import PackageKey
from archive.lookup import WarcIndex

VERSION: Final = "1.1.1"
_PIECE: Final = 1 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say
_ZIP64_FROM: Final = 1 << 31  # bytes; from there on sizes take eight bytes


@dataclass(frozen=True, slots=True)
class PackedWarc:
    """A WARC of the package: where it stands, what it is called there, its index."""

    path: Path
    name: str
    index: WarcIndex


@dataclass(frozen=True, slots=True)
class PackedPage:
    """A page people can open in the package; `at` is the time of its main record."""

    id: str
    url: str
    at: datetime
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a package holds and says of itself."""

    warcs: Sequence[PackedWarc]
    pages: Sequence[PackedPage]
    title: str
    description: str
    software: str


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    sha256: str
    size: int


def wacz_pieces(contents: Contents, key: PackageKey, work: Path) -> Iterator[bytes]:
    """Yield a package piece by piece.

    :param work: folder for what is sorted on the way
    """
    sink = _Sink()
    entries: list[_Entry] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as package:
        for warc in sorted(contents.warcs, key=lambda one: one.name):
            path = f"archive/{warc.name}"
            size = warc.path.stat().st_size
            yield from _put(package, sink, path, _file_pieces(warc.path), size, entries)
        lines = (line.encode() for line in package_lines(contents.warcs, work))
        for path, made in (
            ("indexes/index.cdxj", lines),
            ("pages/pages.jsonl", _page_lines(contents)),
        ):
            with _set_down(made, work) as (pieces, size):
                yield from _put(package, sink, path, pieces, size, entries)
        created = _written(max((one.at for one in contents.pages), default=None))
        listed = _json(_datapackage(contents, entries, created))
        yield from _put(package, sink, "datapackage.json", iter((listed,)), len(listed), [])
        digest = _json(_signed(listed, key, contents.software, created))
        yield from _put(package, sink, "datapackage-digest.json", iter((digest,)), len(digest), [])
    yield sink.taken()


def package_lines(warcs: Iterable[PackedWarc], work: Path) -> Iterator[str]:
    """Yield the sorted CDXJ lines of several WARCs, each file named as in the package."""
    yield from sorted_lines(_renamed(warcs), work)


def _renamed(warcs: Iterable[PackedWarc]) -> Iterator[str]:
    for warc in warcs:
        for line in warc.index.lines():
            key, timestamp, text = line.split(" ", 2)
            said = json.loads(text) | {"filename": warc.name}
            yield f"{key} {timestamp} {json.dumps(said, ensure_ascii=False)}\n"


@contextmanager
def _set_down(pieces: Iterable[bytes], work: Path) -> Iterator[tuple[Iterator[bytes], int]]:
    """Write pieces to a file; give them back with their size.

    A member's size is to be known before it is written: with sizes of eight bytes in its own
    head and of four in the zip's list, ReplayWeb.page 2.5.3 begins to read it at a wrong place,
    and loses the last line of an index.
    """
    with tempfile.TemporaryFile(dir=work) as file:
        file.writelines(pieces)
        size = file.tell()
        file.seek(0)
        yield iter(partial(file.read, _PIECE), b""), size


def _put(
    package: zipfile.ZipFile,
    sink: _Sink,
    path: str,
    pieces: Iterable[bytes],
    size: int,
    entries: list[_Entry],
) -> Iterator[bytes]:
    """Write one member, handing on what of the zip is ready; note its digest in `entries`."""
    info = zipfile.ZipInfo(path, _EPOCH)
    info.create_system = 3  # Unix, whatever this runs on
    info.external_attr = 0o100644 << 16
    digest = hashlib.sha256()
    written = 0
    with package.open(info, "w", force_zip64=size >= _ZIP64_FROM) as member:
        for piece in pieces:
            digest.update(piece)
            written += len(piece)
            member.write(piece)
            if sink.ready >= _PIECE:
                yield sink.taken()
    entries.append(_Entry(path, digest.hexdigest(), written))
    yield sink.taken()


def _datapackage(contents: Contents, entries: list[_Entry], created: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "profile": "data-package",
        "wacz_version": VERSION,
        "title": contents.title,
        "description": contents.description,
        "software": contents.software,
        "created": created,
        "modified": created,
        "resources": [
            {
                "name": entry.path.rpartition("/")[2],
                "path": entry.path,
                "hash": f"sha256:{entry.sha256}",
                "bytes": entry.size,
            }
            for entry in entries
        ],
    }
    first = _sorted_pages(contents)[:1]
    if first:
        described |= {"mainPageUrl": first[0].url, "mainPageDate": _written(first[0].at)}
    return described


def _signed(listed: bytes, key: PackageKey, software: str, created: str) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(listed).hexdigest()}"
    return {
        "path": "datapackage.json",
        "hash": digest,
        "signedData": {
            "hash": digest,
            "signature": key.sign(digest),
            "publicKey": key.public,
            "created": created,
            "software": software,
        },
    }


def _page_lines(contents: Contents) -> Iterator[bytes]:
    head = {"format": "json-pages-1.0", "id": "pages", "title": "Pages"}
    yield _line(head | ({"hasText": True} if any(one.text for one in contents.pages) else {}))
    for page in _sorted_pages(contents):
        said = {"id": page.id, "url": page.url, "ts": _written(page.at), "title": page.title}
        yield _line(said | ({"text": page.text} if page.text else {}))


def _sorted_pages(contents: Contents) -> list[PackedPage]:
    return sorted(contents.pages, key=lambda one: (one.at, one.id))


def _written(moment: datetime | None) -> str:
    """Write a time with milliseconds, the most that all readers of WACZ take."""
    moment = (moment or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _line(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _file_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


class _Sink(io.RawIOBase):
    """Takes what the zip writer writes until it is handed on; can only go forward."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self.ready = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        piece = bytes(data)
        self._pieces.append(piece)
        self.ready += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """Hand on what there is."""
        out = b"".join(self._pieces)
        self._pieces.clear()
        self.ready = 0
        return out
