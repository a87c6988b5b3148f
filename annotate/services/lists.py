"""Lists of addresses with study fields: CSV in, a dry run first, faults named by row.

A fault of the file imports nothing of it; a fault of a row skips that row and says so
(decisions 25). A second run of the same list adds nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import EventKind, Project, StudyField, ValueSource
from annotate.services import requests
from annotate.services.checks import recheck_item
from annotate.services.fields import fields_of, normalise, set_values, split_values
from annotate.services.items import ensure_item, find_item
from archive.errors import AddressError
from archive.urlkey import Address

ADDRESS: Final = "address"  # what a column is mapped to when it holds the addresses
IGNORE: Final = ""
_MOST_ROWS: Final = 200_000
_ADDRESS_HEADERS: Final = frozenset(
    {"url", "address", "link", "uri", "permalink", "posturl", "网址", "链接", "الرابط", "ссылка"}
)
_WORD: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class ListFile:
    """A table as it was read: its header and its rows, each with its line number."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row was skipped; `row` as it stands in the file, for the error file."""

    line: int
    reason: str
    row: tuple[str, ...]


@dataclass(slots=True)
class ListReport:
    """What an import did, or a dry run would do."""

    rows: int = 0
    new_items: int = 0
    known_items: int = 0
    changed_values: int = 0
    queued: int = 0
    faults: list[RowFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    address: Address
    values: dict[StudyField, list[str]]


def read_list(name: str, data: bytes) -> ListFile:
    """Read a CSV: comma, semicolon or tab; UTF-8 or UTF-16.

    :raises UsageError: the file is no such table; nothing of it is imported
    """
    text = _decoded(name, data)
    sample = text[:8192]
    delimiter = max(",;\t", key=sample.partition("\n")[0].count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"{name} is no CSV that can be read: {error}.") from error
    if not table or not any(cell.strip() for cell in table[0]):
        raise UsageError(f"{name} is empty; its first line must name the columns.")
    if len(table) - 1 > _MOST_ROWS:
        raise UsageError(f"{name} has more than {_MOST_ROWS} rows; split it.")
    header = tuple(cell.strip() for cell in table[0])
    if len(set(header)) != len(header):
        raise UsageError(f"{name} has two columns of the same name.")
    rows = tuple(
        (line, tuple(row))
        for line, row in enumerate(table[1:], start=2)
        if any(map(str.strip, row))
    )
    return ListFile(name, header, rows)


def guess_mapping(table: ListFile, fields: Iterable[StudyField]) -> dict[str, str]:
    """Propose what each column holds: `address`, a field's key, or nothing."""
    by_name = {}
    for one in fields:
        by_name[_plain(one.key)] = one.key
        by_name.setdefault(_plain(one.label), one.key)
    mapping: dict[str, str] = {}
    for column in table.header:
        plain = _plain(column)
        guess = ADDRESS if plain in _ADDRESS_HEADERS else by_name.get(plain, IGNORE)
        mapping[column] = IGNORE if guess in mapping.values() else guess
    return mapping


def import_list(
    session: Session,
    actor: Actor,
    project: Project,
    table: ListFile,
    mapping: Mapping[str, str],
    *,
    base_address: str = "",
    capture: bool = True,
    engine: str = "auto",
    dry_run: bool = False,
    first: int = 0,
) -> ListReport:
    """Import a list; with `dry_run` say what it would do and do nothing.

    :param base_address: what addresses that are only a path stand on
    :param first: how many of the rows are captured before everything else waiting
    :raises UsageError: the mapping names no address column, or an unknown field
    """
    fields = {one.key: one for one in fields_of(session, project.id)}
    _check_mapping(table, mapping, fields)
    report = ListReport(rows=len(table.rows))
    good: list[_Row] = []
    for line, cells in table.rows:
        try:
            good.append(_read_row(table, mapping, fields, cells, base_address))
        except (UsageError, AddressError) as error:
            report.faults.append(RowFault(line, str(error), cells))
    seen: set[str] = set()
    for position, row in enumerate(good):
        known = find_item(session, project.id, row.address) is not None
        new = not known and row.address.exact not in seen
        seen.add(row.address.exact)
        report.new_items += new
        report.known_items += not new
        if dry_run:
            continue
        item, _is_new = ensure_item(session, actor, project, row.address)
        report.changed_values += len(
            set_values(session, actor, project, item, row.values, source=ValueSource.LIST)
        )
        recheck_item(session, actor, project, item)
        if capture and item.latest_capture_id is None:
            asked = requests.ask(
                session,
                actor,
                project,
                [row.address],
                engine=engine,
                why=f"list {table.name}",
                priority=50 if position < first else 100,
            )
            report.queued += len(asked.requests)
    if not dry_run:
        _record(session, actor, project, table, report)
    return report


def faults_csv(table: ListFile, faults: Sequence[RowFault]) -> str:
    """Return the skipped rows as CSV, each with its line and why, to mend and import again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["line", "why", *table.header])
    for fault in faults:
        writer.writerow([fault.line, fault.reason, *fault.row])
    return out.getvalue()


def _record(
    session: Session, actor: Actor, project: Project, table: ListFile, report: ListReport
) -> None:
    events.record(
        session,
        EventKind.LIST_IMPORT,
        actor=actor,
        covers=[],
        project_id=project.id,
        body={
            "name": table.name,
            "rows": report.rows,
            "new": report.new_items,
            "known": report.known_items,
            "values": report.changed_values,
            "skipped": len(report.faults),
        },
    )
    session.flush()


def _check_mapping(
    table: ListFile, mapping: Mapping[str, str], fields: Mapping[str, StudyField]
) -> None:
    targets = [target for target in mapping.values() if target != IGNORE]
    if targets.count(ADDRESS) != 1:
        raise UsageError("Say which one column holds the addresses.")
    for column, target in mapping.items():
        if column not in table.header:
            raise UsageError(f"{table.name} has no column {column!r}.")
        if target not in {ADDRESS, IGNORE} and target not in fields:
            raise UsageError(f"This project has no field {target!r}.")
    if len(set(targets)) != len(targets):
        raise UsageError("Two columns are mapped to the same field.")


def _read_row(
    table: ListFile,
    mapping: Mapping[str, str],
    fields: Mapping[str, StudyField],
    cells: Sequence[str],
    base_address: str,
) -> _Row:
    """Read one row.

    :raises UsageError: it has another number of cells, or a value that does not fit its field
    :raises AddressError: its address is none
    """
    if len(cells) != len(table.header):
        raise UsageError(f"The row has {len(cells)} cells, the header {len(table.header)}.")
    address: Address | None = None
    values: dict[StudyField, list[str]] = {}
    for column, cell in zip(table.header, cells, strict=True):
        target = mapping.get(column, IGNORE)
        if target == ADDRESS:
            address = Address.parse(urljoin(base_address, cell.strip()))
        elif target != IGNORE:
            values[fields[target]] = split_values(fields[target], cell)
            for value in values[fields[target]]:
                normalise(fields[target], value)
    if address is None:
        raise AddressError("The row has no address.")
    return _Row(address, values)


def _decoded(name: str, data: bytes) -> str:
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is neither UTF-8 nor UTF-16 (byte {error.start} does not fit). "
            "Save it again as “CSV UTF-8”."
        ) from error
    if "\x00" in text:
        raise UsageError(
            f"{name} holds bytes that no CSV has; is it a spreadsheet? Save it as CSV."
        )
    return text


def _plain(name: str) -> str:
    return _WORD.sub("", name.casefold())
