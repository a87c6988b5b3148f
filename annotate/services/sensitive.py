"""Sensitive items: marking them, one or many, with a reason; every act can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    Event,
    EventKind,
    Item,
    MarkSource,
    Project,
    SensitiveMark,
    SensitiveReason,
)
from archive.clock import utc_now
from archive.identifiers import uuid7

FIELD_KEY: Final = "sensitive"  # a boolean study field of this key marks items, as lists fill it
LONGEST: Final = 2000  # characters of a reason
_AT_ONCE: Final = 20_000  # items of one act
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Operation:
    """A person's act on many items, to be undone."""

    id: str
    at: datetime
    marked: bool
    """It marked; otherwise it took marks off."""
    number: int


def mark(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    reason: str,
    *,
    source: MarkSource = MarkSource.PERSON,
) -> bool:
    """Mark an item sensitive; return whether it was not before.

    :raises UsageError: the reason is empty or too long
    """
    return bool(_mark_batch(session, actor, project, [item], _checked(reason), source, None))


def unmark(session: Session, actor: Actor, project: Project, item: Item) -> bool:
    """Take the mark off an item; return whether there was one."""
    return bool(_unmark_batch(session, actor, project, [item], None))


def mark_many(
    session: Session, actor: Actor, project: Project, item_ids: Sequence[str], reason: str
) -> tuple[str, int]:
    """Mark items sensitive; return the act's id and how many were not before.

    :raises UsageError: the reason is empty or too long, or there are too many items
    """
    reason = _checked(reason)
    operation = uuid7()
    changed = 0
    for items in _batches(session, project, item_ids):
        changed += len(
            _mark_batch(session, actor, project, items, reason, MarkSource.PERSON, operation)
        )
    return operation, changed


def unmark_many(
    session: Session, actor: Actor, project: Project, item_ids: Sequence[str]
) -> tuple[str, int]:
    """Take the marks off items; return the act's id and how many had one.

    :raises UsageError: there are too many items
    """
    operation = uuid7()
    changed = 0
    for items in _batches(session, project, item_ids):
        changed += len(_unmark_batch(session, actor, project, items, operation))
    return operation, changed


def undo(session: Session, actor: Actor, project: Project, operation_id: str) -> int:
    """Take an act on many items back; return on how many it still stood.

    Marks that somebody took off or set anew since stay as they left them.

    :raises NotFoundError: there is no such act of this person that still stands
    """
    last = last_operation(session, project, actor.user_id, wanted=operation_id)
    if last is None:
        raise NotFoundError("There is no such act of yours, or it is undone already.")
    back = uuid7()
    if last.marked:
        query = select(SensitiveMark.item_id).where(
            SensitiveMark.operation_id == operation_id, SensitiveMark.ended_at.is_(None)
        )
        changed = 0
        for items in _batches(session, project, list(session.scalars(query))):
            changed += len(_unmark_batch(session, actor, project, items, back))
        return changed
    rows = session.execute(
        select(SensitiveMark, SensitiveReason)
        .join(SensitiveReason, SensitiveReason.mark_id == SensitiveMark.id)
        .where(SensitiveMark.end_operation_id == operation_id)
    ).all()
    changed = 0
    for ended, why in rows:
        item = session.get_one(Item, ended.item_id)
        made = _mark_batch(session, actor, project, [item], why.reason, ended.source, back)
        changed += len(made)
    return changed


def last_operation(
    session: Session, project: Project, user_id: str, *, wanted: str | None = None
) -> Operation | None:
    """Return a person's last act on many items of which something still stands to be undone.

    :param wanted: look for this act alone
    """
    made = (
        select(SensitiveMark.operation_id)
        .join(SensitiveReason, SensitiveReason.mark_id == SensitiveMark.id)
        .where(
            SensitiveMark.project_id == project.id,
            SensitiveReason.marked_by == user_id,
            SensitiveMark.operation_id.is_not(None),
            SensitiveMark.ended_at.is_(None),
        )
    )
    ended = (
        select(SensitiveMark.end_operation_id)
        .join(SensitiveReason, SensitiveReason.mark_id == SensitiveMark.id)
        .where(
            SensitiveMark.project_id == project.id,
            SensitiveReason.ended_by == user_id,
            SensitiveMark.end_operation_id.is_not(None),
            SensitiveMark.item_id.not_in(current(project.id)),
        )
    )
    if wanted is not None:
        made = made.where(SensitiveMark.operation_id == wanted)
        ended = ended.where(SensitiveMark.end_operation_id == wanted)
    found = []
    for marked, query, column in (
        (True, made, SensitiveMark.operation_id),
        (False, ended, SensitiveMark.end_operation_id),
    ):
        key = session.scalar(query.order_by(column.desc()).limit(1))
        if key is not None:
            found.append((key, marked, len(session.scalars(query.where(column == key)).all())))
    if not found:
        return None
    key, marked, number = max(found)
    at = session.scalar(select(Event.at).where(Event.operation_id == key).limit(1))
    return Operation(key, at or utc_now(), marked, number)


