"""The process that reads a file nobody vouches for: it limits itself, reads, tells, ends.

`python -m archive.importing.child FILE NAME SHA256 WORK MEMORY SECONDS`. What it finds goes into
the work folder (archive/importing/found.py), how far it is to standard output, a JSON a line.
Exit code 0 when the reading ended, whatever it found; else one of archive/importing/bounded.py.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Final

from archive.importing.bounded import NO_ROOM, TOO_MUCH
from archive.importing.derive import Original
from archive.importing.dispatch import read_original
from archive.importing.found import Findings

_NO_ROOM: Final = frozenset({errno.EFBIG, errno.ENOSPC, errno.EDQUOT})
_LARGEST: Final = 60_000_000_000  # bytes of one file written into the work folder
_LOOK: Final = 0.5  # seconds between two words on how far it is


def main(path: str, name: str, sha256: str, work: str, memory: str, seconds: str) -> None:
    """Read the file within limits."""
    for what, most in (
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_FSIZE, _LARGEST),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    warnings.simplefilter("ignore")  # of libraries, about strange files
    findings = Findings(Path(work))
    threading.Thread(target=_tell, args=(findings, os.getppid()), daemon=True).start()
    try:
        read_original(findings, Original(Path(path), name, sha256))
    except (MemoryError, RecursionError) as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        sys.stderr.flush()
        os._exit(TOO_MUCH)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        os._exit(NO_ROOM)
    findings.end()


def _tell(findings: Findings, parent: int) -> None:
    """Say how far the reading is; end with the process that asked for it."""
    while True:
        time.sleep(_LOOK)
        if os.getppid() != parent:
            os._exit(TOO_MUCH)
        sys.stdout.write(f"{findings.records} {findings.pages}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
