"""A request that could not be carried out, answered by what a person brings in a file.

Logged-in pages resist capture; somebody saves them by hand and imports the file. The request
then ends with that capture, and its history keeps how it had ended before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import (
    Capture,
    CaptureRequest,
    EventKind,
    ImportFile,
    Item,
    Purpose,
    RequestState,
)
from archive.capture.outcome import Outcome
from archive.clock import isoformat, utc_now
from archive.urlkey import Address

UNANSWERED: Final = frozenset(
    {Outcome.BLOCKED, Outcome.FAILED, Outcome.GONE, Outcome.REFUSED, Outcome.INTERRUPTED}
)
_AT_ONCE: Final = 500  # addresses asked for in one statement


def unanswered(
    session: Session, project_id: str, addresses: Sequence[Address]
) -> dict[str, CaptureRequest]:
    """Return, by exact address, the newest request of each that an import can answer.

    One that still waits (for its first try, or for the next one) can be answered as well.
    """
    wanted = [address.exact for address in addresses]
    found: dict[str, CaptureRequest] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = (
            select(CaptureRequest)
            .where(
                CaptureRequest.project_id == project_id,
                CaptureRequest.purpose == Purpose.CAPTURE,
                CaptureRequest.item_id.in_(
                    select(Item.id).where(
                        Item.project_id == project_id,
                        Item.address.in_(wanted[start : start + _AT_ONCE]),
                    )
                ),
            )
            .order_by(CaptureRequest.id)
        )
        for request in session.scalars(query):
            found.pop(request.address, None)  # only the newest speaks
            if can_answer(request):
                found[request.address] = request
    return found


def can_answer(request: CaptureRequest) -> bool:
    """Tell whether an import may still answer the request."""
    if request.state is RequestState.WAITING:
        return True
    return request.state is RequestState.DONE and request.outcome in UNANSWERED


def answer(
    session: Session,
    actor: Actor,
    request: CaptureRequest,
    capture: Capture,
    file: ImportFile,
) -> None:
    """End a request with a capture that came in a file; say so in its history.

    Call after the rows of the capture were flushed.

    :raises UsageError: the request is running or has what it asked for, or the capture is of
        another item
    """
    if not can_answer(request):
        raise UsageError("This request is not open to an answer: it runs, or has its capture.")
    if capture.item_id != request.item_id:
        raise UsageError(f"The capture is of another item than {request.address}.")
    was = request.outcome.value if request.outcome else request.state.value
    before = {"outcome": was, "reason": request.reason}
    request.state = RequestState.DONE
    request.outcome = capture.outcome
    request.reason = (
        f"Answered by importing {file.name} (captured {isoformat(capture.captured_at)}); "
        f"before that: {was}{': ' if request.reason else ''}{request.reason}"
    )
    request.finished_at = utc_now()
    request.not_before = None
    request.capture_id = capture.id
    request.answered_by = file.id
    events.record(
        session,
        EventKind.REQUEST_ANSWER,
        actor=actor,
        covers=[request],
        project_id=request.project_id,
        item=session.get(Item, request.item_id),
        body={
            "request": request.id,
            "capture": capture.id,
            "import": file.id,
            "file": file.name,
            "file_sha256": file.sha256,
        },
        before=before,
        after={"outcome": capture.outcome.value, "reason": request.reason},
        reason=f"answered by importing {file.name}",
    )
    session.flush()
