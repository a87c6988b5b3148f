"""One large file read by several processes, each a part of its gzip members.

A part ends where a member ends, so nothing is read twice or passed over: if a part does not
end exactly where the next began (a WARC kept inside a record can look like a member), what was
found is thrown away and the file is read from end to end by one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from archive.reader import part_starts, walk_part
from archive.record import Fault, Record
from archive.verdict import Tally

WORTH_IT: Final = 64 << 20  # bytes; below, starting processes takes longer than it saves


def tally_in_parts(path: Path, processes: int) -> Tally | None:
    """Walk a file in parts at the same time; None where it has none that fit together.

    :raises NotAnArchiveError: it does not begin as a WARC or ARC
    """
    starts = part_starts(path, processes)
    if len(starts) < 2:
        return None
    stops = [*starts[1:], path.stat().st_size]
    with multiprocessing.get_context("spawn").Pool(len(starts)) as pool:
        found = pool.starmap(_part, [(path, *part) for part in zip(starts, stops, strict=True)])
    whole = Tally()
    for (tally, ended), stop in zip(found, stops, strict=True):
        if ended != stop:
            return None
        whole.add(tally)
    return whole


def _part(path: Path, start: int, stop: int) -> tuple[Tally, int]:
    tally = Tally()
    ended = start

    def found() -> Iterator[Record | Fault]:
        nonlocal ended  # what the other generator returns
        ended = yield from walk_part(path, start, stop)

    tally.take(found())
    return tally, ended
