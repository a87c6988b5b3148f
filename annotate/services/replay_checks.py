"""Keeping what the replay check found; the capture itself is never changed by it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.models import Capture, EventKind, Item
from annotate.services.people import SYSTEM
from archive.replay_check import ReplayCheck


def store_check(session: Session, capture_id: str, check: ReplayCheck) -> None:
    """Write the check of a capture down, with its event."""
    capture = session.get_one(Capture, capture_id)
    told = check.as_json()
    capture.replay_similarity = check.similarity
    capture.replay_missing = len(check.missing)
    capture.replay_check = rfc8785.dumps(told).decode()  # type: ignore[arg-type]
    events.record(
        session,
        EventKind.CAPTURE_CHECK_REPLAY,
        actor=SYSTEM,
        covers=[capture],
        project_id=capture.project_id,
        item=session.get(Item, capture.item_id),
        body={"capture": capture.id, **told},
    )
    session.flush()


def read_check(capture: Capture) -> dict[str, object] | None:
    """Return what the check found; None where there was none."""
    return dict(json.loads(capture.replay_check)) if capture.replay_check else None


@dataclass(frozen=True, slots=True)
class Score:
    """What a list says of a check."""

    similarity: int | None
    """In thousandths; None where nothing could be compared."""
    missing: int
    """Parts that are not there."""


def scores(session: Session, capture_ids: Iterable[str | None]) -> dict[str, Score]:
    """Return the scores of those captures that were checked."""
    wanted = {one for one in capture_ids if one is not None}
    query = select(Capture.id, Capture.replay_similarity, Capture.replay_missing).where(
        Capture.id.in_(wanted), Capture.replay_check != ""
    )
    return {key: Score(similar, missing or 0) for key, similar, missing in session.execute(query)}
