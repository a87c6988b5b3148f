"""Judgements that two entries are one; what follows from them is derived, so any can be undone.

What follows never depends on who judges: all judgements and entries are read for it, also those
that who codes blind may not see.
"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import (
    EntryJudgement,
    EntryTrace,
    EventKind,
    Judgement,
    Project,
    RegistryEntry,
)
from annotate.services.registry import keeping
from archive.clock import utc_now


def judge(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    into: RegistryEntry,
    judgement: Judgement,
    reason: str,
) -> EntryJudgement:
    """Say whether `entry` is the same as `into`; the latest word on a pair holds.

    :raises UsageError: they are of two kinds, or one and the same, or no reason is given
    """
    if entry.id == into.id:
        raise UsageError("An entry is always the same as itself; name another.")
    if entry.kind is not into.kind:
        raise UsageError(f"One is of kind {entry.kind.value}, the other {into.kind.value}.")
    if not reason.strip():
        raise UsageError("Say why they are, or are not, the same. Nothing was saved.")
    covered = []
    for old in _standing(session, entry.id):
        if {old.entry_id, old.into_id} == {entry.id, into.id}:
            old.withdrawn_at, old.changed_by = utc_now(), actor.user_id
            covered.append(old)
    row = EntryJudgement(
        project_id=project.id,
        entry_id=entry.id,
        into_id=into.id,
        judgement=judgement,
        reason=reason.strip(),
        made_by=actor.user_id,
    )
    session.add(row)
    event = events.record(
        session,
        EventKind.ENTRY_JUDGE,
        actor=actor,
        covers=[row, *covered],
        project_id=project.id,
        body={
            "judgement": judgement.value,
            "entries": [entry.id, into.id],
            "name": f"{entry.label} / {into.label}",
        },
        reason=row.reason,
    )
    session.add_all(EntryTrace(entry_id=one, event=event) for one in (entry.id, into.id))
    session.flush()
    _settle(session, actor, project, [entry, into])
    return row


def undo(session: Session, actor: Actor, project: Project, judgement_id: str) -> EntryJudgement:
    """Take a judgement back: the entries are apart again, each with all that was its own.

    :raises NotFoundError: the project has none of that id
    :raises UsageError: it was taken back already
    """
    row = keeping.get(session, project, EntryJudgement, judgement_id, "judgement")
    if row.withdrawn_at is not None:
        raise UsageError("This judgement was taken back already.")
    row.withdrawn_at, row.changed_by = utc_now(), actor.user_id
    pair = [session.get_one(RegistryEntry, one) for one in (row.entry_id, row.into_id)]
    event = events.record(
        session,
        EventKind.ENTRY_UNJUDGE,
        actor=actor,
        covers=[row],
        project_id=project.id,
        body={"judgement": row.id, "entries": [one.id for one in pair]},
    )
    session.add_all(EntryTrace(entry_id=one.id, event=event) for one in pair)
    session.flush()
    _settle(session, actor, project, pair)
    return row


def judgements_of(session: Session, entry_ids: list[str]) -> list[EntryJudgement]:
    """Return all judgements about entries, those taken back too, newest first."""
    query = select(EntryJudgement).where(
        or_(EntryJudgement.entry_id.in_(entry_ids), EntryJudgement.into_id.in_(entry_ids))
    )
    return list(session.scalars(query.order_by(EntryJudgement.id.desc())))


def _standing(session: Session, entry_id: str) -> list[EntryJudgement]:
    query = select(EntryJudgement).where(
        or_(EntryJudgement.entry_id == entry_id, EntryJudgement.into_id == entry_id),
        EntryJudgement.withdrawn_at.is_(None),
    )
    return list(
        session.scalars(query.order_by(EntryJudgement.id), execution_options=events.UNNARROWED)
    )


def _settle(session: Session, actor: Actor, project: Project, entries: list[RegistryEntry]) -> None:
    """Derive anew, for each group the entries are in, which one counts: the one others name."""
    done: set[str] = set()
    for entry in entries:
        if entry.id in done:
            continue
        group, named = _group(session, entry)
        done |= group.keys()
        unnamed = [one for one in group.values() if one.id not in named]
        root = min(unnamed or group.values(), key=lambda one: one.id)
        for one in group.values():
            into = None if one.id == root.id else root.id
            if one.merged_into_id != into:
                one.merged_into_id = into
                event = events.record(
                    session,
                    EventKind.ENTRY_JUDGE if into else EventKind.ENTRY_UNJUDGE,
                    actor=actor,
                    covers=[one],
                    project_id=project.id,
                    body={"counts_for": into, "entries": [one.id]},
                )
                session.add(EntryTrace(entry_id=one.id, event=event))
        session.flush()


def _group(session: Session, entry: RegistryEntry) -> tuple[dict[str, RegistryEntry], set[str]]:
    """Return all entries judged the same as `entry`, and those said to repeat another."""
    group = {entry.id: entry}
    named: set[str] = set()
    queue = [entry.id]
    while queue:
        for row in _standing(session, queue.pop()):
            if row.judgement is not Judgement.SAME:
                continue
            named.add(row.entry_id)
            for other_id in (row.entry_id, row.into_id):
                if other_id in group:
                    continue
                other = session.get(RegistryEntry, other_id, execution_options=events.UNNARROWED)
                if other is not None:
                    group[other_id] = other
                    queue.append(other_id)
    return group, named
