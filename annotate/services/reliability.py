"""Reliability of a revealed round: agreement per variable and per pair, and what is unsettled."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.agreement.matrix import Row
from annotate.agreement.report import Agreement, assess
from annotate.agreement.sets import assess_by_code, masi_alpha
from annotate.errors import NotAllowedError, UsageError
from annotate.instrument import answers as instrument
from annotate.instrument.answers import Given
from annotate.instrument.codebook import SEVERAL, Codebook, Missing, Variable, VariableType, load
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingAnswer,
    CodingRound,
    Item,
    RoundState,
    RoundUnit,
    User,
)
from annotate.services.exports import spreadsheet_cell
from annotate.visibility import hidden_items
from archive.clock import isoformat

NONE: Final = "none"
NONE_COUNTS_LABEL: Final = "none counts as a value where it was not asked"
ASKED_OF_ALL_LABEL: Final = "units where it was asked of all their coders"
_ANSWER_COLUMNS: Final = (
    "item", "address", "coder", "again", "version", "submitted_at", "seconds",
    "answers", "selectors", "nonce", "commitment",
)  # fmt: skip
_IN_OWN_WORDS: Final = frozenset({VariableType.TEXT, VariableType.URL, VariableType.TIME_RANGE})
"""Types whose answers are not compared word by word."""
_FEW: Final = 8  # categories up to which a confusion table is shown


@dataclass(frozen=True, slots=True)
class Sheet:
    """All answers of a revealed round: coders, units, and by unit and coder what was given."""

    round: CodingRound
    codebook: Codebook
    coders: tuple[User, ...]
    units: tuple[tuple[str, str], ...]
    """Item ids with their addresses, in sampling order."""
    given: Mapping[tuple[str, str], Mapping[str, Given]]
    """By item id and coder id."""
    held_back: int = 0
    """Units left out because the one who asks codes them blind in another round."""
    whole: bool = False
    """Read past the rule of blindness, for what is stored and not shown."""

    def answer(self, item_id: str, coder_id: str, key: str) -> Given | None:
        """Return one coder's answer to one variable."""
        return self.given.get((item_id, coder_id), {}).get(key)

    def coders_of(self, item_id: str) -> list[User]:
        """Return who submitted a unit."""
        return [coder for coder in self.coders if (item_id, coder.id) in self.given]


@dataclass(frozen=True, slots=True)
class VariableReport:
    """The agreement on one variable, under each way of treating what was not asked."""

    variable: Variable
    policy: str
    """What was done with units where the variable was not asked, in words."""
    agreement: Agreement
    masi: float | None = None
    by_code: Mapping[str, Agreement] | None = None
    pairs: tuple[tuple[User, User, Agreement], ...] = ()
    shows_confusion: bool = False


def sheet(session: Session, one: CodingRound, *, whole: bool = False) -> Sheet:
    """Read the answers of a revealed round.

    Units that the one who asks codes blind in another round are left out and counted in
    `held_back`.

    :param whole: read every unit, whoever asks: for what is stored, never for what is shown
    :raises NotAllowedError: it is still blind: nobody reads answers before the reveal
    :raises UsageError: it was withdrawn
    """
    if one.state is RoundState.WITHDRAWN:
        raise UsageError("This round was withdrawn: nobody answered anything in it.")
    if one.state is not RoundState.REVEALED:
        raise NotAllowedError("This round is still blind: answers can be read after the reveal.")
    version = session.get_one(CodebookVersion, one.version_id)
    hidden = frozenset() if whole else hidden_items(session)
    options = events.UNNARROWED if whole else {}
    sampled = session.execute(
        select(RoundUnit.item_id, Item.address)
        .join(Item, Item.id == RoundUnit.item_id)
        .where(RoundUnit.round_id == one.id)
        .order_by(RoundUnit.position)
    ).all()
    units = tuple((item_id, address) for item_id, address in sampled if item_id not in hidden)
    rows = session.execute(
        select(Assignment.item_id, User, CodingAnswer.answers)
        .join(User, User.id == Assignment.coder_id)
        .outerjoin(
            CodingAnswer,
            (CodingAnswer.assignment_id == Assignment.id)
            & (CodingAnswer.version == Assignment.version),
        )
        .where(
            Assignment.round_id == one.id,
            Assignment.again.is_(False),
            Assignment.item_id.not_in(hidden),
        ),
        execution_options=options,
    )
    coders: dict[str, User] = {}
    given: dict[tuple[str, str], Mapping[str, Given]] = {}
    for item_id, coder, document in rows:
        coders[coder.id] = coder
        if document is not None:
            given[item_id, coder.id] = instrument.load(document)
    return Sheet(
        round=one,
        codebook=load(version.document),
        coders=tuple(sorted(coders.values(), key=lambda user: (user.display_name, user.id))),
        units=units,
        given=given,
        held_back=len(sampled) - len(units),
        whole=whole,
    )


