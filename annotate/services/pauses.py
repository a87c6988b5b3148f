"""Holding the queue: of one project, or of the whole instance. What runs is not broken off."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import INSTANCE_LEDGER, EventKind, Project, QueuePause


def standing(session: Session, project_id: str) -> list[QueuePause]:
    """Return the pauses that hold a project's requests back: its own, the instance's."""
    query = select(QueuePause).where(QueuePause.scope.in_([project_id, INSTANCE_LEDGER]))
    return list(session.scalars(query.order_by(QueuePause.paused_at)))


def pause(session: Session, actor: Actor, project: Project | None, reason: str) -> bool:
    """Let no further request begin; False if that was so already.

    :param project: whose; None: every project's
    """
    scope = project.id if project is not None else INSTANCE_LEDGER
    if session.get(QueuePause, scope) is not None:
        return False
    row = QueuePause(scope=scope, reason=reason.strip(), paused_by=actor.user_id)
    session.add(row)
    _record(session, EventKind.QUEUE_PAUSE, actor, row, project, reason)
    return True


def resume(session: Session, actor: Actor, project: Project | None) -> bool:
    """Let requests begin again; False if nothing held them."""
    row = session.get(QueuePause, project.id if project is not None else INSTANCE_LEDGER)
    if row is None:
        return False
    session.delete(row)
    _record(session, EventKind.QUEUE_RESUME, actor, row, project, "")
    return True


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    row: QueuePause,
    project: Project | None,
    reason: str,
) -> None:
    project_id = project.id if project is not None else None
    events.record(session, kind, actor=actor, covers=[row], project_id=project_id, reason=reason)
    session.flush()
