"""`holdfast import`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy.orm import Session

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.jobs import importing
from annotate.jobs.indexing import index_now
from annotate.jobs.listing import run_list
from annotate.models import ImportFile, ImportState
from annotate.services import found_pages, imports, lists, projects
from annotate.services.fields import fields_of
from annotate.services.zones import parse_zone
from archive.errors import NotAnArchiveError
from archive.importing.bounded import Limits
from archive.importing.kinds import LISTS, sniff
from archive.verdict import VerdictWord

_LISTS = (".csv", ".tsv", ".xlsx")
_SOUND = frozenset({VerdictWord.INTACT, VerdictWord.INTACT_WITHOUT_DIGESTS, None})


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--base-url", default="", help="Where addresses of a list that are only a path stand."
)
@click.option(
    "--map", "pairs", multiple=True, help="COLUMN=FIELD of a list; address names the addresses."
)
@click.option("--yes", is_flag=True, help="Take what is proposed, without asking.")
@click.option("--dry-run", is_flag=True, help="Say what was found, and take nothing.")
@click.option("--address", default="", help="Address of a file that says none.")
@click.option("--time", "taken_at", default="", help="When it was captured, with its zone.")
@click.option("--note", default="", help="Where the files come from; kept with every item.")
@click.option("--no-capture", is_flag=True, help="Queue no captures of a list's addresses.")
@click.option("--zone", default="", help="Zone of a list's times that say none.")
@click.option("--encoding", default="", help="Encoding of a list, where the bytes mislead.")
@click.option("--sheet", default="", help="Sheet of a workbook.")
@project_option
@as_option
@click.pass_obj
def import_files(
    invocation: Invocation,
    files: tuple[Path, ...],
    base_url: str,
    pairs: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    address: str,
    taken_at: str,
    note: str,
    no_capture: bool,
    zone: str,
    encoding: str,
    sheet: str,
    slug: str | None,
    login: str | None,
) -> int:
    """Import web archives, saved pages, documents and pictures, and lists of addresses."""
    here = in_project(invocation, slug, login)
    asked = _Asked(yes, dry_run, address, taken_at, note)
    of_list = _AskedOfList(base_url, pairs, dry_run, not no_capture, zone, encoding, sheet)
    good = True
    for path in files:
        if _is_list(path):
            good &= _list(invocation, here, path, of_list)
        else:
            good &= _archive(invocation, here, path, asked)
    if not dry_run:
        index_now(here.wiring)
    return 0 if good else NOT_GOOD


def _is_list(path: Path) -> bool:
    if path.suffix.lower() in _LISTS:
        return True
    try:
        return sniff(path, path.name) in LISTS
    except NotAnArchiveError:
        return False  # refused by name when it is read


@dataclass(frozen=True, slots=True)
class _AskedOfList:
    """What the options say of lists."""

    base_url: str
    pairs: tuple[str, ...]
    dry_run: bool
    capture: bool
    zone: str
    encoding: str
    sheet: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options say of files that are no lists."""

    yes: bool
    dry_run: bool
    address: str
    taken_at: str
    note: str


def _archive(invocation: Invocation, here: InProject, path: Path, asked: _Asked) -> bool:
    with path.open("rb") as source:
        brought = importing.bring(
            here.wiring, here.actor, here.project.id, path.name, source,
            limit=path.stat().st_size, note=asked.note,
        )  # fmt: skip
    new = brought.state is ImportState.WAITING
    importing.work_off(here.wiring)
    files = _with_members(here, brought.id)
    if new and asked.dry_run:
        for file in files:
            _tell(invocation, here, path, file, asked)
        _discard(here, files)
        return all(_is_good(file) for file in files)
    good = True
    for file in files:
        if file.state is ImportState.FOUND:
            _decide(invocation, here, file, asked)
    importing.work_off(here.wiring)
    for file in _with_members(here, brought.id):
        _tell(invocation, here, path, file, asked)
        good &= _is_good(file)
    return good


def _with_members(here: InProject, import_id: str) -> list[ImportFile]:
    """Return an import, or the imports of the files in it if it is a ZIP."""
    with here.wiring.database.read() as session:
        file = imports.get_import(session, here.project.id, import_id)
        held = [
            one
            for one in imports.imports_of(session, here.project.id)
            if one.container_id == import_id
        ]
    return [file, *reversed(held)]


def _decide(invocation: Invocation, here: InProject, file: ImportFile, asked: _Asked) -> None:
    """Confirm what is ticked: unasked with --yes, after a question on a terminal, else later."""
    with here.wiring.database.write() as session:
        row = imports.get_import(session, here.project.id, file.id)
        _give(session, row, asked)
        ticked = found_pages.ticked_count(session, row)
    if not asked.yes:
        if invocation.as_json or not sys.stdin.isatty():
            return
        _show_found(here, file)
        if not click.confirm(f"Take these {ticked} pages of {file.name}?", err=True):
            return
    with here.wiring.database.write() as session:
        row = imports.get_import(session, here.project.id, file.id)
        imports.confirm(session, here.actor, row)


