"""The largest picture a page came with, and what it looks like; read in a bounded process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from archive.errors import DamagedRecordError
from archive.extraction.found import Place
from archive.record import RecordRef
from archive.streaming import open_record

MEMORY: Final = 1_000_000_000  # bytes of address space
SECONDS: Final = 10  # of CPU; twice as much by the clock
_LEAST: Final = 8_000  # bytes of a record below which a picture is an icon
_LARGEST: Final = 40_000_000  # bytes of a picture
_TRIED: Final = 12  # records, the largest first
_CHECKOUT: Final = Path(__file__).resolve().parents[1]


def main_picture_hash(warc: Path, places: Iterable[Place]) -> str | None:
    """Return the hash of the largest picture among records; None where there is none to read."""
    answers = [one for one in places if one.kind == "response" and one.length >= _LEAST]
    answers.sort(key=lambda one: -one.length)
    for place in answers[:_TRIED]:
        body = _picture(warc, place)
        if body is not None:
            return bounded_hash(body)
    return None


def bounded_hash(data: bytes) -> str | None:
    """Return the hash of a picture nobody vouches for; None where it cannot be read in bounds."""
    command = [sys.executable, "-m", "archive.picture_child", str(MEMORY), str(SECONDS)]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=SECONDS * 2,
            cwd=_CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    answer = done.stdout.decode("ascii", "replace").strip()
    return answer if done.returncode == 0 and len(answer) == 16 else None


def _picture(warc: Path, place: Place) -> bytes | None:
    try:
        with open_record(warc, RecordRef(place.offset, place.length)) as record:
            if not record.content_type.lower().startswith("image/"):
                return None
            body = b"".join(record.decoded(0, _LARGEST + 1))
    except DamagedRecordError:
        return None
    return body if len(body) <= _LARGEST else None
