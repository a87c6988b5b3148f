"""Requests that wait, and engines that end as they are told, for the tests of the queue."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.models import (
    CaptureRequest,
    EventKind,
    Project,
)
from annotate.services import claiming, people, requests
from annotate.services.processes import this_process
from annotate.wiring import Wiring
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Judgement, Outcome
from archive.clock import utc_now
from archive.urlkey import Address
from archive.writer import CaptureWriter


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


def due(session: Session) -> None:
    """Let what waits for its time be due."""
    rows = session.scalars(select(CaptureRequest)).all()
    for row in rows:
        row.not_before = utc_now() - timedelta(seconds=1)
    events.record(session, EventKind.REQUEST_CHANGE, actor=people.SYSTEM, covers=rows)
    session.flush()
