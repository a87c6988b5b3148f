"""One large file read by several processes, each a part of its gzip members at a time.

A part ends where a member ends, so nothing is read twice or passed over: if a part does not
end exactly where the next began (a WARC kept inside a record can look like a member), what was
found is thrown away and the file is read from end to end by one. The same where a process is
killed, as by a machine out of memory.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import repeat
from pathlib import Path
from typing import Final

from archive.reader import part_starts, walk_part
from archive.record import Fault, Record
from archive.verdict import Tally

WORTH_IT: Final = 64 << 20  # bytes; below, beginning processes takes longer than it saves
_PART: Final = 4 << 20  # bytes at least
_PARTS_EACH: Final = 4  # so that no process waits long for the one with the hardest bytes


def tally_in_parts(path: Path, processes: int) -> Tally | None:
    """Walk a file in parts at the same time; None where it has none that fit together.

    :raises NotAnArchiveError: it does not begin as a WARC or ARC
    """
    size = path.stat().st_size
    starts = part_starts(path, max(processes, min(processes * _PARTS_EACH, size // _PART)))
    if len(starts) < 2:
        return None
    # Forking takes a fraction of the time, and is not safe beside other threads.
    how = "fork" if threading.active_count() == 1 else "spawn"
    stops = [*starts[1:], size]
    context = multiprocessing.get_context(how)
    try:
        with ProcessPoolExecutor(min(processes, len(starts)), mp_context=context) as pool:
            found = list(pool.map(_part, repeat(path), starts, stops))
    except BrokenProcessPool:
        return None
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
