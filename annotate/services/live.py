"""What open pages ask for: the events of a project after a position, in plain words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.models import Event, User

MOST: Final = 200  # events handed out at once


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as people read it."""

    position: int
    at: datetime
    kind: str
    who: str
    item_id: str | None
    body: dict[str, Any]
    before: Any
    after: Any
    reason: str
    digest: str
    number: int


def head(session: Session, project_id: str) -> int:
    """Return the position of the project's last event."""
    return session.scalar(select(func.max(Event.id)).where(Event.ledger == project_id)) or 0


def after(session: Session, project_id: str, position: int) -> list[Happening]:
    """Return what happened in a project after a position, oldest first."""
    query = (
        select(Event, User.display_name)
        .outerjoin(User, User.pseudonym == Event.actor)
        .where(Event.ledger == project_id, Event.id > position)
        .order_by(Event.id)
        .limit(MOST)
    )
    return [happening(event, name) for event, name in session.execute(query)]


def of_item(session: Session, item_id: str) -> list[Happening]:
    """Return everything that happened to an item, newest first."""
    query = (
        select(Event, User.display_name)
        .outerjoin(User, User.pseudonym == Event.actor)
        .where(Event.item_id == item_id)
        .order_by(Event.id.desc())
    )
    return [happening(event, name) for event, name in session.execute(query)]


def happening(event: Event, name: str | None) -> Happening:
    """Return an event as people read it; `name` of who acted, if it is known."""
    document = json.loads(event.document)
    return Happening(
        position=event.id,
        at=event.at,
        kind=event.kind.value,
        who=name or ("Holdfast" if event.actor == "system" else event.actor),
        item_id=event.item_id,
        body=document["body"],
        before=document["before"],
        after=document["after"],
        reason=document["reason"],
        digest=event.digest,
        number=event.n,
    )
