"""Reading a document in a process of its own, with its memory, time and output limited."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from archive.errors import ExtractionError
from archive.extraction.document import DocumentText
from archive.extraction.kinds import DocumentKind

LARGEST: Final = 200_000_000  # bytes of a file
MEMORY: Final = 1_500_000_000  # bytes of address space
SECONDS: Final = 60  # of CPU; twice as much by the clock
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def extract_bounded(
    data: bytes,
    kind: DocumentKind,
    content_type: str = "",
    *,
    memory: int = MEMORY,
    seconds: int = SECONDS,
) -> DocumentText:
    """Read a document's text; whatever the file does, it ends within the limits.

    :param memory: bytes of address space the reader may have
    :param seconds: of CPU it may take; twice as much by the clock
    :raises ExtractionError: nothing of it can be read; the message says why
    """
    if len(data) > LARGEST:
        raise ExtractionError(
            f"The file has more than {LARGEST // 1_000_000} MB; it is kept, its text is not read"
        )
    declared = content_type if content_type.isascii() and content_type.isprintable() else ""
    command = [
        sys.executable, "-m", "archive.extraction.child",
        kind.value, str(memory), str(seconds), declared[:200],
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=seconds * 2,
            cwd=_CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExtractionError(f"Reading it took more than {seconds * 2} seconds") from error
    if done.returncode != 0:
        raise ExtractionError(_how_it_ended(done.returncode, seconds))
    return _answer(done.stdout)


def _how_it_ended(code: int, seconds: int) -> str:
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return f"Reading it took more than {seconds} seconds of computing"
    if code < 0:
        return f"The file breaks its reader ({signal.Signals(-code).name}); its bytes are kept"
    return "The file breaks its reader, or needs more memory than it may have; its bytes are kept"


def _answer(line: bytes) -> DocumentText:
    stored = json.loads(line)
    if "error" in stored:
        raise ExtractionError(str(stored["error"]))
    return DocumentText(**{**stored, "kind": DocumentKind(stored["kind"])})
