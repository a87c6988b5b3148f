"""A sorted file of lines, read in place: by bisection, forwards and backwards from a line."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_STEP: Final = 512  # bytes between two lines looked at one after the other


class SortedLines:
    """The lines of an open file, sorted by their bytes, each with a line feed at its end."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = data

    def place_of(self, wanted: bytes) -> int:
        """Return the offset of the first line that is not below `wanted`."""
        data = self._data
        low, high = 0, len(data)
        while high - low > _STEP:
            middle = (low + high) // 2
            start = data.find(b"\n", middle) + 1
            if start == 0 or start >= high:
                high = middle
                continue
            if data[start : start + len(wanted)] < wanted:
                low = start
            else:
                high = middle
        at = low
        while at < len(data):
            if data[at : at + len(wanted)] >= wanted:
                return at
            end = data.find(b"\n", at)
            if end < 0:
                return len(data)
            at = end + 1
        return len(data)

    def onwards(self, at: int, prefix: bytes) -> Iterator[bytes]:
        """Yield the lines from offset `at` on, as long as they begin so; without line ends."""
        data = self._data
        while at < len(data):
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            line = data[at:end]
            if not line.startswith(prefix):
                return
            yield line
            at = end + 1

    def backwards(self, at: int, prefix: bytes) -> Iterator[bytes]:
        """Yield the lines before offset `at`, the nearest first, as long as they begin so."""
        data = self._data
        while at > 0:
            start = data.rfind(b"\n", 0, at - 1) + 1
            line = data[start : at - 1]
            if not line.startswith(prefix):
                return
            yield line
            at = start


@contextmanager
def open_lines(path: Path) -> Iterator[SortedLines]:
    """Open a sorted file; an empty one has no lines."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            yield SortedLines(b"")
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield SortedLines(data)
