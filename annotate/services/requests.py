"""Capture requests, as people ask for and steer them: each is always in one state, with a reason.

What workers do with them stands in `claiming`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    Base,
    CaptureRequest,
    CaptureSession,
    EventKind,
    Item,
    Project,
    Purpose,
    RequestAttempt,
    RequestState,
)
from annotate.services.items import ensure_items
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.identifiers import uuid7
from archive.urlkey import Address

ENGINES: Final = ("auto", "browser", "http")
BATCH: Final = 500  # addresses written in one transaction; others get their turn in between
FIRST: Final = 10  # priorities by name; smaller goes first
NORMAL: Final = 100
LATER: Final = 500
PRIORITIES: Final[Mapping[str, int]] = {"first": FIRST, "normal": NORMAL, "later": LATER}
_OPEN: Final = (RequestState.WAITING, RequestState.RUNNING)


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests of a project are meant; empty parts leave nothing out."""

    state: RequestState | None = None
    outcome: Outcome | None = None
    host: str = ""

    @classmethod
    def read(cls, state: str, host: str = "") -> Wanted:
        """Read what an address says: a state or an outcome, and a host; other words say nothing."""
        states = {one.value: one for one in RequestState}
        outcomes = {one.value: one for one in Outcome}
        return cls(states.get(state), outcomes.get(state), host.strip().lower())

    def query(self, project_id: str) -> Select[CaptureRequest]:
        """Return the statement that finds them, in no order."""
        query = select(CaptureRequest).where(CaptureRequest.project_id == project_id)
        if self.state is not None:
            query = query.where(CaptureRequest.state == self.state)
        if self.outcome is not None:
            query = query.where(
                CaptureRequest.state == RequestState.DONE, CaptureRequest.outcome == self.outcome
            )
        if self.host:
            query = query.where(CaptureRequest.host == self.host)
        return query


