"""Withdrawing a round that was opened by mistake, as long as nobody answered anything in it.

It cannot be taken back: from the moment on, its coders may read what was said of its items, and no
later act makes them blind again. A new round draws the same units from the same query and seed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Assignment, CodingRound, EventKind, Project, RoundState
from annotate.services.rounds import rounds_of
from archive.clock import utc_now

_LONGEST_NAME: Final = 200  # characters a round's name may have


def is_answered(session: Session, one: CodingRound) -> bool:
    """Tell whether somebody has sealed an answer in a round; not who, nor how many."""
    query = select(Assignment.id).where(Assignment.round_id == one.id, Assignment.version > 0)
    return session.scalar(query.limit(1).execution_options(**events.UNNARROWED)) is not None


def withdraw(
    session: Session, actor: Actor, project: Project, one: CodingRound, reason: str
) -> None:
    """Take back the opening of a round: its units count nowhere, and its blindness ends.

    Its name says so from then on, and is free for another round. What coders typed stays with
    each of them; what they said of its units stays sealed (sealing.py).

    :raises UsageError: it is not blind, somebody sealed an answer, or there is no reason
    """
    if one.state is not RoundState.BLIND:
        raise UsageError(f"This round is {one.state.value}; only a blind one can be withdrawn.")
    if not reason.strip():
        raise UsageError("Say why the round is withdrawn; the reason stays with it.")
    if is_answered(session, one):
        raise UsageError(
            "Somebody has sealed answers in this round, so it cannot be withdrawn: they stand. "
            "Reveal it, and open another round beside it; or pass on the units that are left."
        )
    before = one.name
    one.name = _marked(before, {other.name for other in rounds_of(session, project)})
    one.state = RoundState.WITHDRAWN
    one.withdrawn_by, one.withdrawn_at = actor.user_id, utc_now()
    one.withdrawn_why = reason.strip()
    events.record(
        session,
        EventKind.ROUND_WITHDRAW,
        actor=actor,
        covers=[one],
        project_id=project.id,
        body={"round": one.id, "name": before},
        before=before,
        after=one.name,
        reason=one.withdrawn_why,
    )
    session.flush()


def _marked(name: str, taken: set[str]) -> str:
    """Return the name with the word that it is withdrawn, and a number where that is taken."""
    number = 1
    while True:
        mark = " (withdrawn)" if number == 1 else f" (withdrawn {number})"
        marked = name[: _LONGEST_NAME - len(mark)] + mark
        if marked not in taken:
            return marked
        number += 1
