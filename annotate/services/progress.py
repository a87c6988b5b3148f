"""How fast a project's queue goes, and how long the rest will take at that pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.models import CaptureRequest, RequestState
from annotate.services import pauses
from annotate.services.requests import QueueCounts, counts
from archive.clock import utc_now

_WINDOW: Final = timedelta(minutes=10)  # the pace is that of the last so many minutes
LENGTH_LABELS: Final = {
    "short": "under a minute",
    "minutes": "about {1} min",
    "hours": "about {1} hours",
    "days": "about {1} days",
}
_SHORTEST: Final = 10.0  # seconds; a pace over less says nothing
_FEWEST: Final = 3  # requests that must have ended before a time left is told


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a queue stands, and its pace; None where it cannot be told yet."""

    counts: QueueCounts
    per_minute: float | None
    seconds_left: int | None
    later: int
    """Of those waiting, how many wait for their next try or their time."""
    next_at: datetime | None
    """When the next of those is due."""
    paused: bool

    @property
    def left(self) -> str:
        """Return the time left in words; empty where it is not known."""
        return in_words(self.seconds_left) if self.seconds_left is not None else ""

    def as_json(self) -> dict[str, Any]:
        """Return it as open pages and programs read it."""
        queue = self.counts
        return {
            "waiting": queue.waiting,
            "running": queue.running,
            "done": queue.done,
            "cancelled": queue.cancelled,
            "total": queue.total,
            "outcomes": {outcome.value: n for outcome, n in queue.by_outcome.items()},
            "per_minute": round(self.per_minute, 1) if self.per_minute is not None else None,
            "seconds_left": self.seconds_left,
            "left": self.left,
            "later": self.later,
            "paused": self.paused,
        }


def progress(session: Session, project_id: str) -> Progress:
    """Measure a project's queue."""
    now = utc_now()
    queue = counts(session, project_id)
    later, next_at = session.execute(
        select(func.count(), func.min(CaptureRequest.not_before)).where(
            CaptureRequest.project_id == project_id,
            CaptureRequest.state == RequestState.WAITING,
            CaptureRequest.not_before > now,
        )
    ).one()
    ended, began = session.execute(
        select(func.count(), func.min(CaptureRequest.started_at)).where(
            CaptureRequest.project_id == project_id,
            CaptureRequest.state == RequestState.DONE,
            CaptureRequest.finished_at > now - _WINDOW,
        )
    ).one()
    pace: float | None = None
    if ended >= _FEWEST and began is not None:
        seconds = max(_SHORTEST, (now - max(began, now - _WINDOW)).total_seconds())
        pace = ended / seconds * 60
    open_now = queue.waiting - later + queue.running
    paused = bool(pauses.standing(session, project_id))
    left = round(open_now / pace * 60) if pace and open_now and not paused else None
    return Progress(queue, pace, left, later, next_at, paused)


def in_words(seconds: int) -> str:
    """Say a length of time roughly.

    >>> in_words(40), in_words(700), in_words(9000), in_words(200000)
    ('under a minute', 'about 12 min', 'about 2.5 hours', 'about 2 days')
    """
    if seconds < 60:
        return LENGTH_LABELS["short"]
    if seconds < 5400:
        return LENGTH_LABELS["minutes"].format("", round(seconds / 60))
    if seconds < 129600:
        return LENGTH_LABELS["hours"].format("", f"{seconds / 3600:.1f}".removesuffix(".0"))
    return LENGTH_LABELS["days"].format("", round(seconds / 86400))
