"""Giving a sensitive unit back: nobody has to code what hurts them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Assignment, CodingDraft, EventKind, Project, RoundState
from annotate.services import sensitive, veils
from annotate.services.coding import Unit
from archive.clock import utc_now


def may_hand_back(session: Session, unit: Unit) -> bool:
    """Tell whether a coder may give this unit back: it is sensitive, and they sealed nothing."""
    return (
        unit.round.state is RoundState.BLIND
        and unit.assignment.version == 0
        and bool(sensitive.among(session, [unit.assignment.item_id]))
    )


def hand_back(session: Session, actor: Actor, project: Project, unit: Unit) -> bool:
    """Take a unit from its coder; return whether another coder of the round has it now.

    It goes to the one with the fewest units who has not got it and takes sensitive items.

    :raises UsageError: it is not sensitive, its answers are sealed, or the round is revealed
    """
    if not may_hand_back(session, unit):
        raise UsageError(
            "Only a unit marked sensitive, with nothing sealed, can be handed back. "
            "Nothing was changed."
        )
    given = unit.assignment
    draft = session.get(CodingDraft, given.id)
    if draft is not None:
        session.delete(draft)
    if unit.round.dynamic:  # it waits for whoever asks next and may have it
        given.abandoned_at = utc_now()
        made = None
    else:
        session.delete(given)
        made = _for_another(session, project, given)
    if made is not None:
        session.add(made)
    events.record(
        session,
        EventKind.ASSIGNMENT_RETURN,
        actor=actor,
        covers=[given] if made is None else [given, made],
        project_id=project.id,
        # No item: who has what in a blind round is nobody's to read before the reveal.
        body={"round": unit.round.id, "assignment": given.id, "taken": made is not None},
    )
    session.flush()
    return made is not None


def _for_another(session: Session, project: Project, given: Assignment) -> Assignment | None:
    everybodys = select(
        Assignment.coder_id, func.count(), func.max(Assignment.position)
    ).where(Assignment.round_id == given.round_id)  # fmt: skip
    rows = session.execute(
        everybodys.group_by(Assignment.coder_id).execution_options(**events.UNNARROWED)
    ).all()
    holders = session.scalars(
        select(Assignment.coder_id)
        .where(Assignment.round_id == given.round_id, Assignment.item_id == given.item_id)
        .execution_options(**events.UNNARROWED)
    )
    out = set(holders) | veils.avoiding(session, project) | {given.coder_id}
    able = sorted((number, coder, last) for coder, number, last in rows if coder not in out)
    if not able:
        return None
    _number, coder, last = able[0]
    return Assignment(
        round_id=given.round_id, item_id=given.item_id, coder_id=coder, position=last + 1
    )
