"""How steady the coders of a revealed round were: over time, and with themselves.

Beside them, which units an agreement rests on, and why the others are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.agreement.report import Agreement, assess
from annotate.instrument import answers as instrument
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Variable
from annotate.models import Assignment, CodingAnswer, User
from annotate.services import reliability
from annotate.services.exports import spreadsheet_cell
from annotate.services.reliability import Sheet

TENTHS: Final = 10


@dataclass(frozen=True, slots=True)
class Tenth:
    """A coder's agreement with the others over a tenth of their units."""

    units: int
    """Units of the tenth that somebody else gave a value too."""
    agree: float | None
    """Share of the others' values that were the same; None where there are none."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One coder's agreement with the others, tenth by tenth in the order of first sealing."""

    coder: User
    tenths: tuple[Tenth, ...]


@dataclass(frozen=True, slots=True)
class Steadiness:
    """One coder's agreement with themselves on units that came twice."""

    coder: User
    variable: Variable
    agreement: Agreement


class Use(StrEnum):
    """Why a unit tells of the agreement on a variable, or does not."""

    USED = "used"
    NOBODY = "nobody sealed it"
    ALONE = "one coder only"
    NOT_ASKED = "asked of fewer than two coders"
    NO_VALUE = "fewer than two gave a value"


@dataclass(frozen=True, slots=True)
class UnitUse:
    """One unit and variable: whether the agreement rests on it, and what was given."""

    item_id: str
    address: str
    variable: str
    use: Use
    values: tuple[str | None, ...]
    """In the order of the sheet's coders; None: no answer."""


def drift(session: Session, held: Sheet, variable: Variable) -> list[Drift]:
    """Return how each coder agreed with the others, tenth by tenth, on one variable.

    A unit stands where its coder first sealed it. With fewer than ten units there are as many
    parts as units.
    """
    moments = _first_sealed(session, held)
    given = _values(held, variable)
    found = []
    for coder in held.coders:
        sealed = sorted(
            (moments[item_id, coder.id], item_id)
            for item_id, _address in held.units
            if (item_id, coder.id) in moments
        )
        mine = [item_id for _moment, item_id in sealed]
        parts = min(TENTHS, len(mine)) or 1
        bounds = [round(part * len(mine) / parts) for part in range(parts + 1)]
        tenths = tuple(
            _tenth(held, given, coder, mine[start:end]) for start, end in pairwise(bounds)
        )
        found.append(Drift(coder, tenths))
    return found


def steadiness(session: Session, held: Sheet) -> list[Steadiness]:
    """Return how each coder agreed with themselves, where hidden repeats were sealed."""
    shown = {item_id for item_id, _address in held.units}
    rows = session.execute(
        select(Assignment.item_id, Assignment.coder_id, CodingAnswer.answers)
        .join(
            CodingAnswer,
            (CodingAnswer.assignment_id == Assignment.id)
            & (CodingAnswer.version == Assignment.version),
        )
        .where(Assignment.round_id == held.round.id, Assignment.again.is_(True))
    )
    again = {
        (item_id, coder_id): instrument.load(document)
        for item_id, coder_id, document in rows
        if item_id in shown
    }
    found = []
    for variable in reliability.compared(held.codebook):
        categories = _categories(held, variable, again)
        for coder in held.coders:
            twice = [place for place in again if place[1] == coder.id and place in held.given]
            pairs = [
                (
                    _value(held.given[place].get(variable.key)),
                    _value(again[place].get(variable.key)),
                )
                for place in twice
            ]
            if pairs:
                agreed = assess(pairs, variable.level, categories, bootstraps=0)
                found.append(Steadiness(coder, variable, agreed))
    return found


def uses(held: Sheet) -> list[UnitUse]:
    """Return every unit and compared variable with whether the agreement rests on it."""
    found = []
    for variable in reliability.compared(held.codebook):
        for item_id, address in held.units:
            submitted = held.coders_of(item_id)
            asked = [
                coder
                for coder in submitted
                if instrument.applies(held.codebook, variable, held.given[item_id, coder.id])
            ]
            values = tuple(
                reliability.compared_value(held, item_id, coder, variable) for coder in held.coders
            )
            number = sum(value is not None for value in values)
            reasons = (
                (not submitted, Use.NOBODY),
                (len(submitted) == 1, Use.ALONE),
                (len(asked) < 2, Use.NOT_ASKED),
                (number < 2, Use.NO_VALUE),
            )
            use = next((why for holds, why in reasons if holds), Use.USED)
            found.append(UnitUse(item_id, address, variable.key, use, values))
    return found


def uses_csv(held: Sheet) -> str:
    """Return every unit and variable with its use as CSV, coders by pseudonym."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["item", "address", "variable", "use", *(c.pseudonym for c in held.coders)])
    for one in uses(held):
        cells = [one.item_id, one.address, one.variable, one.use.value, *one.values]
        writer.writerow([spreadsheet_cell(cell) for cell in cells])
    return out.getvalue()


def _first_sealed(session: Session, held: Sheet) -> dict[tuple[str, str], datetime]:
    rows = session.execute(
        select(Assignment.item_id, Assignment.coder_id, func.min(CodingAnswer.submitted_at))
        .join(CodingAnswer, CodingAnswer.assignment_id == Assignment.id)
        .where(Assignment.round_id == held.round.id, Assignment.again.is_(False))
        .group_by(Assignment.item_id, Assignment.coder_id)
    )
    return {(item_id, coder_id): at for item_id, coder_id, at in rows}


def _values(held: Sheet, variable: Variable) -> dict[tuple[str, str], str]:
    found = {}
    for item_id, _address in held.units:
        for coder in held.coders:
            value = reliability.compared_value(held, item_id, coder, variable)
            if value is not None:
                found[item_id, coder.id] = value
    return found


def _tenth(
    held: Sheet, given: Mapping[tuple[str, str], str], coder: User, mine: Sequence[str]
) -> Tenth:
    units = same = others = 0
    for item_id in mine:
        value = given.get((item_id, coder.id))
        theirs = [
            given[item_id, other.id]
            for other in held.coders
            if other.id != coder.id and (item_id, other.id) in given
        ]
        if value is None or not theirs:
            continue
        units += 1
        others += len(theirs)
        same += sum(one == value for one in theirs)
    return Tenth(units, same / others if others else None)


def _categories(
    held: Sheet, variable: Variable, again: Mapping[tuple[str, str], Mapping[str, Given]]
) -> list[str]:
    given = [held.answer(item_id, coder_id, variable.key) for item_id, coder_id in again]
    given += [one.get(variable.key) for one in again.values()]
    return reliability.categories_of(variable, [_value(one) for one in given])


def _value(given: Given | None) -> str | None:
    return given.key if given is not None and given.missing is None else None
