"""Tables as XLSX: numbers are numbers, times are times, and no text is a formula.

The one place that writes workbooks (ECMA-376, through openpyxl); archive/importing/tables.py reads
them. Times are written in UTC, since a cell has no zone; their columns say so.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from annotate.errors import TooLargeError
from archive.clock import parse_instant

MIMETYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS: Final = 1_048_576  # of a sheet
LONGEST: Final = 32_767  # characters of a cell
_DIGITS: Final = 15  # a cell keeps no more of a number
_UNFIT: Final = re.compile(r"[\[\]:*?/\\]")
_GUARDED: Final = re.compile(r"'(?=[=+\-@\t\r])")
_TIME: Final = 'yyyy-mm-dd hh:mm:ss" UTC"'
_CUT: Final = "… [cut here: a cell holds no more; the CSV has all of it]"
_LOCAL: Final = re.compile(r"(<(?:dcterms:)?(?:created|modified)[^>]*>)[^<]*(<)")


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


KindOf = Callable[[Sequence[str], str], Kind]
"""What a cell is, by the whole row and the name of its column."""


def kinds(*, numbers: Collection[str] = (), times: Collection[str] = ()) -> KindOf:
    """Return the rule by which these columns are numbers and times, and all others text."""

    def kind_of(_row: Sequence[str], column: str) -> Kind:
        if column in numbers:
            return Kind.NUMBER
        return Kind.TIME if column in times else Kind.TEXT

    return kind_of


def from_csv(text: str, title: str, kind_of: KindOf) -> bytes:
    """Return a table that was written as CSV as a workbook of one sheet.

    :raises TooLargeError: it has more rows than a sheet
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = next(rows, [])
    typed = (
        [
            value(_GUARDED.sub("", cell, count=1), kind_of(row, column))
            for column, cell in zip(header, row, strict=True)
        ]
        for row in rows
    )
    return workbook([(title, header, typed)])


def value(text: str, kind: Kind) -> str | int | Decimal | datetime | None:
    """Return a text as what it is; where it is none of that kind, as the text."""
    if not text:
        return None
    if kind is Kind.NUMBER:
        return _number(text)
    if kind is Kind.TIME:
        try:
            return parse_instant(text)
        except ValueError:
            return text
    return text


def workbook(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
    """Return a workbook; each sheet with its title, its header, and its rows.

    :raises TooLargeError: a sheet has more rows than the format allows
    """
    book = Workbook(write_only=True)
    names: set[str] = set()
    for title, header, given in sheets:
        rows = list(given)
        if len(rows) >= MOST_ROWS:  # the header is one more
            raise TooLargeError(
                f"A sheet has at most {MOST_ROWS:,} rows. Take it out as CSV, or narrow it."
            )
        sheet = book.create_sheet(_title(title, names))
        sheet.freeze_panes = "A2"
        sheet.append([_cell(sheet, name, bold=True) for name in header])
        for row in rows:
            sheet.append([_cell(sheet, one) for one in row])
    if not names:
        book.create_sheet("Empty")
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def _number(text: str) -> str | int | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or len(number.as_tuple().digits) > _DIGITS:
        return text  # as a number it would lose digits
    return int(number) if number == number.to_integral_value() else number


def _cell(sheet: Any, given: object, *, bold: bool = False) -> Any:
    if given is None:
        return None
    if isinstance(given, datetime):
        cell = WriteOnlyCell(sheet, given.astimezone(UTC).replace(tzinfo=None, microsecond=0))
        cell.number_format = _TIME
    elif isinstance(given, bool):
        return WriteOnlyCell(sheet, "yes" if given else "no")
    elif isinstance(given, int | float | Decimal | date):
        cell = WriteOnlyCell(sheet, given)
    else:
        cell = WriteOnlyCell(sheet, _text(given))
        cell.data_type = "s"  # whatever it begins with, it is no formula
    if bold:
        cell.font = Font(bold=True)
    return cell


def _text(given: object) -> str:
    if isinstance(given, list | tuple):
        given = "; ".join(str(part) for part in given)
    text: str = ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(given))
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT


def _title(wanted: str, taken: set[str]) -> str:
    """Return a name a sheet may have: 31 characters, none twice (ECMA-376, 18.2.19)."""
    base = _UNFIT.sub(" ", wanted).strip(" '")[:31] or "Sheet"
    name, number = base, 2
    while name.lower() in taken:
        ending = f" {number}"
        name, number = base[: 31 - len(ending)] + ending, number + 1
    taken.add(name.lower())
    return name


def _timeless(data: bytes) -> bytes:
    """Leave out when the file was made, so that the same table makes the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _LOCAL.sub(r"\g<1>1980-01-01T00:00:00Z\2", content.decode()).encode()
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content)
    return out.getvalue()
