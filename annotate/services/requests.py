"""Capture requests: each is always in one state with a reason, and the states sum up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    CaptureRequest,
    EventKind,
    Item,
    Project,
    RequestLease,
    RequestState,
)
from annotate.services.items import ensure_item
from annotate.services.people import SYSTEM
from annotate.services.processes import ProcessIdentity, is_alive
from archive.capture.job import CaptureResult
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.identifiers import uuid7
from archive.urlkey import Address

ENGINES: Final = ("auto", "browser", "http")
_LEASE: Final = timedelta(hours=2)  # longer than the longest capture may last
_POLITE_WINDOW: Final = 50  # waiting requests looked at for one whose host may be asked now


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking for captures."""

    requests: tuple[CaptureRequest, ...]
    created_items: int
    already_waiting: int


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many requests are in which state; they sum to `total`."""

    waiting: int
    running: int
    cancelled: int
    by_outcome: dict[Outcome, int]
    total: int

    @property
    def done(self) -> int:
        """How many ended with an outcome."""
        return sum(self.by_outcome.values())


def ask(
    session: Session,
    actor: Actor,
    project: Project,
    addresses: Sequence[Address],
    *,
    engine: str = "auto",
    why: str = "",
    priority: int = 100,
) -> Asked:
    """Queue captures; an address that waits or runs already is not queued twice.

    :raises UsageError: there is no such engine
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no capture engine {engine!r}; there are {', '.join(ENGINES)}.")
    made: list[CaptureRequest] = []
    created = waiting = 0
    for address in dict.fromkeys(addresses):
        item, is_new = ensure_item(session, actor, project, address)
        created += is_new
        if not is_new and _is_open(session, item.id):
            waiting += 1
            continue
        request = CaptureRequest(
            project_id=project.id,
            item_id=item.id,
            address=address.exact,
            host=address.host,
            engine=engine,
            why=why,
            requested_by=actor.user_id,
            priority=priority,
        )
        session.add(request)
        events.record(
            session,
            EventKind.REQUEST_CREATE,
            actor=actor,
            covers=[request],
            project_id=project.id,
            item=item,
            body={"request": request.id, "engine": engine, "priority": priority},
            reason=why,
        )
        session.flush()
        made.append(request)
    return Asked(tuple(made), created, waiting)


def counts(session: Session, project_id: str) -> QueueCounts:
    """Count a project's requests by state and outcome."""
    rows = session.execute(
        select(CaptureRequest.state, CaptureRequest.outcome, func.count())
        .where(CaptureRequest.project_id == project_id)
        .group_by(CaptureRequest.state, CaptureRequest.outcome)
    ).all()
    by_state: dict[RequestState, int] = {}
    by_outcome: dict[Outcome, int] = {}
    for state, outcome, number in rows:
        by_state[state] = by_state.get(state, 0) + number
        if state is RequestState.DONE and outcome is not None:
            by_outcome[outcome] = number
    return QueueCounts(
        waiting=by_state.get(RequestState.WAITING, 0),
        running=by_state.get(RequestState.RUNNING, 0),
        cancelled=by_state.get(RequestState.CANCELLED, 0),
        by_outcome=by_outcome,
        total=sum(by_state.values()),
    )


def get_request(session: Session, project_id: str, request_id: str) -> CaptureRequest:
    """Return a request of the project.

    :raises NotFoundError: there is none of that id
    """
    request = session.get(CaptureRequest, request_id)
    if request is None or request.project_id != project_id:
        raise NotFoundError("This project has no such capture request.")
    return request


def claim(
    session: Session,
    worker: ProcessIdentity,
    *,
    host_delay: float,
    impolite_hosts: frozenset[str] = frozenset(),
) -> tuple[CaptureRequest, str] | None:
    """Take the next request whose host may be asked now; return it and the id of its capture.

    :param host_delay: seconds between the beginnings of two captures of one host
    :param impolite_hosts: hosts exempt from the delay (the demo's own)
    """
    waiting = session.scalars(
        select(CaptureRequest)
        .where(CaptureRequest.state == RequestState.WAITING)
        .order_by(CaptureRequest.priority, CaptureRequest.id)
        .limit(_POLITE_WINDOW)
    ).all()
    busy = _busy_hosts(session, host_delay) if waiting else frozenset()
    for request in waiting:
        host = Address.parse(request.address).host
        if host in busy and host not in impolite_hosts:
            continue
        capture_id = uuid7()
        now = utc_now()
        request.state = RequestState.RUNNING
        request.attempts += 1
        lease = RequestLease(
            request_id=request.id,
            worker=worker.name,
            process_id=worker.process_id,
            process_started=worker.started,
            host=host,
            capture_id=capture_id,
            claimed_at=now,
            expires_at=now + _LEASE,
        )
        session.add(lease)
        events.record(
            session,
            EventKind.REQUEST_START,
            actor=SYSTEM,
            covers=[request],
            project_id=request.project_id,
            item=session.get(Item, request.item_id),
            body={"request": request.id, "capture": capture_id, "attempt": request.attempts},
        )
        session.flush()
        return request, capture_id
    return None


