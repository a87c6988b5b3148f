"""Capturing by hand: a person uses the browser (signs in, unfolds, goes on), then says when.

What the person does is not recorded, so no password comes into a WARC. When they press Capture,
in a small window beside the page or at the terminal, the page in front is loaded anew under the
same recorder and the same guard as any other capture, in the context that the person signed in
to; cache and service workers are passed by, so that everything is asked for again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.engine import conclude, nothing
from archive.capture.browser.page import PageDriver
from archive.capture.browser.process import SCREEN, BrowserProcess
from archive.capture.browser.visit import (
    Visit,
    end_visit,
    lend_cookies,
    make_recorder,
    open_context,
    time_for,
)
from archive.capture.browser.writing import ENGINE
from archive.capture.classify import Judgement, NetworkFault, judge_fault
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.network import Guard, NotConnectedError
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.errors import BrowserMissingError, GuardRefusedError
from archive.urlkey import Address

_GIVEN_UP: Final = "given up by hand: nothing was captured"
_BINDING: Final = "holdfastSays"
_WINDOW: Final = """<!doctype html><html lang=en><meta charset=utf-8><title>Holdfast</title>
<style>body{font:16px system-ui,sans-serif;margin:24px;color-scheme:light dark}
button{font:inherit;padding:.6em 1.2em;margin-inline-end:.6em}</style>
<h1 style="font-size:1.2em">Capture by hand</h1>
<p>Use the other window: sign in, go to the page, wait until it is there. Nothing of that is
recorded. Capture then loads the page in front once more and keeps it.</p>
<button onclick="holdfastSays('capture')" autofocus>Capture</button>
<button onclick="holdfastSays('stop')">Give up</button></html>"""

Person = Callable[[threading.Event], bool]
"""Waits until a person says capture (True) or give up (False), or the event is set."""


class ByHandEngine:
    """One capture by hand in a browser of its own, with a window."""

    name = ENGINE

    def __init__(
        self,
        binary: Path,
        person: Person,
        *,
        visible: bool = True,
        trusted_keys: Sequence[str] = (),
    ) -> None:
        """:param visible: False in tests on machines without a screen
        :param trusted_keys: as in `BrowserEngine`

        :raises BrowserMissingError: there is no screen to show a window on
        """
        if visible and not any(os.environ.get(name) for name in SCREEN[:2]):
            raise BrowserMissingError(
                "Capturing by hand opens a browser window, and there is no screen here "
                "(DISPLAY and WAYLAND_DISPLAY are empty). Run it on a desktop, or capture "
                "with a session's cookies (holdfast session)."
            )
        self._binary = binary
        self._person = person
        self._visible = visible
        self._trusted = tuple(trusted_keys)

    def close(self) -> None:
        """Nothing is kept between captures."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        """Open the window, wait for the person, capture.

        :raises StoreError: the disk refused the WARC
        :raises BrowserMissingError: the browser does not start
        """
        started_at = utc_now()
        visit = Visit(job.sites.of(job.address.host), by_hand=True)
        with ExitStack() as bodies:
            try:
                captured = asyncio.run(self._visit(job, visit, bodies))
            except CdpError as error:
                broke = Judgement(Outcome.INTERRUPTED, f"the browser broke off: {error}")
                return nothing(job, broke, started_at, visit)
            except GuardRefusedError as error:
                return nothing(job, Judgement(Outcome.REFUSED, str(error)), started_at, visit)
            except (NotConnectedError, TimeoutError) as error:
                return nothing(job, judge_fault(NetworkFault.DNS, str(error)), started_at, visit)
            if not captured and not job.stop.told:
                return nothing(job, Judgement(Outcome.REFUSED, _GIVEN_UP), started_at, visit)
            return conclude(job, visit, started_at)

    async def _visit(self, job: CaptureJob, visit: Visit, bodies: ExitStack) -> bool:
        with Guard(job.policy) as guard, job.stop.heard_by(guard.shut):
            try:
                guard.judge(job.address.host, job.address.port)
            finally:
                visit.guard = tuple(guard.log)
            process = BrowserProcess(
                self._binary, trusted_keys=self._trusted, visible=self._visible
            )
            async with process:
                cdp, context = process.cdp, await open_context(process.cdp, guard)
                await lend_cookies(cdp, context, job)
                await cdp.ask(
                    "Target.createTarget", url=job.address.exact, browserContextId=context,
                    newWindow=True,
                )  # fmt: skip
                if not await self._wait(cdp, context, job):
                    return False
                front = await _in_front(cdp, context)
                if front is None:
                    return False
                target, url = front
                await self._record(process, guard, context, target, url, job, visit, bodies)
                return True

    async def _record(
        self, process: BrowserProcess, guard: Guard, context: str, target: str, url: str,
        job: CaptureJob, visit: Visit, bodies: ExitStack,
    ) -> None:  # fmt: skip
        cdp = process.cdp
        visit.browser, visit.frame = process.version, target
        visit.behaviour = job.sites.of(Address.parse(url).host)
        recorder = make_recorder(process, guard, context, job)
        bodies.callback(recorder.close)
        try:
            async with time_for(job):
                await recorder.start()
                driver = PageDriver(cdp, recorder, job.options, visit.behaviour)
                await driver.take_over(target)
                await driver.forget_what_is_kept()
                await driver.visit(url, visit.shown)
        except TimeoutError:
            visit.out_of_time = True
        except CdpError as error:
            visit.broken = str(error)
        await end_visit(cdp, context, guard, recorder, visit)

    async def _wait(self, cdp: Cdp, context: str, job: CaptureJob) -> bool:
        """Whichever comes first: a button, the terminal, a stop, or the browser being closed."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        over = threading.Event()
        pressed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def said(event: dict[str, Any], _session: str | None) -> None:
            if event.get("name") == _BINDING and not pressed.done():
                pressed.set_result(event.get("payload") == "capture")

        cdp.on("Runtime.bindingCalled", said)
        await _show_buttons(cdp, context)
        asked = asyncio.create_task(asyncio.to_thread(self._person, over))
        closed = asyncio.create_task(cdp.gone.wait())
        told = asyncio.create_task(stopped.wait())
        waiting: list[asyncio.Future[Any]] = [pressed, asked, closed, told]
        with job.stop.heard_by(lambda: loop.call_soon_threadsafe(stopped.set)):
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        over.set()
        closed.cancel()
        told.cancel()
        at_terminal = await asked
        if cdp.gone.is_set() or stopped.is_set():
            return False
        return pressed.result() if pressed.done() else at_terminal


