"""Lists of addresses with study fields: a dry run first, faults named by row.

A fault of the file imports nothing of it; a fault of a row skips that row and says so
(decisions 25). A second run of the same list adds nothing. What the file holds is read in
archive/importing/tables.py; jobs/listing.py carries an import out, some rows at a time.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from urllib.parse import urljoin

from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import EventKind, FieldType, Project, StudyField, Sweep, ValueSource
from annotate.services import requests
from annotate.services.checks import recheck_item
from annotate.services.columns import ADDRESS, IGNORE, guess_mapping
from annotate.services.fields import fields_of, normalise, set_values, split_values
from annotate.services.items import ensure_item, find_item
from annotate.services.sweeps import add_items
from annotate.services.written_dates import as_iso
from archive.errors import AddressError, NotAnArchiveError
from archive.importing.bounded import Limits
from archive.importing.lists import open_table
from archive.importing.tables import guarded
from archive.urlkey import Address

__all__ = ["ADDRESS", "IGNORE", "guess_mapping"]


@dataclass(frozen=True, slots=True)
class ListFile:
    """A table as it was read: its header and its rows, each with its line number.

    `encoding` and `sheet` as they were told by the bytes or chosen; `sure`: the bytes prove it.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str = ""
    sure: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()


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

    def reasons(self) -> list[tuple[str, int]]:
        """Return the kinds of faults, commonest first, with how many rows have each."""
        kinds = Counter(fault.reason.partition(":")[0] for fault in self.faults)
        return kinds.most_common()


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row that can be imported. `first`: captured before everything else that waits."""

    address: Address
    values: dict[StudyField, list[str]]
    first: bool = False


def read_list(
    name: str, path: Path, *, limits: Limits | None = None, encoding: str = "", sheet: str = ""
) -> ListFile:
    """Read a list: CSV, XLSX, text with an address a line, or bookmarks.

    :param encoding: chosen by a person; empty: the bytes tell
    :param sheet: chosen by a person; empty: the first that has rows
    :raises UsageError: the file is no such table; nothing of it is imported
    """
    try:
        table = open_table(path, name, limits or Limits(), encoding=encoding, sheet=sheet)
    except NotAnArchiveError as error:
        raise UsageError(str(error)) from error
    return ListFile(
        name, table.header, table.rows, table.encoding, table.sure, table.sheet, table.sheets
    )


def plan(
    session: Session,
    project: Project,
    table: ListFile,
    mapping: Mapping[str, str],
    *,
    base_address: str = "",
    zone: tzinfo | None = None,
    first: int = 0,
) -> tuple[list[ListRow], ListReport]:
    """Read every row; return those that can be imported, and a report with the faults.

    :param base_address: what addresses that are only a path stand on
    :param zone: of times that say none; None leaves such rows out
    :param first: how many of the rows are captured before everything else waiting
    :raises UsageError: the mapping names no address column, or an unknown field
    """
    fields = {one.key: one for one in fields_of(session, project.id)}
    _check_mapping(table, mapping, fields)
    report = ListReport(rows=len(table.rows))
    good: list[ListRow] = []
    for line, cells in table.rows:
        try:
            address, values = _read_row(table, mapping, fields, cells, base_address, zone)
        except (UsageError, AddressError) as error:
            report.faults.append(RowFault(line, str(error), cells))
            continue
        good.append(ListRow(address, values, first=len(good) < first))
    return good, report


def look(session: Session, project: Project, rows: Sequence[ListRow], report: ListReport) -> None:
    """Count in the report what importing the rows would do; do nothing."""
    seen: set[str] = set()
    for row in rows:
        known = row.address.exact in seen or find_item(session, project.id, row.address) is not None
        seen.add(row.address.exact)
        report.new_items += not known
        report.known_items += known


def import_rows(
    session: Session,
    actor: Actor,
    project: Project,
    rows: Iterable[ListRow],
    report: ListReport,
    *,
    name: str,
    capture: bool = True,
    engine: str = "auto",
    sweep: Sweep | None = None,
) -> None:
    """Make items of rows, set their values, queue their captures; count it in the report.

    :param sweep: the one that found them all
    """
    found: list[str] = []
    for row in rows:
        item, is_new = ensure_item(session, actor, project, row.address)
        found.append(item.id)
        report.new_items += is_new
        report.known_items += not is_new
        changed = set_values(session, actor, project, item, row.values, source=ValueSource.LIST)
        report.changed_values += len(changed)
        if changed:
            recheck_item(session, actor, project, item)
        if capture and item.latest_capture_id is None:
            asked = requests.ask(
                session,
                actor,
                project,
                [row.address],
                engine=engine,
                why=f"list {name}",
                priority=50 if row.first else 100,
            )
            report.queued += len(asked.requests)
    if sweep is not None:
        add_items(session, actor, project, sweep, found)


def import_list(
    session: Session,
    actor: Actor,
    project: Project,
    table: ListFile,
    mapping: Mapping[str, str],
    *,
    base_address: str = "",
    zone: tzinfo | None = None,
    capture: bool = True,
    engine: str = "auto",
    dry_run: bool = False,
    first: int = 0,
) -> ListReport:
    """Import a list in one transaction; with `dry_run` say what it would do and do nothing.

    :raises UsageError: the mapping names no address column, or an unknown field
    """
    rows, report = plan(
        session, project, table, mapping, base_address=base_address, zone=zone, first=first
    )
    if dry_run:
        look(session, project, rows, report)
        return report
    import_rows(
        session, actor, project, rows, report, name=table.name, capture=capture, engine=engine
    )
    record_import(session, actor, project, table, report)
    return report


def faults_csv(table: ListFile, faults: Sequence[RowFault]) -> str:
    """Return the skipped rows as CSV, each with its line and why, to mend and import again.

    Cells that a spreadsheet would take for a formula are guarded; reading takes that off.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["line", "why", *map(guarded, table.header)])
    for fault in faults:
        writer.writerow([fault.line, guarded(fault.reason), *map(guarded, fault.row)])
    return out.getvalue()


def record_import(
    session: Session, actor: Actor, project: Project, table: ListFile, report: ListReport
) -> None:
    """Write down that a list was imported, and what came of it."""
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
    zone: tzinfo | None,
) -> tuple[Address, dict[StudyField, list[str]]]:
    """Read one row.

    :raises UsageError: it has another number of cells, or a value that does not fit its field
    :raises AddressError: its address is none
    """
    if len(cells) != len(table.header):
        raise UsageError(f"The row has {len(cells)} cells, the header {len(table.header)}.")
    address: Address | None = None
    values: dict[StudyField, list[str]] = {}
    for column, given in zip(table.header, cells, strict=True):
        target, cell = mapping.get(column, IGNORE), given
        if target == ADDRESS:
            address = Address.parse(urljoin(base_address, cell.strip()))
        elif target != IGNORE:
            if fields[target].type is FieldType.DATETIME:
                cell = as_iso(cell, zone)
            values[fields[target]] = split_values(fields[target], cell)
            for value in values[fields[target]]:
                normalise(fields[target], value)
    if address is None:
        raise AddressError("The row has no address.")
    return address, values
