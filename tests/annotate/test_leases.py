"""A request belongs to one worker at a time, and can be cancelled while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from conftest import send
from flask.testing import FlaskClient
from queued import ScriptedEngine, ask, the_request
from sqlalchemy import select, update

from annotate.jobs import heartbeat
from annotate.jobs.heartbeat import Heartbeat
from annotate.jobs.worker import Worker, recover
from annotate.models import (
    Capture,
    Event,
    Project,
    RequestLease,
    RequestState,
)
from annotate.services import claiming, people, requests
from annotate.services.processes import ProcessIdentity, this_process
from annotate.wiring import Wiring
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Judgement, Outcome
from archive.capture.stopping import STOPPED, Stop
from archive.clock import utc_now

Browser = Callable[[str], FlaskClient]


def test_a_dead_workers_request_waits_again_and_then_ends(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1")
    dead = ProcessIdentity("dead", 2**22 - 1, 1)
    for number in (1, 2, 3):
        with wiring.database.write() as session:
            claimed = claiming.claim(session, dead, host_delay=0)
            assert claimed is not None
        folder = wiring.store.capture_folder(claimed[1], utc_now())
        (folder / "capture.warc.gz.open").write_bytes(b"half")
        assert recover(wiring) == 1
        assert not folder.exists()
        assert len(list(wiring.home.glob("quarantine/*/REASON.txt"))) == number
        one = the_request(wiring)
        assert one.state is (RequestState.WAITING if number < 3 else RequestState.DONE)
    assert (one.outcome, "3 times" in one.reason) == (Outcome.INTERRUPTED, True)
    with wiring.database.read() as session:
        tries = requests.attempts_of(session, one.id)
        assert [try_.outcome for try_ in tries] == ["interrupted"] * 3
        assert session.scalars(select(RequestLease)).all() == []


def test_a_worker_that_lost_its_lease_writes_nothing(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1")
    worker = Worker(wiring, "slow")

    class Slow(ScriptedEngine):
        def capture(self, job: CaptureJob) -> CaptureResult:
            done = super().capture(job)
            with wiring.database.write() as session:  # the machine slept: the lease ran out
                past = utc_now() - timedelta(seconds=1)
                session.execute(update(RequestLease).values(expires_at=past))
                claiming.recover(session, attempts=5)
            return done

    worker._engines["auto"] = Slow(Judgement(Outcome.COMPLETE))
    assert worker.step()
    assert the_request(wiring).state is RequestState.WAITING
    with wiring.database.read() as session:
        assert session.scalars(select(Capture)).all() == []
    assert not list(wiring.home.glob("captures/*/*/*"))
    assert len(list(wiring.home.glob("quarantine/*/capture.warc.gz"))) == 1


def test_a_lease_is_renewed_while_its_worker_works(
    wiring: Wiring, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "RENEWAL", 0.02)
    monkeypatch.setattr(heartbeat, "LOOK", 0.02)
    ask(wiring, project, "https://a.example/1")
    with wiring.database.write() as session:
        claimed = claiming.claim(session, this_process("t"), host_delay=0)
        assert claimed is not None
        began = session.scalars(select(RequestLease)).one().expires_at
    with Heartbeat(wiring.database, claimed[0].id, claimed[1], Stop(), longest=60):
        ends = datetime.now(UTC) + timedelta(seconds=10)
        while datetime.now(UTC) < ends:
            with wiring.database.read() as session:
                if session.scalars(select(RequestLease)).one().expires_at > began:
                    break
        else:
            pytest.fail("the lease was not renewed")
    with wiring.database.read() as session:
        assert claiming.lapsed(session) == []


class Waiting(ScriptedEngine):
    """Is busy until it is told to stop; then gives what it was to give."""

    def __init__(self, *ends: Judgement) -> None:
        super().__init__(*ends)
        self.begun = threading.Event()

    def capture(self, job: CaptureJob) -> CaptureResult:
        self.begun.set()
        stopped = threading.Event()
        with job.stop.heard_by(stopped.set):
            assert stopped.wait(30), "nobody told the engine to stop"
        return super().capture(job)


@pytest.mark.parametrize(
    ("end", "set_aside"),
    [(Judgement(Outcome.INTERRUPTED, STOPPED), 0), (Judgement(Outcome.COMPLETE), 1)],
    ids=["in the middle", "after its file was written"],
)
def test_a_capture_that_runs_is_cancelled_and_nothing_of_it_believed(
    wiring: Wiring, project: Project, sign_in: Browser, monkeypatch: pytest.MonkeyPatch,
    end: Judgement, set_aside: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(heartbeat, "LOOK", 0.02)
    ask(wiring, project, "https://a.example/1")
    worker, engine = Worker(wiring, "busy"), Waiting(end)
    worker._engines["auto"] = engine
    working = threading.Thread(target=worker.step)
    working.start()
    assert engine.begun.wait(10)
    one = the_request(wiring)
    coder = sign_in("coder")
    page = f"/p/study/queue/{one.id}"
    assert "It stops within a few seconds" in coder.get(page).text
    assert send(coder, page, f"{page}/cancel").status_code == 302
    working.join(10)
    one = the_request(wiring)
    assert (one.state, one.outcome, one.capture_id) == (RequestState.CANCELLED, None, None)
    assert one.reason == "Cancelled by coder while it ran; nothing of it was kept."
    with wiring.database.read() as session:
        assert session.scalars(select(RequestLease)).all() == []
        assert session.scalars(select(Capture)).all() == []
        tries = requests.attempts_of(session, one.id)
        assert [(try_.outcome, try_.capture_id) for try_ in tries] == [("interrupted", None)]
        event = session.scalars(select(Event).where(Event.kind == "request:cancel")).one()
        assert event.actor == people.find_user(session, "coder").pseudonym
        counted = requests.counts(session, project.id)
        assert (counted.cancelled, counted.running, counted.total) == (1, 0, 1)
    assert not list(wiring.home.glob("captures/*/*/*"))
    assert len(list(wiring.home.glob("quarantine/*/capture.warc.gz"))) == set_aside
    assert "Cancelled by coder" in coder.get(page).text
    assert send(coder, page, f"{page}/retry").status_code == 302  # and back again
    assert the_request(wiring).state is RequestState.WAITING


def test_what_was_cancelled_is_not_begun_again_before_its_worker_let_go(
    wiring: Wiring, project: Project
) -> None:
    ask(wiring, project, "https://a.example/1")
    spared = frozenset({"a.example"})
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        claimed = claiming.claim(session, this_process("a"), host_delay=0)
        assert claimed is not None
        requests.cancel(session, owner, claimed[0])
        assert not claiming.holds(session, claimed[0].id, claimed[1])
        requests.retry(session, owner, claimed[0])
        other = this_process("b")
        assert claiming.claim(session, other, host_delay=0, impolite_hosts=spared) is None
        claiming.release(session, claimed[0].id, claimed[1])
        again = claiming.claim(session, other, host_delay=0)
        assert again is not None
        claiming.release(session, claimed[0].id, claimed[1])  # late: the other's lease stays
        assert claiming.holds(session, again[0].id, again[1])


def test_a_worker_that_died_over_a_cancelled_request_leaves_nothing(
    wiring: Wiring, project: Project
) -> None:
    ask(wiring, project, "https://a.example/1")
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        claimed = claiming.claim(session, ProcessIdentity("dead", 2**22 - 1, 1), host_delay=0)
        assert claimed is not None
        requests.cancel(session, owner, claimed[0])
    folder = wiring.store.capture_folder(claimed[1], utc_now())
    (folder / "capture.warc.gz.open").write_bytes(b"half")
    assert recover(wiring) == 1
    assert the_request(wiring).state is RequestState.CANCELLED
    assert not folder.exists()
    assert len(list(wiring.home.glob("quarantine/*/REASON.txt"))) == 1
    with wiring.database.read() as session:
        assert session.scalars(select(RequestLease)).all() == []
