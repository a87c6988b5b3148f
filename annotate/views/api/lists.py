"""Lists of addresses and of accounts over the API: sent, mapped, looked at, brought in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.jobs.listing import run_list, run_registry_list
from annotate.models import Sweep
from annotate.permissions import Act
from annotate.services import lists
from annotate.services.fields import fields_of
from annotate.services.lists import ListFile, ListReport
from annotate.services.registry import columns, keeping
from annotate.services.registry.lists import Origin, RegistryReport, with_words
from annotate.services.zones import parse_zone
from annotate.views import waiting_lists
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, wiring

_TEXT: Final = {"type": "string"}
_OPTIONAL: Final = {"type": "string", "required": False}
_FLAG: Final = {"type": "boolean", "required": False}
_HERE: Final = "/lists/<list_id>"
_ACCOUNTS: Final = "/registry-lists/<list_id>"
_FIRST_ROWS: Final = 3
_READ: Final = {
    "encoding": _OPTIONAL | {"description": "empty: the bytes tell"},
    "sheet": _OPTIONAL | {"description": "empty: the first that has rows"},
}
_MAPPED: Final = {
    "mapping": {
        "type": "object",
        "description": "by column: “address”, the key of a study field, or “” for nothing",
    },
    "base": _OPTIONAL | {"description": "what addresses that are only a path stand on"},
    "zone": _OPTIONAL | {"description": "of times that say none; without it such rows are left"},
    **_READ,
}
_SAID: Final = {
    "mapping": {
        "type": "object",
        "description": f"by column one of {', '.join(columns.WORDS)}, or “” for nothing",
    },
    "note": _TEXT | {"description": "where the list comes from; the provenance of all it says"},
    "yes": _OPTIONAL | {"description": "words that mean “state-controlled: yes”"},
    "no": _OPTIONAL,
}


@endpoint(
    "POST",
    project("/lists"),
    Act.IMPORT,
    "Send a list of addresses: CSV, XLSX, text, bookmarks; it waits two days for its mapping",
    file=True,
    by_itself=True,
)
def send(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Keep a list for a while; nothing is imported yet."""
    list_id = waiting_lists.keep(context.project.id, body["file"])
    return _list_json(session, context, list_id)


@endpoint(
    "GET",
    project(_HERE),
    Act.IMPORT,
    "A list that waits: its columns, first rows, and what each column seems to hold",
    query={"encoding": _TEXT, "sheet": _TEXT},
)
def show(session: Session, context: ProjectContext, _body: Any, list_id: str) -> dict[str, Any]:
    """Return a list, read in the encoding and from the sheet that are asked for."""
    return _list_json(session, context, list_id)


@endpoint(
    "POST",
    project(f"{_HERE}/look"),
    Act.IMPORT,
    "What an import would do; it does nothing",
    body=_MAPPED,
    by_itself=True,
)
def look(session: Session, context: ProjectContext, body: Any, list_id: str) -> dict[str, Any]:
    """Return a dry run."""
    table = _table(context, list_id, body)
    rows, report = lists.plan(
        session,
        context.project,
        table,
        _mapping(table, body["mapping"], lists.IGNORE),
        base_address=body.get("base", context.project.base_address),
        zone=parse_zone(body["zone"]) if body.get("zone") else None,
    )
    lists.look(session, context.project, rows, report)
    return _report_json(report)


@endpoint(
    "POST",
    project(f"{_HERE}/import"),
    Act.IMPORT,
    "Bring a list in; rows with a fault are skipped and said. A second run adds nothing",
    body={
        **_MAPPED,
        "capture": _FLAG | {"description": "capture what has no capture yet; true without it"},
        "sweep": _OPTIONAL | {"description": "id of the sweep that found all of it"},
    },
    by_itself=True,
)
def bring_in(session: Session, context: ProjectContext, body: Any, list_id: str) -> dict[str, Any]:
    """Import a list."""
    table = _table(context, list_id, body)
    sweep = body.get("sweep", "")
    report = run_list(
        wiring().database,
        actor(),
        context.project.id,
        table,
        _mapping(table, body["mapping"], lists.IGNORE),
        base_address=body.get("base", context.project.base_address),
        zone=parse_zone(body["zone"]) if body.get("zone") else None,
        capture=body.get("capture", True),
        sweep_id=keeping.get(session, context.project, Sweep, sweep, "sweep").id if sweep else None,
    )
    waiting_lists.drop(context.project.id, list_id)
    if report.faults:
        waiting_lists.keep_skipped(context.project.id, list_id, table, report.faults)
    return _report_json(report)