def ask(
    session: Session,
    actor: Actor,
    project: Project,
    addresses: Sequence[Address],
    *,
    engine: str = "auto",
    why: str = "",
    priority: int = NORMAL,
    purpose: Purpose = Purpose.CAPTURE,
    not_before: Callable[[], datetime | None] = lambda: None,
    signed_in: CaptureSession | None = None,
    media: bool = False,
) -> Asked:
    """Queue visits; an address that waits or runs already is not queued twice.

    :param not_before: called once a request: the earliest moment of its visit
    :param signed_in: the identity to visit with
    :param media: whether films and sound are fetched too
    :raises UsageError: there is no such engine
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no capture engine {engine!r}; there are {', '.join(ENGINES)}.")
    items = ensure_items(session, actor, project, addresses)
    busy = _open_items(session, [item.id for item, is_new in items.values() if not is_new])
    made: list[CaptureRequest] = []
    for item, _is_new in items.values():
        if item.id in busy:
            continue
        request = CaptureRequest(
            project_id=project.id,
            item_id=item.id,
            address=item.address,
            host=item.host,
            engine=engine,
            why=why,
            requested_by=actor.user_id,
            priority=priority,
            purpose=purpose,
            not_before=not_before(),
            session_id=signed_in.id if signed_in is not None else None,
            media=media,
        )
        session.add(request)
        body = {
            "request": request.id,
            "engine": engine,
            "priority": priority,
            "purpose": purpose,
            "session": request.session_id,
            "media": media,
        }
        record(session, EventKind.REQUEST_CREATE, actor, request, body, reason=why, item=item)
        made.append(request)
    session.flush()
    created = sum(is_new for _item, is_new in items.values())
    return Asked(tuple(made), created, len(items) - len(made))


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


def attempts_of(session: Session, request_id: str) -> list[RequestAttempt]:
    """Return the tries at a request, the first first."""
    query = select(RequestAttempt).where(RequestAttempt.request_id == request_id)
    return list(session.scalars(query.order_by(RequestAttempt.number)))


def open_attempt(session: Session, request_id: str) -> RequestAttempt | None:
    """Return the try that is running, if one is."""
    query = (
        select(RequestAttempt)
        .where(RequestAttempt.request_id == request_id, RequestAttempt.finished_at.is_(None))
        .order_by(RequestAttempt.number.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def cancel(session: Session, actor: Actor, request: CaptureRequest) -> None:
    """Take a request back that waits or runs.

    :raises UsageError: it has ended
    """
    if not cancel_all(session, actor, [request]):
        raise UsageError("This request has ended already; there is nothing to cancel.")


def cancel_all(session: Session, actor: Actor, requests: Iterable[CaptureRequest]) -> int:
    """Take back those that wait or run; return how many.

    The lease of one that runs stays until its worker lets go of it. The worker finds the
    request cancelled within a second, stops, and writes nothing down.
    """
    operation = uuid7()
    done = 0
    for request in requests:
        if request.state not in _OPEN:
            continue
        was, attempt = request.state, open_attempt(session, request.id)
        request.state = RequestState.CANCELLED
        request.reason = f"Cancelled by {actor.name}."
        request.finished_at = utc_now()
        request.not_before = None
        if attempt is not None:
            request.reason = f"Cancelled by {actor.name} while it ran; nothing of it was kept."
            attempt.finished_at = request.finished_at
            attempt.outcome = Outcome.INTERRUPTED
            attempt.reason = request.reason
        record(
            session, EventKind.REQUEST_CANCEL, actor, request, {"was": was}, operation=operation,
            also=[attempt] if attempt else [],
        )  # fmt: skip
        done += 1
    session.flush()
    return done


def retry(session: Session, actor: Actor, request: CaptureRequest) -> None:
    """Queue an ended request again; captures made before stay as they are.

    :raises UsageError: it has not ended
    """
    if not retry_all(session, actor, [request]):
        raise UsageError("This request has not ended yet.")


def retry_all(session: Session, actor: Actor, requests: Iterable[CaptureRequest]) -> int:
    """Queue those that ended again, and let those that wait for their next try go now."""
    operation = uuid7()
    done = 0
    for request in requests:
        backing_off = request.state is RequestState.WAITING and request.attempts > 0
        if request.state not in {RequestState.DONE, RequestState.CANCELLED} and not backing_off:
            continue
        body = {"was": request.outcome.value if request.outcome else request.state.value}
        wait_again(request, "")
        request.attempts = 0
        record(session, EventKind.REQUEST_RETRY, actor, request, body, operation=operation)
        done += 1
    session.flush()
    return done


def set_priority(
    session: Session, actor: Actor, requests: Iterable[CaptureRequest], priority: int
) -> int:
    """Let waiting requests go sooner or later; return how many changed.

    :raises UsageError: the priority is out of range
    """
    if not 0 <= priority <= 1000:
        raise UsageError("A priority is a number from 0 (first) to 1000 (last).")
    operation = uuid7()
    done = 0
    for request in requests:
        if request.state is not RequestState.WAITING or request.priority == priority:
            continue
        before, request.priority = request.priority, priority
        record(
            session, EventKind.REQUEST_CHANGE, actor, request, {}, operation=operation,
            before={"priority": before}, after={"priority": priority},
        )  # fmt: skip
        done += 1
    session.flush()
    return done


def wait_again(request: CaptureRequest, reason: str, *, not_before: datetime | None = None) -> None:
    """Put a request back among those that wait; the caller records the event."""
    request.state = RequestState.WAITING
    request.outcome = None
    request.reason = reason
    request.finished_at = None
    request.not_before = not_before


def record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    request: CaptureRequest,
    body: Mapping[str, Any],
    *,
    reason: str = "",
    item: Item | None = None,
    also: Sequence[Base] = (),
    operation: str | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Write down what happened to a request, and to the rows in `also`."""
    events.record(
        session,
        kind,
        actor=actor,
        covers=[request, *also],
        project_id=request.project_id,
        item=item or session.get(Item, request.item_id),
        body={"request": request.id, **body},
        before=before,
        after=after,
        reason=reason,
        operation_id=operation,
    )


def _open_items(session: Session, item_ids: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for start in range(0, len(item_ids), BATCH):
        query = select(CaptureRequest.item_id).where(
            CaptureRequest.item_id.in_(item_ids[start : start + BATCH]),
            CaptureRequest.state.in_(_OPEN),
        )
        found.update(session.scalars(query))
    return frozenset(found)
