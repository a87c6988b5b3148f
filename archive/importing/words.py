"""The words of one record, read in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from archive.capture.outcome import Outcome
from archive.importing.bounded import Limits
from archive.importing.found import FoundPage
from archive.importing.reading import partial
from archive.record import RecordRef

_SECONDS: Final = 60
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def with_words_of(page: FoundPage, warc: Path, ref: RecordRef, limits: Limits) -> FoundPage:
    """Return a page with the words of a record that stands elsewhere; faults make it partial."""
    command = [
        sys.executable, "-m", "archive.importing.words_child",
        str(warc), str(ref.offset), str(ref.length), str(limits.memory), str(_SECONDS),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS * 2,
            cwd=_CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return partial(page, "reading its original took too long")
    if done.returncode != 0:
        return partial(page, "its original breaks its reader")
    answer = json.loads(done.stdout)
    if "error" in answer:
        return partial(page, f"its original cannot be read: {answer['error']}")
    outcome, reason = Outcome(answer.pop("outcome")), answer.pop("reason")
    read = replace(page, **answer)
    return read if outcome is Outcome.COMPLETE else partial(read, reason)
