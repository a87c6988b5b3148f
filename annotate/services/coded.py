"""Final answers as labels and counts: what `code:` finds, and the tables of the results page."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.instrument.codebook import Codebook, load
from annotate.models import CodebookVersion, CodingRound, FinalAnswer, Item, Project, RoundState
from annotate.services.counting import Cell, Table, quoted
from search.errors import UnknownFieldError

Finals = dict[tuple[str, str], tuple[str, ...]]
"""Values by item id and variable."""


def finals_of(session: Session, project: Project) -> Finals:
    """Return the final answers of the project; where rounds overlap, the later one's."""
    rows = session.execute(
        select(FinalAnswer.round_id, FinalAnswer.item_id, FinalAnswer.variable, FinalAnswer.value)
        .join(CodingRound, CodingRound.id == FinalAnswer.round_id)
        .where(CodingRound.project_id == project.id, CodingRound.state == RoundState.REVEALED)
        .order_by(CodingRound.revealed_at, CodingRound.id, FinalAnswer.value)
    )
    found: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
    for round_id, item_id, variable, value in rows:
        held = found.get((item_id, variable))
        earlier = held[1] if held is not None and held[0] == round_id else ()
        found[item_id, variable] = (round_id, (*earlier, value))
    return {place: values for place, (_round, values) in found.items()}


def items_with(
    session: Session, project: Project, value: str, everything: Iterable[str]
) -> frozenset[str]:
    """Return the items a `code:` label fits: `variable=value`, `variable`, or `none`.

    :raises UnknownFieldError: no revealed round has such a variable
    """
    finals = finals_of(session, project)
    if value.lower() == "none":
        return frozenset(everything) - {item_id for item_id, _variable in finals}
    variable, asked, wanted = value.partition("=")
    known = {name for _item, name in finals} | _variables(session, project)
    if variable not in known:
        names = ", ".join(sorted(known)) or "no coded variable yet"
        raise UnknownFieldError(f"code:{variable} is not known; there is {names}")
    if wanted == "none":
        having = {item_id for item_id, name in finals if name == variable}
        return frozenset(everything) - having
    return frozenset(
        item_id
        for (item_id, name), values in finals.items()
        if name == variable and (not asked or _fits(values, wanted))
    )


def tables(session: Session, project: Project) -> list[Table]:
    """Return a table per coded variable: how many items have which final answer.

    An item judged the same as another counts under the one that counts for both, as in lists.
    """
    book = _newest(session, project)
    same = _same(session, project)
    held: dict[str, dict[str, set[str]]] = {}
    for (item_id, variable), values in finals_of(session, project).items():
        for value in values:
            shown = same.get(item_id, item_id)
            held.setdefault(variable, {}).setdefault(value, set()).add(shown)
    order = [one.key for one in book.variables] if book else []
    keys = [key for key in order if key in held] + sorted(held.keys() - set(order))
    return [_table(book, key, held[key]) for key in keys]


def _table(book: Codebook | None, variable: str, held: dict[str, set[str]]) -> Table:
    asked = book.variable(variable) if book else None
    ordered = sorted(held.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    cells = []
    for value, items in ordered:
        code = asked.code(value) if asked else None
        label = code.label if code else value
        cells.append(Cell(label, len(items), quoted("code", f"{variable}={value}")))
    return Table(f"code_{variable}", asked.label if asked else variable, tuple(cells))


def _same(session: Session, project: Project) -> dict[str, str]:
    rows = session.execute(
        select(Item.id, Item.same_as_id).where(
            Item.project_id == project.id, Item.same_as_id.is_not(None)
        )
    )
    return {item_id: same_as for item_id, same_as in rows if same_as is not None}


def _fits(values: tuple[str, ...], wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(value.startswith(wanted[:-1]) for value in values)
    return wanted in values


def _variables(session: Session, project: Project) -> set[str]:
    book = _newest(session, project)
    return {one.key for one in book.variables} if book else set()


def _newest(session: Session, project: Project) -> Codebook | None:
    document = session.scalars(
        select(CodebookVersion.document)
        .join(CodingRound, CodingRound.version_id == CodebookVersion.id)
        .where(CodingRound.project_id == project.id, CodingRound.state == RoundState.REVEALED)
        .order_by(CodingRound.revealed_at.desc())
    ).first()
    return load(document) if document is not None else None
