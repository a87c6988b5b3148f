"""Criteria on a session: every ORM SELECT is given those of the tables it reads.

SQLAlchemy's `with_loader_criteria` narrows an entity wherever a statement names it, in
subqueries and aliases as well (ORM Querying Guide, "Adding global WHERE / ON criteria"). Each
criterion on a statement costs time at every execution, needed or not; so a statement gets only
those of its own tables. Where its tables cannot be told, it gets all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Alias, ColumnElement, FromClause, Table, event, inspect
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, ColumnClause

Criteria = Sequence[tuple[Any, ColumnElement[bool]]]
"""By entity, what of its rows may be read."""


class Narrowing:
    """Criteria, made ready to be put on statements."""

    def __init__(self, criteria: Criteria) -> None:
        self._options: Final[Mapping[str, Any]] = {
            _table_of(entity): with_loader_criteria(entity, criterion, include_aliases=True)
            for entity, criterion in criteria
        }

    def put_on(self, session: Session, *, except_for: Collection[str] = ()) -> None:
        """Narrow every ORM SELECT of the session from here on.

        :param except_for: execution options; a statement that carries one stays whole
        """
        if not self._options:
            return

        def narrow(state: ORMExecuteState) -> None:
            whole = not state.execution_options.keys().isdisjoint(except_for)
            if state.is_select and not state.is_column_load and not whole:
                state.statement = self.narrowed(state.statement)

        event.listen(session, "do_orm_execute", narrow)

    def narrowed(self, statement: Any) -> Any:
        """Return a SELECT with the criteria of the tables it reads."""
        tables = tables_of(statement)
        # In the order of the criteria: the same statement is then compiled once.
        options = [
            option for name, option in self._options.items() if tables is None or name in tables
        ]
        return statement.options(*options) if options else statement


def tables_of(statement: Any) -> set[str] | None:
    """Return the names of the tables a SELECT reads at any depth; None where that is open.

    Options may load further entities (`joinedload`) when the statement is compiled, and text is
    not looked through.
    """
    if getattr(statement, "_with_options", ()):
        return None
    found: set[str] = set()
    for element in visitors.iterate(cast("ClauseElement", statement)):
        if element.__visit_name__ in {"textclause", "text_as_from"}:
            return None
        if isinstance(element, ColumnClause):
            _add(element.table, found)
        elif isinstance(element, FromClause):
            _add(element, found)
    return found


def _add(read: FromClause | None, found: set[str]) -> None:
    while isinstance(read, Alias):
        read = read.element
    if isinstance(read, Table):
        found.add(read.name)


def _table_of(entity: Any) -> str:
    mapper = cast("Mapper[Any]", inspect(entity))
    return cast("Table", mapper.local_table).name