def complete(held: Sheet) -> Sheet:
    """Return a sheet that may leave as a file: a table must not be silently shorter.

    :raises NotAllowedError: units are held back from the one who asks
    """
    if held.held_back:
        raise NotAllowedError(
            f"{held.held_back} units of this round are held back from you, because you code them "
            "blind in another round. Export it after that round is revealed, or ask somebody "
            "who does not code in it."
        )
    return held


def report(held: Sheet) -> list[VariableReport]:
    """Return the agreement on every variable that can be compared.

    A variable asked under a condition stands twice: over all units, with "none" as a value,
    and over the units where it was asked of everybody who coded them.
    """
    found: list[VariableReport] = []
    for variable in compared(held.codebook):
        if variable.condition is None:
            found.append(_reported(held, variable, "", none=None, asked_only=False))
        else:
            found.append(_reported(held, variable, NONE_COUNTS_LABEL, none=NONE, asked_only=False))
            found.append(_reported(held, variable, ASKED_OF_ALL_LABEL, none=None, asked_only=True))
    return found


def compared(codebook: Codebook) -> list[Variable]:
    """Return the variables whose answers can be compared word by word."""
    return [one for one in codebook.variables if one.type not in _IN_OWN_WORDS]


def compared_value(held: Sheet, item_id: str, coder: User, variable: Variable) -> str | None:
    """Return one coder's value as the agreement takes it; None where it is left out."""
    return _cell(held, item_id, coder, variable, None)


def categories_of(variable: Variable, values: Sequence[str | None]) -> list[str]:
    """Return every value the instrument offers, in its order, then what else was given."""
    return _categories(variable, [(value,) for value in values])


def matrix(
    held: Sheet, variable: Variable, *, none: str | None = None, asked_only: bool = False
) -> list[tuple[str, Row]]:
    """Return a variable's reliability matrix: item id and one value per coder.

    :param none: what stands where a coder submitted and was not asked, or gave nothing
    :param asked_only: only units where everybody who submitted was asked
    """
    rows: list[tuple[str, Row]] = []
    for item_id, _address in held.units:
        submitted = held.coders_of(item_id)
        if asked_only and not all(
            instrument.applies(held.codebook, variable, held.given[item_id, coder.id])
            for coder in submitted
        ):
            continue
        cells = (_cell(held, item_id, coder, variable, none) for coder in held.coders)
        rows.append((item_id, tuple(cells)))
    return rows


