"""Reading a file in a process of its own, with memory, time and place limited.

A crash or a limit is a verdict on that file: the caller gets a reason, never the crash.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from archive.importing.derive import Original
from archive.importing.found import Summary, load_summary

TOO_MUCH: Final = 9
"""Exit code of the child that needed more than it may have."""
NO_ROOM: Final = 10
"""Exit code of the child that had no room to write."""
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_PER_SECOND: Final = 2_000_000  # bytes of a file for which a second is added
_LOOK: Final = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take: bytes of address space, seconds of CPU.

    A second is added for every 2 MB of the file; by the clock it may take four times as long.
    """

    memory: int = 1_500_000_000
    seconds: int = 300

    def seconds_for(self, size: int) -> int:
        """Return the seconds of CPU for a file of this many bytes."""
        return self.seconds + size // _PER_SECOND


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reading is."""

    records: int
    pages: int
    seconds: float


def read_bounded(
    original: Original,
    work: Path,
    limits: Limits,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Read a file; what was found lies in `work`, an empty folder, and is summed up here.

    :param progress: called about twice a second
    :returns: with `refused` set where the file is refused, or broke its reader
    """
    size = original.path.stat().st_size
    seconds = limits.seconds_for(size)
    command = [
        sys.executable, "-m", "archive.importing.child", str(original.path), original.name,
        original.sha256, str(work), str(limits.memory), str(seconds),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as wrong:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=wrong,
            cwd=_CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        try:
            late = _wait(process, told, seconds * 4, progress)
        finally:
            _end(process)
        wrong.seek(0)
        last = wrong.read()[-2000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
    summary = load_summary(work)
    if not summary.ended and not summary.refused:
        summary.refused = _why(process.returncode, limits, seconds, late=late, last=last)
    return summary


def _wait(
    process: subprocess.Popen[bytes],
    told: IO[bytes],
    seconds: float,
    progress: Callable[[Progress], None] | None,
) -> bool:
    """Wait for the end; return whether the time ran out."""
    began = time.monotonic()
    while process.poll() is None:
        spent = time.monotonic() - began
        if spent > seconds:
            return True
        time.sleep(_LOOK)
        if progress is not None:
            progress(_last(told, spent))
    return False


def _last(told: IO[bytes], spent: float) -> Progress:
    end = os.fstat(told.fileno()).st_size
    words = os.pread(told.fileno(), 100, max(0, end - 100)).rstrip(b"\n").rpartition(b"\n")[2]
    numbers = [int(word) for word in words.split() if word.isdigit()]
    records, pages = numbers if len(numbers) == 2 else (0, 0)
    return Progress(records, pages, spent)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _why(code: int | None, limits: Limits, seconds: int, *, late: bool, last: str) -> str:
    memory = f"{limits.memory / 1e9:.1f} GB"
    if late:
        return f"Reading it took more than {seconds * 4} seconds; nothing of it is imported."
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return f"Reading it took more than {seconds} s of computing; nothing of it is imported."
    if code == TOO_MUCH:
        return f"Reading it needs more memory than the {memory} an import may have."
    if code == NO_ROOM:
        return "It unpacks to more than an import may write, or the disk is full."
    if code is not None and code < 0:
        return f"The file breaks its reader ({signal.Signals(-code).name}); nothing is imported."
    return f"The file breaks its reader; nothing of it is imported. ({last[:300]})"
