"""Driving one page: opening it, waiting, reading on, and taking what it shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.pictures import Camera, Pictures
from archive.capture.browser.recorder import Recorder
from archive.capture.job import CaptureOptions
from archive.capture.sites import Behaviour

CALM: Final = 0.3  # seconds without a request that count as quiet
_AFTER_STEP: Final = 0.12
_STEP_SECONDS: Final = 2.0
_ASIDE: Final = 10.0  # seconds a snapshot or a print may take; without it the capture is partial
_WORLD: Final = "holdfast"
_STEP: Final = (Path(__file__).parent.parent / "data" / "behaviours.js").read_text("utf-8")
_BACK: Final = "scrollTo(0, 0); if (globalThis.__steps?.box) __steps.box.scrollTop = 0"
# What srcset and lazy loading chose must survive in the snapshot.
_KEEP_CHOICES: Final = (
    "for (const i of document.images)"
    " if (i.currentSrc && i.src !== i.currentSrc) i.src = i.currentSrc"
)
_READ: Final = (
    "[document.title, document.documentElement?.outerHTML ?? '', document.body?.innerText ?? '']"
)


@dataclass(slots=True)
class Done:
    """What was done on the page, for the provenance."""

    steps: int = 0
    presses: int = 0
    unfolded: int = 0
    films: int = 0


@dataclass(slots=True)
class Shown:
    """What a page showed; `error` is the browser's word where it could not be opened."""

    url: str = ""
    title: str = ""
    html: str = ""
    text: str = ""
    """The words as a reader saw them, for the replay check."""
    error: str = ""
    download: bool = False
    never_quiet: bool = False
    pictures: Pictures = field(default_factory=Pictures)
    snapshot: bytes | None = None
    pdf: bytes | None = None
    accessibility: list[dict[str, Any]] | None = None
    certificates: list[bytes] = field(default_factory=list)
    done: Done = field(default_factory=Done)
    missing: dict[str, str] = field(default_factory=dict)
    """Attachments that could not be made, and why."""


