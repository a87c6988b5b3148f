"""Telling one process from a later one with the same number."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process of this machine; `started` in clock ticks since boot, 0 if unknown."""

    name: str
    process_id: int
    started: int


def this_process(name: str) -> ProcessIdentity:
    """Return the identity of the running process."""
    return ProcessIdentity(name, os.getpid(), _started(os.getpid()))


def is_alive(process: ProcessIdentity) -> bool:
    """Tell whether that very process still runs."""
    try:
        os.kill(process.process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(process.process_id) == process.started


def _started(process_id: int) -> int:
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text("latin-1")
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    # proc_pid_stat(5): field 3, the state, is the first after the name; field 22 is starttime.
    return 0 if fields[0] == "Z" else int(fields[19])
