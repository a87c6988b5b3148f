"""Rounds: drawing a sample, assigning coders, revealing.

What is drawn can be drawn again: the query, the number it found, the seed and the strata are
kept with the round, and items are drawn from the sorted list of their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingRound,
    EventKind,
    Item,
    Project,
    Role,
    RoundCoder,
    RoundState,
    RoundUnit,
    User,
    VersionState,
)
from annotate.permissions import Act, may
from annotate.services import sensitive, veils
from annotate.services.drawing import assign, draw, repeated
from annotate.services.projects import members_of
from archive.clock import utc_now


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round is to be."""

    name: str
    query: str
    """In the query language; what its sample is drawn from."""
    size: int
    """Items to draw; 0 takes all that the query finds."""
    seed: int
    coders_per_unit: int
    coders: Sequence[User]
    strata_field: str = ""
    """Key of a study field; the sample then holds its values in their shares."""
    dynamic: bool = False
    """Units are handed to whoever asks next, instead of being given out now."""
    patience: int = 60
    """Minutes until a unit that lies untouched is open to others again; of dynamic rounds."""
    repeats: int = 0
    """Percent of each coder's units that come a second time without being told as repeats."""
    recodes: Sequence[str] = ()
    """Keys of the steps to a codebook version whose units are coded again (recoding.py)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one coder is."""

    coder: User
    submitted: int
    assigned: int


def open_round(
    session: Session,
    actor: Actor,
    project: Project,
    version: CodebookVersion,
    plan: Plan,
    found: Sequence[str],
    strata: Mapping[str, str] | None = None,
) -> CodingRound:
    """Draw the sample, assign the coders, and open the round, blind.

    :param found: ids of the items the plan's query finds now
    :param strata: by item id, the value of the plan's strata field
    :raises UsageError: the version is a draft, nothing was found, or coders do not suffice
    """
    _check(session, project, version, plan, found)
    units = draw(found, plan.size, plan.seed, strata)
    opened = CodingRound(
        project_id=project.id,
        name=plan.name.strip(),
        version_id=version.id,
        query=plan.query,
        population=len(found),
        seed=plan.seed,
        strata_field=plan.strata_field,
        coders_per_unit=plan.coders_per_unit,
        dynamic=plan.dynamic,
        patience=plan.patience if plan.dynamic else 0,
        repeats=plan.repeats,
        recodes="\n".join(plan.recodes),
        opened_by=actor.user_id,
    )
    captures = _captures(session, units)
    rows = [
        RoundUnit(round_id=opened.id, item_id=unit, position=place, capture_id=captures.get(unit))
        for place, unit in enumerate(units)
    ]
    painful = sensitive.among(session, units)
    spared = dict.fromkeys(veils.avoiding(session, project), painful)
    coders = [one.id for one in plan.coders]
    given = {} if plan.dynamic else assign(units, coders, plan.coders_per_unit, plan.seed, spared)
    assignments = [
        Assignment(round_id=opened.id, item_id=unit, coder_id=coder, position=place, again=again)
        for number, (coder, held) in enumerate(given.items())
        for place, (unit, again) in enumerate(repeated(held, plan.repeats, plan.seed + 2 + number))
    ]
    asking = [RoundCoder(round_id=opened.id, coder_id=coder) for coder in coders if plan.dynamic]
    session.add_all([opened, *rows, *assignments, *asking])
    events.record(
        session,
        EventKind.ROUND_OPEN,
        actor=actor,
        covers=[opened, *rows, *assignments, *asking],
        project_id=project.id,
        body={
            "round": opened.id,
            "name": opened.name,
            "codebook": version.id,
            "codebook_sha256": version.digest,
            "query": plan.query,
            "population": len(found),
            "seed": plan.seed,
            "strata_field": plan.strata_field,
            "recodes": list(plan.recodes),
            "dynamic": plan.dynamic,
            "patience": opened.patience,
            "repeats": plan.repeats,
            "units": units,
            "coders": {one.pseudonym: len(given.get(one.id, [])) for one in plan.coders},
        },
    )
    session.flush()
    return opened


def reveal(session: Session, actor: Actor, project: Project, one: CodingRound) -> None:
    """End the blindness of a round, for good; no answer can be changed afterwards.

    :raises UsageError: it is revealed already, or withdrawn
    """
    if one.state is RoundState.REVEALED:
        raise UsageError("This round is revealed already.")
    if one.state is RoundState.WITHDRAWN:
        raise UsageError("This round was withdrawn; there is nothing to reveal.")
    one.state = RoundState.REVEALED
    one.revealed_by, one.revealed_at = actor.user_id, utc_now()
    done = progress(session, one, whole=True)
    events.record(
        session,
        EventKind.ROUND_REVEAL,
        actor=actor,
        covers=[one],
        project_id=project.id,
        body={
            "round": one.id,
            "submitted": {each.coder.pseudonym: each.submitted for each in done},
            "assigned": {each.coder.pseudonym: each.assigned for each in done},
        },
    )
    session.flush()


