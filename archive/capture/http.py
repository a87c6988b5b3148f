"""The http engine: records a page without a browser, every hop and part byte for byte.

For feeds, files, posts whose words stand in the HTML, and machines without a browser. It runs
no scripts, has no cookies but those of the capture's session, and says honestly who it is.
"""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from archive.capture.attachments import software_version
from archive.capture.classify import Judgement, Seen, judge
from archive.capture.http_chain import Chain, Follower
from archive.capture.http_page import MainPage, read_page
from archive.capture.http_parts import Part, PartList, find_parts
from archive.capture.http_record import Visit, record
from archive.capture.http_wire import Deadline, Fetcher
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.media import Media, fetch_media
from archive.capture.network import Guard
from archive.capture.outcome import Outcome
from archive.capture.stopping import STOPPED
from archive.clock import utc_now
from archive.writer import WarcSummary

PARALLEL_PARTS: Final = 6  # connections at once, as browsers open to one host
PART_REDIRECTS: Final = 5
ACCEPT: Final = "text/html,application/xhtml+xml,*/*;q=0.8"
ACCEPT_ENCODING: Final = "gzip, deflate, br"  # no zstd: other replay tools show it as garbage


class HttpEngine:
    """Captures by HTTP/1.1 requests of its own."""

    name = "http"

    def __init__(self, tls_context: ssl.SSLContext | None = None) -> None:
        """Certificates are checked against the system's authorities unless told otherwise."""
        self._tls_context = tls_context or ssl.create_default_context()
        self._tls_context.set_alpn_protocols(["http/1.1"])

    def close(self) -> None:
        """Nothing is kept between captures."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        """Follow redirects, fetch the page and its parts, write the WARC.

        :raises StoreError: the disk refused a body or the WARC
        """
        started_at = utc_now()
        with (
            Guard(job.policy) as guard,
            job.stop.heard_by(guard.shut),
            ExitStack() as bodies,
        ):
            fetcher = Fetcher(
                guard,
                Deadline(job.options.time_limit),
                _headers(job),
                tls_context=self._tls_context,
                jar=job.session.jar() if job.session is not None else None,
                stop=job.stop,
            )
            follower = Follower(fetcher, job.options, bodies)
            main = follower.follow(
                job.address,
                resource_type="document",
                redirect_limit=job.options.redirect_limit,
            )
            if not main.hops or job.stop.told:
                return _unrecorded(job, main, guard, started_at)
            visit = _visit(job, main, follower, guard, started_at)
            with fetch_media(job, main.hops[-1].address.target) as media:
                if job.stop.told:
                    return _unrecorded(job, main, guard, started_at)
                return _result(job, visit, record(job, visit, media), media)


def _headers(job: CaptureJob) -> tuple[tuple[str, str], ...]:
    return (
        ("User-Agent", f"{software_version()} (web evidence archive; http engine)"),
        ("Accept", ACCEPT),
        ("Accept-Language", job.options.accept_language),
        ("Accept-Encoding", ACCEPT_ENCODING),
    )


def _visit(
    job: CaptureJob, main: Chain, follower: Follower, guard: Guard, started_at: datetime
) -> Visit:
    page = read_page(main.hops[-1])
    wanted = _wanted(job, main, page)
    parts = _fetch_parts(wanted.parts, follower)
    return Visit(
        main=main,
        page=page,
        parts=parts,
        parts_left_out=wanted.left_out,
        judgement=main.failure or _judge(job, main, page, parts, wanted.left_out),
        guard=tuple(guard.log),
        started_at=started_at,
        finished_at=utc_now(),
    )


def _wanted(job: CaptureJob, main: Chain, page: MainPage) -> PartList:
    """The parts to fetch; none for an error page or a redirect that led nowhere."""
    response = main.hops[-1]
    if page.html is None or main.failure is not None or not 200 <= response.head.status < 300:
        return PartList((), 0)
    return find_parts(page.html, response.address.target, job.options.part_limit)


def _fetch_parts(parts: tuple[Part, ...], follower: Follower) -> tuple[Chain, ...]:
    def fetch(part: Part) -> Chain:
        return follower.follow(
            part.address, resource_type=part.resource_type, redirect_limit=PART_REDIRECTS
        )

    with ThreadPoolExecutor(PARALLEL_PARTS, "holdfast-part") as pool:
        return tuple(pool.map(fetch, parts))


def _judge(
    job: CaptureJob, main: Chain, page: MainPage, parts: tuple[Chain, ...], left_out: int
) -> Judgement:
    response = main.hops[-1]
    judgement = judge(
        Seen(
            status=response.head.status,
            requested_url=main.asked.target,
            final_url=response.address.target,
            html=page.html,
            title=page.title,
            text=page.text,
            truncated=response.copied.truncated,
            losses=left_out + sum(_lost(part) for part in parts),
        ),
        job.phrases,
    )
    if judgement.outcome is Outcome.COMPLETE and page.problem is not None:
        return Judgement(Outcome.PARTIAL, f"the body cannot be read: {page.problem}")
    return judgement


def _lost(part: Chain) -> bool:
    """Whether the network or a limit kept a part from us. A 404 or a refusal is no loss."""
    if part.failure is not None:
        return part.failure.outcome is not Outcome.REFUSED
    return part.hops[-1].copied.truncated is not None


def _unrecorded(job: CaptureJob, main: Chain, guard: Guard, started_at: datetime) -> CaptureResult:
    """The result where there is nothing to put into a WARC: no response, or nobody wants it."""
    stopped = Judgement(Outcome.INTERRUPTED, STOPPED) if job.stop.told else None
    failure = stopped or main.failure or Judgement(Outcome.FAILED, "nothing was received")
    return CaptureResult(
        capture_id=job.capture_id,
        outcome=failure.outcome,
        reason=failure.reason,
        warc=None,
        status=None,
        final_url=None,
        title="",
        text="",
        language_claimed=None,
        facts=None,
        started_at=started_at,
        finished_at=utc_now(),
        engine=HttpEngine.name,
        software=software_version(),
        guard=tuple(guard.log),
        thumbnail_png=None,
        judgement=failure,
    )


def _result(job: CaptureJob, visit: Visit, warc: WarcSummary, media: Media) -> CaptureResult:
    return CaptureResult(
        capture_id=job.capture_id,
        outcome=visit.judgement.outcome,
        reason=visit.judgement.reason,
        warc=warc,
        status=visit.response.head.status,
        final_url=visit.response.address.target,
        title=visit.page.title,
        text=visit.page.text,
        language_claimed=visit.page.language_claimed,
        facts=visit.page.facts,
        started_at=visit.started_at,
        finished_at=visit.finished_at,
        engine=HttpEngine.name,
        software=software_version(),
        guard=visit.guard + media.guard,
        media_files=media.count,
        thumbnail_png=None,
        judgement=visit.judgement,
    )
