"""Watches: searches whose items are visited again and again. None exists until one is made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Keep, Project, User, Watch
from annotate.services.people import SYSTEM
from annotate.services.revisits import ENGINES
from archive.clock import utc_now

_LONGEST: Final = 24 * 366  # hours


def make(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    query: str,
    every_hours: int,
    spread_hours: int,
    keep: Keep = Keep.WHEN_CHANGED,
    engine: str = ENGINES[0],
) -> Watch:
    """Begin to watch what a search finds; the first round is due one interval from now.

    :param spread_hours: over how much of the interval the visits of a round are scattered
    :raises UsageError: a number is out of range, or the engine is unknown
    """
    if not 1 <= every_hours <= _LONGEST:
        raise UsageError(f"Visits come every 1 to {_LONGEST} hours.")
    if not 0 <= spread_hours <= every_hours:
        raise UsageError("Visits can be scattered over no more than the time between two rounds.")
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    watch = Watch(
        project_id=project.id,
        query=query.strip(),
        every_hours=every_hours,
        spread_hours=spread_hours,
        keep=keep,
        engine=engine,
        next_at=utc_now() + timedelta(hours=every_hours),
        created_by=actor.user_id,
    )
    session.add(watch)
    _record(session, EventKind.WATCH_CREATE, actor, watch, after=_settings(watch))
    return watch


def switch(session: Session, actor: Actor, watch: Watch, *, active: bool) -> bool:
    """Stop a watch, or let it go on; False if it was so already."""
    if watch.is_active is active:
        return False
    before = _settings(watch)
    watch.is_active = active
    if active:
        watch.next_at = utc_now() + timedelta(hours=watch.every_hours)
    _record(session, EventKind.WATCH_CHANGE, actor, watch, before=before, after=_settings(watch))
    return True


def of_project(session: Session, project_id: str) -> list[tuple[Watch, User]]:
    """Return a project's watches, those that go on first, and who made each."""
    query = (
        select(Watch, User)
        .join(User, User.id == Watch.created_by)
        .where(Watch.project_id == project_id)
        .order_by(Watch.is_active.desc(), Watch.created_at)
    )
    return [(watch, user) for watch, user in session.execute(query)]


def get(session: Session, project_id: str, watch_id: str) -> Watch:
    """Return a watch of the project.

    :raises NotFoundError: there is none of that id
    """
    watch = session.get(Watch, watch_id)
    if watch is None or watch.project_id != project_id:
        raise NotFoundError("This project has no such watch.")
    return watch


def due(session: Session, now: datetime) -> list[str]:
    """Return the watches whose next round is due."""
    query = select(Watch.id).where(Watch.is_active, Watch.next_at <= now)
    return list(session.scalars(query.order_by(Watch.next_at)))


def note_round(session: Session, watch: Watch, *, asked: int, fault: str = "") -> None:
    """Write down that a round was begun, or could not be, and when the next is due.

    A watch that slept through several rounds makes up for none of them.
    """
    now = utc_now()
    every = timedelta(hours=watch.every_hours)
    watch.last_at, watch.last_asked, watch.fault = now, asked, fault
    watch.next_at = max(watch.next_at + every, now + every / 2)
    _record(session, EventKind.WATCH_RUN, SYSTEM, watch, after={"asked": asked}, reason=fault)


def _settings(watch: Watch) -> dict[str, object]:
    return {
        "query": watch.query,
        "every_hours": watch.every_hours,
        "spread_hours": watch.spread_hours,
        "keep": watch.keep.value,
        "engine": watch.engine,
        "active": watch.is_active,
    }


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    watch: Watch,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    reason: str = "",
) -> None:
    events.record(
        session, kind, actor=actor, covers=[watch], project_id=watch.project_id,
        body={"watch": watch.id}, before=before, after=after, reason=reason,
    )  # fmt: skip
    session.flush()
