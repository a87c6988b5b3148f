"""Units handed to whoever asks next: rounds whose units nobody is given beforehand.

A coder has one open unit at a time. One that lies untouched for longer than the round's patience
is open to others again; if its coder comes back with answers after all, they are kept as ever.
Units are handed in sampling order, so that each soon has all its coders.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    Assignment,
    CodingDraft,
    CodingRound,
    EventKind,
    Item,
    Project,
    RoundCoder,
    RoundState,
    RoundUnit,
    User,
)
from annotate.services import sensitive, veils
from archive.clock import utc_now

_APART: Final = 5  # units between a unit and its repeat, at least
_WHOLE: Final = events.UNNARROWED  # who has what is asked of the whole round, whoever asks


class Standing(StrEnum):
    """How one coder's unit stands."""

    OPEN = "open"
    DRAFTED = "begun"
    SEALED = "sealed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Load:
    """One unit with what its coders have of it, for the page of who has what."""

    item_id: str
    address: str
    cells: tuple[tuple[Standing, datetime | None] | None, ...]
    """A cell for each coder; the moment is when the unit was handed."""
    coders: int
    """Coders who sealed it or have it now."""


def takes_part(session: Session, one: CodingRound, coder: User) -> bool:
    """Tell whether units of a round are handed to this person."""
    return session.get(RoundCoder, (one.id, coder.id)) is not None


def hand_out(
    session: Session, actor: Actor, project: Project, one: CodingRound, coder: User
) -> Assignment | None:
    """Hand the coder their next unit, or the one they have open; None where nothing is left.

    :raises NotFoundError: the person is no coder of this round
    :raises UsageError: the round is revealed or withdrawn, or its units were given out beforehand
    """
    if not one.dynamic:
        raise UsageError("The units of this round were given out when it was opened.")
    if not takes_part(session, one, coder):
        raise NotFoundError("There is no such round among those you code.")
    if one.state is RoundState.REVEALED:
        raise UsageError("This round was revealed; its answers stand.")
    if one.state is RoundState.WITHDRAWN:
        raise UsageError("This round was withdrawn; nothing of it is to be coded.")
    held = _of_round(session, one)
    _give_up_waiting(session, actor, project, one, held, coder)
    mine = [each for each in held if each.coder_id == coder.id]
    open_one = next((each for each in mine if _lives(each) and each.version == 0), None)
    if open_one is not None:
        return open_one
    made = _repeat(one, mine) or _fresh(session, project, one, held, coder)
    if made is None:
        return None
    made.handed_at, made.abandoned_at = utc_now(), None
    session.add(made)
    events.record(
        session,
        EventKind.ASSIGNMENT_HAND,
        actor=actor,
        covers=[made],
        project_id=project.id,
        # No item: who has what in a blind round is nobody's to read before the reveal.
        body={"round": one.id, "assignment": made.id},
    )
    session.flush()
    return made


def pass_on(
    session: Session, actor: Actor, project: Project, one: CodingRound, giver: User, taker: User
) -> int:
    """Pass what a coder has not sealed to another; return how many units that were.

    What the first one typed stays theirs; if they seal it after all, their answers are kept.

    :raises UsageError: the round is revealed or withdrawn, or both are the same person
    """
    if one.state is not RoundState.BLIND or giver.id == taker.id:
        raise UsageError("Units of an open round are passed from one coder to another.")
    held = _of_round(session, one)
    has = {each.item_id for each in held if each.coder_id == taker.id}
    last = max((each.position for each in held if each.coder_id == taker.id), default=-1)
    waiting = [each for each in held if each.coder_id == giver.id and each.version == 0]
    spared = _spared(session, project, taker, [each.item_id for each in waiting])
    changed: list[Assignment] = []
    for each in waiting:
        if not _lives(each) or each.again or each.item_id in has | spared:
            continue
        last += 1
        each.abandoned_at = utc_now()
        taken = Assignment(
            round_id=one.id, item_id=each.item_id, coder_id=taker.id, position=last,
            handed_at=utc_now(),
        )  # fmt: skip
        session.add(taken)
        changed += [each, taken]
    if changed:
        events.record(
            session,
            EventKind.ASSIGNMENT_PASS,
            actor=actor,
            covers=changed,
            project_id=project.id,
            body={
                "round": one.id,
                "units": len(changed) // 2,
                "from": giver.pseudonym,
                "to": taker.pseudonym,
            },
        )
    session.flush()
    return len(changed) // 2


