"""One visit of a page in a browser context of its own, behind a guard of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from archive.capture.browser.bodies import Budget
from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.exchanges import Recorded
from archive.capture.browser.page import PageDriver, Shown
from archive.capture.browser.process import BrowserProcess
from archive.capture.browser.recorder import Recorder
from archive.capture.browser.sockets import Socket
from archive.capture.browser.targets import Disguise
from archive.capture.job import CaptureJob
from archive.capture.media import Media
from archive.capture.network import Guard, GuardEntry
from archive.capture.sites import Behaviour

_DISPOSE_SECONDS: Final = 5.0
_ECHO: Final = 0.05  # seconds in which the browser says what a closed network did to its requests


@dataclass(slots=True)
class Visit:
    """All that came of one visit."""

    behaviour: Behaviour
    shown: Shown = field(default_factory=Shown)
    recorded: list[Recorded] = field(default_factory=list)
    sockets: list[tuple[Recorded, Socket]] = field(default_factory=list)
    guard: tuple[GuardEntry, ...] = ()
    browser: str = ""
    targets: dict[str, int] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    """What the browser may have asked for without telling anybody."""
    frame: str = ""
    """Id of the tab's own frame."""
    media: Media = field(default_factory=Media)
    by_hand: bool = False
    out_of_time: bool = False
    broken: str = ""

    @property
    def main(self) -> Recorded | None:
        """The response of the page itself, after every redirect."""
        pages = [one for one in self.recorded if one.exchange is not None and one.of_page]
        final = self.shown.url.partition("#")[0]
        same = [one for one in pages if one.url.partition("#")[0] == final]
        return next(reversed(same or pages), None)

    @property
    def redirects(self) -> list[str]:
        """The addresses that led to the page by a redirect, in order."""
        main = self.main
        if main is None:
            return []
        chain = [one for one in self.recorded if one.request_id == main.request_id]
        return [one.url for one in chain[: chain.index(main)]]


async def open_context(cdp: Cdp, guard: Guard) -> str:
    """Make a context that shares nothing with another and has one way out: the guard.

    :raises CdpError: the browser is gone, or does not answer
    """
    made = await cdp.ask(
        "Target.createBrowserContext",
        proxyServer=f"socks5://127.0.0.1:{guard.port}",
        proxyBypassList="<-loopback>",
    )
    context = str(made["browserContextId"])
    # What a server offers as a download has been recorded before the browser would save it.
    await cdp.ask("Browser.setDownloadBehavior", behavior="deny", browserContextId=context)
    return context


async def close_context(cdp: Cdp, context: str) -> bool:
    """Throw a context away; False where the browser did not say that it did."""
    try:
        await asyncio.wait_for(
            cdp.send("Target.disposeBrowserContext", browserContextId=context), _DISPOSE_SECONDS
        )
    except (CdpError, TimeoutError):
        return False
    return True


async def lend_cookies(cdp: Cdp, context: str, job: CaptureJob) -> None:
    """Put the capture session's cookies into the context.

    :raises CdpError: the browser refuses one, or does not answer
    """
    if job.session is not None:
        cookies: list[dict[str, Any]] = job.session.for_browser()
        await cdp.ask("Storage.setCookies", cookies=cookies, browserContextId=context)


async def visit_page(
    process: BrowserProcess, guard: Guard, job: CaptureJob, visit: Visit, bodies: ExitStack
) -> bool:
    """Carry a visit out; whether the browser is fit for another.

    The guard is shut before the last word is taken down: what the page still asks for then
    does not leave, so nothing is sent that is not recorded.
    """
    cdp = process.cdp
    visit.browser = process.version
    try:
        context = await open_context(cdp, guard)
    except CdpError as error:
        visit.broken = str(error)
        return False
    recorder = make_recorder(process, guard, context, job)
    bodies.callback(recorder.close)
    try:
        await lend_cookies(cdp, context, job)
        async with time_for(job):
            await recorder.start()
            driver = PageDriver(cdp, recorder, job.options, visit.behaviour)
            await driver.open(context)
            visit.frame = driver.frame
            await driver.visit(job.address.exact, visit.shown)
    except TimeoutError:
        visit.out_of_time = True
    except CdpError as error:
        visit.broken = str(error)
    return await end_visit(cdp, context, guard, recorder, visit)


@contextlib.asynccontextmanager
async def time_for(job: CaptureJob) -> AsyncIterator[None]:
    """The time of a visit, which ends at once when the job is to stop.

    :raises TimeoutError: it has run out
    """
    loop = asyncio.get_running_loop()

    def end(clock: asyncio.Timeout) -> None:
        with contextlib.suppress(RuntimeError):  # it is over already
            clock.reschedule(loop.time())

    async with asyncio.timeout(job.options.time_limit) as clock:
        with job.stop.heard_by(lambda: loop.call_soon_threadsafe(end, clock)):
            yield


def make_recorder(process: BrowserProcess, guard: Guard, context: str, job: CaptureJob) -> Recorder:
    """A recorder of one context, within the job's limits."""
    disguise = Disguise.of(process.agent, job.options.accept_language, process.hints)
    budget = Budget(job.options.body_limit, job.options.total_limit)
    return Recorder(process.cdp, guard, context, disguise, budget)


async def end_visit(cdp: Cdp, context: str, guard: Guard, recorder: Recorder, visit: Visit) -> bool:
    """Shut the network, take down what was recorded, throw the context away."""
    await recorder.no_more()
    await asyncio.to_thread(guard.shut)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(cdp.gone.wait(), _ECHO)
    visit.recorded, visit.sockets = recorder.finish(visit.frame)
    visit.guard = tuple(guard.log)
    visit.targets = dict(recorder.targets.kinds)
    if visit.targets.get("service_worker"):
        visit.unseen.append(
            "A browser may ask for the script of a service worker again by itself, to see whether "
            "it has changed; it tells nobody of such a request."
        )
    closed = await close_context(cdp, context)
    cdp.forget_handlers()
    return closed and not visit.broken
