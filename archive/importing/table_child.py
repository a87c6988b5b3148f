"""The process that opens a list nobody vouches for: it limits itself, reads, answers, ends.

`python -m archive.importing.table_child FILE NAME ENCODING SHEET MEMORY SECONDS`: one line of
JSON on standard output, the table or `{"error": …}`.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from archive.errors import NotAnArchiveError
from archive.importing.tables import read_table


def main(path: str, name: str, encoding: str, sheet: str, memory: str, seconds: str) -> None:
    """Read the list within limits."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")  # of libraries, about strange files
    answer: dict[str, object]
    try:
        answer = asdict(read_table(Path(path), name, encoding=encoding, sheet=sheet))
    except NotAnArchiveError as error:
        answer = {"error": str(error)}
    except (MemoryError, RecursionError) as error:
        answer = {"error": f"Reading {name} needs too much ({type(error).__name__})."}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