def workload(
    session: Session, one: CodingRound, coders: Sequence[User], start: int, number: int
) -> list[Load]:
    """Return some units with how each stands with each coder, in sampling order.

    Says nothing of what was answered; who codes in the round sees their own column only.
    """
    units = session.execute(
        select(RoundUnit.item_id, Item.address)
        .join(Item, Item.id == RoundUnit.item_id)
        .where(RoundUnit.round_id == one.id)
        .order_by(RoundUnit.position)
        .offset(start)
        .limit(number)
    ).all()
    ids = [item_id for item_id, _address in units]
    mine = select(Assignment).where(Assignment.round_id == one.id, Assignment.item_id.in_(ids))
    held = session.scalars(mine.where(Assignment.again.is_(False))).all()
    drafted = set(
        session.scalars(
            select(CodingDraft.assignment_id)
            .where(CodingDraft.assignment_id.in_([each.id for each in held]))
            .execution_options(**_WHOLE)
        )
    )
    by_place = {(each.item_id, each.coder_id): each for each in held}
    return [
        Load(
            item_id=item_id,
            address=address,
            cells=tuple(_cell(by_place.get((item_id, one.id)), drafted) for one in coders),
            coders=sum(
                _lives(each) for each in held if each.item_id == item_id
            ),
        )
        for item_id, address in units
    ]  # fmt: skip


def units_of(session: Session, one: CodingRound) -> int:
    """Return how many units a round has."""
    query = select(func.count()).select_from(RoundUnit).where(RoundUnit.round_id == one.id)
    return session.scalar(query) or 0


def _cell(held: Assignment | None, drafted: set[str]) -> tuple[Standing, datetime | None] | None:
    if held is None:
        return None
    if held.version > 0:
        standing = Standing.SEALED
    elif held.abandoned_at is not None:
        standing = Standing.ABANDONED
    else:
        standing = Standing.DRAFTED if held.id in drafted else Standing.OPEN
    return standing, held.handed_at


def _of_round(session: Session, one: CodingRound) -> list[Assignment]:
    query = select(Assignment).where(Assignment.round_id == one.id).order_by(Assignment.position)
    return list(session.scalars(query.execution_options(**_WHOLE)))


def _lives(each: Assignment) -> bool:
    """Tell whether somebody has coded this, or still has it to code."""
    return each.version > 0 or each.abandoned_at is None


def _give_up_waiting(
    session: Session,
    actor: Actor,
    project: Project,
    one: CodingRound,
    held: Sequence[Assignment],
    asking: User,
) -> None:
    """Let go of units that others left lying for longer than the round's patience."""
    waiting = [
        each
        for each in held
        if each.version == 0 and each.abandoned_at is None and each.coder_id != asking.id
    ]
    ids = [each.id for each in waiting]
    rows = session.execute(
        select(CodingDraft.assignment_id, CodingDraft.saved_at).where(
            CodingDraft.assignment_id.in_(ids)
        ),
        execution_options=_WHOLE,
    )
    touched: dict[str, datetime] = dict(rows.all())
    now = utc_now()
    limit = now - timedelta(minutes=one.patience)
    given_up = []
    for each in waiting:
        since = max(filter(None, (each.handed_at, touched.get(each.id))), default=now)
        if since < limit:
            each.abandoned_at = now
            given_up.append(each)
    if given_up:
        events.record(
            session,
            EventKind.ASSIGNMENT_ABANDON,
            actor=actor,
            covers=given_up,
            project_id=project.id,
            body={"round": one.id, "assignments": [each.id for each in given_up]},
        )
        session.flush()


def _fresh(
    session: Session,
    project: Project,
    one: CodingRound,
    held: Sequence[Assignment],
    coder: User,
) -> Assignment | None:
    """Return the first unit that lacks coders and that this one has not had."""
    had = {each.item_id: each for each in held if each.coder_id == coder.id and not each.again}
    living = Counter(each.item_id for each in held if not each.again and _lives(each))
    units = session.scalars(
        select(RoundUnit.item_id).where(RoundUnit.round_id == one.id).order_by(RoundUnit.position)
    ).all()
    wanting = [unit for unit in units if living[unit] < one.coders_per_unit]
    spared = _spared(session, project, coder, wanting)
    for unit in wanting:
        if unit not in spared and unit not in had:
            return Assignment(
                round_id=one.id, item_id=unit, coder_id=coder.id, position=_behind(held, coder.id)
            )
    # What they once left lying comes last.
    left = (had[unit] for unit in wanting if unit in had and unit not in spared)
    return next((each for each in left if not _lives(each)), None)


def _repeat(one: CodingRound, mine: Sequence[Assignment]) -> Assignment | None:
    """Return a unit the coder coded a while ago, where it is time for one to be coded again."""
    first = [each for each in mine if not each.again and each.version > 0]
    again = {each.item_id for each in mine if each.again}
    if len(again) >= len(first) * one.repeats // 100:
        return None
    old_ones = [each for each in first[: max(0, len(first) - _APART)] if each.item_id not in again]
    if not old_ones:
        return None
    source = random.Random(f"{one.seed} {len(first)} {old_ones[0].coder_id}")  # noqa: S311
    chosen = source.choice(old_ones)
    return Assignment(
        round_id=one.id, item_id=chosen.item_id, coder_id=chosen.coder_id, again=True,
        position=mine[-1].position + 1,
    )  # fmt: skip


def _behind(held: Sequence[Assignment], coder_id: str) -> int:
    return max((each.position for each in held if each.coder_id == coder_id), default=-1) + 1


def _spared(
    session: Session, project: Project, coder: User, units: Sequence[str]
) -> frozenset[str]:
    if coder.id not in veils.avoiding(session, project):
        return frozenset()
    return frozenset(sensitive.among(session, units))
