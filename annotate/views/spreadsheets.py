"""Every table that goes out as CSV, as XLSX too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.exchange import spreadsheet
from annotate.exchange.spreadsheet import Kind
from annotate.instrument import table
from annotate.instrument.codebook import Codebook, VariableType
from annotate.permissions import Act, may
from annotate.services import (
    adjudication,
    codebooks,
    counted_tables,
    data_only,
    exports,
    library,
    reliability,
    rounds,
)
from annotate.services.reliability import Sheet
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring
from annotate.views.library import asked_for

bp = Blueprint("spreadsheets", __name__)
_TIMES: Final = ("captured_at", "observed_at", "submitted_at")
_NUMBERS: Final = ("version", "seconds")
_NUMERIC: Final = frozenset({VariableType.INTEGER, VariableType.DECIMAL})


@bp.get("/p/<slug>/items.xlsx")
@signed_in
def items(slug: str) -> Response:
    """Return what a search finds."""
    asked = asked_for()
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        ids = library.ids_for(
            session, context.project, asked.query, parts().engine, context.zone,
            sort=asked.sort, related=asked.related,
        )  # fmt: skip
        rows = exports.item_rows(session, context.project, ids)
        text = exports.to_csv(session, context.project, rows)
        exports.record_export(
            session, actor(), context.project, query=asked.query, kind="xlsx", rows=len(rows)
        )
    made = spreadsheet.from_csv(text, "Items", spreadsheet.kinds(times=_TIMES))
    return _sent(made, f"{slug}-items.xlsx")


@bp.get("/p/<slug>/results.xlsx")
@signed_in
def results(slug: str) -> Response:
    """Return every table of the results page, a sheet each."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        counted = counted_tables.count(session, context.project, zone=context.zone)
        tables = [
            *counted.tables,
            *data_only.code_tables(session, context.project, reads=may(context.role, Act.READ)),
        ]
    header = ("value", "items", "search")
    sheets = [
        (one.title, header, [(cell.label, cell.number, cell.query) for cell in one.cells])
        for one in tables
    ]
    scope = [(cell.label, cell.number, cell.query) for cell in counted.scope]
    return _sent(spreadsheet.workbook([("Scope", header, scope), *sheets]), f"{slug}-results.xlsx")


@bp.get("/p/<slug>/codebooks/<version_id>.xlsx")
@signed_in
def codebook(slug: str, version_id: str) -> Response:
    """Return a codebook version as a table."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        version = codebooks.get_version(session, context.project, version_id)
        text = table.write_table(codebooks.content_of(version))
    made = spreadsheet.from_csv(text, "Codebook", spreadsheet.kinds(numbers=("minimum", "maximum")))
    return _sent(made, f"codebook-v{version.number}.xlsx")


@bp.get("/p/<slug>/rounds/<round_id>/matrix.xlsx")
@signed_in
def matrix(slug: str, round_id: str) -> Response:
    """Return the reliability matrix of one variable."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = _held(session, context, round_id)
        variable = held.codebook.variable(request.args.get("variable", ""))
        if variable is None:
            raise UsageError("Say which variable, as in ?variable=include.")
        text = reliability.matrix_csv(held, variable)
        _record(session, context, held, f"matrix {variable.key}")
    coders = {coder.pseudonym for coder in held.coders} if variable.type in _NUMERIC else set()
    made = spreadsheet.from_csv(text, variable.label, spreadsheet.kinds(numbers=coders))
    return _sent(made, f"matrix-{variable.key}.xlsx")


@bp.get("/p/<slug>/rounds/<round_id>/answers.xlsx")
@signed_in
def answers(slug: str, round_id: str) -> Response:
    """Return every sealed answer with its nonce and commitment."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = _held(session, context, round_id)
        text = reliability.answers_csv(session, held)
        _record(session, context, held, "answers")
    made = spreadsheet.from_csv(text, "Answers", spreadsheet.kinds(numbers=_NUMBERS, times=_TIMES))
    return _sent(made, "answers.xlsx")


@bp.get("/p/<slug>/rounds/<round_id>/finals.xlsx")
@signed_in
def finals(slug: str, round_id: str) -> Response:
    """Return the final answers with their basis."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = _held(session, context, round_id)
        text = adjudication.finals_csv(session, held)
        _record(session, context, held, "final answers")
    made = spreadsheet.from_csv(text, "Final answers", _final_kinds(held.codebook))
    return _sent(made, "final-answers.xlsx")


def _final_kinds(book: Codebook) -> spreadsheet.KindOf:
    numeric = {one.key for one in book.variables if one.type in _NUMERIC}

    def kind_of(row: Sequence[str], column: str) -> Kind:
        # columns of adjudication.finals_csv: item, address, variable, answer, …
        return Kind.NUMBER if column == "answer" and row[2] in numeric else Kind.TEXT

    return kind_of


def _held(session: Session, context: ProjectContext, round_id: str) -> Sheet:
    one = rounds.get_round(session, context.project, round_id)
    return reliability.complete(reliability.sheet(session, one))


def _record(session: Session, context: ProjectContext, held: Sheet, kind: str) -> None:
    exports.record_export(
        session, actor(), context.project, query=f"round {held.round.name}",
        kind=f"{kind} (xlsx)", rows=len(held.units),
    )  # fmt: skip


def _sent(data: bytes, name: str) -> Response:
    response = Response(data, content_type=spreadsheet.MIMETYPE)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
