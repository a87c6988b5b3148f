"""Final answers as labels and counts: what `code:` finds, and the tables of the results page."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.instrument.carrying import carried_values
from annotate.instrument.codebook import Codebook, load
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingRound,
    FinalAnswer,
    Item,
    Project,
    RoundState,
    StudyCodebook,
    VersionState,
)
from annotate.services.counting import Cell, Table, quoted
from search.errors import UnknownFieldError

Finals = dict[tuple[str, str], tuple[str, ...]]
"""Values by item id and variable."""
_Values = tuple[str, ...]


def finals_of(session: Session, project: Project) -> Finals:
    """Return the final answers of the project, in the words of each codebook's newest version.

    Where rounds of one codebook overlap, the later one's stand. What was merged since is carried
    over; what was split, retired or retyped stands as it was given until it is coded again.
    """
    return {place: carried for place, (carried, _given) in _read(session, project).items()}


def _read(session: Session, project: Project) -> dict[tuple[str, str], tuple[_Values, _Values]]:
    """Return, by item id and variable, the values as carried over and as they were given."""
    rows = session.execute(
        select(
            FinalAnswer.round_id,
            FinalAnswer.item_id,
            FinalAnswer.variable,
            FinalAnswer.value,
            CodingRound.version_id,
            CodebookVersion.codebook_id,
        )
        .join(CodingRound, CodingRound.id == FinalAnswer.round_id)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(CodingRound.project_id == project.id, CodingRound.state == RoundState.REVEALED)
        .order_by(CodingRound.revealed_at, CodingRound.id, FinalAnswer.value)
    ).all()
    latest = _latest(session, project)
    carried = _Carrier(session, project)
    found: dict[tuple[str, str], tuple[str, _Values, _Values]] = {}
    for round_id, item_id, variable, value, version_id, book_id in rows:
        if latest.get((item_id, book_id), round_id) != round_id:
            continue
        held = found.get((item_id, variable))
        now, then = held[1:] if held is not None and held[0] == round_id else ((), ())
        after = carried.value(book_id, version_id, variable, value)
        now = now if after in now else (*now, after)
        found[item_id, variable] = (round_id, now, (*then, value))
    return {place: (now, then) for place, (_round, now, then) in found.items()}


def _latest(session: Session, project: Project) -> dict[tuple[str, str], str]:
    """Return, by item and codebook, the latest revealed round in which somebody coded the item."""
    rows = session.execute(
        select(Assignment.item_id, CodebookVersion.codebook_id, CodingRound.id)
        .join(CodingRound, CodingRound.id == Assignment.round_id)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(
            CodingRound.project_id == project.id,
            CodingRound.state == RoundState.REVEALED,
            Assignment.version > 0,
        )
        .distinct()
        .order_by(CodingRound.revealed_at, CodingRound.id)
    )
    return {(item_id, book_id): round_id for item_id, book_id, round_id in rows}


class _Carrier:
    """Carries values to the newest frozen version of their codebook."""

    def __init__(self, session: Session, project: Project) -> None:
        self._versions: dict[str, Codebook] = {}
        self._newest: dict[str, str] = {}
        rows = session.execute(
            select(CodebookVersion.id, CodebookVersion.codebook_id, CodebookVersion.document)
            .join(StudyCodebook, StudyCodebook.id == CodebookVersion.codebook_id)
            .where(
                StudyCodebook.project_id == project.id,
                CodebookVersion.state == VersionState.FROZEN,
            )
            .order_by(CodebookVersion.number)
        )
        for version_id, book_id, document in rows:
            self._versions[version_id] = load(document)
            self._newest[book_id] = version_id
        self._known: dict[tuple[str, str, str], str] = {}

    def value(self, book_id: str, version_id: str, variable: str, value: str) -> str:
        """Return a value in the newest words, or as it is where people have to say."""
        newest = self._newest[book_id]
        if newest == version_id:
            return value
        key = (version_id, variable, value)
        if key not in self._known:
            self._known[key] = self._carried(version_id, newest, variable, value)
        return self._known[key]

    def _carried(self, version_id: str, newest: str, variable: str, value: str) -> str:
        before = self._versions[version_id].variable(variable)
        after = self._versions[newest].by_id(before.id) if before is not None else None
        if before is None or after is None:
            return value
        values, _met = carried_values(before, after, (value,))
        return values[0]


def items_with(
    session: Session,
    project: Project,
    value: str,
    without: Callable[[frozenset[str]], frozenset[str]],
    *,
    exactly: bool = False,
) -> frozenset[str]:
    """Return the items a `code:` label fits: `variable=value`, `variable`, or `none`.

    A code that was merged since finds what was given with it; what it became finds that too.

    :param without: returns the items of which no address is among some
    :param exactly: where an answer is just this value, it alone is meant, though it be `none`
    :raises UnknownFieldError: no revealed round has such a variable
    """
    finals = _read(session, project)
    if value.lower() == "none":
        return without(frozenset(item_id for item_id, _variable in finals))
    variable, asked, wanted = value.partition("=")
    known = {name for _item, name in finals} | _variables(session, project)
    if variable not in known:
        names = ", ".join(sorted(known)) or "no coded variable yet"
        raise UnknownFieldError(f"code:{variable} is not known; there is {names}")
    if exactly and asked:
        found = {
            item_id
            for (item_id, name), (now, then) in finals.items()
            if name == variable and wanted in (*now, *then)
        }
        if found:
            return frozenset(found)
    if wanted == "none":
        return without(frozenset(item_id for item_id, name in finals if name == variable))
    return frozenset(
        item_id
        for (item_id, name), (now, then) in finals.items()
        if name == variable and (not asked or _fits(now, wanted) or _fits(then, wanted))
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
    """Return the newest frozen version of the codebook that was revealed last."""
    book_id = session.scalars(
        select(CodebookVersion.codebook_id)
        .join(CodingRound, CodingRound.version_id == CodebookVersion.id)
        .where(CodingRound.project_id == project.id, CodingRound.state == RoundState.REVEALED)
        .order_by(CodingRound.revealed_at.desc())
    ).first()
    document = session.scalars(
        select(CodebookVersion.document)
        .where(CodebookVersion.codebook_id == book_id, CodebookVersion.state == VersionState.FROZEN)
        .order_by(CodebookVersion.number.desc())
    ).first()
    return load(document) if document is not None else None
