"""The queue: turns, politeness, back-off, pauses, leases, many at once; states always sum."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select, update

from annotate.jobs import heartbeat
from annotate.jobs.heartbeat import Heartbeat
from annotate.jobs.worker import Worker, recover
from annotate.models import (
    Capture,
    CaptureRequest,
    Event,
    Project,
    RequestAttempt,
    RequestLease,
    RequestState,
)
from annotate.services import claiming, people, requests
from annotate.services.backoff import Backoff
from annotate.services.processes import ProcessIdentity, this_process
from annotate.services.progress import progress
from annotate.wiring import Wiring
from archive.capture.classify import judge_fault
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Judgement, NetworkFault, Outcome
from archive.capture.stopping import STOPPED, Stop
from archive.clock import utc_now
from archive.urlkey import Address
from archive.writer import CaptureWriter

Browser = Callable[[str], FlaskClient]


def result(job_id: str, judgement: Judgement, status: int | None = None) -> CaptureResult:
    now = utc_now()
    return CaptureResult(
        capture_id=job_id, outcome=judgement.outcome, reason=judgement.reason, warc=None,
        status=status, final_url=None, title="", text="", language_claimed=None, facts=None,
        started_at=now, finished_at=now, engine="fake", software="fake", guard=(),
        thumbnail_png=None, judgement=judgement,
    )  # fmt: skip


class ScriptedEngine:
    """Ends each visit as it was told, the last way for ever."""

    name = "fake"

    def __init__(self, *ends: Judgement) -> None:
        self.ends = list(ends)

    def close(self) -> None:
        """Nothing is kept open."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if end.outcome is not Outcome.COMPLETE:
            return result(job.capture_id, end)
        writer = CaptureWriter(
            job.warc_path, capture_id=job.capture_id, software="fake", instance=job.instance
        )
        body = b"<title>x</title>"
        writer.exchange(
            Exchange(job.address.target, utc_now(), "GET", "/", [], b"", "200 OK",
                     [("Content-Type", "text/html"), ("Content-Length", str(len(body)))],
                     io.BytesIO(body), len(body), None, None, None, "document")
        )  # fmt: skip
        from dataclasses import replace

        warc = writer.finish({}, target=job.address.target)
        return replace(result(job.capture_id, end, 200), warc=warc, final_url=job.address.target)


def ask(wiring: Wiring, project: Project, *urls: str, who: str = "owner", **more: object) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, who))
        held = session.get_one(Project, project.id)
        requests.ask(session, actor, held, [Address.parse(url) for url in urls], **more)


def order(wiring: Wiring, number: int, *, delay: float = 0) -> list[str]:
    """Take requests as a worker does, ending each at once; return their addresses."""
    taken = []
    with wiring.database.write() as session:
        for _ in range(number):
            claimed = claiming.claim(session, this_process("t"), host_delay=delay)
            if claimed is None:
                break
            taken.append(claimed[0].address)
            claiming.fail(session, claimed[0], Outcome.REFUSED, "test")
    return taken


def the_request(wiring: Wiring) -> CaptureRequest:
    with wiring.database.read() as session:
        return session.scalars(select(CaptureRequest)).one()


def test_people_take_turns_and_each_ones_priorities_hold(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, *(f"https://a.example/{n}" for n in range(50)), who="owner")
    ask(wiring, project, "https://a.example/later", who="coder", priority=500)
    ask(wiring, project, "https://a.example/first", who="coder", priority=10)
    taken = order(wiring, 6)
    assert taken[:4:2] == ["https://a.example/0", "https://a.example/1"] or taken[1:4:2] == [
        "https://a.example/0", "https://a.example/1",
    ]  # fmt: skip
    assert [one for one in taken if "t" in one.rpartition("/")[2]] == [
        "https://a.example/first", "https://a.example/later",
    ]  # fmt: skip


def test_a_host_is_spared_and_others_do_not_wait_behind_it(
    wiring: Wiring, project: Project
) -> None:
    ask(wiring, project, *(f"https://a.example/{n}" for n in range(120)))
    ask(wiring, project, "https://b.example/1", priority=900)
    assert order(wiring, 5, delay=60) == ["https://a.example/0", "https://b.example/1"]
    with wiring.database.write() as session:
        assert claiming.claim(session, this_process("t"), host_delay=60) is None
        assert claiming.any_ready(session)
        exempt = frozenset({"a.example"})
        claimed = claiming.claim(session, this_process("t"), host_delay=60, impolite_hosts=exempt)
    assert claimed is not None