class PageDriver:
    """One tab of one browser context."""

    def __init__(
        self, cdp: Cdp, recorder: Recorder, options: CaptureOptions, behaviour: Behaviour
    ) -> None:
        self._cdp = cdp
        self._recorder = recorder
        self._options = options
        self._behaviour = behaviour
        self._session = ""
        self._world: int | None = None
        self._loaded = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.frame = ""
        """Id of the main frame, which is the target's too."""

    async def open(self, context: str) -> None:
        """Open an empty tab.

        :raises CdpError: the browser is gone
        """
        target = await self._cdp.send(
            "Target.createTarget", url="about:blank", browserContextId=context
        )
        await self.take_over(str(target["targetId"]))

    async def take_over(self, target: str) -> None:
        """Drive a tab that is open already.

        :raises CdpError: the browser is gone
        """
        self.frame = target
        self._session = await self._recorder.targets.session_of(target)
        self._cdp.on("Page.loadEventFired", self._load_fired)
        self._cdp.on("Page.javascriptDialogOpening", lambda _p, s: self._spawn(self._answer(s)))
        await asyncio.gather(
            self._send("Page.enable"),
            # A window that the page opens must not make the page a hidden one, which plays no film.
            self._send("Emulation.setFocusEmulationEnabled", enabled=True),
            Camera(self._send, self._options).resize(self._options.viewport_height),
        )

    async def forget_what_is_kept(self) -> None:
        """Let the page ask for everything again: no cache, no service worker in between.

        :raises CdpError: the browser is gone
        """
        await self._send("Network.clearBrowserCache")
        await self._send("Network.setCacheDisabled", cacheDisabled=True)
        await self._send("Network.setBypassServiceWorker", bypass=True)

    async def visit(self, url: str, shown: Shown) -> None:
        """Open the page and take everything; `shown` holds what was had if time runs out.

        :raises CdpError: the browser is gone
        """
        self._loaded.clear()
        answer = await self._send("Page.navigate", url=url)
        shown.download = bool(answer.get("isDownload"))
        shown.error = str(answer.get("errorText") or "")
        if shown.error or shown.download:
            await self._recorder.quiet(calm=0.1, at_most=1)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._loaded.wait(), self._options.time_limit / 2)
        settle = max(CALM, self._behaviour.settle)
        shown.never_quiet = not await self._recorder.quiet(calm=CALM, at_most=settle)
        await asyncio.sleep(self._behaviour.wait)
        await self._read_on(shown.done)
        await self._take(shown)

    async def _read_on(self, done: Done) -> None:
        """Unfold, press, start films and go down a screen at a time; then back up."""
        config = {
            "words": self._behaviour.words,
            "click": self._behaviour.click,
            "presses": self._behaviour.presses,
            "films": self._behaviour.films,
            "scroll": True,
        }
        step = f"({_STEP})({json.dumps(config)})"
        for number in range(self._behaviour.scroll_steps + 1):
            if number == self._behaviour.scroll_steps:
                break
            told = await self._evaluate(step) or {}
            if self._recorder.targets.kinds["page"] > 1:
                await self._send("Page.bringToFront")
            done.presses, done.films = told.get("presses", 0), told.get("films", 0)
            done.unfolded = told.get("unfolded", 0)
            if not told.get("acted") and not told.get("moved"):
                break
            done.steps += 1
            await asyncio.sleep(_AFTER_STEP)
            await self._recorder.quiet(calm=_AFTER_STEP, at_most=_STEP_SECONDS)
        if done.steps:
            await self._evaluate(_BACK)

    async def _take(self, shown: Shown) -> None:
        tree = await self._send("Page.getFrameTree")
        shown.url = str(tree["frameTree"]["frame"]["url"])
        await self._evaluate(_KEEP_CHOICES)
        title, html, text = await self._evaluate(_READ) or ("", "", "")
        shown.title, shown.html, shown.text = str(title), str(html), str(text)
        camera = Camera(self._send, self._options)
        await camera.first_screen(shown.pictures)
        await self._aside(shown, "mhtml", self._snapshot(shown))
        await self._aside(shown, "certificates", self._chain(shown))
        if self._options.accessibility:
            await self._aside(shown, "accessibility", self._accessibility(shown))
        await self._aside(shown, "fullPage", self._full_page(shown, camera))
        if self._options.pdf:
            await self._aside(shown, "pdf", self._print(shown))

    async def _full_page(self, shown: Shown, camera: Camera) -> None:
        height = int(await self._evaluate("document.documentElement.scrollHeight") or 1)
        await camera.whole(height, shown.pictures, self._rest)

    async def _rest(self, top: int) -> None:
        """After the window has grown: go to `top` and let what comes into view load."""
        await self._evaluate(f"scrollTo(0, {top})")
        await self._recorder.quiet(calm=0.08, at_most=1)

    async def _snapshot(self, shown: Shown) -> None:
        answer = await self._send("Page.captureSnapshot", format="mhtml")
        shown.snapshot = str(answer["data"]).encode()

    async def _chain(self, shown: Shown) -> None:
        if shown.url.startswith("https:"):
            origin = "/".join(shown.url.split("/")[:3])
            answer = await self._send("Network.getCertificate", origin=origin)
            shown.certificates = [_bytes(one) for one in answer["tableNames"]]

    async def _accessibility(self, shown: Shown) -> None:
        answer = await self._send("Accessibility.getFullAXTree")
        shown.accessibility = answer["nodes"]

    async def _print(self, shown: Shown) -> None:
        answer = await self._send("Page.printToPDF", printBackground=True)
        shown.pdf = _bytes(str(answer["data"]))

    async def _aside(self, shown: Shown, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Make an attachment; where that fails the capture goes on and says so."""
        try:
            await asyncio.wait_for(work, _ASIDE)
        except TimeoutError:
            shown.missing[name] = f"not made within {_ASIDE:g} seconds"
        except CdpError as error:
            shown.missing[name] = str(error)

    async def _evaluate(self, expression: str) -> Any:
        """Evaluate in a world of our own, where the page's scripts change nothing."""
        for _attempt in range(2):
            if self._world is None:
                made = await self._send(
                    "Page.createIsolatedWorld", frameId=self.frame, worldName=_WORLD
                )
                self._world = int(made["executionContextId"])
            try:
                answer = await self._send(
                    "Runtime.evaluate", expression=expression, contextId=self._world,
                    returnByValue=True, userGesture=True,
                )  # fmt: skip
            except CdpError:  # the page has gone on to another document
                self._world = None
                continue
            return answer.get("result", {}).get("value")
        return None

    async def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        try:
            return await self._cdp.send(method, self._session, **parameters)
        except CdpError as error:
            raise CdpError(f"{method}: {error}") from error

    def _load_fired(self, _event: dict[str, Any], session: str | None) -> None:
        if session == self._session:
            self._loaded.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, session: str | None) -> None:
        """A dialog of a page stops everything until somebody answers it."""
        with contextlib.suppress(CdpError):
            await self._cdp.send("Page.handleJavaScriptDialog", session, accept=True)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
