"""The file of one index segment: words, postings and places as plain arrays, read where they lie.

One file holds everything a segment knows of its items; it is written once and never changed.
Little-endian, every array on an 8-byte boundary::

    magic       8 bytes  "HFSEG\\0\\0\\2"
    arrays      one after the other
    directory   JSON: {"items", "languages", "arrays": {name: [offset, dtype, count, crc32]}}
    tail        u64 offset of the directory, u32 its crc32, 4 bytes "HFSE"

Arrays: `ids` and `id_ends` (item ids, UTF-8, one after the other), and for each field F

    F/words, F/word_ends   the words in byte order
    F/first                for word w its postings are [first[w], first[w+1])
    F/first_place          and its places [first_place[w], first_place[w+1])
    F/items, F/counts      for each posting the item's number and how often the word stands there
    F/places               for each occurrence its place in the item, in the order of the postings
    F/lengths              for each item how many words are indexed of it

Opening reads the directory only; arrays are slices of the mapped file.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.errors import IndexDamagedError

Array = NDArray[Any]
MAGIC: Final = b"HFSEG\0\0\2"
_TAIL: Final = struct.Struct("<QI4s")
_END: Final = b"HFSE"


class SegmentFile:
    """A segment, mapped. Reading is safe from any number of threads."""

    def __init__(self, path: Path) -> None:
        """Map the file and read its directory.

        :raises FileNotFoundError: it is not there
        :raises IndexDamagedError: it is no segment, or was cut short
        """
        self.path = path
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < len(MAGIC) + _TAIL.size:
                raise IndexDamagedError(f"{path.name} is cut short")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._directory = self._read_directory(size)
        self.items: int = self._directory["items"]
        self.languages: frozenset[str] = frozenset(self._directory["languages"])
        self._fields: dict[str, FieldData] = {}
        self._ids: list[str] | None = None

    def _read_directory(self, size: int) -> dict[str, Any]:
        at, crc, end = _TAIL.unpack(self._map[size - _TAIL.size :])
        body = self._map[at : size - _TAIL.size]
        if self._map[: len(MAGIC)] != MAGIC or end != _END or zlib.crc32(body) != crc:
            raise IndexDamagedError(f"{self.path.name} is damaged: its directory cannot be read")
        found: dict[str, Any] = json.loads(body)
        return found

    def array(self, name: str) -> Array:
        """Return an array by name; an empty one where the segment has none of it."""
        entry = self._directory["arrays"].get(name)
        if entry is None:
            return np.zeros(0, np.uint32)
        offset, kind, count, _crc = entry
        if not count:
            return np.zeros(0, kind)
        return np.frombuffer(self._map, dtype=kind, count=count, offset=offset)

    def field(self, name: str) -> FieldData:
        """Return what the segment holds of one field."""
        if name not in self._fields:
            self._fields[name] = FieldData(self, name)
        return self._fields[name]

    @property
    def ids(self) -> list[str]:
        """The ids of the items, by number."""
        if self._ids is None:
            blob, ends = self.array("ids").tobytes(), self.array("id_ends").tolist()
            starts = [0, *ends][:-1]
            words = blob.decode("ascii") if blob.isascii() else None  # pieces of it are cheaper
            self._ids = [
                blob[start:end].decode() if words is None else words[start:end]
                for start, end in zip(starts, ends, strict=True)
            ]
        return self._ids

    def is_whole(self) -> bool:
        """Tell whether the file is as long as it was when it was mapped.

        One that was cut short in place must not be read any more: the system ends a process that
        reads beyond the end of a mapped file (SIGBUS). Asking costs a microsecond.
        """
        return self._map.size() == len(self._map)

    def verify(self) -> None:
        """Read everything and compare the checksums.

        :raises IndexDamagedError: a byte is not what was written
        """
        if not self.is_whole():
            raise IndexDamagedError(f"{self.path.name} was cut short")
        for name, (_offset, _kind, _count, crc) in self._directory["arrays"].items():
            if zlib.crc32(self.array(name).data) != crc:
                raise IndexDamagedError(f"{self.path.name} is damaged in {name}")

    def close(self) -> None:
        """Let go of the map, when nothing points into it any more."""
        self._fields.clear()


class FieldData:
    """The words of one field in one segment."""

    def __init__(self, segment: SegmentFile, name: str) -> None:
        self._blob = segment.array(f"{name}/words")
        self._ends = segment.array(f"{name}/word_ends")
        self.first = segment.array(f"{name}/first")
        self.first_place = segment.array(f"{name}/first_place")
        self.items = segment.array(f"{name}/items")
        self.counts = segment.array(f"{name}/counts")
        self.places = segment.array(f"{name}/places")
        self.lengths = segment.array(f"{name}/lengths")
        self.total_length = int(self.lengths.sum(dtype=np.int64))
        self.items_having = int(np.count_nonzero(self.lengths))

    def __len__(self) -> int:
        """How many different words there are."""
        return len(self._ends)

    def word(self, number: int) -> bytes:
        """Return a word by its number in byte order."""
        start = int(self._ends[number - 1]) if number else 0
        return self._blob[start : int(self._ends[number])].tobytes()

    def number_of(self, word: str) -> int | None:
        """Return the number of a word, None where it does not occur."""
        wanted = word.encode()
        at = self._at(wanted)
        return at if at < len(self) and self.word(at) == wanted else None

    def range_of(self, prefix: str) -> tuple[int, int]:
        """Return the numbers of the words that begin so: from, and up to without."""
        start = prefix.encode()
        return self._at(start), self._at(start + b"\xff")

    def _at(self, wanted: bytes) -> int:
        return bisect_left(range(len(self)), wanted, key=self.word)

    def all_words(self) -> list[bytes]:
        """Return every word, in byte order."""
        blob, ends = self._blob.tobytes(), self._ends.tolist()
        return [blob[start:end] for start, end in zip([0, *ends][:-1], ends, strict=True)]

    def ending(self, suffix: str) -> Array:
        """Return the numbers of the words that end so."""
        wanted = suffix.encode()
        ends = self._ends.astype(np.int64)
        starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
        fits = ends - starts >= len(wanted)
        for at, byte in enumerate(reversed(wanted), 1):
            fits &= self._blob[np.maximum(ends - at, 0)] == byte
        return np.flatnonzero(fits)

    def letters(self, numbers: Array) -> tuple[Array, Array, Array]:
        """Return some words as code points (u32), with the start and length of each."""
        ends = self._ends[numbers].astype(np.int64)
        starts = np.where(numbers > 0, self._ends[np.maximum(numbers, 1) - 1], 0).astype(np.int64)
        blob = self._blob[ragged(starts, ends - starts)]
        points = np.frombuffer(blob.tobytes().decode().encode("utf-32-le"), np.uint32)
        begins = np.concatenate(([0], np.cumsum((blob & 0xC0) != 0x80)))
        last = begins[np.cumsum(ends - starts)]
        first = np.concatenate(([0], last[:-1])) if len(last) else last
        return points, first, last - first


def write_segment(
    path: Path, arrays: Mapping[str, Array], items: int, languages: Sequence[str]
) -> None:
    """Write a segment durably: when this returns it is on disk.

    A crash on the way leaves a file that no catalogue names.
    """
    entries: dict[str, list[Any]] = {}
    with path.open("wb") as file:
        file.write(MAGIC)
        for name, values in arrays.items():
            file.write(b"\0" * (-file.tell() % 8))
            packed = np.ascontiguousarray(values)
            crc = zlib.crc32(packed.data)
            entries[name] = [file.tell(), packed.dtype.str, int(packed.size), crc]
            file.write(packed.tobytes())
        at = file.tell()
        body = json.dumps(
            {"items": items, "languages": sorted(languages), "arrays": entries}
        ).encode()
        file.write(body + _TAIL.pack(at, zlib.crc32(body), _END))
        file.flush()
        os.fsync(file.fileno())


def small(values: Array) -> Array:
    """Return the same numbers in the narrowest unsigned type that holds them."""
    top = int(values.max()) if values.size else 0
    return values.astype(np.min_scalar_type(top))


def packed_strings(strings: Sequence[bytes]) -> tuple[Array, Array]:
    """Return strings one after the other, and where each ends."""
    ends = np.cumsum(np.fromiter((len(one) for one in strings), np.int64, len(strings)))
    return np.array(bytearray(b"".join(strings)), np.uint8), small(ends)


def distinct(numbers: Array) -> Array:
    """Return the distinct numbers, rising. NumPy's `unique` first loads its masked arrays."""
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def ragged(starts: Array, lengths: Array) -> Array:
    """Return the indices of slices [start, start + length), one slice after the other."""
    lengths = lengths.astype(np.int64)
    total = int(lengths.sum())
    if not total:
        return np.zeros(0, np.int64)
    before = np.cumsum(lengths) - lengths
    indices: Array = np.arange(total) + np.repeat(starts.astype(np.int64) - before, lengths)
    return indices


def fields_in(segments: Sequence[SegmentFile], names: Sequence[str]) -> Iterator[str]:
    """Yield the fields of which any segment holds a word."""
    for name in names:
        if any(len(segment.field(name)) for segment in segments):
            yield name