def test_a_host_is_not_visited_by_two_at_once(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1", "https://a.example/2")
    with wiring.database.write() as session:
        assert claiming.claim(session, this_process("a"), host_delay=0) is not None
        assert claiming.claim(session, this_process("b"), host_delay=0) is None


def test_no_answer_is_tried_again_with_growing_pauses(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1")
    worker = Worker(wiring, "test")
    no_answer = judge_fault(NetworkFault.CONNECT, "refused")
    worker._engines["auto"] = ScriptedEngine(no_answer, no_answer, Judgement(Outcome.COMPLETE))
    pauses_seen = []
    for number in (1, 2):
        assert worker.step()
        one = the_request(wiring)
        assert (one.state, one.attempts) == (RequestState.WAITING, number)
        assert f"try {number + 1} of 3" in one.reason
        assert one.not_before is not None
        pauses_seen.append((one.not_before - utc_now()).total_seconds())
        assert not worker.step(), "it is not due yet"
        with wiring.database.write() as session:
            requests.set_priority(
                session, people.actor_of(people.find_user(session, "owner")),
                session.scalars(select(CaptureRequest)), 100 + number,
            )  # fmt: skip
            due(session)
    assert 45 < pauses_seen[0] < 75
    assert 235 < pauses_seen[1] < 365
    assert worker.step()
    one = the_request(wiring)
    assert (one.state, one.outcome) == (RequestState.DONE, Outcome.COMPLETE)
    with wiring.database.read() as session:
        tries = requests.attempts_of(session, one.id)
        assert [try_.outcome for try_ in tries] == ["failed", "failed", "complete"]
        assert [try_.capture_id for try_ in tries] == [None, None, one.capture_id]
        assert all(try_.finished_at for try_ in tries)


def due(session) -> None:
    """Let what waits for its time be due."""
    from annotate import events
    from annotate.models import EventKind
    from annotate.services.people import SYSTEM

    rows = session.scalars(select(CaptureRequest)).all()
    for row in rows:
        row.not_before = utc_now() - timedelta(seconds=1)
    events.record(session, EventKind.REQUEST_CHANGE, actor=SYSTEM, covers=rows)
    session.flush()


@pytest.mark.parametrize(
    ("judgement", "status", "again"),
    [
        (judge_fault(NetworkFault.DNS, "x"), None, True),
        (judge_fault(NetworkFault.TIMEOUT, "x"), None, True),
        (judge_fault(NetworkFault.TLS, "x"), None, False),
        (Judgement(Outcome.FAILED, "http5xx"), 503, True),
        (Judgement(Outcome.FAILED, "the browser was started and does not answer"), None, True),
        (Judgement(Outcome.FAILED, "http"), 400, False),
        (Judgement(Outcome.BLOCKED, "too many"), 429, True),
        (Judgement(Outcome.BLOCKED, "login"), 403, False),
        (Judgement(Outcome.GONE, "gone"), 410, False),
        (Judgement(Outcome.REFUSED, "policy"), None, False),
        (Judgement(Outcome.INTERRUPTED, "crash"), None, True),
        (Judgement(Outcome.PARTIAL, "parts"), 200, False),
    ],
)
def test_only_what_may_pass_is_tried_again(
    judgement: Judgement, status: int | None, again: bool
) -> None:
    backoff = Backoff(attempts=3, pause=10)
    assert (backoff.after(result("x", judgement, status), 1) is not None) is again
    assert backoff.after(result("x", judgement, status), 3) is None
    if status == 429:
        pause = backoff.after(result("x", judgement, status), 1)
        assert pause is not None
        assert pause > timedelta(seconds=79)


def test_what_ended_well_is_never_tried_again_by_itself(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1")
    worker = Worker(wiring, "test")
    worker._engines["auto"] = ScriptedEngine(Judgement(Outcome.BLOCKED, "login wall"))
    assert worker.run(threading.Event(), until_empty=True) == 1
    assert the_request(wiring).outcome is Outcome.BLOCKED


def test_a_pause_holds_everything_and_says_so(
    wiring: Wiring, project: Project, sign_in: Browser
) -> None:
    ask(wiring, project, "https://a.example/1")
    owner, coder = sign_in("owner"), sign_in("coder")
    assert send(coder, "/me", "/p/study/queue/pause", reason="x").status_code == 403
    assert send(owner, "/me", "/p/study/queue/pause", reason="الشبكة معطلة").status_code == 302
    assert order(wiring, 1) == []
    assert "الشبكة معطلة" in coder.get("/p/study/queue").text
    assert coder.get("/p/study/queue.json").json["paused"] is True
    send(owner, "/me", "/p/study/queue/resume")
    manager = sign_in("manager")
    assert send(manager, "/me", "/p/study/queue/pause", scope="instance").status_code == 403
    send(owner, "/me", "/p/study/queue/pause", scope="instance")
    assert order(wiring, 1) == []
    assert "whole queue" in coder.get("/p/study/queue").text
    send(owner, "/me", "/p/study/queue/resume", scope="instance")
    assert order(wiring, 1) == ["https://a.example/1"]


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


@pytest.fixture
def many(wiring: Wiring, project: Project, sign_in: Browser) -> Iterator[FlaskClient]:
    """A coder who has pasted 3,000 addresses, 10 of them nonsense and 5 twice."""
    client = sign_in("coder")
    lines = [f"https://h{n % 7}.example/{n}" for n in range(2985)]
    lines += lines[:5] + [f"nonsense {n}" for n in range(10)]
    answer = send(client, "/me", "/p/study/queue", addresses="\n".join(lines))
    assert answer.status_code == 400
    assert "2985 queued" in answer.text
    assert "10 could not be read" in answer.text
    assert "nonsense 9" in answer.text
    return client


def test_thousands_at_once_are_paged_filtered_and_steered(
    many: FlaskClient, wiring: Wiring, project: Project
) -> None:
    page = many.get("/p/study/queue").text
    assert page.count('name="request"') == 100
    assert "page 1 of 30" in page
    last = many.get("/p/study/queue?host=h3.example&page=99").text
    assert "page 5 of 5" in last
    assert last.count("https://h3.example/") >= 26
    answer = send(many, "/me", "/p/study/queue/bulk", act="cancel", all="yes", host="h3.example")
    assert answer.status_code == 302
    found = many.get("/p/study/queue.json?state=cancelled").json
    assert {one["address"].split("/")[2] for one in found["requests"]} == {"h3.example"}
    assert (found["cancelled"], found["waiting"], found["total"]) == (426, 2559, 2985)
    one, other = (row["id"] for row in found["requests"][:2])
    send(many, "/me", "/p/study/queue/bulk", act="retry", request=[one, other])
    assert many.get("/p/study/queue.json?state=cancelled").json["cancelled"] == 424
    send(many, "/me", f"/p/study/queue/{other}/first")
    assert order(wiring, 1)[0].startswith("https://h3.example/")
    assert many.get(f"/p/study/queue/{one}").status_code == 200
    with wiring.database.read() as session:
        assert progress(session, project.id).counts.total == 2985
        kinds = session.scalars(select(Event.kind)).all()
    assert kinds.count("request:cancel") == 426


def test_what_asks_for_nothing_is_told(many: FlaskClient) -> None:
    assert send(many, "/me", "/p/study/queue/bulk", act="cancel").status_code == 400
    assert send(many, "/me", "/p/study/queue/bulk", act="burn", all="yes").status_code == 400


def test_every_try_is_an_event(wiring: Wiring, project: Project) -> None:
    ask(wiring, project, "https://a.example/1")
    order(wiring, 1)
    with wiring.database.read() as session:
        kinds = [
            kind
            for kind in session.scalars(select(Event.kind).order_by(Event.id))
            if kind.startswith("request")
        ]
        attempt = session.scalars(select(RequestAttempt)).one()
    assert kinds == ["request:create", "request:start", "request:finish"]
    assert (attempt.number, attempt.outcome) == (1, Outcome.REFUSED)


def test_a_list_of_ones_own_is_used_and_a_bad_one_is_told(
    wiring: Wiring, project: Project, sign_in: Browser
) -> None:
    own = Path(wiring.home / "phrases" / "own.toml")
    own.write_text('version = "own-1"\n[login]\nkk = ["Алдымен кіріңіз"]\n', "utf-8")
    assert wiring.phrases.current().together.version.endswith("+own-1")
    own.write_text("[login]\n", "utf-8")
    assert wiring.phrases.current().faults
    assert "not used: own.toml" in sign_in("coder").get("/p/study/queue").text
