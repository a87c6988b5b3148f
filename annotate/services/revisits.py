"""Asking for later visits: of one item, of those ticked, of all that a search finds.

A visit tells the other side that somebody is watching. So none happens unless somebody asks,
the visits of one round come in random order, and can be scattered over hours.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Capture, CaptureSession, Item, Keep, Project, Purpose
from annotate.services import requests
from annotate.services.counting import SEEN
from archive.clock import utc_now
from archive.urlkey import Address

AS_BEFORE_LABEL: Final = "as before"  # the engine of the capture a visit is held against
ENGINES: Final = (AS_BEFORE_LABEL, *requests.ENGINES)
_PURPOSES: Final = {Keep.WHEN_CHANGED: Purpose.OBSERVE, Keep.EACH_TIME: Purpose.RECAPTURE}
_chance: Final = random.SystemRandom()


@dataclass(slots=True)
class Round:
    """What came of asking for visits."""

    asked: int = 0
    already_waiting: int = 0
    never_captured: int = 0
    """Items left out: there is nothing yet that a visit could be held against."""
    request_ids: tuple[str, ...] = ()

    def add(self, other: Round) -> None:
        """Count another batch in."""
        self.asked += other.asked
        self.already_waiting += other.already_waiting
        self.never_captured += other.never_captured
        self.request_ids += other.request_ids

    def __str__(self) -> str:
        """Say it in one line."""
        parts = [f"{self.asked} visits asked for"]
        if self.already_waiting:
            parts.append(f"{self.already_waiting} were waiting already")
        if self.never_captured:
            parts.append(f"{self.never_captured} left out: never captured")
        return ", ".join(parts)


def ask(
    session: Session,
    actor: Actor,
    project: Project,
    item_ids: Sequence[str],
    *,
    keep: Keep = Keep.WHEN_CHANGED,
    engine: str = AS_BEFORE_LABEL,
    spread: timedelta = timedelta(0),
    why: str = "looked at again",
    priority: int = requests.LATER,
) -> Round:
    """Ask for one visit to each item that was captured before.

    :param spread: over how long the visits are scattered at random
    :raises UsageError: there is no such engine
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    done = Round(never_captured=len(set(item_ids)))
    now = utc_now()

    def some_time() -> datetime | None:
        return now + _chance.random() * spread if spread else None

    for (name, identity), addresses in _by_way(session, project, item_ids, engine).items():
        _chance.shuffle(addresses)
        asked = requests.ask(
            session, actor, project, addresses, engine=name, why=why, priority=priority,
            purpose=_PURPOSES[keep], not_before=some_time,
            signed_in=session.get(CaptureSession, identity) if identity else None,
        )  # fmt: skip
        batch = tuple(one.id for one in asked.requests)
        done.add(Round(len(batch), asked.already_waiting, -len(addresses), batch))
    return done


def _by_way(
    session: Session, project: Project, item_ids: Sequence[str], engine: str
) -> dict[tuple[str, str | None], list[Address]]:
    """Return the addresses of items that were captured before, by engine and identity to take.

    Whoever saw a page signed in looks at it signed in again, as long as that identity is kept.
    """
    found: dict[tuple[str, str | None], list[Address]] = {}
    kept = set(
        session.scalars(
            select(CaptureSession.id).where(
                CaptureSession.project_id == project.id, CaptureSession.deleted_at.is_(None)
            )
        )
    )
    ids = list(dict.fromkeys(item_ids))
    for start in range(0, len(ids), requests.BATCH):
        query = (
            select(Item.id, Item.address, Capture.engine, Capture.session_id)
            .join(Capture, Capture.item_id == Item.id)
            .where(
                Item.project_id == project.id,
                Item.id.in_(ids[start : start + requests.BATCH]),
                Capture.outcome.in_(SEEN),
            )
            .order_by(Capture.id == Item.latest_capture_id, Capture.captured_at.desc())
        )
        # The last row of an item decides: the capture it shows, else its first.
        before = {row[0]: row for row in session.execute(query)}
        for _item, address, was, identity in before.values():
            as_before = was if was in requests.ENGINES else "auto"
            name = as_before if engine == AS_BEFORE_LABEL else engine
            way = (name, identity if identity in kept else None)
            found.setdefault(way, []).append(Address.parse(address))
    return found