async def _show_buttons(cdp: Cdp, context: str) -> None:
    """Make the window with the buttons of the one a browser begins with, which reaches nothing.

    Left as it is, a person might take it for the window to use.
    """
    pages = (await cdp.ask("Target.getTargets"))["targetInfos"]
    # One that is being closed may be listed still: the browser was asked for its client hints.
    target = next(
        (
            one["targetId"]
            for one in pages
            if one["type"] == "page"
            and one.get("browserContextId") != context
            and one["url"] == "about:blank"
        ),
        None,
    )
    if target is None:
        raise CdpError("the window it begins with is not there")
    window = await cdp.ask("Browser.getWindowForTarget", targetId=target)
    small = {"width": 500, "height": 360, "left": 20, "top": 20}
    await cdp.ask("Browser.setWindowBounds", windowId=window["windowId"], bounds=small)
    await cdp.ask("Target.activateTarget", targetId=target)
    attached = await cdp.ask("Target.attachToTarget", targetId=target, flatten=True)
    session = attached["sessionId"]
    await cdp.ask("Runtime.enable", session)
    await cdp.ask("Runtime.addBinding", session, name=_BINDING)
    await cdp.ask("Page.setDocumentContent", session, frameId=target, html=_WINDOW)


async def _in_front(cdp: Cdp, context: str) -> tuple[str, str] | None:
    """The page in front and its address; the person's other tabs are closed.

    None where nothing is open that can be captured.
    """
    told = await cdp.ask("Target.getTargets")
    pages = [
        one
        for one in told["targetInfos"]
        if one["type"] == "page" and one.get("browserContextId") == context
    ]
    best: tuple[int, str, str] | None = None
    for number, page in enumerate(pages):
        session = (await cdp.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True))[
            "sessionId"
        ]
        answer = await cdp.ask(
            "Runtime.evaluate", session, returnByValue=True,
            expression="document.visibilityState === 'visible' ? 1 : 0",
        )  # fmt: skip
        await cdp.ask("Target.detachFromTarget", sessionId=session)
        if not str(page["url"]).startswith(("http://", "https://")):
            continue
        # Of pages equally visible the list has the newest first.
        rank = 1000 * int(answer.get("result", {}).get("value") or 0) - number
        if best is None or rank > best[0]:
            best = (rank, str(page["targetId"]), str(page["url"]))
    if best is None:
        return None
    for page in pages:
        if page["targetId"] != best[1]:
            with contextlib.suppress(CdpError):
                await cdp.ask("Target.closeTarget", targetId=page["targetId"])
    return best[1], best[2]
