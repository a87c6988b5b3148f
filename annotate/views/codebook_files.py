"""Codebooks as files people upload, told apart by their first bytes."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from annotate.errors import UsageError
from annotate.exchange.qda_codes import from_codes
from annotate.instrument import codebook as instrument
from annotate.instrument import table
from annotate.instrument.codebook import Codebook
from annotate.views.context import wiring
from archive.errors import NotAnArchiveError
from archive.importing import refi
from archive.importing.bounded import Limits
from archive.importing.lists import open_table

LARGEST: Final = 2_000_000  # bytes


def read_codebook(name: str, data: bytes) -> Codebook:
    """Read a codebook from a file: JSON as Holdfast writes it, CSV, XLSX, or REFI-QDA (.qdc).

    :raises UsageError: it is none of these, or cannot be coded with
    """
    if len(data) > LARGEST:
        raise UsageError("A codebook has at most 2 MB.")
    if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _read_qdc(name, data)
    if data.startswith(b"PK"):
        return _read_workbook(name, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("The file is not UTF-8; save it as CSV UTF-8 or JSON.") from error
    if text.lstrip().startswith("{"):
        return replace(instrument.load(text), name=name)
    return table.read_table(name, text)


def _read_workbook(name: str, data: bytes) -> Codebook:
    """Read the first sheet that holds anything, in the bounded process of all sheets."""
    config = wiring().config
    with tempfile.NamedTemporaryFile(dir=wiring().temporary, suffix=".xlsx") as file:
        file.write(data)
        file.flush()
        try:
            held = open_table(Path(file.name), f"{name}.xlsx", Limits(memory=config.import_memory))
        except NotAnArchiveError as error:
            raise UsageError(str(error)) from error
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(held.header)
    writer.writerows(cells for _line, cells in held.rows)
    return table.read_table(name, out.getvalue())


def _read_qdc(name: str, data: bytes) -> Codebook:
    try:
        codes = refi.read_codebook(data)
    except NotAnArchiveError as error:
        raise UsageError(f"{name}: {error}.") from error
    if not codes:
        raise UsageError("The file holds no codes.")
    (_guid, content), *_more = from_codes(codes, {}, name)
    return replace(content, name=name)