def matrix_csv(held: Sheet, variable: Variable) -> str:
    """Return the matrix as CSV, coders by pseudonym: what R's irr or irrCAC packages read."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["unit", *(coder.pseudonym for coder in held.coders)])
    none = NONE if variable.condition is not None else None
    for item_id, row in matrix(held, variable, none=none):
        writer.writerow([item_id, *(spreadsheet_cell(value) for value in row)])
    return out.getvalue()


def answers_csv(session: Session, held: Sheet) -> str:
    """Return every submission as CSV: `commitment` is SHA-256 of nonce, line end, answers.

    The commitments stand in the events of the submissions, written before the reveal.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_ANSWER_COLUMNS)
    addresses = dict(held.units)
    rows = session.execute(
        select(Assignment, User.pseudonym, CodingAnswer)
        .join(User, User.id == Assignment.coder_id)
        .join(CodingAnswer, CodingAnswer.assignment_id == Assignment.id)
        .where(Assignment.round_id == held.round.id)
        .order_by(Assignment.item_id, User.pseudonym, Assignment.again, CodingAnswer.version)
    )
    for unit, coder, one in rows:
        who = [unit.item_id, addresses[unit.item_id], coder, "yes" if unit.again else "no"]
        when = [one.version, isoformat(one.submitted_at), one.seconds]
        writer.writerow([*who, *when, one.answers, one.selectors, one.nonce, one.commitment])
    return out.getvalue()


def disagreements(held: Sheet) -> dict[str, list[str]]:
    """Return, by item id, the keys of the variables its coders answered differently."""
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, _address in held.units:
        coders = held.coders_of(item_id)
        if len(coders) < 2:
            continue
        for variable in held.codebook.variables:
            values = {
                one.key if (one := held.answer(item_id, coder.id, variable.key)) else None
                for coder in coders
            }
            if len(values) > 1:
                found[item_id].append(variable.key)
    return dict(found)


def _reported(
    held: Sheet, variable: Variable, policy: str, *, none: str | None, asked_only: bool
) -> VariableReport:
    rows = [row for _id, row in matrix(held, variable, none=none, asked_only=asked_only)]
    if variable.type in SEVERAL:
        sets = [tuple(_as_set(cell) for cell in row) for row in rows]
        codes = [code.key for code in variable.options]
        overall = assess(rows)
        return VariableReport(
            variable, policy, overall, masi_alpha(sets), assess_by_code(sets, codes)
        )
    categories = _categories(variable, rows)
    overall = assess(rows, variable.level, categories)
    return VariableReport(
        variable,
        policy,
        overall,
        pairs=_pairs(held, variable, rows, categories) if len(held.coders) > 2 else (),
        shows_confusion=len(overall.confusion) <= _FEW,
    )


def _pairs(
    held: Sheet, variable: Variable, rows: Sequence[Row], categories: list[str]
) -> tuple[tuple[User, User, Agreement], ...]:
    """Return the agreement of each two coders who coded something together."""
    found = []
    for left, right in combinations(range(len(held.coders)), 2):
        both = [(row[left], row[right]) for row in rows]
        one = assess(both, variable.level, categories, bootstraps=0)
        if one.units:
            found.append((held.coders[left], held.coders[right], one))
    return tuple(found)


def _categories(variable: Variable, rows: Sequence[Row]) -> list[str]:
    """Every value the instrument offers, in its order, then what else was given."""
    offered = [code.key for code in variable.codes if code.codable]
    if variable.type is VariableType.BOOLEAN:
        offered = [instrument.NO, instrument.YES]
    given = {str(value) for row in rows for value in row if value is not None}
    others = given - set(offered)
    numbers = variable.type in {VariableType.INTEGER, VariableType.DECIMAL}
    return offered + sorted(others, key=float if numbers else str)


def _cell(
    held: Sheet, item_id: str, coder: User, variable: Variable, none: str | None
) -> str | None:
    """One value as compared: on a scale a missing kind is no value, among words it is one."""
    if (item_id, coder.id) not in held.given:
        return None
    given = held.answer(item_id, coder.id, variable.key)
    if given is None:
        return none
    if given.missing is not None and (
        variable.level.value != "nominal" or given.missing is Missing.SKIPPED
    ):
        return none
    return given.key


def _as_set(cell: object) -> frozenset[str] | None:
    return None if cell is None else frozenset(str(cell).split("\n"))