def finish(session: Session, request: CaptureRequest, result: CaptureResult) -> None:
    """Write down how a request ended; its lease ends too."""
    _end(session, request, result.outcome, result.reason, capture_id=result.capture_id)


def fail(session: Session, request: CaptureRequest, outcome: Outcome, reason: str) -> None:
    """End a request that brought no capture."""
    _end(session, request, outcome, reason, capture_id=None)


def cancel(session: Session, actor: Actor, request: CaptureRequest) -> None:
    """Take a waiting request back.

    :raises UsageError: it has begun or ended
    """
    if request.state is not RequestState.WAITING:
        raise UsageError("Only a request that is still waiting can be cancelled.")
    request.state = RequestState.CANCELLED
    request.reason = f"Cancelled by {actor.name}."
    request.finished_at = utc_now()
    _record(session, EventKind.REQUEST_CANCEL, actor, request, {})


def retry(session: Session, actor: Actor, request: CaptureRequest) -> None:
    """Queue an ended request again; captures made before stay as they are.

    :raises UsageError: it has not ended
    """
    if request.state not in {RequestState.DONE, RequestState.CANCELLED}:
        raise UsageError("This request has not ended yet.")
    body = {"was": request.outcome.value if request.outcome else request.state.value}
    _wait_again(request, "")
    request.attempts = 0
    _record(session, EventKind.REQUEST_RETRY, actor, request, body)


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


def recover(session: Session, *, attempts: int) -> list[str]:
    """Take back what dead workers held; return the ids of the captures they had begun.

    A request goes back to waiting, or, after `attempts` tries, ends as interrupted.
    """
    begun: list[str] = []
    for lease in session.scalars(select(RequestLease)).all():
        holder = ProcessIdentity(lease.worker, lease.process_id, lease.process_started)
        if is_alive(holder) and lease.expires_at > utc_now():
            continue
        request = session.get(CaptureRequest, lease.request_id)
        begun.append(lease.capture_id)
        if request is None:
            session.delete(lease)
        elif request.attempts >= attempts:
            reason = f"The capture was broken off {request.attempts} times; nothing was stored."
            fail(session, request, Outcome.INTERRUPTED, reason)
        else:
            session.delete(lease)
            _wait_again(request, "Broken off once already; it is tried again.")
            _record(session, EventKind.REQUEST_RETRY, SYSTEM, request, {"was": "running"})
    session.flush()
    return begun


def _end(
    session: Session,
    request: CaptureRequest,
    outcome: Outcome,
    reason: str,
    *,
    capture_id: str | None,
) -> None:
    request.state = RequestState.DONE
    request.outcome = outcome
    request.reason = reason
    request.finished_at = utc_now()
    request.capture_id = capture_id
    lease = session.get(RequestLease, request.id)
    if lease is not None:
        session.delete(lease)
    body = {"outcome": outcome.value, "capture": capture_id}
    _record(session, EventKind.REQUEST_FINISH, SYSTEM, request, body, reason=reason)


def _wait_again(request: CaptureRequest, reason: str) -> None:
    request.state = RequestState.WAITING
    request.outcome = None
    request.reason = reason
    request.finished_at = None


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    request: CaptureRequest,
    body: Mapping[str, str | None],
    *,
    reason: str = "",
) -> None:
    events.record(
        session,
        kind,
        actor=actor,
        covers=[request],
        project_id=request.project_id,
        item=session.get(Item, request.item_id),
        body={"request": request.id, **body},
        reason=reason,
    )
    session.flush()


def _is_open(session: Session, item_id: str) -> bool:
    query = select(CaptureRequest.id).where(
        CaptureRequest.item_id == item_id,
        CaptureRequest.state.in_([RequestState.WAITING, RequestState.RUNNING]),
    )
    return session.scalar(query.limit(1)) is not None


def _busy_hosts(session: Session, delay: float) -> frozenset[str]:
    """Return the hosts that are being captured now, or were begun less than `delay` ago."""
    running = session.scalars(select(RequestLease.host)).all()
    since = utc_now() - timedelta(seconds=delay)
    recent = session.scalars(
        select(Item.host)
        .join(CaptureRequest, CaptureRequest.item_id == Item.id)
        .where(CaptureRequest.finished_at > since)
    ).all()
    return frozenset([*running, *recent])
