"""Lists of addresses as tables: CSV, XLSX, text with an address a line, browser bookmarks.

Read within the bounded process: a spreadsheet is a ZIP that somebody made.
"""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from archive.clock import isoformat
from archive.errors import ExtractionError, NotAnArchiveError
from archive.extraction.package import Package
from archive.importing.encodings import LABELS, Decoded, decode
from archive.importing.kinds import FileKind, sniff

MOST_ROWS: Final = 200_000
MOST_CELLS: Final = 500  # of one row
LARGEST: Final = 200_000_000  # bytes
_DELIMITERS: Final = ",;\t|"
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_GUARDED: Final = re.compile(r"'(?=[=+\-@\t\r])")  # as our error files guard against formulas
_ANCHOR: Final = re.compile(r"<a\s([^>]*)>(.*?)(?:</a>|$)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_BOOKMARK: Final = re.compile(
    r"<h3[^>]*>(?P<folder>.*?)</h3>|(?P<up></dl>)|(?P<a><a\s[^>]*>.*?(?:</a>|$))",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read. `rows`: the line (or row) number, from 1, and the cells.

    `encoding`: a key of `encodings.LABELS`, "" for a spreadsheet; `sure`: the bytes prove it.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str = ""
    sure: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()


def read_table(path: Path, name: str, *, encoding: str = "", sheet: str = "") -> Table:
    """Read a list of any kind.

    :param encoding: a key of `encodings.LABELS` that a person chose
    :param sheet: of a spreadsheet, the one a person chose
    :raises NotAnArchiveError: the file is no such table; nothing of it is imported
    """
    if path.stat().st_size > LARGEST:
        raise NotAnArchiveError(f"{name} has more than {LARGEST // 1_000_000} MB; split it.")
    kind = _kind(path, name)
    if kind is FileKind.SHEET:
        return _read_sheet(path, name, sheet)
    if kind is FileKind.BOOKMARKS:
        return _read_bookmarks(_text(path, name, encoding))
    if kind is FileKind.TABLE:
        return _read_text(_text(path, name, encoding), name)
    raise NotAnArchiveError(
        f"{name} is no list of addresses ({kind.value}); it is imported under Imports."
    )


def _kind(path: Path, name: str) -> FileKind:
    """Tell what kind of list a file is; text that is named as a list is believed to be one."""
    with path.open("rb") as file:
        begin = file.read(512)
    if not begin:
        raise NotAnArchiveError(f"{name} is empty; its first line must name the columns.")
    named = name.lower().endswith((".csv", ".tsv", ".txt", ".tab"))
    if named and not begin.startswith((b"PK", b"%PDF-", b"<")):
        return FileKind.TABLE
    try:
        return sniff(path, name)
    except NotAnArchiveError as error:
        raise NotAnArchiveError(f"{name} is no list of addresses: {error}") from error


def _text(path: Path, name: str, encoding: str) -> Decoded:
    if encoding and encoding not in LABELS:
        raise NotAnArchiveError(f"There is no encoding {encoding!r} to choose.")
    try:
        decoded = decode(path.read_bytes(), encoding)
    except UnicodeDecodeError as error:
        raise NotAnArchiveError(
            f"{name} is not in {LABELS.get(encoding, encoding or 'UTF-16')}: the bytes at "
            f"{error.start} do not fit. Choose another encoding."
        ) from error
    if "\x00" in decoded.text:
        raise NotAnArchiveError(f"{name} holds bytes that no list has; is it a spreadsheet?")
    return decoded


def _read_text(decoded: Decoded, name: str) -> Table:
    """Read a CSV, or lines with an address each."""
    lines = decoded.text.splitlines()
    first = next((line for line in lines if line.strip() and line[0] != "#"), "")
    if not first:
        raise NotAnArchiveError(f"{name} is empty; its first line must name the columns.")
    delimiter = _delimiter(lines)
    if _ADDRESS.match(first.strip().strip("\"'<")):
        return _without_header(decoded, lines, delimiter)
    if not delimiter and not name.lower().endswith((".csv", ".tsv")) and " " in first.strip():
        raise NotAnArchiveError(f"{name}: its first line is neither an address nor names columns.")
    try:
        reader = csv.reader(io.StringIO(decoded.text, newline=""), delimiter=delimiter or ",",
                            strict=True)  # fmt: skip
        table = list(_numbered(reader))
    except csv.Error as error:
        raise NotAnArchiveError(f"{name} is no CSV that can be read: {error}.") from error
    return _table(name, table, decoded)


def _numbered(reader: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each row with the line it begins on: cells may hold line ends."""
    begins = 1
    for row in reader:
        yield begins, tuple(unguarded(cell) for cell in row)
        begins = reader.line_num + 1


def _table(name: str, table: list[tuple[int, tuple[str, ...]]], decoded: Decoded) -> Table:
    table = [(line, row) for line, row in table if any(map(str.strip, row))]
    header, rows = _split(name, table)
    return Table(header, rows, decoded.encoding, decoded.sure)


def _split(
    name: str, table: Sequence[tuple[int, tuple[str, ...]]]
) -> tuple[tuple[str, ...], tuple[tuple[int, tuple[str, ...]], ...]]:
    if not table:
        raise NotAnArchiveError(f"{name} is empty; its first line must name the columns.")
    if len(table) - 1 > MOST_ROWS:
        raise NotAnArchiveError(f"{name} has more than {MOST_ROWS} rows; split it.")
    header = tuple(" ".join(cell.split()) for cell in table[0][1])
    if len(header) > MOST_CELLS:
        raise NotAnArchiveError(f"{name} has more than {MOST_CELLS} columns.")
    named = [cell for cell in header if cell]
    if len(set(named)) != len(named):
        raise NotAnArchiveError(f"{name} has two columns of the same name.")
    header = tuple(cell or f"column {at + 1}" for at, cell in enumerate(header))
    return header, tuple(table[1:])


def _delimiter(lines: Sequence[str]) -> str:
    """Return what most evenly cuts the first lines; "" where nothing does."""
    sample = [line for line in lines[:50] if line.strip()][:10]
    best = max(_DELIMITERS, key=lambda mark: (sample[0].count(mark), mark == ","))
    return best if sample[0].count(best) else ""


def _without_header(decoded: Decoded, lines: Sequence[str], delimiter: str) -> Table:
    """Read lines of which each begins with an address; the rest of a line is a title."""
    rows = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        cut = delimiter if delimiter in {"\t", ";"} and delimiter else None
        address, _, rest = text.partition(cut) if cut else _at_space(text)
        rows.append((number, (address.strip().strip("\"'<>"), rest.strip().strip("\"'"))))
    if len(rows) > MOST_ROWS:
        raise NotAnArchiveError(f"The list has more than {MOST_ROWS} rows; split it.")
    return Table(("address", "title"), tuple(rows), decoded.encoding, decoded.sure)


def _at_space(text: str) -> tuple[str, str, str]:
    parts = text.split(None, 1)
    return parts[0], " ", parts[1] if len(parts) > 1 else ""


def unguarded(cell: str) -> str:
    """Return a cell without the mark that `guarded` put before it."""
    return _GUARDED.sub("", cell, count=1) if cell.startswith("'") else cell


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; read back it is the cell again."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _read_bookmarks(decoded: Decoded) -> Table:
    """Read Netscape bookmarks, as every browser exports them: folders nest in DL elements."""
    folders: list[str] = []
    rows: list[tuple[int, tuple[str, ...]]] = []
    at, line = 0, 1
    for match in _BOOKMARK.finditer(decoded.text):
        line += decoded.text.count("\n", at, match.start())
        at = match.start()
        if match["up"]:
            if folders:
                folders.pop()
        elif match["folder"] is not None:
            folders.append(_plain(match["folder"]))
        else:
            row = _bookmark(match["a"], folders)
            if row is not None:
                rows.append((line, row))
    if not rows:
        raise NotAnArchiveError("The bookmarks hold no http or https address.")
    header = ("address", "title", "folder", "added", "tags")
    return Table(header, tuple(rows[:MOST_ROWS]), decoded.encoding, decoded.sure)


def _bookmark(markup: str, folders: Sequence[str]) -> tuple[str, ...] | None:
    anchor = _ANCHOR.match(markup)
    if anchor is None:
        return None
    said = {
        match[1].lower(): html.unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(anchor[1])
    }
    address = said.get("href", "").strip()
    if not address.lower().startswith(("http://", "https://")):
        return None  # scripts, feeds of the browser's own, places in it
    return (
        address, _plain(anchor[2]), " / ".join(filter(None, folders)),
        _added(said.get("add_date", "")), said.get("tags", ""),
    )  # fmt: skip


def _added(text: str) -> str:
    """Write the time of a bookmark: seconds since 1970, in some browsers microseconds."""
    if not text.isdigit() or len(text) > 17:
        return ""
    seconds = int(text) / (1_000_000 if len(text) > 12 else 1)
    try:
        return isoformat(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def _plain(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", markup)).split())


def _read_sheet(path: Path, name: str, wanted: str) -> Table:
    """Read one sheet of a workbook, as last computed; formulas are not run."""
    data = path.read_bytes()
    try:
        Package(data)  # refuses bombs before the library unpacks one
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            return _of_book(book, name, wanted)
        finally:
            book.close()
    except (
        ExtractionError, InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError,
        AttributeError, IndexError, SyntaxError, OSError, OverflowError,
    ) as error:  # fmt: skip
        # openpyxl lets whatever broke inside it out as it is.
        raise NotAnArchiveError(f"{name}: the workbook cannot be read: {error}") from error


def _of_book(book: Any, name: str, wanted: str) -> Table:
    titles = tuple(str(sheet.title) for sheet in book.worksheets)
    if not titles:
        raise NotAnArchiveError(f"{name} has no sheet.")
    if wanted and wanted not in titles:
        raise NotAnArchiveError(f"{name} has no sheet {wanted!r}.")
    best: Table | None = None
    for sheet in book.worksheets:
        if wanted and str(sheet.title) != wanted:
            continue
        table = [
            (number, row)
            for number, row in enumerate(_rows(sheet), start=1)
            if any(cell.strip() for cell in row)
        ]
        if not table and not wanted:
            continue
        header, rows = _split(name, _trimmed(table))
        best = Table(header, rows, "", True, str(sheet.title), titles)
        break
    if best is None:
        raise NotAnArchiveError(f"{name} is empty; its first row must name the columns.")
    return best


def _rows(sheet: Any) -> Iterable[tuple[str, ...]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_CELLS)):
        if number > MOST_ROWS + 1000:
            return
        yield tuple(_cell(value) for value in row)


def _trimmed(
    table: Sequence[tuple[int, tuple[str, ...]]],
) -> list[tuple[int, tuple[str, ...]]]:
    """Take off the empty columns to the right that spreadsheets add, and add missing cells."""
    width = max((_width(row) for _line, row in table), default=0)
    return [(line, (*row[:width], *[""] * (width - len(row)))) for line, row in table]


def _width(row: Sequence[str]) -> int:
    return max((at for at, cell in enumerate(row, start=1) if cell.strip()), default=0)


def _cell(value: object) -> str:
    """Write a cell as text: dates as ISO 8601, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
