"""Settling disagreements, and the final answers with what each rests on."""

from __future__ import annotations

import csv
import io
import json
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.instrument import answers as instrument
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Codebook
from annotate.models import (
    Basis,
    CodingRound,
    Decision,
    EventKind,
    FinalAnswer,
    Item,
    Project,
    RoundUnit,
)
from annotate.services import reliability
from annotate.services.evidence import anchored
from annotate.services.exports import spreadsheet_cell
from annotate.services.registry.answers import as_registered
from annotate.services.reliability import Sheet, disagreements
from annotate.services.sources import Source

_FINALS: typing.Final = (
    "item", "address", "variable", "answer", "missing", "basis", "rationale", "quote", "marks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Final:
    """A final answer: of one variable of one unit."""

    item_id: str
    variable: str
    given: Given
    basis: Basis
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One unit's answers to one variable, side by side."""

    item_id: str
    address: str
    variable: str
    answers: tuple[tuple[str, Given | None], ...]
    """Coder's name and answer."""
    decision: Decision | None


def decide(
    session: Session,
    actor: Actor,
    project: Project,
    held: Sheet,
    *,
    item_id: str,
    variable: str,
    given: Given,
    rationale: str,
    sources: Sequence[Source] = (),
) -> Decision:
    """Settle one variable of one unit. The coders' answers stay as they are.

    :param sources: the pictures and films that regions and ranges of time may stand on
    :raises NotFoundError: the unit or variable is not in the round
    :raises UsageError: the answer does not fit, or no rationale is given
    """
    asked = held.codebook.variable(variable)
    item = session.get(Item, item_id)
    if asked is None or item is None or item_id not in {unit for unit, _address in held.units}:
        raise NotFoundError("This round has no such unit or variable.")
    if not rationale.strip():
        raise UsageError("Say why: a decision without a rationale is not kept.")
    # By itself and never required: "it should not have been asked" is a decision too.
    alone = Codebook("", variables=(replace(asked, condition=None, required=False),))
    shown = {variable: _with_evidence(held, item_id, variable, given)}
    kept = instrument.checked(alone, as_registered(session, project, alone, shown))
    document = instrument.dump(kept)
    selectors = anchored(session, capture_of(session, held, item_id), kept, sources)
    before = decisions_of(session, held.round).get((item_id, variable))
    made = Decision(
        round_id=held.round.id,
        item_id=item_id,
        variable=variable,
        answer=document,
        selectors=json.dumps(selectors, ensure_ascii=False, sort_keys=True),
        rationale=rationale.strip(),
        decided_by=actor.user_id,
        coded_it=(item_id, actor.user_id) in held.given,
    )
    session.add(made)
    events.record(
        session,
        EventKind.DECISION_MAKE,
        actor=actor,
        covers=[made],
        project_id=project.id,
        item=item,
        body={"round": held.round.id, "variable": variable, "coded_it": made.coded_it},
        before=before.answer if before is not None else None,
        after=document,
        reason=made.rationale,
    )
    session.flush()
    refresh(session, held.round)
    return made


def _with_evidence(held: Sheet, item_id: str, variable: str, given: Given) -> Given:
    """Take over the evidence of a coder who gave this very answer, where none is given."""
    if given.quote or given.marks:
        return given
    answers = [held.answer(item_id, coder.id, variable) for coder in held.coders_of(item_id)]
    same = [one for one in answers if one is not None and one.key == given.key]
    best = next((one for one in same if one.quote or one.marks), given)
    return replace(given, quote=best.quote, start=best.start, marks=best.marks)


def decisions_of(
    session: Session, one: CodingRound, *, whole: bool = False
) -> dict[tuple[str, str], Decision]:
    """Return the standing decision of each unit and variable; `whole`: whoever asks."""
    query = select(Decision).where(Decision.round_id == one.id).order_by(Decision.id)
    found = session.scalars(query, execution_options=events.UNNARROWED if whole else {})
    return {(each.item_id, each.variable): each for each in found}


def disputes(session: Session, held: Sheet) -> list[Dispute]:
    """Return every disagreement, in the units' order, settled ones with their decision."""
    decided = decisions_of(session, held.round)
    addresses = dict(held.units)
    return [
        Dispute(
            item_id=item_id,
            address=addresses[item_id],
            variable=key,
            answers=tuple(
                (coder.display_name, held.answer(item_id, coder.id, key))
                for coder in held.coders_of(item_id)
            ),
            decision=decided.get((item_id, key)),
        )
        for item_id, keys in disagreements(held).items()
        for key in keys
    ]


def capture_of(session: Session, held: Sheet, item_id: str) -> str | None:
    """Return the id of the capture a unit was coded from; None where it has none."""
    unit = session.get(RoundUnit, (held.round.id, item_id))
    return unit.capture_id if unit is not None else None


def finals(session: Session, held: Sheet) -> Iterator[Final]:
    """Yield the final answers: decided ones, agreed ones, and those of a single coder.

    Units whose coders disagree and whose disagreement is not settled have none.
    """
    decided = decisions_of(session, held.round, whole=held.whole)
    for item_id, _address in held.units:
        coders = held.coders_of(item_id)
        for variable in held.codebook.variables:
            key = variable.key
            decision = decided.get((item_id, key))
            if decision is not None:
                given = instrument.load(decision.answer).get(key)
                if given is not None:
                    yield Final(item_id, key, given, Basis.ADJUDICATED, decision.rationale)
                continue
            answers = [held.answer(item_id, coder.id, key) for coder in coders]
            values = {one.key if one else None for one in answers}
            first = answers[0] if answers else None
            if len(values) == 1 and first is not None:
                yield Final(item_id, key, first, Basis.AGREED if len(answers) > 1 else Basis.SINGLE)


def refresh(session: Session, one: CodingRound) -> None:
    """Make the searchable final answers of a round anew from its answers and decisions.

    What is stored never depends on who caused it: all of it is read past the rule of blindness.
    """
    held = reliability.sheet(session, one, whole=True)
    key = (FinalAnswer.item_id, FinalAnswer.variable, FinalAnswer.value)
    standing = {
        (row.item_id, row.variable, row.value): row
        for row in session.scalars(
            select(FinalAnswer).where(FinalAnswer.round_id == one.id).order_by(*key),
            execution_options=events.UNNARROWED,
        )
    }
    wanted = {
        (final.item_id, final.variable, value): final.basis
        for final in finals(session, held)
        for value in _values(final.given)
    }
    for place, row in standing.items():
        if place not in wanted:
            session.delete(row)
    for (item_id, variable, value), basis in wanted.items():
        held_row = standing.get((item_id, variable, value))
        if held_row is not None:
            held_row.basis = basis
        else:
            session.add(
                FinalAnswer(
                    round_id=one.id,
                    item_id=item_id,
                    variable=variable,
                    value=value,
                    basis=basis,
                )
            )
    session.flush()


def _values(given: Given) -> tuple[str, ...]:
    return given.values if given.missing is None else (f"({given.missing.value})",)


def finals_csv(session: Session, held: Sheet) -> str:
    """Return the final answers as CSV, one row a unit and variable."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_FINALS)
    addresses = dict(held.units)
    for one in finals(session, held):
        missing = one.given.missing.value if one.given.missing else ""
        values = "; ".join(one.given.values)
        cells = [one.item_id, addresses[one.item_id], one.variable, values, missing]
        cells += [one.basis.value, one.rationale, one.given.quote, "\n".join(one.given.marks)]
        writer.writerow([spreadsheet_cell(cell) for cell in cells])
    return out.getvalue()
