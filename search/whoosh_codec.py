"""How Holdfast's segments stand in a Whoosh index: its codec, the only place that knows both.

Whoosh keeps the books: the table of contents with its generations, segments, deletions, locks and
the clearing away of what no generation names. What lies in a segment is ours (search/segments.py).
Only Whoosh's public extension points are used: `codec.base.Codec`, `Segment`, `FileStorage`, and
the merge policy given to `SegmentWriter.commit`. It holds for the versions in `HOLDS_FOR`;
tests/search/test_whoosh_codec.py fails when Whoosh changes under it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from whoosh import index
from whoosh.codec import base
from whoosh.codec.whoosh3 import W3Segment
from whoosh.fields import ID, TEXT, Schema
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import StructFile
from whoosh.writing import SegmentWriter

from search.analysis import ANALYSIS_VERSION
from search.building import FIELDS
from search.errors import IndexDamagedError

HOLDS_FOR: Final = ((2, 7, 4), (2, 7, 5))  # Whoosh, Whoosh-Reloaded: measured to answer alike
INDEX_NAME: Final = f"holdfast{ANALYSIS_VERSION}"
EXTENSION: Final = ".hfx"
_CONTENTS: Final = ".toc"
_CHECK: Final = struct.Struct("<4sI")  # behind a table of contents: Whoosh does not read so far
_CHECKED: Final = b"HFCK"
_LOCK_SECONDS: Final = 30.0


class Segment(W3Segment):
    """A segment as the table of contents lists it; `position` is the feed's when it was written."""

    position: int = 0

    def should_assemble(self) -> bool:
        """Tell Whoosh that there is nothing to copy into one file."""
        return False


class Codec(base.Codec):
    """Our segments; documents are written by search/building.py, never through Whoosh's writer."""

    length_stats = False

    def new_segment(self, _storage: FileStorage, indexname: str) -> Segment:
        """Return a segment with a fresh name."""
        return Segment(self, indexname)

    def per_document_writer(self, _storage: FileStorage, _segment: Segment) -> _NoWriter:
        """Return the writer Whoosh opens for documents it is never given."""
        return _NoWriter()

    def field_writer(self, _storage: FileStorage, _segment: Segment) -> _NoWriter:
        """Return the writer Whoosh opens for words it is never given."""
        return _NoWriter()


class _NoWriter:
    """Already closed: Whoosh asks nothing of it."""

    is_closed = True


class DurableStorage(FileStorage):
    """Whoosh's folder of files, on disk when it says so: Whoosh itself never syncs."""

    def create_file(
        self, name: str, excl: bool = False, mode: str = "wb", **options: Any
    ) -> StructFile:
        """Make a file that is synced as it is closed."""
        return super().create_file(name, excl=excl, mode=mode, onclose=_sync, **options)

    def open_file(self, name: str, **options: Any) -> StructFile:
        """Open a file; a table of contents is read whole and its checksum compared.

        :raises IndexDamagedError: it is not what was written
        """
        if not name.endswith(_CONTENTS):
            return super().open_file(name, **options)
        content = (Path(self.folder) / name).read_bytes()
        body, tail = content[: -_CHECK.size], content[-_CHECK.size :]
        if len(tail) < _CHECK.size or _CHECK.unpack(tail) != (_CHECKED, zlib.crc32(body)):
            raise IndexDamagedError(f"{name} is damaged")
        return StructFile(BytesIO(body), name=name, **options)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        """Rename, durably. After a crash here either generation is whole."""
        super().rename_file(oldname, newname, safe=safe)
        sync_folder(Path(self.folder))


def _sync(file: StructFile) -> None:
    """Put a file on disk before it is closed, a table of contents with its checksum."""
    file.flush()
    written = Path(file.raw_file().name)
    if _CONTENTS in written.name:
        file.write(_CHECK.pack(_CHECKED, zlib.crc32(written.read_bytes())))
        file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_catalogue(folder: Path, *, make: bool) -> index.FileIndex:
    """Open the table of contents in a folder, making an empty one if asked to.

    :raises whoosh.index.IndexError: there is none, or it cannot be read
    """
    folder.mkdir(parents=True, exist_ok=True)
    storage = DurableStorage(str(folder))
    if make and not index.exists_in(str(folder), indexname=INDEX_NAME):
        columns: dict[str, Any] = {name: TEXT(phrase=True) for name in FIELDS}
        return index.FileIndex.create(storage, Schema(item_id=ID(), **columns), INDEX_NAME)
    return index.FileIndex(storage, indexname=INDEX_NAME)


def listed(folder: Path) -> tuple[int, Sequence[Segment]]:
    """Return the newest generation of a catalogue and its segments."""
    contents = index.TOC.read(DurableStorage(str(folder)), INDEX_NAME)
    return contents.generation, contents.segments


def newest_generation(folder: Path) -> int:
    """Return the number of the newest table of contents; -1 where there is none. Cheap."""
    numbers = [
        int(name.rsplit("_", 1)[1].removesuffix(".toc"))
        for name in os.listdir(folder)
        if name.startswith(f"_{INDEX_NAME}_") and name.endswith(".toc")
    ]
    return max(numbers, default=-1)


def change(
    catalogue: index.FileIndex, decide: Callable[[list[Segment], Segment], list[Segment]]
) -> None:
    """Write the next generation: `decide` gets the segments and a fresh one, returns the list.

    The commit point is the renaming of the table of contents; a crash before leaves the old
    generation, and files that the next change clears away.
    """
    writer = SegmentWriter(
        catalogue, codec=Codec(), compound=False, timeout=_LOCK_SECONDS, limitmb=1
    )
    try:
        final = decide(list(writer.segments), writer.newsegment)
    except BaseException:
        writer.cancel()
        raise
    writer.commit(mergetype=lambda _writer, _segments: final)


def file_of(folder: Path, segment: Segment) -> Path:
    """Return where a segment's file lies."""
    return folder / f"{segment.segment_id()}{EXTENSION}"
