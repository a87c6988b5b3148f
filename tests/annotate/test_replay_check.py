"""The replay check is kept with its capture, shown, and never in the capture's way."""

from __future__ import annotations

import json
from collections.abc import Callable

from conftest import FakeEngine
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.jobs.worker import Worker
from annotate.models import Capture, Event, EventKind, Project
from annotate.services import requests
from annotate.services.people import actor_of, find_user
from annotate.wiring import Wiring
from archive.capture.job import CaptureResult
from archive.capture.outcome import Outcome
from archive.replay_check import ReplayCheck
from archive.urlkey import Address

URL = "https://example.org/1"


class Checking(FakeEngine):
    """A false engine that finds what a test says; a check of None breaks."""

    def __init__(self, check: ReplayCheck | None) -> None:
        super().__init__({URL: "<title>A page</title><p>words"})
        self.check = check

    def check_replay(self, result: CaptureResult) -> ReplayCheck:
        assert result.warc is not None
        if self.check is None:
            raise AssertionError("a fault nobody foresaw")
        return self.check


def carry_out(wiring: Wiring, project: Project, check: ReplayCheck | None) -> Worker:
    with wiring.database.write() as session:
        owner = actor_of(find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        requests.ask(session, owner, held, [Address.parse(URL)])
    worker = Worker(wiring, "test")
    worker._engines["auto"] = Checking(check)
    return worker


def test_what_was_found_is_kept_logged_and_shown(
    sign_in: Callable[[str], FlaskClient], wiring: Wiring, project: Project
) -> None:
    check = ReplayCheck(
        731, ("https://example.org/lost.png", "https://example.org/b"), (), 10, 8, 90
    )
    carry_out(wiring, project, check).step()
    with wiring.database.read() as session:
        [capture] = session.scalars(select(Capture)).all()
        query = select(Event).where(Event.kind == EventKind.CAPTURE_CHECK_REPLAY)
        [event] = session.scalars(query).all()
    assert (capture.outcome, capture.replay_similarity, capture.replay_missing) == (
        Outcome.COMPLETE, 731, 2,
    )  # fmt: skip
    body = json.loads(event.document)["body"]
    assert body == {"capture": capture.id, **check.as_json()}
    assert json.loads(capture.replay_check) == check.as_json()
    client = sign_in("viewer")
    item = f"/p/study/items/{capture.item_id}"
    assert "73.1 % of its words, 2 parts missing" in client.get(item).text
    assert "73.1 % of the words (8 from the capture" in client.get(f"{item}?tab=provenance").text
    assert "73.1 % shown again, 2 parts missing" in client.get("/p/study/queue").text


def test_a_check_that_breaks_leaves_the_capture_as_it_is(
    wiring: Wiring, project: Project, sign_in: Callable[[str], FlaskClient]
) -> None:
    worker = carry_out(wiring, project, None)
    assert worker.run(_never(), until_empty=True) == 0, "the step broke"
    with wiring.database.read() as session:
        [capture] = session.scalars(select(Capture)).all()
    assert (capture.outcome, capture.replay_check) == (Outcome.COMPLETE, "")
    [row] = sign_in("viewer").get("/p/study/queue.json").json["requests"]
    assert (row["state"], row["outcome"], row["capture"]) == ("done", "complete", capture.id)
    assert not list((wiring.home / "quarantine").iterdir())


def _never():
    import threading

    return threading.Event()
