"""`holdfast import`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.models import ImportState
from annotate.services import imports, lists, projects
from annotate.services.fields import fields_of
from archive.verify import VerdictWord

_LISTS = (".csv", ".tsv")


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
@click.option("--dry-run", is_flag=True, help="Say what a list would do, and do nothing.")
@click.option("--no-capture", is_flag=True, help="Queue no captures of a list's addresses.")
@project_option
@as_option
@click.pass_obj
def import_files(
    invocation: Invocation,
    files: tuple[Path, ...],
    base_url: str,
    pairs: tuple[str, ...],
    dry_run: bool,
    no_capture: bool,
    slug: str | None,
    login: str | None,
) -> int:
    """Import WARC, ARC and WACZ files, and CSV lists of addresses."""
    here = in_project(invocation, slug, login)
    good = True
    for path in files:
        if path.suffix.lower() in _LISTS:
            good &= _list(invocation, here, path, base_url, pairs, dry_run, not no_capture)
        else:
            good &= _archive(invocation, here, path)
    if not dry_run:
        index_now(here.wiring)
    return 0 if good else NOT_GOOD


def _archive(invocation: Invocation, here: InProject, path: Path) -> bool:
    with path.open("rb") as source:
        made = imports.import_file(
            here.wiring.database,
            here.wiring.store,
            here.actor,
            here.project.id,
            path.name,
            source,
            limit=path.stat().st_size,
        )
    verdict = made.verdict.value if made.verdict else made.state.value
    line = {"file": str(path), "state": made.state.value, "verdict": verdict,
            "records": made.records, "pages": made.pages, "reason": made.reason}  # fmt: skip
    told = json.dumps(line, ensure_ascii=False) if invocation.as_json else None
    click.echo(
        told or f"{verdict}\t{path}\t{made.records} records, {made.pages} pages\t{made.reason}"
    )
    sound = {VerdictWord.INTACT, VerdictWord.INTACT_WITHOUT_DIGESTS}
    return made.state is ImportState.IMPORTED and made.verdict in sound


def _list(
    invocation: Invocation,
    here: InProject,
    path: Path,
    base_url: str,
    pairs: tuple[str, ...],
    dry_run: bool,
    capture: bool,
) -> bool:
    table = lists.read_list(path.name, path.read_bytes())
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        mapping = lists.guess_mapping(table, fields_of(session, project.id))
        for pair in pairs:
            column, equals, field = pair.partition("=")
            if not equals:
                raise UsageError(f"--map {pair!r}: write COLUMN=FIELD.")
            mapping[column] = field
        report = lists.import_list(
            session, here.actor, project, table, mapping,
            base_address=base_url or project.base_address, capture=capture, dry_run=dry_run,
        )  # fmt: skip
    line = {"file": str(path), "rows": report.rows, "new": report.new_items,
            "known": report.known_items, "queued": report.queued,
            "skipped": len(report.faults)}  # fmt: skip
    click.echo(json.dumps(line) if invocation.as_json else
               f"{path}: {report.rows} rows, {report.new_items} new, {report.known_items} known, "
               f"{report.queued} queued, {len(report.faults)} skipped")  # fmt: skip
    for fault in report.faults:
        click.echo(f"line {fault.line}: {fault.reason}", err=True)
    if report.faults and not dry_run:
        beside = path.with_name(f"{path.stem}-skipped.csv")
        beside.write_text(lists.faults_csv(table, report.faults), "utf-8")
        click.echo(f"The skipped rows are in {beside}", err=True)
    return not report.faults
