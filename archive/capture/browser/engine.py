"""The browser engine: a page as a browser saw it, with everything it fetched on the way."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from archive.capture.attachments import (
    Attachments,
    PageRequest,
    provenance,
    software_version,
)
from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.page import PageDriver, Shown
from archive.capture.browser.process import BrowserProcess
from archive.capture.browser.recorder import Recorded, Recorder
from archive.capture.classify import Judgement, NetworkFault, Seen, judge, judge_fault
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.media import Media, fetch_media
from archive.capture.network import Guard, GuardEntry, NotConnectedError
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.errors import BrowserMissingError, GuardRefusedError
from archive.page import PageFacts, read_facts
from archive.text import TextRendition, render_text
from archive.writer import CaptureWriter, WarcSummary

_FAULTS: Final = (
    ("ERR_NAME", NetworkFault.DNS),
    ("ERR_CERT", NetworkFault.TLS),
    ("ERR_SSL", NetworkFault.TLS),
    ("TIMED_OUT", NetworkFault.TIMEOUT),
    ("ERR_INVALID", NetworkFault.PROTOCOL),
    ("ERR_EMPTY", NetworkFault.PROTOCOL),
    ("ERR_HTTP", NetworkFault.PROTOCOL),
)
_TRANSFORMATIONS: Final = (
    "Payloads are as the browser decoded them; Content-Length is that of the payload.",
    "Content-Encoding and Transfer-Encoding stand as X-Archive-Orig-*.",
    "HTTP/2 and HTTP/3 are written in the syntax of HTTP/1.1; WARC-Protocol says so.",
    "Request headers are in alphabetical order, as the browser tells them.",
    "The page was scrolled to its end and back; images keep the source the browser chose.",
)


@dataclass(slots=True)
class _Visit:
    """All that came of one visit."""

    shown: Shown = field(default_factory=Shown)
    recorded: list[Recorded] = field(default_factory=list)
    guard: tuple[GuardEntry, ...] = ()
    browser: str = ""
    out_of_time: bool = False
    broken: str = ""
    media: Media = field(default_factory=Media)

    @property
    def main(self) -> Recorded | None:
        """The response of the page itself, after every redirect."""
        pages = [
            one
            for one in self.recorded
            if one.exchange is not None and one.resource_type == "document"
        ]
        final = self.shown.url.partition("#")[0]
        same = [one for one in pages if one.url.partition("#")[0] == final]
        return next(reversed(same or pages), None)


class BrowserEngine:
    """Captures with a fresh Chromium each time."""

    name = "browser"

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def capture(self, job: CaptureJob) -> CaptureResult:
        """Capture once. What a page or the network does is an outcome, never an exception.

        :raises StoreError: the disk refused the WARC
        """
        started_at = utc_now()
        with ExitStack() as bodies:
            visit = _Visit()
            try:
                asyncio.run(self._visit(job, visit, bodies))
            except GuardRefusedError as error:
                return _nothing(job, Judgement(Outcome.REFUSED, str(error)), started_at, visit)
            except (NotConnectedError, TimeoutError) as error:
                return _nothing(job, judge_fault(NetworkFault.DNS, str(error)), started_at, visit)
            except BrowserMissingError as error:
                return _nothing(job, Judgement(Outcome.FAILED, str(error)), started_at)
            if visit.main is None:
                return _nothing(job, _why_nothing(visit, job), started_at, visit)
            page = _Page(visit, job)
            with fetch_media(job, page.url) as visit.media:
                summary = _write(job, visit, page, started_at)
            return _result(job, visit, page, started_at, summary)

    async def _visit(self, job: CaptureJob, visit: _Visit, bodies: ExitStack) -> None:
        with Guard(job.policy) as guard:
            try:
                guard.judge(job.address.host, job.address.port)
            finally:
                visit.guard = tuple(guard.log)
            async with (
                BrowserProcess(self._binary, guard.port) as process,
                Cdp(process.url) as cdp,
            ):
                recorder = Recorder(cdp, guard, body_limit=job.options.body_limit)
                bodies.callback(recorder.close)
                try:
                    version = await cdp.send("Browser.getVersion")
                    visit.browser = str(version.get("product", ""))
                    await recorder.start()
                    if job.session is not None:
                        cookies = job.session.for_browser()
                        await cdp.send("Storage.setCookies", cookies=cookies)
                    driver = PageDriver(cdp, recorder, job.options)
                    async with asyncio.timeout(job.options.time_limit):
                        await driver.visit(job.address.exact, visit.shown)
                except TimeoutError:
                    visit.out_of_time = True
                except CdpError as error:
                    visit.broken = str(error)
                visit.recorded = await recorder.finish()
            visit.guard = tuple(guard.log)


class _Page:
    """The page as read from what the browser held, and how the capture went."""

    def __init__(self, visit: _Visit, job: CaptureJob) -> None:
        html = visit.shown.html
        self.rendition: TextRendition = render_text(html)
        self.facts: PageFacts | None = read_facts(html) if html else None
        main = visit.main
        self.url = main.url.partition("#")[0] if main is not None else job.address.target
        self.title = visit.shown.title or self.rendition.title or self.url.rpartition("/")[2]
        self.status = main.status if main is not None else None
        self.judgement = self._judge(visit, job)

    def _judge(self, visit: _Visit, job: CaptureJob) -> Judgement:
        main = visit.main
        cut = main.exchange.truncated if main is not None and main.exchange is not None else None
        lost = [one for one in visit.recorded if one.error and one.error != "Aborted"]
        judged = judge(
            Seen(
                status=self.status or 0,
                requested_url=job.address.target,
                final_url=self.url,
                html=visit.shown.html or None,
                title=self.title,
                text=self.rendition.text,
                truncated=cut,
                losses=len(lost),
            ),
            job.phrases,
        )
        if judged.outcome is not Outcome.COMPLETE:
            return judged
        if visit.broken:
            return Judgement(Outcome.INTERRUPTED, f"the browser broke off: {visit.broken}")
        if visit.out_of_time:
            seconds = job.options.time_limit
            return Judgement(Outcome.PARTIAL, f"the time limit of {seconds:g} seconds ran out")
        return judged


def _write(job: CaptureJob, visit: _Visit, page: _Page, started_at: datetime) -> WarcSummary:
    """Write exchanges, attachments and provenance; nothing is left behind on failure."""
    with CaptureWriter(
        job.warc_path,
        capture_id=job.capture_id,
        software=f"{software_version()} (browser engine; {visit.browser})",
        instance=job.instance,
        description="Payloads as decoded by the browser.",
    ) as writer:
        ledger: list[PageRequest] = []
        main_id: str | None = None
        for one in visit.recorded:
            record_id = writer.exchange(one.exchange) if one.exchange is not None else None
            if one is visit.main:
                main_id = record_id
            ledger.append(
                PageRequest(
                    one.url, one.resource_type, one.at, method=one.method, status=one.status,
                    size=one.size, error=one.error, record_id=record_id,
                )
            )  # fmt: skip
        attachments = Attachments(writer, page.url, main_id)
        _attach(attachments, visit, page, ledger)
        media = visit.media.write(attachments)
        notes = provenance(
            job,
            page.judgement,
            engine=BrowserEngine.name,
            software={"browser": visit.browser},
            urls=[page.url],
            started_at=started_at,
            finished_at=utc_now(),
            guard=visit.guard + visit.media.guard,
            transformations=_TRANSFORMATIONS,
            further={
                "text_version": page.rendition.version,
                "quiet": not visit.shown.never_quiet,
                "media": media,
            },
        )
        return writer.finish(notes, target=page.url)


def _attach(
    attachments: Attachments, visit: _Visit, page: _Page, ledger: list[PageRequest]
) -> None:
    at = utc_now()
    attachments.page_info(ledger, at=at)
    if visit.shown.screenshot is not None:
        attachments.full_page(visit.shown.screenshot, at=at)
    if visit.shown.snapshot is not None:
        attachments.mhtml(visit.shown.snapshot, at=at)
    attachments.text(page.rendition.text, at=at)


def _why_nothing(visit: _Visit, job: CaptureJob) -> Judgement:
    if visit.out_of_time:
        seconds = job.options.time_limit
        return judge_fault(NetworkFault.TIMEOUT, f"no answer within {seconds:g} seconds")
    if visit.broken:
        return Judgement(Outcome.INTERRUPTED, f"the browser broke off: {visit.broken}")
    word = visit.shown.error.removeprefix("net::") or "nothing was received"
    fault = next((kind for mark, kind in _FAULTS if mark in word), NetworkFault.CONNECT)
    return judge_fault(fault, word)


def _nothing(
    job: CaptureJob, judgement: Judgement, started_at: datetime, visit: _Visit | None = None
) -> CaptureResult:
    """The result where not one response came: there is nothing to put into a WARC."""
    return CaptureResult(
        capture_id=job.capture_id,
        outcome=judgement.outcome,
        reason=judgement.reason,
        warc=None,
        status=None,
        final_url=None,
        title="",
        text="",
        language_claimed=None,
        facts=None,
        started_at=started_at,
        finished_at=utc_now(),
        engine=BrowserEngine.name,
        software=software_version(),
        guard=visit.guard if visit is not None else (),
        thumbnail_png=None,
        judgement=judgement,
    )


def _result(
    job: CaptureJob, visit: _Visit, page: _Page, started_at: datetime, summary: WarcSummary
) -> CaptureResult:
    return CaptureResult(
        capture_id=job.capture_id,
        outcome=page.judgement.outcome,
        reason=page.judgement.reason,
        warc=summary,
        status=page.status,
        final_url=page.url,
        title=page.title,
        text=page.rendition.text,
        language_claimed=page.rendition.language_claimed,
        facts=page.facts,
        started_at=started_at,
        finished_at=utc_now(),
        engine=BrowserEngine.name,
        software=f"{software_version()}, {visit.browser}",
        guard=visit.guard + visit.media.guard,
        media_files=visit.media.count,
        thumbnail_png=visit.shown.thumbnail,
        judgement=page.judgement,
    )
