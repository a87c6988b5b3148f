"""Showing a static view in the browser with no way out: every answer is ours, or none."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.job import CaptureOptions, CaptureResult
from archive.errors import ArchiveError
from archive.replay import STATIC_VIEW_HEADERS, Part, StaticView, StreamedPart
from archive.replay_check import ReplayCheck, open_capture, similarity, words

HOST: Final = "capture.invalid"  # RFC 6761: no such host can be
SECONDS: Final = 20.0  # for the whole check
_LOAD_SECONDS: Final = 10.0
_CALM: Final = 0.03  # seconds without a request that count as quiet, once the view has loaded
_ANYWHERE: Final = f"http://{HOST}/0"
_NO_WAY_OUT: Final = "socks5://127.0.0.1:9"
_TEXT: Final = "document.body ? document.body.innerText : ''"
_EMPTY: Final = "stop(); document.replaceChildren()"
_HEADERS: Final = STATIC_VIEW_HEADERS | {"Cache-Control": "no-store"}


@dataclass(slots=True)
class Offline:
    """What a view showed, and what it asked for in vain."""

    text: str = ""
    missing: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


class OfflineTab:
    """A tab in a context of its own that shows one static view after another.

    A view has no script and nothing is stored for it, and each stands below an address of its
    own; so the tab can be kept, and making one takes longer than a check. What was shown is taken
    out of it at the end, so that nothing moves on.
    """

    def __init__(self, cdp: Cdp, options: CaptureOptions) -> None:
        self._cdp = cdp
        self._options = options
        self._session = ""
        self._frame = ""
        self._shown = 0
        self._now: _Showing | None = None
        self._loaded = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = 0.0

    async def show(self, view: StaticView) -> Offline:
        """Show a view and read it.

        :raises CdpError: the browser is gone, or refuses
        :raises TimeoutError: it took too long
        """
        self._cdp.on("Page.loadEventFired", self._load_fired)
        self._cdp.on("Fetch.requestPaused", self._paused)
        try:
            async with asyncio.timeout(SECONDS):
                # The recorder has new targets wait for it; it says so anew before each capture.
                await self._cdp.send(
                    "Target.setAutoAttach", autoAttach=False, waitForDebuggerOnStart=False,
                    flatten=True,
                )  # fmt: skip
                if not self._session:
                    await self._open()
                self._shown += 1
                self._now = _Showing(view, f"http://{HOST}/{self._shown}")
                await self._load(f"{self._now.prefix}/view", self._now.seen)
                await self._read(self._now.seen)
        finally:
            for task in self._tasks:
                task.cancel()
            self._cdp.forget_handlers()
        return self._now.seen

    async def _open(self) -> None:
        made = await self._cdp.send("Target.createBrowserContext", proxyServer=_NO_WAY_OUT)
        target = await self._cdp.send(
            "Target.createTarget", url="about:blank", browserContextId=made["browserContextId"]
        )
        attached = await self._cdp.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session, self._frame = str(attached["sessionId"]), str(target["targetId"])
        await self._send("Page.enable")
        await self._send("Fetch.enable", patterns=[{"urlPattern": "*"}])
        await self._send(
            "Emulation.setDeviceMetricsOverride", width=self._options.viewport_width,
            height=self._options.viewport_height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def _load(self, url: str, seen: Offline) -> None:
        self._loaded.clear()
        await self._send("Page.navigate", url=url)
        try:
            await asyncio.wait_for(self._loaded.wait(), _LOAD_SECONDS)
        except TimeoutError:
            seen.missing.append("the view did not end loading")

    def _load_fired(self, _event: dict[str, Any], session: str | None) -> None:
        if session == self._session:
            self._loaded.set()

    async def _read(self, seen: Offline) -> None:
        ends = time.monotonic() + 1
        while self._tasks or time.monotonic() - self._changed < _CALM:
            if time.monotonic() > ends:
                break
            await asyncio.sleep(0.01)
        world = await self._send("Page.createIsolatedWorld", frameId=self._frame)
        context = world["executionContextId"]
        answer = await self._send(
            "Runtime.evaluate", expression=_TEXT, returnByValue=True, contextId=context
        )
        seen.text = str(answer.get("result", {}).get("value") or "")
        await self._send("Runtime.evaluate", expression=_EMPTY, contextId=context)

    async def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._cdp.send(method, self._session, **parameters)

    def _paused(self, paused: dict[str, Any], session: str | None) -> None:
        if session != self._session:
            return
        self._changed = time.monotonic()
        task = asyncio.create_task(self._answer(paused["requestId"], paused["request"]["url"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: str, url: str) -> None:
        part = await asyncio.to_thread(self._now.part, url) if self._now is not None else None
        try:
            if part is None:
                await self._send(
                    "Fetch.failRequest", requestId=request, errorReason="BlockedByClient"
                )
                return
            headers = _HEADERS | {"Content-Type": part.content_type}
            await self._send(
                "Fetch.fulfillRequest",
                requestId=request,
                responseCode=200,
                responseHeaders=[{"name": key, "value": value} for key, value in headers.items()],
                body=base64.b64encode(part.body).decode("ascii"),
            )
        except CdpError:
            return  # the view let go of it, or the browser is gone: `show` finds out
        finally:
            self._changed = time.monotonic()


class _Showing:
    """A view below its address, and what came of showing it."""

    def __init__(self, view: StaticView, prefix: str) -> None:
        self._view = view
        self.prefix = prefix
        self.seen = Offline()

    def part(self, url: str) -> Part | None:
        """The answer to a request of the view; None refuses it, and it is noted why."""
        parts = urlsplit(url)
        if parts.hostname != HOST:
            self.seen.outside.append(url)
            return None
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        try:
            return self._found(parts.path.rpartition("/")[2], asked)
        except ArchiveError:
            self.seen.missing.append(asked.get("u", url))
            return None

    def _found(self, kind: str, asked: dict[str, str]) -> Part | None:
        if kind == "view":
            return self._view.page(self.prefix)
        if kind == "frame" and "n" in asked:
            return self._view.inner_frame(asked.get("of", ""), asked["n"], self.prefix)
        if kind == "frame":
            return self._view.frame(asked["u"], self.prefix)
        if kind == "part":
            found = self._view.stream(asked["u"], self.prefix)
            # A large film is there; the check need not see it.
            return None if isinstance(found, StreamedPart) else found
        return None  # a favicon: nothing a page refers to


async def check_offline(tab: OfflineTab, result: CaptureResult) -> ReplayCheck:
    """Show a capture just written from its bytes alone, and compare it with what was seen live.

    :raises CdpError: the browser is gone, or refuses
    :raises TimeoutError: it took too long
    """
    begun = time.monotonic()
    if result.warc is None or result.final_url is None or result.shown_text is None:
        return ReplayCheck(None, problem="there is nothing of the page to show")
    try:
        with open_capture(result.warc, result.final_url) as view:
            shown = await tab.show(view)
            missing = [one.address for one in await asyncio.to_thread(view.list_missing, _ANYWHERE)]
    except ArchiveError as error:
        return ReplayCheck(None, problem=str(error))
    live, kept = words(result.shown_text), words(shown.text)
    return ReplayCheck(
        similarity(live, kept),
        tuple(dict.fromkeys([*missing, *shown.missing])),
        tuple(dict.fromkeys(shown.outside)),
        live.total(),
        kept.total(),
        round(1000 * (time.monotonic() - begun)),
    )
