"""Later visits: what they see is recorded, and changes neither what an item shows nor a count."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.jobs.watching import begin_rounds
from annotate.jobs.worker import Worker
from annotate.models import (
    Capture,
    CaptureRequest,
    Event,
    EventKind,
    Item,
    Keep,
    Observation,
    ObservedState,
    Project,
    Purpose,
    Watch,
)
from annotate.services import observations, people, requests, revisits, watches
from annotate.wiring import Wiring
from archive.capture.classify import Seen, judge, judge_fault
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import NetworkFault
from archive.clock import utc_now
from archive.page import read_facts
from archive.text import render_text
from archive.urlkey import Address
from archive.verify import verify_file
from archive.writer import CaptureWriter

URL = "https://site.example/post/1"


def post(words: str, likes: int = 3) -> str:
    return (
        f"<!doctype html><html lang=en><title>Ana on Site</title><article>"
        f"<time datetime=2020-05-01>1 May</time><div itemprop=articleBody>{words}</div></article>"
        f"<p>{likes} likes</p>"
    )


class Site:
    """A fake engine: what it answers is what the test put there."""

    name = "http"

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str, str]] = {}

    def close(self) -> None:
        """Nothing is kept open."""

    def put(self, html: str, status: int = 200, *, final: str = URL, url: str = URL) -> None:
        self.pages[url] = (status, html, final)

    def capture(self, job: CaptureJob) -> CaptureResult:
        now = utc_now()
        status, html, final = self.pages.get(job.address.exact, (0, "", ""))
        made = render_text(html)
        if not status:
            judged, warc = judge_fault(NetworkFault.CONNECT, "refused"), None
        else:
            judged = judge(
                Seen(status, job.address.target, final, html, made.title, made.text), job.phrases
            )
            writer = CaptureWriter(
                job.warc_path, capture_id=job.capture_id, software="fake", instance=job.instance
            )
            body = html.encode()
            writer.exchange(
                Exchange(final, now, "GET", "/", [], b"", f"{status} X",
                         [("Content-Type", "text/html"), ("Content-Length", str(len(body)))],
                         io.BytesIO(body), len(body), None, None, None, "document")
            )  # fmt: skip
            warc = writer.finish({}, target=final)
        return CaptureResult(
            capture_id=job.capture_id, outcome=judged.outcome, reason=judged.reason, warc=warc,
            status=status or None, final_url=final or None, title=made.title, text=made.text,
            language_claimed=None, facts=read_facts(html) if html else None, started_at=now,
            finished_at=now, engine="http", software="fake", guard=(), thumbnail_png=None,
            judgement=judged,
        )  # fmt: skip


Visit = Callable[..., Observation | None]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def worker(wiring: Wiring, project: Project, site: Site) -> Worker:
    """A worker; the post was captured once."""
    made = Worker(wiring, "test")
    made._engines = dict.fromkeys(("auto", "http"), site)
    site.put(post("Cotton and rail. قطن"))
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        requests.ask(session, owner, session.get_one(Project, project.id), [Address.parse(URL)])
    assert made.step()
    index_now(wiring)
    return made


@pytest.fixture
def visit(wiring: Wiring, project: Project, worker: Worker) -> Visit:
    def carry_out(keep: Keep = Keep.WHEN_CHANGED) -> Observation | None:
        with wiring.database.write() as session:
            owner = people.actor_of(people.find_user(session, "owner"))
            ids = list(session.scalars(select(Item.id)))
            held = session.get_one(Project, project.id)
            asked = revisits.ask(session, owner, held, ids, keep=keep)
            assert asked.asked == 1, asked
        while worker.step():
            pass
        with wiring.database.read() as session:
            return session.scalars(select(Observation).order_by(Observation.id.desc())).first()

    return carry_out


def captures(wiring: Wiring) -> list[Capture]:
    with wiring.database.read() as session:
        kept = list(session.scalars(select(Capture).order_by(Capture.id)))
    folders = {path.name for path in wiring.home.glob("captures/*/*/*")}
    assert folders == {one.id for one in kept}, "bytes without a row, or a row without bytes"
    return kept


def test_what_is_as_it_was_is_live_and_nothing_is_kept(
    visit: Visit, site: Site, wiring: Wiring
) -> None:
    seen = visit()
    assert seen is not None
    assert (seen.state, seen.capture_id, seen.likeness) == (ObservedState.LIVE, None, 1000)
    site.put(post("Cotton and rail. قطن", likes=4000))
    seen = visit()
    assert seen is not None
    assert seen.state is ObservedState.LIVE
    assert "around them changed" in seen.reason
    assert len(captures(wiring)) == 1


def test_a_deletion_is_evidence_and_hides_nothing(visit: Visit, site: Site, wiring: Wiring) -> None:
    before = captures(wiring)[0]
    site.put("<title>Site</title><p>This Post was deleted by its author.", 200)
    seen = visit()
    assert seen is not None
    assert (seen.state, seen.http_status) == (ObservedState.DELETED, 200)
    assert seen.phrase == "this post was deleted"
    assert seen.phrases_version == wiring.phrases.current().together.version
    kept = captures(wiring)
    assert [one.id for one in kept] == [before.id, seen.capture_id]
    assert [one.outcome for one in kept] == ["complete", "gone"]
    with wiring.database.read() as session:
        item = session.scalars(select(Item)).one()
        event = session.scalars(select(Event).where(Event.kind == EventKind.ITEM_OBSERVE)).one()
    assert (item.latest_capture_id, item.latest_outcome) == (before.id, "complete")
    assert item.title == "Ana on Site"
    assert item.observed_state is ObservedState.DELETED
    assert "this post was deleted" in event.document
    stored = wiring.store.folders_of([str(seen.capture_id)])[0] / "capture.warc.gz"
    assert verify_file(stored).verdict.value == "intact"


def test_the_same_tombstone_is_kept_once(visit: Visit, site: Site, wiring: Wiring) -> None:
    site.put("<title>该内容已被发布者删除</title>", 200)
    one, other = visit(), visit()
    assert one is not None
    assert other is not None
    assert (one.capture_id is not None, other.capture_id) == (True, None)
    site.put("gone", 410)
    third = visit()
    assert third is not None
    assert third.capture_id is not None
    assert len(captures(wiring)) == 3


def test_a_capture_asked_for_after_the_deletion_hides_nothing_either(
    worker: Worker, site: Site, wiring: Wiring, project: Project
) -> None:
    before = captures(wiring)[0]
    site.put("gone", 410)
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        requests.ask(session, owner, session.get_one(Project, project.id), [Address.parse(URL)])
    assert worker.step()
    with wiring.database.read() as session:
        item = session.scalars(select(Item)).one()
        seen = session.scalars(select(Observation)).one()
    assert (item.latest_capture_id, seen.state) == (before.id, ObservedState.DELETED)


@pytest.mark.parametrize(
    ("html", "status", "final", "state"),
    [
        ("gone", 404, URL, ObservedState.DELETED),
        ("<title>该内容已被发布者删除</title>", 200, URL, ObservedState.DELETED),
        ("<title>هذا الحساب خاص</title>", 200, URL, ObservedState.PRIVATE),
        ("<title>Войдите, чтобы продолжить</title>", 200, URL, ObservedState.BLOCKED),
        ("too many", 429, URL, None),
        ("no", 403, URL, ObservedState.BLOCKED),
        (post("A front page with the newest of all"), 200, "https://site.example/", ObservedState.REDIRECTED),
        (post("Cotton and rail. قطن"), 200, "https://www.site.example/post/1/", ObservedState.LIVE),
        (post("Silk and rail. قطن"), 200, URL, ObservedState.CHANGED),
        (post("Cotton and rail. قطن 12"), 200, URL, ObservedState.CHANGED),
        ("", 0, "", None),
    ],
)  # fmt: skip
def test_every_state_is_told(
    visit: Visit, site: Site, html: str, status: int, final: str, state: ObservedState | None
) -> None:
    site.put(html, status, final=final)
    seen = visit()
    assert (seen.state if seen else None) is state, seen and seen.reason


def test_what_is_never_reached_is_recorded_after_the_last_try(
    visit: Visit, site: Site, worker: Worker, wiring: Wiring
) -> None:
    from queued import due

    site.pages.clear()
    assert visit() is None
    for _ in range(2):
        with wiring.database.write() as session:
            due(session)
        assert worker.step()
    with wiring.database.read() as session:
        seen = session.scalars(select(Observation)).one()
        request = session.get_one(CaptureRequest, seen.request_id)
    assert (seen.state, request.outcome) == (ObservedState.NOT_REACHED, "failed")
    assert len(captures(wiring)) == 1


def test_a_change_is_kept_once_and_stays_a_change(visit: Visit, site: Site, wiring: Wiring) -> None:
    first = captures(wiring)[0]
    site.put(post("Silk and rail. قطن"))
    one = visit()
    other = visit()
    assert one is not None
    assert other is not None
    assert (one.state, other.state) == (ObservedState.CHANGED, ObservedState.CHANGED)
    assert "75% of the words" in one.reason or "%" in one.reason
    assert (one.capture_id is not None, other.capture_id) == (True, None)
    assert [capture.id for capture in captures(wiring)] == [first.id, one.capture_id]
    site.put(post("Cotton and rail. قطن"))
    back = visit()
    assert back is not None
    assert back.state is ObservedState.LIVE


def test_each_time_means_each_time(visit: Visit, wiring: Wiring) -> None:
    visit(Keep.EACH_TIME)
    seen = visit(Keep.EACH_TIME)
    kept = captures(wiring)
    assert len(kept) == 3
    with wiring.database.read() as session:
        assert session.scalars(select(Item.latest_capture_id)).one() == kept[0].id
    assert seen is not None
    assert seen.capture_id == kept[2].id


def test_only_what_was_captured_is_looked_at(
    wiring: Wiring, project: Project, worker: Worker
) -> None:
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        fresh = requests.ask(session, owner, held, [Address.parse(URL + "/new")])
        requests.cancel_all(session, owner, fresh.requests)
        ids = list(session.scalars(select(Item.id)))
        asked = revisits.ask(session, owner, held, ids)
        again = revisits.ask(session, owner, held, ids)
        with pytest.raises(UsageError):
            revisits.ask(session, owner, held, ids, engine="gopher")
    assert (asked.asked, asked.never_captured) == (1, 1)
    assert (again.asked, again.already_waiting) == (0, 1)


def test_a_watch_begins_its_rounds_scattered_and_once(
    wiring: Wiring, project: Project, worker: Worker, site: Site
) -> None:
    with wiring.database.write() as session:
        manager = people.actor_of(people.find_user(session, "manager"))
        held = session.get_one(Project, project.id)
        watch = watches.make(
            session, manager, held, query="cotton", every_hours=24, spread_hours=12
        )
        other = watches.make(session, manager, held, query="nothing", every_hours=1, spread_hours=0)
        watches.switch(session, manager, other, active=False)
    assert begin_rounds(wiring) == 0, "nothing is visited before its time"
    make_due(wiring)
    assert begin_rounds(wiring) == 1
    assert begin_rounds(wiring) == 0
    with wiring.database.read() as session:
        asked = session.scalars(
            select(CaptureRequest).where(CaptureRequest.purpose == Purpose.OBSERVE)
        ).one()
        held_watch = session.get_one(Watch, watch.id)
    assert asked.not_before is not None
    assert asked.not_before < utc_now() + timedelta(hours=12)
    assert asked.engine == "http"
    assert held_watch.last_asked == 1
    assert held_watch.next_at > utc_now() + timedelta(hours=11)
    assert not worker.step(), "not before its time"


def make_due(wiring: Wiring) -> None:
    from annotate import events
    from annotate.services.people import SYSTEM

    with wiring.database.write() as session:
        rows = session.scalars(select(Watch)).all()
        for row in rows:
            row.next_at = utc_now() - timedelta(seconds=1)
        events.record(session, EventKind.WATCH_CHANGE, actor=SYSTEM, covers=rows)
        session.flush()


@pytest.mark.parametrize(("every", "spread"), [(0, 0), (10**6, 0), (5, 6), (5, -1)])
def test_a_watch_out_of_range_is_refused(
    wiring: Wiring, project: Project, every: int, spread: int
) -> None:
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        held = session.get_one(Project, project.id)
        with pytest.raises(UsageError):
            watches.make(session, owner, held, query="", every_hours=every, spread_hours=spread)


def test_counts_by_state(wiring: Wiring, project: Project, visit: Visit, site: Site) -> None:
    site.put("gone", 410)
    visit()
    with wiring.database.read() as session:
        assert observations.counts(session, project.id) == {ObservedState.DELETED: 1}
        assert len(observations.newest(session, project.id, most=5)) == 1
