"""The process that opens a file nobody vouches for: it limits itself, reads, answers, ends.

`python -m archive.extraction.child KIND MEMORY SECONDS [TYPE]`: the file on standard input, one
line of JSON on standard output.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from dataclasses import asdict

from archive.errors import ExtractionError
from archive.extraction.extract import extract
from archive.extraction.kinds import DocumentKind


def main(kind: str, memory: str, seconds: str, content_type: str = "") -> None:
    """Read the file within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # writes nothing anywhere
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")  # of libraries, about strange files
    answer: dict[str, object]
    try:
        answer = asdict(extract(sys.stdin.buffer.read(), DocumentKind(kind), content_type))
    except ExtractionError as error:
        answer = {"error": str(error)}
    except (MemoryError, RecursionError) as error:
        answer = {"error": f"Reading it needs more than it may have ({type(error).__name__})"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