def current(project_id: str) -> Select[str]:
    """Return the subquery of the ids of a project's sensitive items."""
    return select(SensitiveMark.item_id).where(
        SensitiveMark.project_id == project_id, SensitiveMark.ended_at.is_(None)
    )


def among(session: Session, item_ids: Sequence[str]) -> frozenset[str]:
    """Return which of some items are sensitive."""
    found: set[str] = set()
    for start in range(0, len(item_ids), _BATCH):
        found.update(
            session.scalars(
                select(SensitiveMark.item_id).where(
                    SensitiveMark.item_id.in_(item_ids[start : start + _BATCH]),
                    SensitiveMark.ended_at.is_(None),
                )
            )
        )
    return frozenset(found)


def follow_field(
    session: Session, actor: Actor, project: Project, item: Item, values: Sequence[str]
) -> None:
    """Let the study field `sensitive` mark an item, or take off the mark that it set itself."""
    if "yes" in values:
        mark(session, actor, project, item, "The field “sensitive” says so.",
             source=MarkSource.FIELD)  # fmt: skip
    else:
        held = held_of(session, [item.id])
        if item.id in held and held[item.id].source is MarkSource.FIELD:
            unmark(session, actor, project, item)


def held_of(session: Session, item_ids: Sequence[str]) -> dict[str, SensitiveMark]:
    """Return the standing marks of items."""
    query = select(SensitiveMark).where(
        SensitiveMark.item_id.in_(item_ids), SensitiveMark.ended_at.is_(None)
    )
    return {one.item_id: one for one in session.scalars(query)}


def _batches(session: Session, project: Project, item_ids: Sequence[str]) -> list[list[Item]]:
    distinct = list(dict.fromkeys(item_ids))
    if len(distinct) > _AT_ONCE:
        raise UsageError(f"At most {_AT_ONCE} items can be changed at once.")
    found = []
    for start in range(0, len(distinct), _BATCH):
        query = select(Item).where(
            Item.id.in_(distinct[start : start + _BATCH]), Item.project_id == project.id
        )
        found.append(list(session.scalars(query.order_by(Item.id))))
    return found


def _mark_batch(
    session: Session,
    actor: Actor,
    project: Project,
    items: Sequence[Item],
    reason: str,
    source: MarkSource,
    operation_id: str | None,
) -> list[str]:
    standing = held_of(session, [one.id for one in items])
    changed = []
    for item in items:
        if item.id in standing:
            continue
        made = SensitiveMark(
            project_id=project.id, item_id=item.id, source=source, operation_id=operation_id
        )
        why = SensitiveReason(
            mark_id=made.id, item_id=item.id, reason=reason, marked_by=actor.user_id
        )
        session.add_all([made, why])
        events.record(
            session,
            EventKind.ITEM_MARK_SENSITIVE,
            actor=actor,
            covers=[made, why],
            project_id=project.id,
            item=item,
            operation_id=operation_id,
            body={"mark": made.id, "source": source.value},
            reason=reason,
        )
        changed.append(item.id)
    session.flush()
    return changed


def _unmark_batch(
    session: Session,
    actor: Actor,
    project: Project,
    items: Sequence[Item],
    operation_id: str | None,
) -> list[str]:
    standing = held_of(session, [one.id for one in items])
    query = select(SensitiveReason).where(
        SensitiveReason.mark_id.in_([one.id for one in standing.values()])
    )
    # Who takes a mark off may be blind to its reason; they end it all the same.
    whys = {
        one.mark_id: one for one in session.scalars(query.execution_options(**events.UNNARROWED))
    }
    changed = []
    for item in items:
        held = standing.get(item.id)
        if held is None:
            continue
        held.ended_at, held.end_operation_id = utc_now(), operation_id
        why = whys[held.id]
        why.ended_by = actor.user_id
        events.record(
            session,
            EventKind.ITEM_UNMARK_SENSITIVE,
            actor=actor,
            covers=[held, why],
            project_id=project.id,
            item=item,
            operation_id=operation_id,
            body={"mark": held.id},
        )
        changed.append(item.id)
    session.flush()
    return changed


def _checked(reason: str) -> str:
    plain = " ".join(reason.split())
    if not plain:
        raise UsageError("Say why: others decide by it whether to look.")
    if len(plain) > LONGEST:
        raise UsageError(f"A reason has at most {LONGEST} characters; this one has {len(plain)}.")
    return plain