@endpoint(
    "GET",
    project(f"{_HERE}/skipped"),
    Act.IMPORT,
    "The rows an import skipped, each with why: as rows, and as the CSV to mend and send again",
)
def skipped(_session: Session, context: ProjectContext, _body: Any, list_id: str) -> dict[str, Any]:
    """Return the error file."""
    text = waiting_lists.skipped(context.project.id, list_id).decode("utf-8-sig")
    return {"csv": text, "rows": list(csv.reader(io.StringIO(text, newline="")))[1:]}


@endpoint(
    "POST",
    project("/registry-lists"),
    Act.IMPORT,
    "Send a list of accounts (CSV, XLSX); it waits two days",
    file=True,
    by_itself=True,
)
def send_accounts(_session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Keep a list of accounts for a while."""
    list_id = waiting_lists.keep(context.project.id, body["file"])
    table = waiting_lists.read(context.project.id, list_id)
    return _table_json(list_id, table) | {"mapping": columns.guess_columns(table)}


@endpoint(
    "POST",
    project(f"{_ACCOUNTS}/look"),
    Act.IMPORT,
    "What bringing in a list of accounts would do; it keeps nothing",
    body=_SAID,
    by_itself=True,
)
def look_accounts(
    _session: Session, context: ProjectContext, body: Any, list_id: str
) -> dict[str, Any]:
    """Return a dry run."""
    return _accounts(context, body, list_id, dry_run=True)


@endpoint(
    "POST",
    project(f"{_ACCOUNTS}/import"),
    Act.IMPORT,
    "Bring a list of accounts into the registry; a second run adds nothing",
    body=_SAID,
    by_itself=True,
)
def bring_accounts(
    _session: Session, context: ProjectContext, body: Any, list_id: str
) -> dict[str, Any]:
    """Import a list of accounts."""
    told = _accounts(context, body, list_id, dry_run=False)
    waiting_lists.drop(context.project.id, list_id)
    return told


def _accounts(
    context: ProjectContext, body: Mapping[str, Any], list_id: str, *, dry_run: bool
) -> dict[str, Any]:
    table = waiting_lists.read(context.project.id, list_id)
    mapping = _mapping(table, body["mapping"], columns.IGNORE)
    strange = set(mapping.values()) - {columns.IGNORE, *columns.WORDS}
    if strange:
        raise UsageError(f"No column can hold {', '.join(sorted(strange))}.")
    report = run_registry_list(
        wiring().database,
        actor(),
        context.project.id,
        table,
        mapping,
        with_words(Origin(body["note"]), body.get("yes", "yes"), body.get("no", "no")),
        dry_run=dry_run,
    )
    return {
        "rows": report.rows,
        "accounts": report.accounts,
        "entities": report.entities,
        "statements": report.statements,
        "relations": report.relations,
        "names": report.names,
        "skipped": _faults_json(report),
    }


def _table(context: ProjectContext, list_id: str, said: Mapping[str, Any]) -> ListFile:
    return waiting_lists.read(
        context.project.id,
        list_id,
        encoding=said.get("encoding", ""),
        sheet=said.get("sheet", ""),
    )


def _mapping(table: ListFile, said: Mapping[str, Any], nothing: str) -> dict[str, str]:
    """Return what each column holds; columns that are not named hold nothing of use.

    :raises UsageError: a name is no column's, or what it holds is no word
    """
    unknown = said.keys() - set(table.header)
    if unknown:
        raise UsageError(f"{table.name} has no column {', '.join(sorted(unknown))}.")
    if not all(isinstance(one, str) for one in said.values()):
        raise UsageError("“mapping” says for each column, in a word, what it holds.")
    return {column: said.get(column, nothing) for column in table.header}


def _list_json(session: Session, context: ProjectContext, list_id: str) -> dict[str, Any]:
    table = _table(context, list_id, request.args)
    fields = fields_of(session, context.project.id)
    return _table_json(list_id, table) | {
        "mapping": lists.guess_mapping(table, fields),
        "fields": [one.key for one in fields],
    }


def _table_json(list_id: str, table: ListFile) -> dict[str, Any]:
    return {
        "id": list_id,
        "name": table.name,
        "columns": list(table.header),
        "rows": len(table.rows),
        "first": [list(cells) for _line, cells in table.rows[:_FIRST_ROWS]],
        "encoding": table.encoding,
        "encoding_sure": table.sure,
        "sheet": table.sheet,
        "sheets": list(table.sheets),
    }


def _report_json(report: ListReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "new": report.new_items,
        "known": report.known_items,
        "values": report.changed_values,
        "queued": report.queued,
        "skipped": _faults_json(report),
    }


def _faults_json(report: ListReport | RegistryReport) -> list[dict[str, Any]]:
    return [{"line": one.line, "why": one.reason} for one in report.faults]
