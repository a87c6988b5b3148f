"""The browser engine: a page as a browser saw it, with everything it fetched on the way."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from archive.capture.attachments import software_version
from archive.capture.browser.cdp import CdpError
from archive.capture.browser.offline import OfflineTab, check_offline
from archive.capture.browser.process import BrowserProcess
from archive.capture.browser.visit import Visit, visit_page
from archive.capture.browser.writing import ENGINE, Page, write_capture
from archive.capture.classify import Judgement, NetworkFault, judge_fault
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.media import fetch_media
from archive.capture.network import Guard, NotConnectedError
from archive.capture.outcome import Outcome
from archive.capture.stopping import STOPPED
from archive.clock import utc_now
from archive.errors import BrowserMissingError, GuardRefusedError
from archive.replay_check import ReplayCheck
from archive.writer import WarcSummary

CAPTURES_PER_BROWSER: Final = 100  # a browser that runs for days grows
_FAULTS: Final = (
    ("ERR_NAME", NetworkFault.DNS),
    ("ERR_CERT", NetworkFault.TLS),
    ("ERR_SSL", NetworkFault.TLS),
    ("TIMED_OUT", NetworkFault.TIMEOUT),
    ("ERR_INVALID", NetworkFault.PROTOCOL),
    ("ERR_EMPTY", NetworkFault.PROTOCOL),
    ("ERR_HTTP", NetworkFault.PROTOCOL),
)


class _Kept:
    """What outlives one capture: the browser, and the event loop that talks to it."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.process: BrowserProcess | None = None
        self.offline: OfflineTab | None = None
        self.captures = 0

    async def end(self) -> None:
        """End the browser."""
        process, self.process = self.process, None
        self.offline = None
        if process is not None:
            await process.end()

    def close(self) -> None:
        """End the browser and the loop; both begin anew when they are needed."""
        self.runner.run(self.end())
        self.runner.close()
        self.runner = asyncio.Runner()

    def close_anywhere(self) -> None:
        """`close` for the garbage collector, which may come by while another loop runs.

        Where none runs, and at the end of the process, when no thread begins any more, at once.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.close()
            return
        closing = threading.Thread(target=self.close, name="holdfast-browser-end")
        closing.start()
        closing.join()


class BrowserEngine:
    """Captures with a browser that it keeps, in a fresh context each time.

    Not for two threads at once. `close` ends the browser; so does the end of this process.
    """

    name = ENGINE

    def __init__(self, binary: Path, *, trusted_keys: Sequence[str] = ()) -> None:
        """:param trusted_keys: for tests with a certificate authority of their own: SHA-256 of
        public keys taken for good whatever signed them. No setting leads here.
        """
        self._binary = binary
        self._trusted = tuple(trusted_keys)
        self._kept = _Kept()
        # An engine that nobody closed ends with whoever forgot it, or with this process.
        self._forgotten = weakref.finalize(self, _Kept.close_anywhere, self._kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser. Harmless when repeated; a later capture starts another."""
        self._kept.close()

    @property
    def browser_started_at(self) -> datetime | None:
        """When the browser that is kept was started; None where none is running."""
        process = self._kept.process
        return process.started_at if process is not None else None

    def capture(self, job: CaptureJob) -> CaptureResult:
        """Capture once. What a page or the network does is an outcome, never an exception.

        :raises StoreError: the disk refused the WARC
        """
        started_at = utc_now()
        visit = Visit(job.sites.of(job.address.host))
        with ExitStack() as bodies:
            try:
                self._kept.runner.run(self._visit(job, visit, bodies))
            except BrowserMissingError as error:
                return nothing(job, Judgement(Outcome.FAILED, str(error)), started_at)
            except GuardRefusedError as error:
                return nothing(job, Judgement(Outcome.REFUSED, str(error)), started_at, visit)
            except (NotConnectedError, TimeoutError) as error:
                return nothing(job, judge_fault(NetworkFault.DNS, str(error)), started_at, visit)
            return conclude(job, visit, started_at)

    def check_replay(self, result: CaptureResult) -> ReplayCheck:
        """Show a capture just written with no way out, and compare it with what was seen live."""
        try:
            return self._kept.runner.run(self._check(result))
        except (CdpError, BrowserMissingError, TimeoutError) as error:
            return ReplayCheck(
                None, problem=f"the browser did not show it: {str(error) or 'too slow'}"
            )

    async def _check(self, result: CaptureResult) -> ReplayCheck:
        kept = self._kept
        usable = kept.process is not None and kept.process.usable
        process = kept.process if usable and kept.process is not None else await self._ready()
        try:
            if kept.offline is None:
                kept.offline = OfflineTab(process.cdp, CaptureOptions())
            return await check_offline(kept.offline, result)
        except (CdpError, TimeoutError):
            await kept.end()
            raise

    async def _visit(self, job: CaptureJob, visit: Visit, bodies: ExitStack) -> None:
        with Guard(job.policy) as guard, job.stop.heard_by(guard.shut):
            try:
                guard.judge(job.address.host, job.address.port)
            finally:
                visit.guard = tuple(guard.log)
            process = await self._ready()
            fit = False
            try:
                fit = await visit_page(process, guard, job, visit, bodies)
            finally:
                if not fit:
                    await self._kept.end()

    async def _ready(self) -> BrowserProcess:
        kept = self._kept
        worn = kept.captures >= CAPTURES_PER_BROWSER
        if kept.process is not None and (worn or not kept.process.usable):
            await kept.end()
        if kept.process is None:
            process = BrowserProcess(self._binary, trusted_keys=self._trusted)
            await process.start()
            kept.process, kept.captures = process, 0
        kept.captures += 1
        return kept.process


