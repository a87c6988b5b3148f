"""The queue: turns, politeness, back-off, pauses, many at once; states always sum."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from queued import ScriptedEngine, ask, due, order, result, the_request
from sqlalchemy import select

from annotate.jobs.worker import Worker
from annotate.models import (
    CaptureRequest,
    Event,
    Project,
    RequestAttempt,
    RequestState,
)
from annotate.services import claiming, people, requests
from annotate.services.backoff import Backoff
from annotate.services.processes import this_process
from annotate.services.progress import progress
from annotate.wiring import Wiring
from archive.capture.classify import judge_fault
from archive.capture.outcome import Judgement, NetworkFault, Outcome
from archive.clock import utc_now

Browser = Callable[[str], FlaskClient]


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
