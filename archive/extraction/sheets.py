"""The words and numbers of a spreadsheet, as last computed; formulas are not run."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from archive.errors import ExtractionError
from archive.extraction.package import Package
from archive.extraction.words import Words, tidy

CELLS: Final = 2_000_000


def read_xlsx(data: bytes) -> Words:
    """Read a workbook, a form feed between sheets, a tab between cells.

    :raises ExtractionError: it cannot be opened
    """
    Package(data)  # refuses bombs before the library unpacks one
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            return _read(book)
        finally:
            book.close()
    except (
        InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError,
        IndexError, SyntaxError, OSError, OverflowError,
    ) as error:  # fmt: skip
        # openpyxl lets whatever broke inside it out as it is.
        raise ExtractionError(f"The workbook cannot be read: {error!r}") from error


def _read(book: object) -> Words:
    sheets: list[str] = []
    left = CELLS
    note = ""
    for sheet in getattr(book, "worksheets", ()):
        lines = [tidy(str(sheet.title))]
        for row in sheet.iter_rows(values_only=True):
            left -= len(row)
            if left < 0:
                note = f"only the first {CELLS} cells are read"
                break
            cells = [_cell(value) for value in row]
            if any(cells):
                lines.append("\t".join(cells).rstrip("\t"))
        sheets.append("\n".join(lines))
        if note:
            break
    title = getattr(getattr(book, "properties", None), "title", None)
    return Words(tidy(title or ""), "\f".join(sheets), note)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return tidy(str(value)).replace("\n", " ")
