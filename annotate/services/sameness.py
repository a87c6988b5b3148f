"""Judgements that two addresses show the same item; undone, never deleted.

What follows never depends on who judges: all judgements are read for it, also those that who codes
blind may not see.
"""

from __future__ import annotations

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Item, Judgement, Project, SameItemJudgement
from archive.clock import utc_now


def judge(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    other: Item,
    judgement: Judgement,
    reason: str = "",
) -> SameItemJudgement:
    """Say whether `item` shows the same as `other`; the latest word on a pair holds.

    :raises UsageError: an item is compared with itself
    """
    if item.id == other.id:
        raise UsageError("An item is always the same as itself; name another.")
    covered: list[SameItemJudgement | Item] = []
    for old in _standing(session, item.id):
        if {old.item_id, old.same_as_id} == {item.id, other.id}:
            old.undone_at, old.undone_by = utc_now(), actor.user_id
            covered.append(old)
    judged = SameItemJudgement(
        project_id=project.id,
        item_id=item.id,
        same_as_id=other.id,
        judgement=judgement,
        reason=reason,
        judged_by=actor.user_id,
    )
    session.add(judged)
    covered.append(judged)
    events.record(
        session,
        EventKind.ITEM_SAME,
        actor=actor,
        covers=covered,
        project_id=project.id,
        item=item,
        body={"other": other.id, "judgement": judgement.value},
        reason=reason,
    )
    session.flush()
    _settle(session, actor, project, [item, other])
    return judged


def undo(session: Session, actor: Actor, project: Project, judgement_id: str) -> None:
    """Take a judgement back.

    :raises NotFoundError: the project has none of that id
    :raises UsageError: it was taken back already
    """
    judged = session.get(SameItemJudgement, judgement_id)
    if judged is None or judged.project_id != project.id:
        raise NotFoundError("This project has no such judgement.")
    if judged.undone_at is not None:
        raise UsageError("This judgement was taken back already.")
    judged.undone_at, judged.undone_by = utc_now(), actor.user_id
    pair = [session.get(Item, judged.item_id), session.get(Item, judged.same_as_id)]
    items = [item for item in pair if item is not None]
    events.record(
        session,
        EventKind.ITEM_UNSAME,
        actor=actor,
        covers=[judged],
        project_id=project.id,
        item=items[0],
        body={"judgement": judged.id},
    )
    session.flush()
    _settle(session, actor, project, items)


def judgements_of(session: Session, item_id: str) -> list[tuple[SameItemJudgement, Item]]:
    """Return the judgements standing about an item, each with the other item."""
    found = []
    for judged in session.scalars(_about(item_id)):
        other = session.get(
            Item, judged.same_as_id if judged.item_id == item_id else judged.item_id
        )
        if other is not None:
            found.append((judged, other))
    return found


def _about(item_id: str) -> Select[SameItemJudgement]:
    query = select(SameItemJudgement).where(
        or_(SameItemJudgement.item_id == item_id, SameItemJudgement.same_as_id == item_id),
        SameItemJudgement.undone_at.is_(None),
    )
    return query.order_by(SameItemJudgement.id)


def _standing(session: Session, item_id: str) -> list[SameItemJudgement]:
    return list(session.scalars(_about(item_id), execution_options=events.UNNARROWED))


def _settle(session: Session, actor: Actor, project: Project, items: list[Item]) -> None:
    """Derive anew, for each group the items are in, which one counts: the one others name."""
    done: set[str] = set()
    for item in items:
        if item.id in done:
            continue
        group, named = _group(session, item)
        done |= group.keys()
        unnamed = [one for one in group.values() if one.id not in named]
        root = min(unnamed or group.values(), key=lambda one: one.id)
        changed: list[Item] = []
        for one in group.values():
            same_as = None if one.id == root.id else root.id
            if one.same_as_id != same_as:
                one.same_as_id = same_as
                changed.append(one)
        for one in changed:
            events.record(
                session,
                EventKind.ITEM_SAME if one.same_as_id else EventKind.ITEM_UNSAME,
                actor=actor,
                covers=[one],
                project_id=project.id,
                item=one,
                body={"counts_for": one.same_as_id},
            )
        session.flush()


def _group(session: Session, item: Item) -> tuple[dict[str, Item], set[str]]:
    """Return all items judged the same as `item`, and those that were said to repeat another."""
    group = {item.id: item}
    named: set[str] = set()
    queue = [item]
    while queue:
        for judged in _standing(session, queue.pop().id):
            if judged.judgement is not Judgement.SAME:
                continue
            named.add(judged.item_id)
            for other_id in (judged.item_id, judged.same_as_id):
                other = session.get(Item, other_id) if other_id not in group else None
                if other is not None:
                    group[other.id] = other
                    queue.append(other)
    return group, named
