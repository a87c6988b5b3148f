"""What somebody sees who may see numbers and no evidence: items without a word of their captures.

Such a list has no title, address, snippet, note or free text; values of study fields that are
categories, accounts, times or languages; and final answers that are codes, numbers or dates. It
is narrowed by labels only: a search for words would tell whether they stand in a text. So would
labels that look into addresses, memos, reasons or pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.instrument.codebook import CODED, VariableType, load
from annotate.models import (
    CodebookVersion,
    CodingRound,
    FieldType,
    Project,
    RoundState,
    StudyField,
)
from annotate.services import coded, exports
from annotate.services.counting import Table
from annotate.services.fields import fields_of
from search.errors import QuerySyntaxError
from search.query import parse_query
from search.tree import And, Everything, Label, Node, Not, Or

DATA: Final = CODED | {
    VariableType.BOOLEAN,
    VariableType.INTEGER,
    VariableType.DECIMAL,
    VariableType.DATE,
    VariableType.DATETIME,
}
"""Types of variables whose answers are data; answers of others are words."""
_FIXED: Final = (
    "id", "outcome", "captured_at", "detected_language", "counts_for", "deleted_after_capture",
    "observed", "observed_at",
)  # fmt: skip
_CODE: Final = "code_"
_WORDS: Final = frozenset({"url", "site", "host", "memo", "excluded", "similar"})
"""Labels that would tell words of what they may not read."""


def check_query(session: Session, project: Project, query: str) -> None:
    """Refuse a search that asks for words, or for labels that are words.

    :raises UsageError: it does, or cannot be read
    """
    try:
        node = parse_query(query)
    except QuerySyntaxError as error:
        raise UsageError(f"{error.message}, at character {error.column}.") from error
    words = {one.key for one in fields_of(session, project.id) if one.type is FieldType.TEXT}
    if not _labels_only(node, frozenset(words), _variables(session, project)):
        raise UsageError(
            "As data-viewer you narrow this list by labels, such as language:zh or "
            "code:frame=food. A search for words would tell what stands in the captured pages."
        )


def columns_of(session: Session, project: Project) -> tuple[list[StudyField], list[str]]:
    """Return the study fields and the variables such a list shows."""
    shown = [one for one in fields_of(session, project.id) if one.type is not FieldType.TEXT]
    return shown, sorted(_variables(session, project))


def rows(session: Session, project: Project, item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the items, each as one flat mapping of data."""
    fields, variables = columns_of(session, project)
    finals = coded.finals_of(session, project)
    keys = [*_FIXED, *(field.key for field in fields)]
    return [
        {key: row[key] for key in keys}
        | {
            f"{_CODE}{variable}": list(finals.get((row["id"], variable), ()))
            for variable in variables
        }
        for row in exports.item_rows(session, project, item_ids)
    ]


def header(session: Session, project: Project) -> list[str]:
    """Return the names of the columns of `rows`."""
    fields, variables = columns_of(session, project)
    codes = [f"{_CODE}{variable}" for variable in variables]
    return [*_FIXED, *(field.key for field in fields), *codes]


def code_tables(session: Session, project: Project, *, reads: bool) -> list[Table]:
    """Return the tables of final answers; without words to one who may not read evidence."""
    tables = coded.tables(session, project)
    if reads:
        return tables
    kept = {f"{_CODE}{variable}" for variable in _variables(session, project)}
    return [table for table in tables if table.key in kept]


def _variables(session: Session, project: Project) -> set[str]:
    """Return the variables of revealed rounds that are data in every version that was coded."""
    documents = session.scalars(
        select(CodebookVersion.document)
        .join(CodingRound, CodingRound.version_id == CodebookVersion.id)
        .where(CodingRound.project_id == project.id, CodingRound.state == RoundState.REVEALED)
        .distinct()
    )
    data: set[str] = set()
    words: set[str] = set()
    for document in documents:
        for one in load(document).variables:
            (data if one.type in DATA else words).add(one.key)
    return data - words


def _labels_only(node: Node, words: frozenset[str], variables: set[str]) -> bool:
    if isinstance(node, And | Or):
        return all(_labels_only(part, words, variables) for part in node.parts)
    if isinstance(node, Not):
        return _labels_only(node.part, words, variables)
    if not isinstance(node, Label):
        return isinstance(node, Everything)
    return _is_data(node.field, node.value, words, variables)


def _is_data(name: str, value: str, words: frozenset[str], variables: set[str]) -> bool:
    if name == "counts-as":
        inner, _, wanted = value.partition("=")
        return _is_data(inner.lower(), wanted, words, variables)
    if name == "code":
        return value.partition("=")[0] in variables | {"none"}
    return name not in words | _WORDS
