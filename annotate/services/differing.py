"""Where the page contradicts a claim: a queue for a person, who decides and says why.

Both claims stay as they were. A decision for the page or for another value sets a person's value
beside them; one for the list leaves the list's value current. It covers what stood against each
other then: where a later capture shows something else, the question is open again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    EventKind,
    FieldValue,
    Item,
    KeptClaim,
    Project,
    StudyField,
    User,
    ValueDecision,
    ValueSource,
)
from annotate.services.checks import Difference, differing, recheck_item
from annotate.services.fields import fields_of, set_values, split_values, values_of
from archive.clock import utc_now


@dataclass(frozen=True, slots=True)
class Question:
    """One field of one item in which the page contradicts the claim, and what was decided."""

    difference: Difference
    version: str
    """Changes with either claim: what a form carries to be stale by."""
    decision: ValueDecision | None
    decided_by: str = ""


def questions(session: Session, project: Project, *, open_only: bool = False) -> list[Question]:
    """Return what contradicts, oldest item first, and decisions that set the claim right."""
    fields = {one.id: one.key for one in fields_of(session, project.id)}
    standing: dict[tuple[str, str], tuple[ValueDecision, str]] = {}
    query = (
        select(ValueDecision, User.display_name)
        .join(User, User.id == ValueDecision.decided_by)
        .where(ValueDecision.project_id == project.id, ValueDecision.undone_at.is_(None))
        .order_by(ValueDecision.id)
    )
    for row, name in session.execute(query):
        standing[row.item_id, fields[row.field_id]] = (row, name)
    current = values_of(session, [item_id for item_id, _key in standing])
    found = []
    for one in differing(session, project.id):
        if not one.shown or not one.claimed:
            continue
        held = standing.get((one.item_id, one.field_key))
        covers = held is not None and _covers(held[0], one, current[one.item_id])
        if not (covers and open_only):
            found.append(
                Question(
                    one,
                    version_of(one),
                    held[0] if held and covers else None,
                    held[1] if held and covers else "",
                )
            )
    return found


def decisions_of(
    session: Session, project: Project
) -> list[tuple[ValueDecision, Item, StudyField, str]]:
    """Return all decisions that stand, newest first, with item, field and who decided."""
    query = (
        select(ValueDecision, Item, StudyField, User.display_name)
        .join(Item, Item.id == ValueDecision.item_id)
        .join(StudyField, StudyField.id == ValueDecision.field_id)
        .join(User, User.id == ValueDecision.decided_by)
        .where(ValueDecision.project_id == project.id, ValueDecision.undone_at.is_(None))
        .order_by(ValueDecision.id.desc())
    )
    return [(row, item, field, name) for row, item, field, name in session.execute(query)]


def decide(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    field_key: str,
    kept: KeptClaim,
    *,
    value: str = "",
    reason: str = "",
    seen: str,
) -> ValueDecision:
    """Decide one question.

    :param value: what holds instead, where neither claim does; several with ; between them
    :param seen: the version of the question the decision was made on
    :raises NotFoundError: nothing contradicts there, or not any longer
    :raises StaleSaveError: a claim changed in between; carries what stands and what was decided
    :raises UsageError: another value is not given or does not fit, or no reason is given
    """
    question = _question(session, project, item, field_key)
    one = question.difference
    field = next(held for held in fields_of(session, project.id) if held.key == field_key)
    if question.version != seen or question.decision is not None:
        raise StaleSaveError(
            "This was changed or decided while you were reading. Nothing of yours was saved yet.",
            theirs=question.decision.kept.value
            if question.decision is not None
            else f"{'; '.join(one.claimed)} / {'; '.join(one.shown)}",
            yours=value or kept.value,
            version=0,
            saved_by=question.decided_by,
        )
    if kept in {KeptClaim.OTHER, KeptClaim.LIST} and not reason.strip():
        raise UsageError("Say why the page is not to be followed. Nothing was saved.")
    before = [held.id for held in _current(session, item, field)]
    wanted = {KeptClaim.PAGE: list(one.shown), KeptClaim.OTHER: split_values(field, value)}
    if kept is KeptClaim.OTHER and not wanted[kept]:
        raise UsageError("Write the value that holds. Nothing was saved.")
    if kept in wanted:
        given = {field: wanted[kept]}
        set_values(session, actor, project, item, given, source=ValueSource.PERSON)
    row = ValueDecision(
        project_id=project.id,
        item_id=item.id,
        field_id=field.id,
        capture_id=one.capture_id,
        claimed=_json(one.claimed),
        shown=_json(one.shown),
        kept=kept,
        reason=reason.strip(),
        before=_json(before),
        after=_json([held.id for held in _current(session, item, field)]),
        decided_by=actor.user_id,
    )
    session.add(row)
    events.record(
        session,
        EventKind.VALUE_DECIDE,
        actor=actor,
        covers=[row],
        project_id=project.id,
        item=item,
        body={"field": field_key, "name": field.label, "kept": kept.value},
        before={"claimed": list(one.claimed), "shown": list(one.shown)},
        after=wanted.get(kept, list(one.claimed)),
        reason=row.reason,
    )
    session.flush()
    recheck_item(session, actor, project, item)
    return row


def undo(session: Session, actor: Actor, project: Project, decision_id: str) -> ValueDecision:
    """Take a decision back: the values that were current before it are so again.

    :raises NotFoundError: the project has none of that id
    :raises UsageError: it was taken back already
    :raises StaleSaveError: the field was given other values since
    """
    row = session.get(ValueDecision, decision_id)
    if row is None or row.project_id != project.id:
        raise NotFoundError("This project has no such decision.")
    if row.undone_at is not None:
        raise UsageError("This decision was taken back already.")
    item = session.get_one(Item, row.item_id)
    field = session.get_one(StudyField, row.field_id)
    now = _current(session, item, field)
    before, after = json.loads(row.before), json.loads(row.after)
    if sorted(held.id for held in now) != sorted(after):
        raise StaleSaveError(
            f"{field.label} was given another value since. It stays as it is.",
            theirs="; ".join(held.raw for held in now),
            yours="; ".join(json.loads(row.claimed)),
            version=0,
        )
    covered: list[FieldValue] = []
    restored = session.scalars(select(FieldValue).where(FieldValue.id.in_(before))).all()
    if before != after:
        for held, current in [(one, False) for one in now] + [(one, True) for one in restored]:
            held.current = current
            covered.append(held)
        events.record(
            session,
            EventKind.VALUE_SET,
            actor=actor,
            covers=covered,
            project_id=project.id,
            item=item,
            body={"source": "undo of a decision"},
            before={field.key: [held.raw for held in now]},
            after={field.key: [held.raw for held in restored]},
        )
    row.undone_at, row.undone_by = utc_now(), actor.user_id
    events.record(
        session,
        EventKind.VALUE_UNDECIDE,
        actor=actor,
        covers=[row],
        project_id=project.id,
        item=item,
        body={"field": field.key, "name": field.label, "decision": row.id},
    )
    session.flush()
    recheck_item(session, actor, project, item)
    return row


def version_of(one: Difference) -> str:
    """Return a token that changes with either claim."""
    return _json([list(one.claimed), list(one.shown), one.capture_id])


def _question(session: Session, project: Project, item: Item, field_key: str) -> Question:
    for one in questions(session, project):
        if (one.difference.item_id, one.difference.field_key) == (item.id, field_key):
            return one
    raise NotFoundError("Here nothing contradicts the page any longer. Nothing was saved.")


def _covers(
    row: ValueDecision, one: Difference, current: Mapping[str, Sequence[FieldValue]]
) -> bool:
    """Tell whether a decision is about what stands now: same page, and the values it left."""
    now = {held.id for held in current.get(row.field_id, ())}
    return json.loads(row.shown) == list(one.shown) and now == set(json.loads(row.after))


def _current(session: Session, item: Item, field: StudyField) -> list[FieldValue]:
    return values_of(session, [item.id])[item.id].get(field.id, [])


def _json(value: Sequence[object]) -> str:
    return json.dumps(value, ensure_ascii=False)