def _give(session: Session, file: ImportFile, asked: _Asked) -> None:
    """Put address and time of the command line on a file that holds one thing.

    :raises UsageError: it holds several
    """
    if not asked.address and not asked.taken_at:
        return
    found = found_pages.proposals(session, file, most=2)
    if len(found) != 1:
        raise UsageError(
            f"{file.name} holds {file.found} pages; --address and --time are for one that holds "
            "one. Say it for each on the page of the import."
        )
    page = found[0].page
    choice = imports.Choice(True, asked.address or page.address, asked.taken_at or None)
    imports.choose(session, file, {page.id: choice})


def _show_found(here: InProject, file: ImportFile) -> None:
    with here.wiring.database.read() as session:
        for one in found_pages.proposals(session, file, most=50):
            mark = "x" if one.page.ticked else " "
            click.echo(f"[{mark}] {one.page.address or '(no address)'}  {one.page.title}", err=True)


def _discard(here: InProject, files: list[ImportFile]) -> None:
    for file in files:
        if file.state not in {ImportState.FOUND, ImportState.WAITING}:
            continue
        with here.wiring.database.write() as session:
            row = imports.get_import(session, here.project.id, file.id)
            imports.discard(session, here.actor, row)
        importing.drop_files(here.wiring, file)


def _tell(
    invocation: Invocation, here: InProject, path: Path, file: ImportFile, asked: _Asked
) -> None:
    verdict = file.verdict.value if file.verdict else file.state.value
    with here.wiring.database.read() as session:
        ticked = found_pages.ticked_count(session, file)
    line = {"file": str(path), "name": file.name, "id": file.id, "kind": file.kind,
            "state": file.state.value, "verdict": verdict, "records": file.records,
            "found": file.found, "ticked": ticked, "pages": file.pages, "reason": file.reason,
            "remarks": imports.remarks_of(file)}  # fmt: skip
    if invocation.as_json:
        click.echo(json.dumps(line, ensure_ascii=False))
        return
    done = f"{file.found} found, {ticked} ticked, {file.pages} taken"
    click.echo(f"{verdict}\t{file.name}\t{file.records} records, {done}\t{file.reason}")
    for remark in imports.remarks_of(file):
        click.echo(f"  {remark}", err=True)
    if file.state is ImportState.FOUND and not asked.dry_run:
        click.echo(
            f"  {file.name} waits for your word: confirm it on its page under Imports, or say "
            "the same command again with --yes.",
            err=True,
        )


def _is_good(file: ImportFile) -> bool:
    return file.state is not ImportState.REFUSED and file.verdict in _SOUND


def _list(invocation: Invocation, here: InProject, path: Path, asked: _AskedOfList) -> bool:
    config = here.wiring.config
    limits = Limits(memory=config.import_memory, seconds=config.import_seconds)
    table = lists.read_list(
        path.name, path, limits=limits, encoding=asked.encoding, sheet=asked.sheet
    )
    zone = parse_zone(asked.zone) if asked.zone else None
    with here.wiring.database.read() as session:
        project = projects.find_project(session, here.project.slug)
        mapping = lists.guess_mapping(table, fields_of(session, project.id))
        for pair in asked.pairs:
            column, equals, field = pair.partition("=")
            if not equals:
                raise UsageError(f"--map {pair!r}: write COLUMN=FIELD.")
            mapping[column] = field
        base = asked.base_url or project.base_address
        if asked.dry_run:
            rows, report = lists.plan(
                session, project, table, mapping, base_address=base, zone=zone
            )
            lists.look(session, project, rows, report)
    if not asked.dry_run:
        report = run_list(
            here.wiring.database, here.actor, project.id, table, mapping,
            base_address=base, zone=zone, capture=asked.capture,
        )  # fmt: skip
    line = {"file": str(path), "rows": report.rows, "new": report.new_items,
            "known": report.known_items, "queued": report.queued,
            "skipped": len(report.faults)}  # fmt: skip
    click.echo(json.dumps(line) if invocation.as_json else
               f"{path}: {report.rows} rows, {report.new_items} new, {report.known_items} known, "
               f"{report.queued} queued, {len(report.faults)} skipped")  # fmt: skip
    for fault in report.faults:
        click.echo(f"line {fault.line}: {fault.reason}", err=True)
    if report.faults and not asked.dry_run:
        beside = path.with_name(f"{path.stem}-skipped.csv")
        text = "\ufeff" + lists.faults_csv(table, report.faults)
        beside.write_text(text, "utf-8", newline="")
        click.echo(f"The skipped rows are in {beside}", err=True)
    return not report.faults
