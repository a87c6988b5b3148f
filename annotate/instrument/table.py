"""A codebook as a CSV table: one row a code, one row a variable without codes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Final

from annotate.errors import UsageError
from annotate.instrument.codebook import (
    Code,
    Codebook,
    Condition,
    Missing,
    Variable,
    VariableType,
    check,
)
from archive.importing.tables import guarded, unguarded

COLUMNS: Final = (
    "variable", "variable_label", "type", "variable_definition", "required", "missing",
    "only_if", "evidence_required", "minimum", "maximum", "code", "code_label", "parent",
    "codable", "definition", "include", "exclude", "example", "keystroke", "retired",
    "successor", "became", "reason",
)  # fmt: skip
_YES: Final = frozenset({"yes", "true", "1", "y", "x"})


def write_table(codebook: Codebook) -> str:
    """Return the table as CSV, ready for a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for variable in codebook.variables:
        row = _variable_row(variable)
        for code in variable.codes or (None,):
            cells = row | (_code_row(code) if code is not None else {})
            writer.writerow({name: guarded(cell) for name, cell in cells.items()})
    return out.getvalue()


def read_table(name: str, text: str) -> Codebook:
    """Read a table; only `variable` and `code` have to be there.

    :raises UsageError: names the row and what is wrong with it
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if "variable" not in (reader.fieldnames or ()):
        raise UsageError("The table needs a column “variable”; “code” holds the codes.")
    codebook = Codebook(name)
    for number, row in enumerate(reader, start=2):
        cells = {
            key: unguarded(value or "").strip()
            for key, value in row.items()
            if isinstance(key, str)
        }
        try:
            codebook = _with_row(codebook, cells)
        except ValueError as error:
            raise UsageError(f"Row {number} of the table: {error}.") from error
    check(codebook)
    return codebook


def _with_row(codebook: Codebook, row: dict[str, str]) -> Codebook:
    key = row.get("variable", "")
    variable = codebook.variable(key) or _read_variable(key, row)
    if row.get("code"):
        variable = replace(variable, codes=(*variable.codes, _read_code(row)))
    return codebook.with_variable(variable)


def _read_variable(key: str, row: dict[str, str]) -> Variable:
    default = VariableType.NOMINAL if row.get("code") else VariableType.TEXT
    missing = [part.strip() for part in row.get("missing", "").split(";") if part.strip()]
    asked, _, values = row.get("only_if", "").partition("=")
    return Variable(
        key=key,
        label=row.get("variable_label") or key,
        type=VariableType(row["type"]) if row.get("type") else default,
        definition=row.get("variable_definition", ""),
        required=row.get("required", "yes").lower() in _YES,
        missing=tuple(Missing(part) for part in missing),
        condition=Condition(asked.strip(), tuple(v.strip() for v in values.split("|")))
        if asked
        else None,
        evidence_required=row.get("evidence_required", "").lower() in _YES,
        minimum=row.get("minimum", ""),
        maximum=row.get("maximum", ""),
    )


def _read_code(row: dict[str, str]) -> Code:
    return Code(
        key=row["code"],
        label=row.get("code_label") or row["code"],
        parent=row.get("parent") or None,
        codable=row.get("codable", "yes").lower() in _YES | {""},
        definition=row.get("definition", ""),
        include=row.get("include", ""),
        exclude=row.get("exclude", ""),
        example=row.get("example", ""),
        keystroke=row.get("keystroke", ""),
        retired=row.get("retired", "").lower() in _YES,
        successor=row.get("successor") or None,
        became=tuple(filter(None, map(str.strip, row.get("became", "").split(";")))),
        reason=row.get("reason", ""),
    )


def _variable_row(one: Variable) -> dict[str, str]:
    condition = one.condition
    return {
        "variable": one.key,
        "variable_label": one.label,
        "type": one.type.value,
        "variable_definition": one.definition,
        "required": "yes" if one.required else "no",
        "missing": "; ".join(kind.value for kind in one.missing),
        "only_if": f"{condition.variable}={'|'.join(condition.values)}" if condition else "",
        "evidence_required": "yes" if one.evidence_required else "no",
        "minimum": one.minimum,
        "maximum": one.maximum,
    }


def _code_row(code: Code) -> dict[str, str]:
    return {
        "code": code.key,
        "code_label": code.label,
        "parent": code.parent or "",
        "codable": "yes" if code.codable else "no",
        "definition": code.definition,
        "include": code.include,
        "exclude": code.exclude,
        "example": code.example,
        "keystroke": code.keystroke,
        "retired": "yes" if code.retired else "no",
        "successor": code.successor or "",
        "became": "; ".join(code.became),
        "reason": code.reason,
    }
