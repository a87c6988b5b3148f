"""A project's requests page by page: those still open first, in the order of their turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from annotate.models import CaptureRequest, RequestState
from annotate.services.requests import Wanted

PAGE: Final = 100  # requests on a page
_HOSTS: Final = 40  # hosts offered as a filter
_OPEN: Final = (RequestState.WAITING, RequestState.RUNNING)


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of requests."""

    rows: tuple[CaptureRequest, ...]
    number: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE))


def page(session: Session, project_id: str, wanted: Wanted, number: int) -> QueuePage:
    """Return one page of what is wanted; a number past the end gives the last page."""
    base = wanted.query(project_id)
    still = base.where(CaptureRequest.state.in_(_OPEN))
    ended = base.where(CaptureRequest.state.not_in(_OPEN))
    open_count = _count(session, still)
    total = open_count + _count(session, ended)
    number = max(1, min(number, -(-total // PAGE) or 1))
    start = (number - 1) * PAGE
    rows: list[CaptureRequest] = []
    if start < open_count:
        by_turn = still.order_by(
            CaptureRequest.state,  # running before waiting
            CaptureRequest.not_before,
            CaptureRequest.priority,
            CaptureRequest.id,
        )
        rows += session.scalars(by_turn.offset(start).limit(PAGE))
    if len(rows) < PAGE:
        newest = ended.order_by(CaptureRequest.finished_at.desc(), CaptureRequest.id)
        skipped = max(0, start - open_count)
        rows += session.scalars(newest.offset(skipped).limit(PAGE - len(rows)))
    return QueuePage(tuple(rows), number, total)


def hosts(session: Session, project_id: str) -> Sequence[tuple[str, int]]:
    """Return the hosts with the most requests, and how many each has."""
    number = func.count()
    query = (
        select(CaptureRequest.host, number)
        .where(CaptureRequest.project_id == project_id)
        .group_by(CaptureRequest.host)
        .order_by(number.desc(), CaptureRequest.host)
        .limit(_HOSTS)
    )
    return [(host, count) for host, count in session.execute(query)]


def _count(session: Session, query: Select[CaptureRequest]) -> int:
    return session.scalar(query.with_only_columns(func.count())) or 0
