"""Opening a list of addresses: small text in this process, everything else in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from archive.errors import NotAnArchiveError
from archive.importing.bounded import Limits
from archive.importing.tables import Table, read_table

_SMALL: Final = 2_000_000  # bytes of text that may be read here
_SECONDS: Final = 120
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def open_table(
    path: Path, name: str, limits: Limits, *, encoding: str = "", sheet: str = ""
) -> Table:
    """Read a list, within limits.

    :param encoding: a key of `encodings.LABELS` that a person chose; empty: the bytes tell
    :param sheet: the sheet of a workbook that a person chose; empty: the first with anything in it
    :raises NotAnArchiveError: it is no list; the message says why
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if not packed and path.stat().st_size <= _SMALL:
        return read_table(path, name, encoding=encoding, sheet=sheet)
    command = [
        sys.executable, "-m", "archive.importing.table_child",
        str(path), name, encoding, sheet, str(limits.memory), str(_SECONDS),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS * 2,
                cwd=_CHECKOUT,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotAnArchiveError(f"Reading {name} took too long; nothing was done.") from error
        if done.returncode != 0:
            raise NotAnArchiveError(
                f"{name} breaks its reader, or needs more than it may have; nothing was done."
            )
        answer.seek(0)
        stored = json.load(answer)
    if "error" in stored:
        raise NotAnArchiveError(stored["error"])
    rows = tuple((line, tuple(cells)) for line, cells in stored.pop("rows"))
    header, sheets = tuple(stored.pop("header")), tuple(stored.pop("sheets"))
    return Table(header=header, rows=rows, sheets=sheets, **stored)
