"""Capture requests, as workers take and end them.

A worker holds a request by a lease that it renews while it works. A lease whose worker is dead,
or that was not renewed in time, is taken back; whoever lost it writes nothing. Who goes next:
people take turns (whoever was served longest ago), a person's own requests go by priority, and
no host is asked twice within the politeness delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, false, func, or_, select, update
from sqlalchemy.orm import Session

from annotate.models import (
    INSTANCE_LEDGER,
    CaptureRequest,
    EventKind,
    QueuePause,
    RequestAttempt,
    RequestLease,
    RequestState,
)
from annotate.services.backoff import Backoff
from annotate.services.people import SYSTEM
from annotate.services.processes import ProcessIdentity, is_alive
from annotate.services.requests import open_attempt, record, wait_again
from archive.capture.job import CaptureResult
from archive.capture.outcome import Outcome
from archive.clock import isoformat, utc_now
from archive.identifiers import uuid7

LEASE: Final = timedelta(minutes=2)
RENEWAL: Final = 20.0  # seconds between two renewals of a lease


@dataclass(frozen=True, slots=True)
class _Group:
    """Waiting requests of one person for one host."""

    person: str
    host: str
    priority: int
    first: str


def claim(
    session: Session,
    worker: ProcessIdentity,
    *,
    host_delay: float,
    impolite_hosts: frozenset[str] = frozenset(),
) -> tuple[CaptureRequest, str] | None:
    """Take the next request whose host may be asked now; return it and the id of its capture.

    :param host_delay: seconds between the end of one visit to a host and the next beginning
    :param impolite_hosts: hosts exempt from the delay (the demo's own)
    """
    now = utc_now()
    conditions = _ready(session, now)
    groups = _groups(session, conditions)
    busy = _busy_hosts(session, host_delay, now) - impolite_hosts if groups else frozenset()
    free = [group for group in groups if group.host not in busy]
    if not free:
        return None
    turn = _whose_turn(session, sorted({group.person for group in free}))
    best = min(
        (group for group in free if group.person == turn),
        key=lambda group: (group.priority, group.first),
    )
    query = (
        select(CaptureRequest)
        .where(*conditions)
        .where(CaptureRequest.requested_by == best.person, CaptureRequest.host == best.host)
        .order_by(CaptureRequest.priority, CaptureRequest.id)
        .limit(1)
    )
    request = session.scalars(query).one()
    return request, _begin(session, request, worker, now)


def take(session: Session, worker: ProcessIdentity, request: CaptureRequest) -> str:
    """Begin a waiting request that this process was asked to carry out itself, out of turn.

    :return: the id of its capture
    """
    return _begin(session, request, worker, utc_now())


def any_ready(session: Session) -> bool:
    """Tell whether a request could begin but for its host, which is being spared."""
    query = select(CaptureRequest.id).where(*_ready(session, utc_now())).limit(1)
    return session.scalar(query) is not None


def renew(session: Session, request_id: str, capture_id: str) -> bool:
    """Hold on to a request for another while; False if it was taken back meanwhile."""
    done = session.execute(
        update(RequestLease)
        .where(RequestLease.request_id == request_id, RequestLease.capture_id == capture_id)
        .values(expires_at=utc_now() + LEASE)
        .returning(RequestLease.request_id)
    )
    return done.scalar() is not None


def holds(session: Session, request_id: str, capture_id: str) -> bool:
    """Tell whether the worker that began this capture may write down what comes of it.

    It may not once the request was taken back from it, or cancelled.
    """
    lease = session.get(RequestLease, request_id)
    if lease is None or lease.capture_id != capture_id:
        return False
    return session.get_one(CaptureRequest, request_id).state is RequestState.RUNNING


def release(session: Session, request_id: str, capture_id: str) -> None:
    """Let go of a request that was cancelled; harmless where another worker has it."""
    lease = session.get(RequestLease, request_id)
    if lease is not None and lease.capture_id == capture_id:
        session.delete(lease)
        session.flush()


def finish(
    session: Session,
    request: CaptureRequest,
    result: CaptureResult,
    backoff: Backoff,
    *,
    stored: str | None,
) -> bool:
    """Write down how a try ended; True if the request ends with it, else it waits for the next.

    :param stored: id of the capture that was kept, if one was
    """
    pause = backoff.after(result, request.attempts)
    if pause is None:
        _end(session, request, result.outcome, result.reason, capture_id=stored)
        return True
    again_at = utc_now() + pause
    attempt = _close_attempt(
        session, request, result.outcome, result.reason, capture_id=stored, again_at=again_at
    )
    told = f"{result.outcome}, {result.reason}; try {request.attempts + 1} of {backoff.attempts}"
    wait_again(request, f"{told} follows.", not_before=again_at)
    body = {"outcome": result.outcome, "capture": stored, "again_at": isoformat(again_at)}
    record(
        session, EventKind.REQUEST_RETRY, SYSTEM, request, body, reason=result.reason,
        also=[attempt] if attempt else [],
    )  # fmt: skip
    session.flush()
    return False


def fail(session: Session, request: CaptureRequest, outcome: Outcome, reason: str) -> None:
    """End a request that brought no capture."""
    _end(session, request, outcome, reason, capture_id=None)


def held_by(session: Session, worker: ProcessIdentity) -> list[tuple[CaptureRequest, str]]:
    """Return the requests a worker holds, with the ids of the captures it began."""
    rows = session.execute(
        select(CaptureRequest, RequestLease.capture_id)
        .join(RequestLease, RequestLease.request_id == CaptureRequest.id)
        .where(
            RequestLease.process_id == worker.process_id,
            RequestLease.process_started == worker.started,
            RequestLease.worker == worker.name,
        )
    )
    return [(request, capture_id) for request, capture_id in rows]


def lapsed(session: Session) -> list[str]:
    """Return the requests whose worker is dead, or has not renewed its lease in time."""
    now = utc_now()
    return [
        lease.request_id
        for lease in session.scalars(select(RequestLease))
        if lease.expires_at <= now or not is_alive(_holder(lease))
    ]


def recover(session: Session, *, attempts: int) -> list[str]:
    """Take back what lapsed; return the ids of the captures that had been begun.

    A request goes back to waiting, or, after `attempts` tries, ends as interrupted.
    """
    begun: list[str] = []
    for request_id in lapsed(session):
        lease = session.get_one(RequestLease, request_id)
        request = session.get_one(CaptureRequest, request_id)
        begun.append(lease.capture_id)
        if request.state is not RequestState.RUNNING:  # cancelled, and its worker died over it
            session.delete(lease)
            continue
        if request.attempts >= attempts:
            reason = f"The capture was broken off {request.attempts} times; nothing was stored."
            fail(session, request, Outcome.INTERRUPTED, reason)
            continue
        reason = "Broken off: its worker ended in the middle. It is tried again."
        attempt = _close_attempt(session, request, Outcome.INTERRUPTED, reason, capture_id=None)
        wait_again(request, reason)
        record(
            session, EventKind.REQUEST_RETRY, SYSTEM, request, {"was": "running"}, reason=reason,
            also=[attempt] if attempt else [],
        )  # fmt: skip
    session.flush()
    return begun


def _ready(session: Session, now: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions under which a request may begin now."""
    paused = set(session.scalars(select(QueuePause.scope)))
    conditions: list[ColumnElement[bool]] = [
        CaptureRequest.state == RequestState.WAITING,
        or_(CaptureRequest.not_before.is_(None), CaptureRequest.not_before <= now),
        # Cancelled and asked for again while its worker has not let go of it yet.
        ~exists().where(RequestLease.request_id == CaptureRequest.id),
    ]
    if INSTANCE_LEDGER in paused:
        conditions.append(false())
    elif paused:
        conditions.append(CaptureRequest.project_id.not_in(paused))
    return conditions


def _groups(session: Session, conditions: Sequence[ColumnElement[bool]]) -> list[_Group]:
    query = (
        select(
            CaptureRequest.requested_by,
            CaptureRequest.host,
            func.min(CaptureRequest.priority),
            func.min(CaptureRequest.id),
        )
        .where(*conditions)
        .group_by(CaptureRequest.requested_by, CaptureRequest.host)
    )
    return [_Group(*row) for row in session.execute(query)]


def _whose_turn(session: Session, people: Sequence[str]) -> str:
    """Return the person whose last visit began longest ago."""
    if len(people) == 1:
        return people[0]
    served = {
        person: session.scalar(
            select(func.max(CaptureRequest.started_at)).where(CaptureRequest.requested_by == person)
        )
        for person in people
    }
    return min(people, key=lambda one: (served[one] is not None, served[one] or utc_now(), one))


def _busy_hosts(session: Session, delay: float, now: datetime) -> frozenset[str]:
    """Return the hosts that are being visited, or whose last visit ended less than `delay` ago."""
    running = session.scalars(select(RequestLease.host)).all()
    recent = session.scalars(
        select(CaptureRequest.host)
        .join(RequestAttempt, RequestAttempt.request_id == CaptureRequest.id)
        .where(RequestAttempt.finished_at > now - timedelta(seconds=delay))
    )
    return frozenset([*running, *recent])


def _begin(
    session: Session, request: CaptureRequest, worker: ProcessIdentity, now: datetime
) -> str:
    capture_id = uuid7()
    request.state = RequestState.RUNNING
    request.attempts += 1
    request.started_at = now
    request.not_before = None
    lease = RequestLease(
        request_id=request.id,
        worker=worker.name,
        process_id=worker.process_id,
        process_started=worker.started,
        host=request.host,
        capture_id=capture_id,
        claimed_at=now,
        expires_at=now + LEASE,
    )
    last = select(func.max(RequestAttempt.number)).where(RequestAttempt.request_id == request.id)
    attempt = RequestAttempt(
        request_id=request.id, number=(session.scalar(last) or 0) + 1, started_at=now
    )
    session.add_all([lease, attempt])
    body = {"capture": capture_id, "attempt": attempt.number}
    record(session, EventKind.REQUEST_START, SYSTEM, request, body, also=[attempt])
    session.flush()
    return capture_id


def _end(
    session: Session,
    request: CaptureRequest,
    outcome: Outcome,
    reason: str,
    *,
    capture_id: str | None,
) -> None:
    attempt = _close_attempt(session, request, outcome, reason, capture_id=capture_id)
    request.state = RequestState.DONE
    request.outcome = outcome
    request.reason = reason
    request.finished_at = utc_now()
    request.capture_id = capture_id
    body = {"outcome": outcome, "capture": capture_id}
    record(
        session, EventKind.REQUEST_FINISH, SYSTEM, request, body, reason=reason,
        also=[attempt] if attempt else [],
    )  # fmt: skip
    session.flush()


def _close_attempt(
    session: Session,
    request: CaptureRequest,
    outcome: Outcome,
    reason: str,
    *,
    capture_id: str | None,
    again_at: datetime | None = None,
) -> RequestAttempt | None:
    """End the running try and its lease; None where the request was never begun."""
    lease = session.get(RequestLease, request.id)
    if lease is not None:
        session.delete(lease)
    attempt = open_attempt(session, request.id)
    if attempt is not None:
        attempt.finished_at = utc_now()
        attempt.outcome = outcome
        attempt.reason = reason
        attempt.capture_id = capture_id
        attempt.again_at = again_at
    return attempt


def _holder(lease: RequestLease) -> ProcessIdentity:
    return ProcessIdentity(lease.worker, lease.process_id, lease.process_started)