def rounds_of(session: Session, project: Project) -> list[CodingRound]:
    """Return the project's rounds, newest first."""
    query = select(CodingRound).where(CodingRound.project_id == project.id)
    return list(session.scalars(query.order_by(CodingRound.id.desc())))


def get_round(session: Session, project: Project, round_id: str) -> CodingRound:
    """Return a round of the project.

    :raises NotFoundError: there is none of that id
    """
    one = session.get(CodingRound, round_id)
    if one is None or one.project_id != project.id:
        raise NotFoundError("This project has no such round.")
    return one


def progress(session: Session, one: CodingRound, *, whole: bool = False) -> list[Progress]:
    """Return how far each coder is, by name. Says nothing of what they answered.

    What a coder left lying, so that others could have it, is not theirs any more.

    :param whole: read past the rule of blindness, for what is stored and not shown
    """
    living = (Assignment.version > 0) | Assignment.abandoned_at.is_(None)
    rows = session.execute(
        select(User, func.count(), func.count(case((Assignment.version > 0, 1))))
        .join(Assignment, Assignment.coder_id == User.id)
        .where(Assignment.round_id == one.id, living)
        .group_by(User.id),
        execution_options=events.UNNARROWED if whole else {},
    ).all()
    held = [Progress(user, done, assigned) for user, assigned, done in rows]
    if one.dynamic:
        known = {each.coder.id for each in held}
        asking = (
            select(User)
            .join(RoundCoder, RoundCoder.coder_id == User.id)
            .where(RoundCoder.round_id == one.id, User.id.not_in(known))
        )
        held += [Progress(user, 0, 0) for user in session.scalars(asking)]
    return sorted(held, key=lambda each: (each.coder.display_name, each.coder.id))


def short_of_coders(session: Session, one: CodingRound) -> int:
    """Return how many units of a round have fewer coders than it asks.

    Sensitive units are not given to coders who asked not to get them; which coder that was, is
    not said.
    """
    enough = (
        select(Assignment.item_id)
        .where(
            Assignment.round_id == one.id,
            Assignment.again.is_(False),
            (Assignment.version > 0) | Assignment.abandoned_at.is_(None),
        )
        .group_by(Assignment.item_id)
        .having(func.count() >= one.coders_per_unit)
        .execution_options(**events.UNNARROWED)
    )
    units = select(func.count()).select_from(RoundUnit).where(RoundUnit.round_id == one.id)
    return (session.scalar(units) or 0) - len(session.scalars(enough).all())


def possible_coders(session: Session, project: Project) -> list[User]:
    """Return the members whose role lets them code, by name."""
    return [
        user
        for user, role in members_of(session, project)
        if user.is_active and may(Role(role), Act.CODE)
    ]


def coders_named(session: Session, project: Project, logins: Sequence[object]) -> list[User]:
    """Return the members of these sign-in names.

    :raises UsageError: one of them cannot code here
    """
    possible = {one.login: one for one in possible_coders(session, project)}
    unknown = [str(login) for login in logins if str(login) not in possible]
    if unknown:
        raise UsageError(f"These cannot code here: {', '.join(unknown)}.")
    return [possible[str(login)] for login in logins]


def _check(
    session: Session,
    project: Project,
    version: CodebookVersion,
    plan: Plan,
    found: Sequence[str],
) -> None:
    if version.state is not VersionState.FROZEN:
        raise UsageError("Freeze the codebook first: a round is coded with words that stay.")
    if not plan.name.strip():
        raise UsageError("Give the round a name.")
    if any(one.name == plan.name.strip() for one in rounds_of(session, project)):
        raise NameTakenError(f"There is a round “{plan.name.strip()}” already.")
    if not found:
        raise UsageError("This search finds no items; there is nothing to draw from.")
    if not 0 <= plan.repeats <= 50:
        raise UsageError("At most half of a coder's units come again: repeats are 0 to 50 percent.")
    if plan.dynamic and plan.patience < 1:
        raise UsageError("Say after how many minutes an untouched unit is open to others.")
    if plan.coders_per_unit < 1 or len(plan.coders) < plan.coders_per_unit:
        raise UsageError(
            f"{plan.coders_per_unit} coders a unit need at least as many people; "
            f"{len(plan.coders)} are chosen."
        )


def _captures(session: Session, units: Sequence[str]) -> dict[str, str | None]:
    rows = session.execute(select(Item.id, Item.latest_capture_id).where(Item.id.in_(units)))
    return dict(rows.all())
