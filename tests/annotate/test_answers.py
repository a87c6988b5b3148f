"""A blocked request is answered by a capture that came in a file, and its history says so."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from annotate.errors import UsageError
from annotate.models import (
    Capture,
    CaptureRequest,
    Event,
    EventKind,
    ImportFile,
    ImportState,
    Project,
    RequestState,
)
from annotate.services import answers, claiming, people, requests
from annotate.wiring import Wiring
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.urlkey import Address

URL = "https://walled.example/post/1"


@pytest.fixture
def request_id(wiring: Wiring, project: Project) -> str:
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        asked = requests.ask(session, owner, held, [Address.parse(URL)])
        claiming.fail(session, asked.requests[0], Outcome.BLOCKED, "login wall")
        return asked.requests[0].id


def bring(wiring: Wiring, request_id: str, *, item_id: str | None = None) -> None:
    """Answer the request by an import, with the rows that an import makes."""
    from annotate import events

    with wiring.database.write() as session:
        manager = people.actor_of(people.find_user(session, "manager"))
        request = session.get_one(CaptureRequest, request_id)
        file = ImportFile(
            project_id=request.project_id, name="صفحات.wacz", kind="wacz", size=1, sha256="0" * 64,
            state=ImportState.IMPORTED, imported_by=manager.user_id,
        )  # fmt: skip
        capture = Capture(
            project_id=request.project_id, item_id=item_id or request.item_id, address=URL,
            outcome=Outcome.COMPLETE, captured_at=utc_now(), finished_at=utc_now(), engine="import",
        )  # fmt: skip
        session.add_all([file, capture])
        events.record(
            session, EventKind.CAPTURE_IMPORT, actor=manager, covers=[file, capture],
            project_id=request.project_id,
        )  # fmt: skip
        session.flush()
        found = answers.unanswered(session, request.project_id, [Address.parse(URL)])
        assert list(found) == [URL]
        answers.answer(session, manager, found[URL], capture, file)
        assert answers.unanswered(session, request.project_id, [Address.parse(URL)]) == {}


def test_a_blocked_request_is_answered_and_says_so(wiring: Wiring, request_id: str) -> None:
    bring(wiring, request_id)
    with wiring.database.read() as session:
        request = session.get_one(CaptureRequest, request_id)
        event = session.scalars(select(Event).where(Event.kind == EventKind.REQUEST_ANSWER)).one()
    assert (request.state, request.outcome) == (RequestState.DONE, Outcome.COMPLETE)
    assert "صفحات.wacz" in request.reason
    assert "blocked: login wall" in request.reason
    document = json.loads(event.document)
    assert event.item_id == request.item_id
    assert document["before"] == {"outcome": "blocked", "reason": "login wall"}
    assert document["body"]["capture"] == request.capture_id


def test_a_request_is_answered_once(wiring: Wiring, request_id: str) -> None:
    bring(wiring, request_id)
    with pytest.raises(AssertionError):
        bring(wiring, request_id)


def test_a_capture_of_another_item_answers_nothing(wiring: Wiring, request_id: str) -> None:
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, session.get_one(CaptureRequest, request_id).project_id)
        other = requests.ask(session, owner, held, [Address.parse(URL + "2")]).requests[0].item_id
    with pytest.raises(UsageError, match="another item"):
        bring(wiring, request_id, item_id=other)
    with wiring.database.read() as session:
        assert session.get_one(CaptureRequest, request_id).outcome is Outcome.BLOCKED
