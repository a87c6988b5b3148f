"""The process that opens a stranger's picture: it limits itself, reads, answers, ends.

`python -m archive.picture_child MEMORY SECONDS`: the file on standard input, its hash on standard
output, nothing where it has none.
"""

from __future__ import annotations

import resource
import sys
import warnings

from archive.errors import ExtractionError
from archive.picture_hash import picture_hash


def main(memory: str, seconds: str) -> None:
    """Read the picture within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # writes nothing anywhere
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")  # of libraries, about strange files
    try:
        sys.stdout.write(picture_hash(sys.stdin.buffer.read()) or "")
    except (ExtractionError, MemoryError, RecursionError):
        sys.stdout.write("")


if __name__ == "__main__":
    main(*sys.argv[1:])