def conclude(job: CaptureJob, visit: Visit, started_at: datetime) -> CaptureResult:
    """Judge a visit, write its WARC, and say what came of it.

    :raises StoreError: the disk refused the WARC
    """
    if visit.main is None or job.stop.told:
        return nothing(job, _why_nothing(visit, job), started_at, visit)
    page = Page(visit, job)
    with fetch_media(job, page.url) as visit.media:
        if job.stop.told:
            return nothing(job, _why_nothing(visit, job), started_at, visit)
        summary = write_capture(job, visit, page, started_at)
    return _result(job, visit, page, started_at, summary)


def _why_nothing(visit: Visit, job: CaptureJob) -> Judgement:
    if visit.out_of_time:
        seconds = job.options.time_limit
        return judge_fault(NetworkFault.TIMEOUT, f"no answer within {seconds:g} seconds")
    if visit.broken:
        return Judgement(Outcome.INTERRUPTED, f"the browser broke off: {visit.broken}")
    word = visit.shown.error.removeprefix("net::") or "nothing was received"
    fault = next((kind for mark, kind in _FAULTS if mark in word), NetworkFault.CONNECT)
    return judge_fault(fault, word)


def nothing(
    job: CaptureJob, judgement: Judgement, started_at: datetime, visit: Visit | None = None
) -> CaptureResult:
    """The result where there is nothing to put into a WARC: no response, or nobody wants it."""
    if job.stop.told:
        judgement = Judgement(Outcome.INTERRUPTED, STOPPED)
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
        engine=ENGINE,
        software=software_version(),
        guard=visit.guard if visit is not None else (),
        thumbnail_png=None,
        judgement=judgement,
    )


def _result(
    job: CaptureJob, visit: Visit, page: Page, started_at: datetime, summary: WarcSummary
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
        engine=ENGINE,
        software=f"{software_version()}, {visit.browser}",
        guard=visit.guard + visit.media.guard,
        shown_text=visit.shown.text,
        media_files=visit.media.count,
        thumbnail_png=visit.shown.pictures.thumbnail,
        judgement=page.judgement,
    )
